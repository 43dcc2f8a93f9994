package io.github.lucasmouilleron.watchtower;

import java.io.ByteArrayOutputStream;
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
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** Requests by HttpURLConnection, bounded in time as a whole. Proxies are those of the system properties. */
final class HttpTransport implements Transport {
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
        final HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setConnectTimeout(connectTimeoutMs);
        connection.setReadTimeout(timeoutMs);
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setRequestMethod(method);
        for (Map.Entry<String, String> header : headers.entrySet()) {
            connection.setRequestProperty(header.getKey(), header.getValue());
        }
        if (connection instanceof HttpsURLConnection) secure((HttpsURLConnection) connection);
        // A read time-out is for each read: who sends a byte a second could go on for ever.
        final AtomicBoolean isOver = new AtomicBoolean();
        final AtomicBoolean hasHead = new AtomicBoolean();
        Future<?> limit = Limits.TIMER.schedule(new Runnable() {
            @Override
            public void run() {
                isOver.set(true);
                // Once the body is read, this would wait for all of it: whoever reads it looks at the time by itself.
                if (!hasHead.get()) connection.disconnect();
            }
        }, timeoutMs, TimeUnit.MILLISECONDS);
        try {
            if (body != null) write(connection, body);
            int status = connection.getResponseCode();
            hasHead.set(true);
            if (status < 0) throw new IOException("the answer is not HTTP");
            String text = read(connection, isOver);
            return new Answer(status, text, connection.getHeaderField("Location"), connection.getHeaderField("Retry-After"));
        } catch (SocketTimeoutException error) {
            throw late();
        } catch (RuntimeException error) {
            // The connection was cut in the middle of something.
            throw isOver.get() ? late() : new IOException(error);
        } catch (IOException error) {
            throw isOver.get() ? late() : error;
        } finally {
            limit.cancel(false);
            connection.disconnect();
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

    private static String read(HttpURLConnection connection, AtomicBoolean isOver) throws IOException {
        InputStream error = connection.getErrorStream();
        boolean isError = connection.getResponseCode() >= 400;
        if (isError && error == null) return "";
        try (InputStream in = isError ? error : connection.getInputStream()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                if (isOver.get()) throw new SocketTimeoutException();
                out.write(buffer, 0, count);
            }
            return out.toString("UTF-8");
        }
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
