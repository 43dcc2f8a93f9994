package io.github.lucasmouilleron.watchtower;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** What became of events that were sent together. */
public final class SentEvents {
    /** An event that the server won't take. */
    public static final class Refused {
        private final int index;
        private final String hint;

        Refused(Map<String, Object> fields) {
            Object number = fields.get("index");
            this.index = number instanceof Number ? ((Number) number).intValue() : -1;
            this.hint = String.valueOf(fields.get("hint"));
        }

        /** @return its index in what was sent, from 0 */
        public int getIndex() {
            return index;
        }

        /** @return one sentence on what is wrong, and what is accepted */
        public String getHint() {
            return hint;
        }
    }

    private final long stored;
    private final List<String> ids;
    private final List<Refused> refused;
    private final boolean isQueued;

    SentEvents(Map<String, Object> answer) {
        Object count = answer.get("stored");
        List<String> given = new ArrayList<String>();
        for (Object id : Answers.list(answer, "ids")) given.add(String.valueOf(id));
        List<Refused> others = new ArrayList<Refused>();
        for (Object one : Answers.list(answer, "refused")) others.add(new Refused(Answers.object(one, "refused")));
        this.stored = count instanceof Number ? ((Number) count).longValue() : 0;
        this.ids = Collections.unmodifiableList(given);
        this.refused = Collections.unmodifiableList(others);
        this.isQueued = Boolean.TRUE.equals(answer.get("queued"));
    }

    /** @return how many were stored */
    public long getStored() {
        return stored;
    }

    /** @return the ids of those that were stored, in their order */
    public List<String> getIds() {
        return ids;
    }

    /** @return those that the server won't take */
    public List<Refused> getRefused() {
        return refused;
    }

    /** @return whether they wait at the server for its database, so that lists have them later */
    public boolean isQueued() {
        return isQueued;
    }
}
