package io.github.lucasmouilleron.watchtower;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;

/** Makes a request whose answer is read as it comes. */
interface StreamTransport {
    /**
     * @param idleTimeoutMs how long nothing may come of the body
     * @throws IOException where there is no answer
     */
    Stream open(String url, Map<String, String> headers, int idleTimeoutMs) throws IOException;

    /** An answer whose body is read as it comes; reading throws where the connection breaks off. */
    abstract class Stream implements Closeable {
        final int status;
        /** Empty where there is none. */
        final String contentType;
        /** Null where there is none. */
        final String location;
        /** Null where there is none. */
        final String retryAfter;
        final InputStream body;

        Stream(int status, String contentType, String location, String retryAfter, InputStream body) {
            this.status = status;
            this.contentType = contentType == null ? "" : contentType;
            this.location = location;
            this.retryAfter = retryAfter;
            this.body = body;
        }

        @Override
        public abstract void close();
    }
}
