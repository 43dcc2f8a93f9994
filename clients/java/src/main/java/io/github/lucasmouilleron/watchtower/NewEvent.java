package io.github.lucasmouilleron.watchtower;

import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;

/** An event to be stored. It can't be changed: each method returns another one. */
public final class NewEvent {
    /** From here on a number is milliseconds since the epoch, not seconds. */
    private static final double LEAST_MS = 1e11;

    private final Map<String, Object> body;

    private NewEvent(Map<String, Object> body) {
        this.body = body;
    }

    /**
     * An event of level 0.
     *
     * @param service the service that it is of
     * @param message 1 to 65,536 bytes
     * @return the event
     */
    public static NewEvent of(String service, String message) {
        return new NewEvent(Collections.<String, Object>emptyMap()).with("service", service).with("message", message);
    }

    /**
     * Its level.
     *
     * @param level a number, or a name such as {@code error}; null for 0
     * @return another event
     */
    public NewEvent level(Object level) {
        return with("level", level);
    }

    /**
     * Whether the server's default target is alerted, too.
     *
     * @param alert false by default
     * @return another event
     */
    public NewEvent alert(boolean alert) {
        return with("alert", alert ? true : null);
    }

    /**
     * Another field: at most 32 of them, and 8 KiB as JSON.
     *
     * @param name its name
     * @param value its value
     * @return another event
     */
    public NewEvent field(String name, String value) {
        return withField(name, value);
    }

    /**
     * Another field: at most 32 of them, and 8 KiB as JSON.
     *
     * @param name its name
     * @param value its value
     * @return another event
     */
    public NewEvent field(String name, long value) {
        return withField(name, value);
    }

    /**
     * Another field: at most 32 of them, and 8 KiB as JSON.
     *
     * @param name its name
     * @param value its value
     * @return another event
     */
    public NewEvent field(String name, double value) {
        return withField(name, value);
    }

    /**
     * Another field: at most 32 of them, and 8 KiB as JSON.
     *
     * @param name its name
     * @param value its value
     * @return another event
     */
    public NewEvent field(String name, boolean value) {
        return withField(name, value);
    }

    /**
     * When it was: at most 30 days ago.
     *
     * @param date a {@link Date}, seconds or milliseconds since the epoch as a number, or ISO 8601
     * @return another event
     */
    public NewEvent date(Object date) {
        return with("date", date instanceof Date ? (Object) ((Date) date).getTime() : date);
    }

    /**
     * Its id: what is sent twice under one id is stored once.
     *
     * @param id a ULID whose time is the date
     * @return another event
     */
    public NewEvent id(String id) {
        return with("id", id);
    }

    /** The event as it travels. */
    Map<String, Object> body() {
        return body;
    }

    /**
     * The event as it travels, with an id instead of a date: so another attempt doesn't store it twice. One that has an id,
     * or a date as a text, is left as it is.
     */
    Map<String, Object> stampedBody(Ulids ulids, long nowMs) {
        Object date = body.get("date");
        boolean isText = date != null && !(date instanceof Number);
        if (isText || body.get("id") != null) return body;
        Map<String, Object> stamped = new LinkedHashMap<String, Object>(body);
        stamped.remove("date");
        stamped.put("id", ulids.next(date == null ? nowMs : msOf((Number) date)));
        return stamped;
    }

    NewEvent with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<String, Object>(body);
        more.put(name, value);
        return new NewEvent(more);
    }

    private NewEvent withField(String name, Object value) {
        Map<String, Object> fields = new LinkedHashMap<String, Object>();
        if (body.get("fields") != null) fields.putAll(asMap(body.get("fields")));
        fields.put(name, value);
        return with("fields", fields);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asMap(Object value) {
        return (Map<String, Object>) value;
    }

    private static long msOf(Number date) {
        double value = date.doubleValue();
        return value >= LEAST_MS ? (long) value : Math.round(value * 1000);
    }
}
