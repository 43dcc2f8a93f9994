package io.github.lucasmouilleron.watchtower;

import java.io.EOFException;
import java.io.IOException;
import java.util.Collections;
import java.util.Map;

/** The events of a stream that is opened again whenever it ends, each once. */
final class Tail extends EventStream {
    private static final String PATH = "/events/tail";
    private static final String WHAT = "GET " + PATH;
    /** How long is waited before the next connection, where the server says nothing of it. */
    private static final double RETRY_SECONDS = 1;

    private static final double LONGEST_PAUSE_SECONDS = 60;

    private final Connection connection;
    private final Map<String, Object> query;
    private final ErrorListener errors;
    private String lastEventId;
    private double retrySeconds = RETRY_SECONDS;
    private int failures;
    private StreamTransport.Stream stream;
    private Lines lines;
    private boolean hasBegun;

    /**
     * @param lastEventId goes on after this event; null to begin with what comes now
     * @param errors may be null
     */
    Tail(Connection connection, Filter filter, String lastEventId, ErrorListener errors) {
        // Attempts are the tail's business: it goes on for as long as somebody reads.
        this.connection = connection.withAttempts(1);
        this.query = filter.fields();
        this.lastEventId = lastEventId;
        this.errors = errors;
    }

    @Override
    Event read() {
        double asked = 0;
        while (!isClosed()) {
            try {
                if (stream == null) open(asked);
                if (isClosed()) return null;
                asked = 0;
                Event event = message();
                if (event != null) return event;
            } catch (EndOfStream end) {
                // It ended as the server wanted.
                failures = 0;
                release();
            } catch (WatchTowerException error) {
                release();
                if (isClosed()) return null;
                if (!error.isTemporary()) throw error;
                failures++;
                asked = error.getRetryAfter();
                if (errors != null) errors.onError(error);
            }
        }
        return null;
    }

    private void open(double askedSeconds) {
        if (hasBegun) {
            // Not all who were cut off shall come back at the same moment.
            double pause = retrySeconds * Math.pow(2, Math.max(0, failures - 1)) * (1 + connection.random() / 2);
            if (!connection.sleep(Math.min(Math.max(pause, askedSeconds), LONGEST_PAUSE_SECONDS))) close();
        }
        hasBegun = true;
        if (isClosed()) return;
        Map<String, String> headers = lastEventId == null
                ? Collections.<String, String>emptyMap()
                : Collections.singletonMap("Last-Event-ID", lastEventId);
        stream = connection.open(PATH, "text/event-stream", query, headers);
        lines = new Lines(stream.body);
    }

    /** The event of the next message; null where that has none. */
    private Event message() throws EndOfStream {
        String id = null;
        StringBuilder data = null;
        boolean isNamed = false;
        while (true) {
            String line = line();
            if (line.isEmpty()) break;
            int colon = line.indexOf(':');
            String name = colon < 0 ? line : line.substring(0, colon);
            String value = colon < 0 ? "" : line.substring(colon + 1);
            if (value.startsWith(" ")) value = value.substring(1);
            if (name.equals("id")) id = value;
            else if (name.equals("data")) data = (data == null ? new StringBuilder() : data.append('\n')).append(value);
            else if (name.equals("retry") && value.matches("[0-9]{1,9}")) retrySeconds = Integer.parseInt(value) / 1000.0;
            // Of messages by another name we know nothing.
            else if (name.equals("event")) isNamed = !value.isEmpty() && !value.equals("message");
            // Also a comment is a sign of life.
            if (isClosed()) return null;
        }
        failures = 0;
        // Where it goes on from: the server also tells so where nothing matched.
        if (id != null) lastEventId = id;
        return data == null || isNamed ? null : eventOf(data.toString(), WHAT);
    }

    private String line() throws EndOfStream {
        try {
            String line = lines.next();
            if (line == null) throw new EndOfStream();
            return line;
        } catch (EOFException cut) {
            throw new EndOfStream();
        } catch (IOException error) {
            throw Connection.failure(WHAT, error);
        }
    }

    @Override
    void release() {
        if (stream != null) stream.close();
        stream = null;
    }

    /** The server ended the stream. */
    private static final class EndOfStream extends Exception {
        private static final long serialVersionUID = 1L;
    }
}
