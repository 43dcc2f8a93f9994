package io.github.lucasmouilleron.watchtower;

import java.util.Map;

/** An alert rule: so many matches of a search within so many seconds raise an alert, and then it is quiet for a while. */
public final class Rule extends Fields {
    Rule(Map<String, Object> fields) {
        super(fields);
    }

    /** @return its name */
    public String getName() {
        return text("name");
    }

    /** @return the search */
    public String getSearch() {
        return text("q");
    }

    /** @return {@code pushover}, {@code mail} or {@code webhook} */
    public String getAlertType() {
        return text("alertType");
    }

    /** @return a key, addresses or a URL */
    public String getAlertTarget() {
        return text("alertTarget");
    }

    /** @return so many matches raise an alert */
    public long getCount() {
        return number("count");
    }

    /** @return within so many seconds */
    public long getSeconds() {
        return number("seconds");
    }

    /** @return so many seconds after an alert there is no other */
    public long getQuiet() {
        return number("quiet");
    }
}
