package io.github.lucasmouilleron.watchtower;

/** Hears of what failed in the background. */
public interface ErrorListener {
    /** @param error what went wrong */
    void onError(RuntimeException error);
}
