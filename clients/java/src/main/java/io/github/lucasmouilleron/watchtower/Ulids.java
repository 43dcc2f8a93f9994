package io.github.lucasmouilleron.watchtower;

import java.security.SecureRandom;

/** Makes ULIDs. Those of one millisecond that are made one after the other sort in that order. */
final class Ulids {
    /** Crockford's base 32: sorts as its values do. */
    private static final String DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    private static final int RANDOM_LENGTH = 16;
    private static final SecureRandom RANDOM = new SecureRandom();

    private long lastMs = -1;
    private final byte[] tail = new byte[RANDOM_LENGTH];

    /** A ULID of a time in milliseconds since the epoch. */
    String next(long ms) {
        if (ms == lastMs) increment();
        else shuffle();
        lastMs = ms;
        StringBuilder out = new StringBuilder(26);
        for (int shift = 45; shift >= 0; shift -= 5) out.append(DIGITS.charAt((int) (Math.max(0, ms) >> shift) & 31));
        for (byte digit : tail) out.append(DIGITS.charAt(digit));
        return out.toString();
    }

    private void increment() {
        for (int i = RANDOM_LENGTH - 1; i >= 0; i--) {
            tail[i] = (byte) ((tail[i] + 1) & 31);
            if (tail[i] != 0) return;
        }
    }

    private void shuffle() {
        RANDOM.nextBytes(tail);
        // The first digit leaves room to count upwards.
        for (int i = 0; i < RANDOM_LENGTH; i++) tail[i] &= (byte) (i == 0 ? 15 : 31);
    }
}
