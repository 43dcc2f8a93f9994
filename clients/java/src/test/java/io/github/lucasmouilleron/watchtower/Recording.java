package io.github.lucasmouilleron.watchtower;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A transport that is a recording: each request gets the next answer, and none beyond the last. */
class Recording implements Transport, StreamTransport, Surroundings {
    static final String BASE = "http://tower.example/prefix";
    static final String PASSWORD = "correct horse";

    final List<Map<String, Object>> requests = new ArrayList<>();
    final List<Map<String, String>> headers = new ArrayList<>();
    final List<Double> waits = new ArrayList<>();
    private final List<Map<String, Object>> answers;
    double random = 0.5;
    long nowMs;
    long monotonicMs;

    Recording(List<Map<String, Object>> answers) {
        this.answers = answers;
    }

    Client client() {
        return builder().build();
    }

    Client.Builder builder() {
        return Client.builder(BASE, PASSWORD).transport(this).surroundings(this);
    }

    static Map<String, Object> ok(Object... fields) {
        Map<String, Object> body = map(fields);
        body.put("result", 200L);
        return map("status", 200L, "body", body);
    }

    static Map<String, Object> refusal(long status, Object... headers) {
        return map("status", status, "headers", map(headers), "body", map("result", status, "code", "x", "hint", "y"));
    }

    static Map<String, Object> map(Object... fields) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < fields.length; i += 2) map.put((String) fields[i], fields[i + 1]);
        return map;
    }

    synchronized List<Map<String, Object>> requests() {
        return new ArrayList<>(requests);
    }

    @Override
    public synchronized Answer send(String method, String url, Map<String, String> headers, byte[] body)
            throws IOException {
        if (!url.startsWith(BASE + "/")) throw new AssertionError(url);
        URI uri = URI.create(url.substring(BASE.length()));
        Map<String, Object> request = map("method", method, "path", uri.getRawPath());
        if (uri.getRawQuery() != null) request.put("query", queryOf(uri.getRawQuery()));
        if (body != null) request.put("body", Json.read(new String(body, StandardCharsets.UTF_8)));
        requests.add(request);
        this.headers.add(headers);
        if (requests.size() > answers.size()) throw new AssertionError("one request too many");
        return answerOf(answers.get(requests.size() - 1));
    }

    @Override
    public Stream open(String url, Map<String, String> headers, int idleTimeoutMs) throws IOException {
        Answer answer = send("GET", url, headers, null);
        Map<String, Object> said = answers.get(requests.size() - 1);
        String type = (String) headersOf(said).get("Content-Type");
        InputStream body = new Pieces(answer.body.getBytes(StandardCharsets.UTF_8), said.get("breaksOff") != null);
        return new Stream(answer.status, type, answer.location, answer.retryAfter, body) {
            @Override
            public void close() {}
        };
    }

    /** A body as networks bring it: in pieces that heed neither lines nor characters. */
    private static final class Pieces extends ByteArrayInputStream {
        private final boolean breaksOff;

        Pieces(byte[] bytes, boolean breaksOff) {
            super(bytes);
            this.breaksOff = breaksOff;
        }

        @Override
        public int read(byte[] buffer) throws IOException {
            int count = read(buffer, 0, 7);
            if (count < 0 && breaksOff) throw new IOException("reset");
            return count;
        }
    }

    private static Map<String, Object> queryOf(String text) {
        Map<String, Object> query = new LinkedHashMap<>();
        for (String pair : text.split("&")) {
            String[] parts = pair.split("=", 2);
            query.put(URLDecoder.decode(parts[0], StandardCharsets.UTF_8), URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> headersOf(Map<String, Object> answer) {
        return (Map<String, Object>) answer.getOrDefault("headers", map());
    }

    static Answer answerOf(Map<String, Object> answer) throws IOException {
        if (answer.containsKey("failure")) throw new IOException("failed");
        Map<String, Object> headers = headersOf(answer);
        Object body = answer.get("body");
        String text = body == null ? String.valueOf(answer.getOrDefault("text", "")) : Json.write(body);
        int status = ((Long) answer.get("status")).intValue();
        long dateMs = (Long) headers.getOrDefault("Date", 0L);
        return new Answer(status, text, (String) headers.get("Location"), (String) headers.get("Retry-After"), dateMs);
    }

    @Override
    public void sleep(long ms) {
        waits.add(ms / 1000.0);
    }

    @Override
    public boolean await(Object monitor, long ms) {
        waits.add(ms / 1000.0);
        return false;
    }

    @Override
    public double random() {
        return random;
    }

    @Override
    public long nowMs() {
        return nowMs;
    }

    @Override
    public long monotonicMs() {
        return monotonicMs;
    }
}
