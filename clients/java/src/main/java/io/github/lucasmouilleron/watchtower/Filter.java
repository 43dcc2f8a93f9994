package io.github.lucasmouilleron.watchtower;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which events, or alerts, are wanted: all conditions hold together. It can't be changed: each method returns another
 * one.
 */
public final class Filter {
    private final Map<String, Object> fields;

    private Filter(Map<String, Object> fields) {
        this.fields = fields;
    }

    /** @return a filter that lets everything through; events are those of the last day then */
    public static Filter all() {
        return new Filter(Collections.<String, Object>emptyMap());
    }

    /**
     * Those of one service.
     *
     * @param service its name
     * @return another filter
     */
    public Filter service(String service) {
        return with("service", service);
    }

    /**
     * Those at a date, or above.
     *
     * @param date seconds since the epoch as a number, or ISO 8601
     * @return another filter
     */
    public Filter from(Object date) {
        return with("from", date);
    }

    /**
     * Those at a date, or below.
     *
     * @param date seconds since the epoch as a number, or ISO 8601
     * @return another filter
     */
    public Filter to(Object date) {
        return with("to", date);
    }

    /**
     * Events at a level, or above.
     *
     * @param level a number, or a name such as {@code error}
     * @return another filter
     */
    public Filter level(Object level) {
        return with("level", level);
    }

    /**
     * Events whose message contains something.
     *
     * @param text what it contains
     * @return another filter
     */
    public Filter message(String text) {
        return with("message", text);
    }

    /**
     * Events that a search finds.
     *
     * @param search words, "phrases", -word, service:name, level:&gt;=error, host:web-1, OR
     * @return another filter
     */
    public Filter search(String search) {
        return with("q", search);
    }

    /**
     * Events with a field of a value.
     *
     * @param name the field's name
     * @param value a text, a number or a boolean
     * @return another filter
     */
    public Filter field(String name, Object value) {
        return with("field." + name, value);
    }

    /**
     * Events after another one: for exports.
     *
     * @param id the id of the last one before
     * @return another filter
     */
    public Filter after(String id) {
        return with("after", id);
    }

    /**
     * Into how many parts the time is divided at most: for counts.
     *
     * @param count from 1
     * @return another filter
     */
    public Filter buckets(int count) {
        return with("buckets", count);
    }

    /**
     * Alerts in a state.
     *
     * @param state {@code pending}, {@code delivered}, {@code failed} or {@code dropped}
     * @return another filter
     */
    public Filter state(String state) {
        return with("state", state);
    }

    /**
     * How many a page has; pages are asked for as they are needed.
     *
     * @param rows from 1
     * @return another filter
     */
    public Filter pagesOf(int rows) {
        return with("limit", rows);
    }

    private Filter with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<String, Object>(fields);
        more.put(name, value);
        return new Filter(more);
    }

    Map<String, Object> fields() {
        return fields;
    }
}
