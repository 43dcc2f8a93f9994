package io.github.lucasmouilleron.watchtower;

import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** All events that match, oldest first. */
final class Export extends EventStream {
    private static final String PATH = "/events/export";
    private static final String WHAT = "GET " + PATH;

    private final Connection connection;
    private final Map<String, Object> query = new LinkedHashMap<String, Object>();
    private StreamTransport.Stream stream;
    private Lines lines;

    Export(Connection connection, Filter filter) {
        this.connection = connection;
        query.put("format", "ndjson");
        query.putAll(filter.fields());
    }

    @Override
    Event read() {
        if (stream == null) {
            stream = connection.open(PATH, "application/x-ndjson", query, Collections.<String, String>emptyMap());
            lines = new Lines(stream.body);
        }
        try {
            String line = lines.next();
            return line == null ? null : eventOf(line, WHAT);
        } catch (IOException error) {
            throw Connection.failure(WHAT, error);
        }
    }

    @Override
    void release() {
        if (stream != null) stream.close();
    }
}
