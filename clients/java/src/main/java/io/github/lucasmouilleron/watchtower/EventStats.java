package io.github.lucasmouilleron.watchtower;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** How many events there are. What is not here, such as the counts over time, is in {@link #asMap()}. */
public final class EventStats extends Fields {
    EventStats(Map<String, Object> fields) {
        super(fields);
    }

    /** @return how many in all */
    public long getCount() {
        return number("count");
    }

    /** @return how many of each level */
    public Map<Integer, Long> getLevels() {
        Map<Integer, Long> levels = new LinkedHashMap<Integer, Long>();
        for (Map.Entry<String, Object> entry : Answers.object(asMap().get("levels"), "levels").entrySet()) {
            levels.put(Integer.valueOf(entry.getKey()), ((Number) entry.getValue()).longValue());
        }
        return Collections.unmodifiableMap(levels);
    }
}
