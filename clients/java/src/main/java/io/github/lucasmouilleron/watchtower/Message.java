package io.github.lucasmouilleron.watchtower;

import java.nio.charset.Charset;

/** Mends messages, so that the server takes them. */
final class Message {
    private static final Charset UTF_8 = Charset.forName("UTF-8");
    /** The longest message that the server takes, in bytes of UTF-8. */
    private static final int MOST_BYTES = 65536;
    private static final String ELLIPSIS = "\u2026";

    private Message() {}

    /** A message that is well-formed, without NUL, not too long, and not empty. */
    static String mended(String message) {
        String text = wellFormed(String.valueOf(message));
        if (text.isEmpty()) return " ";
        // No character has more than three bytes for each of its units.
        if (text.length() * 3L <= MOST_BYTES || text.getBytes(UTF_8).length <= MOST_BYTES) return text;
        int most = MOST_BYTES - ELLIPSIS.getBytes(UTF_8).length;
        int end = 0;
        for (int bytes = 0; end < text.length(); ) {
            int codePoint = text.codePointAt(end);
            bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
            if (bytes > most) break;
            end += Character.charCount(codePoint);
        }
        return text.substring(0, end) + ELLIPSIS;
    }

    private static String wellFormed(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); ) {
            int codePoint = text.codePointAt(i);
            boolean isLoneSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
            out.appendCodePoint(codePoint == 0 || isLoneSurrogate ? 0xfffd : codePoint);
            i += Character.charCount(codePoint);
        }
        return out.toString();
    }
}
