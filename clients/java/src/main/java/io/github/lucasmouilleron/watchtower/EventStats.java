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
        for (Object item : Answers.list(asMap(), "levels")) {
            Map<String, Object> one = Answers.object(item, "levels");
            levels.put(((Number) one.get("level")).intValue(), ((Number) one.get("count")).longValue());
        }
        return Collections.unmodifiableMap(levels);
    }
}
