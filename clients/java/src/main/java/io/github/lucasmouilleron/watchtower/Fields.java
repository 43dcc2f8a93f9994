package io.github.lucasmouilleron.watchtower;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The fields of an answer; those that this client doesn't know are kept. */
abstract class Fields {
    private final Map<String, Object> fields;

    Fields(Map<String, Object> fields) {
        this.fields = Collections.unmodifiableMap(new LinkedHashMap<String, Object>(fields));
    }

    /**
     * All fields, as JSON has them: texts, Long, Double, Boolean, lists and maps.
     *
     * @return a map that can't be changed
     */
    public Map<String, Object> asMap() {
        return fields;
    }

    final String text(String name) {
        Object value = fields.get(name);
        return value == null ? null : String.valueOf(value);
    }

    final long number(String name) {
        Object value = fields.get(name);
        return value instanceof Number ? ((Number) value).longValue() : 0;
    }

    final boolean flag(String name) {
        return Boolean.TRUE.equals(fields.get(name));
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + fields;
    }
}
