package io.github.lucasmouilleron.watchtower;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** Requests by HttpURLConnection, bounded in time as a whole. Proxies are those of the system properties. */
final class HttpTransport implements Transport, StreamTransport {
    private final int connectTimeoutMs;
    private final int timeoutMs;
    private final SSLSocketFactory sockets;
    private final boolean trustsAnyHost;

    /** @param sockets null for the platform's */
    HttpTransport(int connectTimeoutMs, int timeoutMs, SSLSocketFactory sockets, boolean allowInsecureTls) {
        this.connectTimeoutMs = connectTimeoutMs;
        this.timeoutMs = timeoutMs;
        this.sockets = allowInsecureTls ? trustingSockets() : sockets;
        this.trustsAnyHost = allowInsecureTls;
    }

    @Override
    public Answer send(String method, String url, Map<String, String> headers, byte[] body) throws IOException {
        HttpURLConnection connection = connectionTo(method, url, headers, timeoutMs);
        Limit limit = new Limit(connection, timeoutMs);
        try {
            if (body != null) write(connection, body);
            int status = limit.status();
            String text = read(connection, limit);
            String location = connection.getHeaderField("Location");
            return new Answer(status, text, location, connection.getHeaderField("Retry-After"), connection.getDate());
        } catch (SocketTimeoutException error) {
            throw late();
        } catch (RuntimeException error) {
            // The connection was cut in the middle of something.
            throw limit.isOver ? late() : new IOException(error);
        } catch (IOException error) {
            throw limit.isOver ? late() : error;
        } finally {
            limit.end();
            connection.disconnect();
        }
    }

    @Override
    public Stream open(String url, Map<String, String> headers, int idleTimeoutMs) throws IOException {
        final HttpURLConnection connection = connectionTo("GET", url, headers, idleTimeoutMs);
        // Only the head is bounded in time as a whole.
        Limit limit = new Limit(connection, timeoutMs);
        boolean isOpen = false;
        try {
            int status = limit.status();
            InputStream in = status >= 400 ? connection.getErrorStream() : connection.getInputStream();
            InputStream body = in == null ? new ByteArrayInputStream(new byte[0]) : new Whole(in, connection, idleTimeoutMs);
            String type = connection.getContentType();
            String location = connection.getHeaderField("Location");
            Stream stream = new Stream(status, type, location, connection.getHeaderField("Retry-After"), body) {
                @Override
                public void close() {
                    connection.disconnect();
                }
            };
            isOpen = true;
            return stream;
        } catch (SocketTimeoutException error) {
            throw late();
        } catch (RuntimeException error) {
            throw limit.isOver ? late() : new IOException(error);
        } catch (IOException error) {
            throw limit.isOver ? late() : error;
        } finally {
            limit.end();
            if (!isOpen) connection.disconnect();
        }
    }

    private HttpURLConnection connectionTo(String method, String url, Map<String, String> headers, int readTimeoutMs)
            throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setConnectTimeout(connectTimeoutMs);
        connection.setReadTimeout(readTimeoutMs);
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setRequestMethod(method);
        for (Map.Entry<String, String> header : headers.entrySet()) {
            connection.setRequestProperty(header.getKey(), header.getValue());
        }
        if (connection instanceof HttpsURLConnection) secure((HttpsURLConnection) connection);
        return connection;
    }

    /** A read time-out is for each read: who sends a byte a second could go on for ever. */
    private static final class Limit implements Runnable {
        volatile boolean isOver;
        private volatile boolean hasHead;
        private final HttpURLConnection connection;
        private final Future<?> timer;

        Limit(HttpURLConnection connection, int ms) {
            this.connection = connection;
            this.timer = Limits.TIMER.schedule(this, ms, TimeUnit.MILLISECONDS);
        }

        @Override
        public void run() {
            isOver = true;
            // Once the body is read, this would wait for all of it: whoever reads it looks at the time by itself.
            if (!hasHead) connection.disconnect();
        }

        /** The status of the answer, once it is there. */
        int status() throws IOException {
            int status = connection.getResponseCode();
            hasHead = true;
            if (status < 0) throw new IOException("the answer is not HTTP");
            return status;
        }

        void end() {
            timer.cancel(false);
        }
    }

    /** A body that ends only where it is whole. */
    private static final class Whole extends FilterInputStream {
        private final int idleTimeoutMs;
        /** How much there has to be; -1 where nobody said. */
        private long left;

        Whole(InputStream in, HttpURLConnection connection, int idleTimeoutMs) {
            super(in);
            this.idleTimeoutMs = idleTimeoutMs;
            this.left = connection.getContentLengthLong();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            try {
                int count = super.read(buffer, offset, length);
                if (count < 0 && left > 0) throw new IOException("the answer breaks off");
                if (left >= 0) left -= count;
                return count;
            } catch (SocketTimeoutException error) {
                throw new IOException("nothing came in time (" + idleTimeoutMs + " ms)");
            } catch (RuntimeException error) {
                // The connection was cut in the middle of something.
                throw new IOException(error);
            }
        }
    }

    private IOException late() {
        return new IOException("no answer in time (" + timeoutMs + " ms)");
    }

    private static void write(HttpURLConnection connection, byte[] body) throws IOException {
        connection.setDoOutput(true);
        // Without this, HttpURLConnection repeats a POST by itself.
        connection.setFixedLengthStreamingMode(body.length);
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body);
        }
    }

    private static String read(HttpURLConnection connection, Limit limit) throws IOException {
        InputStream error = connection.getErrorStream();
        boolean isError = connection.getResponseCode() >= 400;
        if (isError && error == null) return "";
        try (InputStream in = isError ? error : connection.getInputStream()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                if (limit.isOver) throw new SocketTimeoutException();
                out.write(buffer, 0, count);
            }
            return out.toString("UTF-8");
        }
    }

    /** At most so many bytes of a text. */
    static String textOf(InputStream in, int most) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int count = in.read(buffer); count >= 0 && out.size() < most; count = in.read(buffer)) {
            out.write(buffer, 0, count);
        }
        return out.toString("UTF-8");
    }

    private void secure(HttpsURLConnection connection) {
        if (sockets != null) connection.setSSLSocketFactory(sockets);
        if (trustsAnyHost) {
            connection.setHostnameVerifier(new HostnameVerifier() {
                @Override
                public boolean verify(String host, SSLSession session) {
                    return true;
                }
            });
        }
    }

    private static SSLSocketFactory trustingSockets() {
        X509TrustManager trusting = new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        };
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {trusting}, new SecureRandom());
            return context.getSocketFactory();
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    /** One thread for all limits, made with the first request. */
    private static final class Limits {
        static final ScheduledThreadPoolExecutor TIMER = new ScheduledThreadPoolExecutor(1, new ThreadFactory() {
            @Override
            public Thread newThread(Runnable run) {
                Thread thread = new Thread(run, "watchTower time-outs");
                thread.setDaemon(true);
                return thread;
            }
        });

        static {
            TIMER.setRemoveOnCancelPolicy(true);
        }
    }
}
