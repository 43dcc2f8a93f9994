package io.github.lucasmouilleron.watchtower;

import java.io.IOException;
import java.io.UnsupportedEncodingException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.text.ParseException;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;

/** Makes requests to one server, and tries them again where that helps. */
final class Connection {
    private static final Charset UTF_8 = Charset.forName("UTF-8");
    private static final double LONGEST_RETRY_AFTER_SECONDS = 60;
    /** An answer that is an error is longer than this only where it isn't ours. */
    private static final int MOST_ERROR_BYTES = 1000000;

    private final String base;
    private final String password;
    private final Transport transport;
    private final int attempts;
    private final Surroundings surroundings;
    private final Client.WarningListener warnings;
    private final int idleTimeoutMs;
    private volatile long clockOffsetMs;

    Connection(
            String url,
            String password,
            Transport transport,
            int attempts,
            Surroundings surroundings,
            Client.WarningListener warnings,
            int idleTimeoutMs) {
        this.base = baseOf(url);
        // Anything else can't travel in a header.
        if (password == null || !password.matches("[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?")) {
            throw new WatchTowerException("The password", 0, "", "must be printable ASCII, without spaces around it.");
        }
        this.password = password;
        this.transport = transport;
        this.attempts = attempts;
        this.surroundings = surroundings;
        this.warnings = warnings;
        this.idleTimeoutMs = idleTimeoutMs;
    }

    Connection withAttempts(int other) {
        return new Connection(base, password, transport, other, surroundings, warnings, idleTimeoutMs);
    }

    /** Makes a request; query and body may be null, and what is null in them is left out. */
    Map<String, Object> request(String method, String path, Map<String, ?> query, Object body) {
        return request(method, path, query, body, false);
    }

    /**
     * Makes a request.
     *
     * @param query may be null, and what is null in it is left out
     * @param body a map, or a list of maps, for which the same holds
     * @param isNew whether servers that are older than this client lack the route, which is told then
     */
    Map<String, Object> request(
            final String method, final String path, final Map<String, ?> query, final Object body, final boolean isNew) {
        return tried(new Attempt<Map<String, Object>>() {
            @Override
            public Map<String, Object> run() {
                return attempt(method, path, query, body, isNew);
            }
        });
    }

    /**
     * Opens a stream of a media type. It is an error to read it where the connection breaks off, or where nothing comes for
     * long; only the end that the server makes is one.
     */
    StreamTransport.Stream open(
            final String path, final String type, final Map<String, ?> query, final Map<String, String> headers) {
        return tried(new Attempt<StreamTransport.Stream>() {
            @Override
            public StreamTransport.Stream run() {
                return attemptToOpen(path, type, query, headers);
            }
        });
    }

    /** How far the server's clock was ahead of ours at its last answer; 0 where it doesn't say. */
    long clockOffsetMs() {
        return clockOffsetMs;
    }

    /** From 0 to 1. */
    double random() {
        return surroundings.random();
    }

    long nowMs() {
        return surroundings.nowMs();
    }

    /** Waits, and says whether nobody interrupted that. */
    boolean sleep(double seconds) {
        try {
            surroundings.sleep(Math.round(seconds * 1000));
            return true;
        } catch (InterruptedException interruption) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    static WatchTowerException failure(String what, IOException error) {
        String reason = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        return new WatchTowerException(what, 0, "", reason);
    }

    private interface Attempt<T> {
        T run();
    }

    private <T> T tried(Attempt<T> attempted) {
        for (int attempt = 1; ; attempt++) {
            try {
                return attempted.run();
            } catch (WatchTowerException error) {
                double retryAfter = error.getRetryAfter();
                boolean isWorthIt = error.isTemporary() && retryAfter <= LONGEST_RETRY_AFTER_SECONDS;
                if (!isWorthIt || attempt >= attempts) throw error;
                double pause = Math.pow(2, attempt - 1) * (0.5 + surroundings.random() / 2);
                if (!sleep(Math.max(pause, retryAfter))) throw error;
            }
        }
    }

    private StreamTransport.Stream attemptToOpen(
            String path, String type, Map<String, ?> query, Map<String, String> more) {
        String what = "GET " + path;
        Map<String, String> headers = new LinkedHashMap<String, String>();
        headers.put("Accept", type);
        headers.put("password", password);
        headers.putAll(more);
        Transport.Answer answer;
        try {
            String url = base + path + queryText(query);
            StreamTransport.Stream stream = ((StreamTransport) transport).open(url, headers, idleTimeoutMs);
            if (stream.status >= 200 && stream.status < 300 && stream.contentType.startsWith(type)) return stream;
            try {
                String text = HttpTransport.textOf(stream.body, MOST_ERROR_BYTES);
                answer = new Transport.Answer(stream.status, text, stream.location, stream.retryAfter);
            } finally {
                stream.close();
            }
        } catch (IOException error) {
            throw failure(what, error);
        }
        read(what, answer, true);
        throw new WatchTowerException(what, answer.status, "", "The answer is not watchTower's.");
    }

    private Map<String, Object> attempt(
            String method, String path, Map<String, ?> query, Object body, boolean isNew) {
        String what = method + " " + path;
        Map<String, String> headers = new LinkedHashMap<String, String>();
        headers.put("Accept", "application/json");
        headers.put("password", password);
        if (body != null) headers.put("Content-Type", "application/json");
        byte[] data = body == null ? null : Json.write(givenBody(body)).getBytes(UTF_8);
        Transport.Answer answer;
        try {
            answer = transport.send(method, base + path + queryText(query), headers, data);
        } catch (IOException error) {
            throw failure(what, error);
        }
        return read(what, answer, isNew);
    }

    private Map<String, Object> read(String what, Transport.Answer answer, boolean isNew) {
        int status = answer.status;
        if (answer.dateMs != 0) clockOffsetMs = answer.dateMs - surroundings.nowMs();
        if (status >= 300 && status < 400) {
            String to = answer.location == null ? "another address" : answer.location;
            throw new WatchTowerException(what, status, "", "The server redirects to " + to + ": use that as the address.");
        }
        Map<String, Object> fields = fieldsOf(answer.body);
        Object result = fields.get("result");
        boolean isOk = status >= 200 && status < 300;
        if (isOk && Long.valueOf(200).equals(result)) {
            if (fields.get("warnings") instanceof List && warnings != null) {
                for (Object warning : (List<?>) fields.get("warnings")) warnings.onWarning(String.valueOf(warning));
            }
            return fields;
        }
        // The original server answers 200 always, and says in "result" what it means.
        int meant = isOk && result instanceof Long ? ((Long) result).intValue() : status;
        Object code = fields.get("code");
        Object hint = fields.get("hint");
        if (isNew && (meant == 404 || meant == 405)) {
            hint = "The server has no " + what + ": it is older than this client, or no watchTower.";
        }
        throw new WatchTowerException(
                what,
                meant,
                code instanceof String ? (String) code : "",
                hint instanceof String ? (String) hint : "The answer is not watchTower's.",
                retryAfter(answer.retryAfter));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> fieldsOf(String text) {
        try {
            Object value = Json.read(text);
            if (value instanceof Map) return (Map<String, Object>) value;
        } catch (IllegalArgumentException error) {
            // Not ours; the status says the rest.
        }
        return new LinkedHashMap<String, Object>();
    }

    /** A Retry-After in seconds; it may be a number or a date. */
    private double retryAfter(String text) {
        if (text == null) return 0;
        if (text.trim().matches("[0-9]{1,9}")) return Double.parseDouble(text.trim());
        SimpleDateFormat format = new SimpleDateFormat("EEE, dd MMM yyyy HH:mm:ss zzz", Locale.US);
        format.setTimeZone(TimeZone.getTimeZone("GMT"));
        try {
            return Math.max(0, (format.parse(text).getTime() - surroundings.nowMs()) / 1000.0);
        } catch (ParseException error) {
            return 0;
        }
    }

    private static String baseOf(String url) {
        String hint = "must be an http or https URL without a user, a query and a fragment.";
        WatchTowerException wrong = new WatchTowerException("The address", 0, "", hint);
        if (url == null) throw wrong;
        try {
            URI uri = new URI(url);
            boolean isWeb = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            boolean isBare = uri.getRawUserInfo() == null && uri.getRawQuery() == null && uri.getRawFragment() == null;
            if (!isWeb || !isBare || uri.getHost() == null) throw wrong;
        } catch (URISyntaxException error) {
            throw wrong;
        }
        return url.replaceAll("/+$", "");
    }

    private static String queryText(Map<String, ?> query) {
        if (query == null) return "";
        StringBuilder out = new StringBuilder();
        for (Map.Entry<String, ?> entry : given(query).entrySet()) {
            out.append(out.length() == 0 ? '?' : '&').append(encoded(entry.getKey())).append('=');
            out.append(encoded(String.valueOf(entry.getValue())));
        }
        return out.toString();
    }

    static String encoded(String text) {
        try {
            // A plus is a space in forms only.
            return URLEncoder.encode(text, "UTF-8").replace("+", "%20");
        } catch (UnsupportedEncodingException error) {
            throw new IllegalStateException(error);
        }
    }

    @SuppressWarnings("unchecked")
    private static Object givenBody(Object body) {
        if (body instanceof Map) return given((Map<String, ?>) body);
        List<Object> given = new ArrayList<Object>();
        for (Object item : (List<?>) body) given.add(given((Map<String, ?>) item));
        return given;
    }

    private static Map<String, Object> given(Map<String, ?> fields) {
        Map<String, Object> given = new LinkedHashMap<String, Object>();
        for (Map.Entry<String, ?> entry : fields.entrySet()) {
            if (entry.getValue() != null) given.put(entry.getKey(), entry.getValue());
        }
        return given;
    }
}
