package io.github.lucasmouilleron.watchtower;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The lines of a stream, as they come. */
final class Lines {
    private final InputStream in;
    private final byte[] buffer = new byte[8192];
    private int at;
    private int end;

    Lines(InputStream in) {
        this.in = in;
    }

    /**
     * The next line, without its end; null where there is no other.
     *
     * @throws EOFException where the last one has no end
     */
    String next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            int start = at;
            while (at < end && buffer[at] != '\n') at++;
            line.write(buffer, start, at - start);
            if (at < end) {
                at++;
                String text = line.toString("UTF-8");
                return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
            }
            at = 0;
            end = Math.max(0, in.read(buffer));
            if (end > 0) continue;
            if (line.size() > 0) throw new EOFException("it breaks off");
            return null;
        }
    }
}
