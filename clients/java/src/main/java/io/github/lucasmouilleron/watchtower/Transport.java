package io.github.lucasmouilleron.watchtower;

import java.io.IOException;
import java.util.Map;

/** Makes one request. */
interface Transport {
    /**
     * @param body null for none
     * @throws IOException where there is no answer
     */
    Answer send(String method, String url, Map<String, String> headers, byte[] body) throws IOException;

    /** What was answered. */
    final class Answer {
        final int status;
        final String body;
        /** Null where there is none. */
        final String location;
        /** Null where there is none. */
        final String retryAfter;

        /** When it was answered, in milliseconds since the epoch; 0 where it doesn't say. */
        final long dateMs;

        Answer(int status, String body, String location, String retryAfter) {
            this(status, body, location, retryAfter, 0);
        }

        Answer(int status, String body, String location, String retryAfter, long dateMs) {
            this.status = status;
            this.body = body;
            this.location = location;
            this.retryAfter = retryAfter;
            this.dateMs = dateMs;
        }
    }
}
