package io.github.lucasmouilleron.watchtower;

import java.util.Map;

/** A service. Dates are seconds since the epoch. What is not here is in {@link #asMap()}. */
public final class HeartBeat extends Fields {
    HeartBeat(Map<String, Object> fields) {
        super(fields);
    }

    /** @return the service's name */
    public String getService() {
        return text("service");
    }

    /** @return {@code alive}, {@code dead} or {@code cancelled} */
    public String getStatus() {
        return text("status");
    }

    /** @return since when it has this status */
    public long getSince() {
        return number("since");
    }

    /** @return how whom its death is told to is reached */
    public String getAlertType() {
        return text("alertType");
    }

    /** @return whom its death is told to */
    public String getAlertTarget() {
        return text("alertTarget");
    }

    /** @return what the last pulse promised, in seconds */
    public long getNextIn() {
        return number("nextIn");
    }

    /** @return the last pulse */
    public long getLast() {
        return number("last");
    }

    /** @return when the next pulse is due */
    public long getExpected() {
        return number("expected");
    }

    /** @return whether its death has been noticed */
    public boolean isAlerted() {
        return flag("alerted");
    }

    /** @return whether it is cancelled */
    public boolean isCancelled() {
        return flag("cancelled");
    }
}
