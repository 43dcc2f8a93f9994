package io.github.lucasmouilleron.watchtower;

import java.util.Collections;
import java.util.Map;

/** An event. */
public final class Event extends Fields {
    Event(Map<String, Object> fields) {
        super(fields);
    }

    /** @return its id, whose time is its date */
    public String getId() {
        return text("id");
    }

    /** @return its date, in seconds since the epoch */
    public long getDate() {
        return number("date");
    }

    /** @return its level, from 0 (debug) on */
    public int getLevel() {
        return (int) number("level");
    }

    /** @return its message */
    public String getMessage() {
        return text("message");
    }

    /** @return the service that it is of */
    public String getService() {
        return text("service");
    }

    /** @return whether it was sent as an alert */
    public boolean isAlert() {
        return flag("alert");
    }

    /** @return what it says besides its message: texts, Long, Double and Boolean by their names */
    public Map<String, Object> getFields() {
        Object fields = asMap().get("fields");
        if (fields == null) return Collections.<String, Object>emptyMap();
        return Collections.unmodifiableMap(Answers.object(fields, "fields"));
    }
}
