package io.github.lucasmouilleron.watchtower;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads and writes JSON: maps, lists, texts, booleans, null, and numbers as Long or Double. */
final class Json {
    /** Deeper than any answer of ours, and far from the end of the stack. */
    private static final int MOST_DEPTH = 200;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** @throws IllegalArgumentException where the text is no JSON */
    static Object read(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.space();
        if (json.at != text.length()) throw json.wrong();
        return value;
    }

    static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value == null || value instanceof Boolean) out.append(value);
        else if (value instanceof Number) out.append(number((Number) value));
        else if (value instanceof Map) writeMap((Map<?, ?>) value, out);
        else if (value instanceof Iterable) writeList((Iterable<?>) value, out);
        else writeText(value.toString(), out);
    }

    private static String number(Number number) {
        double value = number.doubleValue();
        if (Double.isNaN(value) || Double.isInfinite(value)) throw new IllegalArgumentException(number + " is no number");
        // 60.0 is 60 for everybody.
        if (value == Math.rint(value) && Math.abs(value) < 1e15) return Long.toString(number.longValue());
        return number.toString();
    }

    private static void writeMap(Map<?, ?> map, StringBuilder out) {
        String separator = "{";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator);
            writeText(String.valueOf(entry.getKey()), out);
            out.append(':');
            write(entry.getValue(), out);
            separator = ",";
        }
        out.append(map.isEmpty() ? "{}" : "}");
    }

    private static void writeList(Iterable<?> list, StringBuilder out) {
        out.append('[');
        String separator = "";
        for (Object item : list) {
            out.append(separator);
            write(item, out);
            separator = ",";
        }
        out.append(']');
    }

    /** Everything beyond ASCII is escaped: so a lone surrogate survives, and no character set can spoil the text. */
    private static void writeText(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c >= ' ' && c < 0x7f) out.append(c);
            else out.append(String.format("\\u%04x", (int) c));
        }
        out.append('"');
    }

    private Object value(int depth) {
        if (depth > MOST_DEPTH) throw wrong();
        space();
        if (at == text.length()) throw wrong();
        switch (text.charAt(at)) {
            case '{':
                return map(depth);
            case '[':
                return list(depth);
            case '"':
                return text();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> map(int depth) {
        Map<String, Object> map = new LinkedHashMap<String, Object>();
        at++;
        space();
        if (takes('}')) return map;
        do {
            space();
            String key = text();
            space();
            if (!takes(':')) throw wrong();
            map.put(key, value(depth + 1));
            space();
        } while (takes(','));
        if (!takes('}')) throw wrong();
        return map;
    }

    private List<Object> list(int depth) {
        List<Object> list = new ArrayList<Object>();
        at++;
        space();
        if (takes(']')) return list;
        do {
            list.add(value(depth + 1));
            space();
        } while (takes(','));
        if (!takes(']')) throw wrong();
        return list;
    }

    private String text() {
        if (!takes('"')) throw wrong();
        StringBuilder out = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') return out.toString();
            if (c < ' ') throw wrong();
            out.append(c == '\\' ? escaped() : c);
        }
        throw wrong();
    }

    private char escaped() {
        if (at == text.length()) throw wrong();
        char c = text.charAt(at++);
        switch (c) {
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case '"':
            case '\\':
            case '/':
                return c;
            case 'u':
                if (text.length() - at < 4 || !text.substring(at, at + 4).matches("[0-9a-fA-F]{4}")) throw wrong();
                at += 4;
                return (char) Integer.parseInt(text.substring(at - 4, at), 16);
            default:
                throw wrong();
        }
    }

    private Object number() {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) at++;
        String number = text.substring(start, at);
        if (!number.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) throw wrong();
        if (number.matches("-?[0-9]{1,18}")) return Long.valueOf(number);
        return Double.valueOf(number);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) throw wrong();
        at += word.length();
        return value;
    }

    private boolean takes(char c) {
        boolean isThere = at < text.length() && text.charAt(at) == c;
        if (isThere) at++;
        return isThere;
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
    }

    private IllegalArgumentException wrong() {
        return new IllegalArgumentException("no JSON, at character " + at);
    }
}
