package io.github.lucasmouilleron.watchtower;

import java.util.Map;

/** One alert to one target, and what came of it. What is not here is in {@link #asMap()}. */
public final class Alert extends Fields {
    Alert(Map<String, Object> fields) {
        super(fields);
    }

    /** @return its id */
    public String getId() {
        return text("id");
    }

    /** @return its date, in seconds since the epoch */
    public long getDate() {
        return number("date");
    }

    /** @return the service that it is of */
    public String getService() {
        return text("service");
    }

    /** @return {@code dead}, {@code alive} or {@code event} */
    public String getKind() {
        return text("kind");
    }

    /** @return {@code pending}, {@code delivered}, {@code failed} or {@code dropped} */
    public String getState() {
        return text("state");
    }

    /** @return how often it was tried */
    public int getAttempts() {
        return (int) number("attempts");
    }

    /** @return what the provider said last; null where it has said nothing */
    public String getLastAnswer() {
        return text("lastAnswer");
    }
}
