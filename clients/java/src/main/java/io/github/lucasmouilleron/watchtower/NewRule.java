package io.github.lucasmouilleron.watchtower;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What an alert rule says. It can't be changed: each method returns another one. */
public final class NewRule {
    private final Map<String, Object> body;

    private NewRule(Map<String, Object> body) {
        this.body = body;
    }

    /**
     * A rule that alerts the server's default target of each match.
     *
     * @param search as that of a {@link Filter}
     * @return the rule
     */
    public static NewRule of(String search) {
        return new NewRule(Collections.<String, Object>emptyMap()).with("q", search);
    }

    /**
     * Whom to alert.
     *
     * @param type {@code pushover}, {@code mail} or {@code webhook}
     * @param target a key, addresses or a URL
     * @return another rule
     */
    public NewRule alert(String type, String target) {
        return with("alertType", type).with("alertTarget", target);
    }

    /**
     * How many matches raise an alert.
     *
     * @param count from 1, which is the server's default
     * @return another rule
     */
    public NewRule count(int count) {
        return with("count", count);
    }

    /**
     * Within which time they do.
     *
     * @param seconds from 1; 60 is the server's default
     * @return another rule
     */
    public NewRule seconds(int seconds) {
        return with("seconds", seconds);
    }

    /**
     * How long after an alert there is no other.
     *
     * @param seconds from 60; 900 is the server's default
     * @return another rule
     */
    public NewRule quiet(int seconds) {
        return with("quiet", seconds);
    }

    Map<String, Object> body() {
        return body;
    }

    private NewRule with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<String, Object>(body);
        more.put(name, value);
        return new NewRule(more);
    }
}
