package io.github.lucasmouilleron.watchtower;

import java.util.ArrayDeque;
import java.util.Deque;

/** Sends events in the background, in order. It never throws, never blocks, and keeps no program alive. */
public final class EventQueue implements AutoCloseable {
    private static final double LONGEST_PAUSE_SECONDS = 60;
    private static final long DEFAULT_TIMEOUT_MS = 5000;

    private final Client client;
    private final int capacity;
    private final ErrorListener errors;
    private final Surroundings surroundings;
    private final Object changed = new Object();
    private final Deque<Waiting> waiting = new ArrayDeque<Waiting>();
    private long dropped;
    private boolean isClosed;
    private boolean isHurried;
    private Thread thread;
    private Runnable forgetExit;

    /**
     * A queue for 1,000 events.
     *
     * @param client where to send them
     */
    public EventQueue(Client client) {
        this(client, 1000, null);
    }

    /**
     * A queue.
     *
     * @param client where to send events
     * @param capacity how many wait at most
     * @param errors hears of each attempt that failed; null for nobody
     */
    public EventQueue(Client client, int capacity, ErrorListener errors) {
        this(client, capacity, errors, Surroundings.SYSTEM);
    }

    EventQueue(Client client, int capacity, ErrorListener errors, Surroundings surroundings) {
        // Attempts are this queue's business: an event is tried for as long as it lives.
        this.client = client.withAttempts(1);
        this.capacity = capacity;
        this.errors = errors;
        this.surroundings = surroundings;
    }

    /**
     * Takes an event, and returns at once.
     *
     * @param service the service that it is of
     * @param message what the server would refuse is mended
     * @param level a number, or a name such as {@code error}; null for 0
     */
    public void event(String service, String message, Object level) {
        Waiting event = new Waiting(service, Message.mended(message), level);
        synchronized (changed) {
            if (isClosed || waiting.size() >= capacity) {
                dropped++;
                return;
            }
            waiting.add(event);
            if (thread == null) start();
            changed.notifyAll();
        }
    }

    /**
     * Takes an event, and returns at once: the original's name for it.
     *
     * @param service the service that it is of
     * @param message what the server would refuse is mended
     * @param level 0 to 1,000
     */
    public void add(String service, String message, int level) {
        event(service, message, level);
    }

    /**
     * How many events were given up.
     *
     * @return those that came when the queue was full or closed, and those that the server refused
     */
    public long getDropped() {
        synchronized (changed) {
            return dropped;
        }
    }

    /**
     * How many events wait.
     *
     * @return the number
     */
    public int size() {
        synchronized (changed) {
            return waiting.size();
        }
    }

    /**
     * Waits until everything is sent, or the time is over.
     *
     * @param timeoutMs milliseconds
     * @return whether everything was sent
     */
    public boolean flush(long timeoutMs) {
        long end = System.nanoTime() + timeoutMs * 1000000;
        synchronized (changed) {
            isHurried = true;
            changed.notifyAll();
            try {
                for (long left = timeoutMs; !waiting.isEmpty() && left > 0; left = (end - System.nanoTime()) / 1000000) {
                    changed.wait(left);
                }
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
            }
            return waiting.isEmpty();
        }
    }

    /** Closes the queue within 5 seconds: what is left is dropped. */
    @Override
    public void close() {
        close(DEFAULT_TIMEOUT_MS);
    }

    /**
     * Flushes; what is left is dropped, as is everything that comes later.
     *
     * @param timeoutMs milliseconds
     */
    public void close(long timeoutMs) {
        synchronized (changed) {
            if (isClosed) return;
            isClosed = true;
        }
        flush(timeoutMs);
        synchronized (changed) {
            if (forgetExit != null) forgetExit.run();
            dropped += waiting.size();
            waiting.clear();
            changed.notifyAll();
        }
    }

    private void start() {
        forgetExit = Ending.atExit("watchTower flush", new Runnable() {
            @Override
            public void run() {
                close();
            }
        });
        thread = new Thread("watchTower events") {
            @Override
            public void run() {
                try {
                    sendOnAndOn();
                } catch (InterruptedException error) {
                    // Somebody wants it to end; what comes from now on is dropped in the end.
                }
            }
        };
        thread.setDaemon(true);
        thread.start();
    }

    private void sendOnAndOn() throws InterruptedException {
        int failures = 0;
        while (true) {
            Waiting next;
            synchronized (changed) {
                while (waiting.isEmpty()) {
                    if (isClosed) return;
                    changed.wait();
                }
                next = waiting.peek();
            }
            RuntimeException error = attempt(next);
            synchronized (changed) {
                // Closed in the meantime: what was left is counted.
                if (waiting.peek() != next) continue;
                if (error == null || !isTemporary(error)) {
                    waiting.remove();
                    if (error != null) dropped++;
                    failures = 0;
                    changed.notifyAll();
                } else {
                    double asked = ((WatchTowerException) error).getRetryAfter();
                    rest(Math.min(Math.max(Math.pow(2, failures++), asked), LONGEST_PAUSE_SECONDS));
                }
            }
        }
    }

    /** New events wake it, too; only who flushes is in a hurry. */
    private void rest(double seconds) throws InterruptedException {
        long end = System.nanoTime() + Math.round(seconds * 1e9);
        for (long left = Math.round(seconds * 1000); left > 0 && !isHurried && !waiting.isEmpty(); ) {
            if (!surroundings.await(changed, left)) break;
            left = (end - System.nanoTime()) / 1000000;
        }
        isHurried = false;
    }

    private RuntimeException attempt(Waiting event) {
        try {
            client.event(event.service, event.message, event.level, false);
            return null;
        } catch (RuntimeException error) {
            try {
                if (errors != null) errors.onError(error);
            } catch (RuntimeException more) {
                // What the listener does wrong is not the host program's to suffer.
            }
            return error;
        }
    }

    private static boolean isTemporary(RuntimeException error) {
        return error instanceof WatchTowerException && ((WatchTowerException) error).isTemporary();
    }

    private static final class Waiting {
        final String service;
        final String message;
        final Object level;

        Waiting(String service, String message, Object level) {
            this.service = service;
            this.message = message;
            this.level = level;
        }
    }
}
