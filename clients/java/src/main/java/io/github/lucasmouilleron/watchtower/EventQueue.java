package io.github.lucasmouilleron.watchtower;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Sends events in the background, in order, as many together as there are. Each has an id and its date from when it was
 * taken: it is stored once, with its true date, however often and however late it is sent. The queue never throws, never
 * blocks, and keeps no program alive.
 */
public final class EventQueue implements AutoCloseable {
    private static final double LONGEST_PAUSE_SECONDS = 60;
    private static final long DEFAULT_TIMEOUT_MS = 5000;
    /** What the server takes by one request: so many events, and so many bytes. */
    private static final int MOST_EVENTS = 1000;

    private static final int MOST_BYTES = 1048576;
    /** As old as an event may be when the server gets it. */
    private static final long OLDEST_MS = 30L * 86400 * 1000;
    /** By so much a date may differ from the true one before it counts as that of a wrong clock. */
    private static final long MOST_WRONG_MS = 300000;

    private final Client client;
    private final int capacity;
    private final ErrorListener errors;
    private final Surroundings surroundings;
    final Object changed = new Object();
    private final Deque<Waiting> waiting = new ArrayDeque<Waiting>();
    private final Ulids ulids = new Ulids();
    /** How many events a request has at most. */
    private int most = MOST_EVENTS;
    /** Whether the server is older than this client, and takes events one at a time. */
    private boolean isSingle;

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
     * @param errors hears of each attempt that failed, of each event that the server refused, and of those that became too
     *     old; null for nobody
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
        put(NewEvent.of(service, message).level(level));
    }

    /**
     * Takes an event, and returns at once.
     *
     * @param event what the server would refuse of its message is mended
     */
    public void put(NewEvent event) {
        NewEvent mended = event.with("message", Message.mended((String) event.body().get("message")));
        WatchTowerException error;
        synchronized (changed) {
            if (isClosed || waiting.size() >= capacity) {
                dropped++;
                return;
            }
            error = add(mended);
        }
        if (error != null) report(error);
    }

    /** Returns what is to be told, where the event can't be taken. */
    private WatchTowerException add(NewEvent event) {
        Waiting taken;
        try {
            long nowMs = surroundings.nowMs();
            boolean isOurs = event.body().get("id") == null && event.body().get("date") == null;
            Map<String, Object> body = event.stampedBody(ulids, nowMs);
            taken = new Waiting(body, surroundings.monotonicMs(), isOurs ? nowMs : null);
        } catch (RuntimeException wrong) {
            // It can't be written as JSON, and would hold up all others.
            return givenUp(event.body(), String.valueOf(wrong.getMessage()));
        }
        waiting.add(taken);
        if (thread == null) start();
        changed.notifyAll();
        return null;
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
            List<Waiting> batch;
            List<WatchTowerException> reports;
            synchronized (changed) {
                while (waiting.isEmpty()) {
                    if (isClosed) return;
                    changed.wait();
                }
                reports = giveUpOld();
                batch = batch();
            }
            for (WatchTowerException error : reports) report(error);
            if (batch.isEmpty()) continue;
            Outcome outcome = attempt(batch);
            synchronized (changed) {
                // Closed in the meantime: what was left is counted.
                if (waiting.peek() != batch.get(0)) continue;
                if (outcome.isTemporary()) {
                    double asked = ((WatchTowerException) outcome.error).getRetryAfter();
                    rest(Math.min(Math.max(Math.pow(2, failures++), asked), LONGEST_PAUSE_SECONDS));
                    continue;
                }
                if (outcome.isOfOne() && batch.size() > 1) {
                    // One of them, or all together, are too much: each is tried for itself in the end.
                    most = (batch.size() + 1) / 2;
                    continue;
                }
                if (outcome.isMissing() && !isSingle) {
                    isSingle = true;
                    continue;
                }
                reports = settle(batch, outcome);
                failures = 0;
                changed.notifyAll();
            }
            for (WatchTowerException error : reports) report(error);
        }
    }

    /** The events that are sent by the next request: as many as it may have. */
    private List<Waiting> batch() {
        List<Waiting> batch = new ArrayList<Waiting>();
        // Around a list there are two brackets, and a comma behind each but the last.
        long bytes = 1;
        for (Waiting event : waiting) {
            bytes += event.bytes + 1;
            if (!batch.isEmpty() && (bytes > MOST_BYTES || isSingle || batch.size() >= most)) break;
            batch.add(event);
        }
        return batch;
    }

    /** Takes those out that are stored, or given up, and returns what is to be told; some are tried once more. */
    private List<WatchTowerException> settle(List<Waiting> batch, Outcome outcome) {
        for (int i = 0; i < batch.size(); i++) waiting.remove();
        List<WatchTowerException> reports = new ArrayList<WatchTowerException>();
        if (outcome.error != null) {
            dropped += batch.size();
            return reports;
        }
        most = Math.min(MOST_EVENTS, most * 2);
        List<Waiting> again = new ArrayList<Waiting>();
        for (SentEvents.Refused one : outcome.refused) {
            if (one.getIndex() < 0 || one.getIndex() >= batch.size()) continue;
            Waiting event = batch.get(one.getIndex());
            Waiting restamped = restamped(event);
            if (restamped != null) again.add(restamped);
            else reports.add(givenUp(event.body, one.getHint()));
        }
        for (int i = again.size() - 1; i >= 0; i--) waiting.addFirst(again.get(i));
        return reports;
    }

    /** The event with another id, where it may have been refused since our clock was wrong when it was taken, or null. */
    private Waiting restamped(Waiting event) {
        long ageMs = surroundings.monotonicMs() - event.takenMs;
        long trueMs = surroundings.nowMs() + client.getClockOffsetMs() - ageMs;
        if (event.stampedMs == null || Math.abs(trueMs - event.stampedMs) < MOST_WRONG_MS) return null;
        Map<String, Object> body = new LinkedHashMap<String, Object>(event.body);
        body.put("id", ulids.next(trueMs));
        return new Waiting(body, event.takenMs, null);
    }

    private List<WatchTowerException> giveUpOld() {
        List<WatchTowerException> reports = new ArrayList<WatchTowerException>();
        long nowMs = surroundings.monotonicMs();
        while (!waiting.isEmpty() && nowMs - waiting.peek().takenMs > OLDEST_MS) {
            String hint = "It has waited for 30 days; the server takes none that is older.";
            reports.add(givenUp(waiting.remove().body, hint));
        }
        if (!reports.isEmpty()) changed.notifyAll();
        return reports;
    }

    private WatchTowerException givenUp(Map<String, Object> body, String hint) {
        dropped++;
        String service = Message.mended(String.valueOf(body.get("service")));
        return new WatchTowerException("The event of " + service, 400, "invalid_input", hint);
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

    private Outcome attempt(List<Waiting> batch) {
        try {
            if (isSingle) {
                client.sendBody(batch.get(0).body);
                return new Outcome(null, Collections.<SentEvents.Refused>emptyList());
            }
            List<Map<String, Object>> bodies = new ArrayList<Map<String, Object>>();
            for (Waiting event : batch) bodies.add(event.body);
            return new Outcome(null, client.sendBodies(bodies).getRefused());
        } catch (RuntimeException error) {
            Outcome outcome = new Outcome(error, Collections.<SentEvents.Refused>emptyList());
            // That a server is older than this client is no failure.
            if (isSingle || !outcome.isMissing()) report(error);
            return outcome;
        }
    }

    private void report(RuntimeException error) {
        try {
            if (errors != null) errors.onError(error);
        } catch (RuntimeException more) {
            // What the listener does wrong is not the host program's to suffer.
        }
    }

    /** What became of a request. */
    private static final class Outcome {
        /** Null where it was taken. */
        final RuntimeException error;

        final List<SentEvents.Refused> refused;

        Outcome(RuntimeException error, List<SentEvents.Refused> refused) {
            this.error = error;
            this.refused = refused;
        }

        boolean isTemporary() {
            return error instanceof WatchTowerException && ((WatchTowerException) error).isTemporary();
        }

        /** Whether the server has no such route. */
        boolean isMissing() {
            return hasStatus(404) || hasStatus(405);
        }

        /** Whether a request may be refused for one of its events, or for their number. */
        boolean isOfOne() {
            return hasStatus(400) || hasStatus(413);
        }

        private boolean hasStatus(int status) {
            return error instanceof WatchTowerException && ((WatchTowerException) error).getStatus() == status;
        }
    }

    private static final class Waiting {
        final Map<String, Object> body;
        /** As JSON, which is ASCII. */
        final int bytes;
        /** When it was taken, by a clock that nobody sets. */
        final long takenMs;
        /** The date that it got then, in milliseconds since the epoch; null where that is the program's. */
        final Long stampedMs;

        Waiting(Map<String, Object> body, long takenMs, Long stampedMs) {
            this.body = body;
            this.bytes = Json.write(body).length();
            this.takenMs = takenMs;
            this.stampedMs = stampedMs;
        }
    }
}
