package io.github.lucasmouilleron.watchtower;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a pulse says. It can't be changed: each method returns another one. */
public final class Pulse {
    private final Map<String, Object> fields;

    private Pulse(Map<String, Object> fields) {
        this.fields = fields;
    }

    /**
     * A pulse that says what has to be said.
     *
     * @param service the service that lives
     * @param nextIn seconds until the next pulse in the worst case
     * @return the pulse
     */
    public static Pulse of(String service, double nextIn) {
        return new Pulse(Collections.<String, Object>emptyMap()).with("service", service).with("nextIn", nextIn);
    }

    /**
     * Whom a death is told to; without it, the server's default.
     *
     * @param type {@code pushover}, {@code mail} or {@code webhook}
     * @param target a key, addresses or a URL
     * @return another pulse
     */
    public Pulse alert(String type, String target) {
        return with("alertType", type).with("alertTarget", target);
    }

    /**
     * One more target.
     *
     * @param type as of the main one
     * @param target as of the main one
     * @return another pulse
     */
    public Pulse furtherAlert(String type, String target) {
        List<Object> alerts = new ArrayList<Object>();
        if (fields.get("alerts") instanceof List) alerts.addAll((List<?>) fields.get("alerts"));
        Map<String, Object> alert = new LinkedHashMap<String, Object>();
        alert.put("type", type);
        alert.put("target", target);
        alerts.add(alert);
        return with("alerts", alerts);
    }

    /**
     * Takes back all further targets that earlier pulses have named.
     *
     * @return another pulse
     */
    public Pulse noFurtherAlerts() {
        return with("alerts", new ArrayList<Object>());
    }

    /**
     * What is tolerated after the promise.
     *
     * @param seconds from 0
     * @return another pulse
     */
    public Pulse grace(double seconds) {
        return with("grace", seconds);
    }

    /**
     * How often a death is told again.
     *
     * @param seconds 0 for never
     * @return another pulse
     */
    public Pulse remindEvery(double seconds) {
        return with("remindEvery", seconds);
    }

    /**
     * Until when nobody is alerted.
     *
     * @param epochSeconds seconds since the epoch; a date that is past ends a pause
     * @return another pulse
     */
    public Pulse pauseUntil(long epochSeconds) {
        return with("pauseUntil", epochSeconds);
    }

    private Pulse with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<String, Object>(fields);
        more.put(name, value);
        return new Pulse(more);
    }

    Map<String, Object> fields() {
        return fields;
    }

    String service() {
        return (String) fields.get("service");
    }
}
