package io.github.lucasmouilleron.watchtower;

/** What went wrong with a call. */
public final class WatchTowerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String code;
    private final String hint;
    private final double retryAfter;

    WatchTowerException(String what, int status, String code, String hint) {
        this(what, status, code, hint, 0);
    }

    WatchTowerException(String what, int status, String code, String hint, double retryAfter) {
        super(status == 0 ? what + ": " + hint : what + " (" + status + "): " + hint);
        this.status = status;
        this.code = code;
        this.hint = hint;
        this.retryAfter = retryAfter;
    }

    /** @return the HTTP status; 0 where there was no answer */
    public int getStatus() {
        return status;
    }

    /** @return what the server calls the error, from a closed set; empty where it says nothing */
    public String getCode() {
        return code;
    }

    /** @return one sentence on what is wrong, and what is accepted */
    public String getHint() {
        return hint;
    }

    /** @return how many seconds the server asks to wait; 0 where it doesn't */
    public double getRetryAfter() {
        return retryAfter;
    }

    /** @return whether the same call may succeed later: there was no answer, or one that asks for patience */
    public boolean isTemporary() {
        return status == 0 || status == 429 || status >= 500;
    }
}
