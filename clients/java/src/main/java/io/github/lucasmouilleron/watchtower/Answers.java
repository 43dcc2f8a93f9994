package io.github.lucasmouilleron.watchtower;

import java.util.List;
import java.util.Map;

/** Takes out of an answer what has to be in it. */
final class Answers {
    private Answers() {}

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value, String name) {
        if (value instanceof Map) return (Map<String, Object>) value;
        throw new WatchTowerException("The answer", 200, "", "It has no " + name + ".");
    }

    @SuppressWarnings("unchecked")
    static List<Object> list(Map<String, Object> answer, String name) {
        Object value = answer.get(name);
        if (value instanceof List) return (List<Object>) value;
        throw new WatchTowerException("The answer", 200, "", "It has no " + name + ".");
    }
}
