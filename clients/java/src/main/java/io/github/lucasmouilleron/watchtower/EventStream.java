package io.github.lucasmouilleron.watchtower;

import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Events as they come, to be read once. It has to be closed, so that its connection is. Where it goes on for as long as
 * nobody closes it, another thread may do so: it ends when the server next gives a sign of life, every ten seconds.
 */
public abstract class EventStream implements Iterable<Event>, Iterator<Event>, AutoCloseable {
    private final ReentrantLock reading = new ReentrantLock();
    private volatile boolean isClosed;
    private Event next;

    EventStream() {}

    /** The next event; null at the end. */
    abstract Event read();

    /** Closes what is open. */
    abstract void release();

    final boolean isClosed() {
        return isClosed;
    }

    @Override
    public final Iterator<Event> iterator() {
        return this;
    }

    @Override
    public final boolean hasNext() {
        reading.lock();
        boolean hasFailed = true;
        try {
            if (next == null && !isClosed) next = read();
            hasFailed = false;
            if (next == null) isClosed = true;
            return !isClosed;
        } finally {
            if (hasFailed) isClosed = true;
            if (isClosed) release();
            reading.unlock();
        }
    }

    @Override
    public final Event next() {
        if (!hasNext()) throw new NoSuchElementException();
        Event event = next;
        next = null;
        return event;
    }

    @Override
    public final void remove() {
        throw new UnsupportedOperationException();
    }

    /** Ends it. */
    @Override
    public final void close() {
        isClosed = true;
        // Who reads right now releases by itself: to close a stream waits for whoever reads it.
        if (!reading.tryLock()) return;
        try {
            release();
        } finally {
            reading.unlock();
        }
    }

    static Event eventOf(String json, String what) {
        try {
            Object value = Json.read(json);
            if (value instanceof Map) return new Event(Answers.object(value, "event"));
        } catch (IllegalArgumentException error) {
            // Not ours.
        }
        throw new WatchTowerException(what, 200, "", "The answer is not watchTower's.");
    }
}
