package io.github.lucasmouilleron.watchtower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private final Random random = new Random(20261122);

    @Test
    void whatIsWrittenIsReadAgain() {
        for (int i = 0; i < 2000; i++) {
            Object value = anything(4);
            assertEquals(value, Json.read(Json.write(value)), Json.write(value));
        }
    }

    private Object anything(int depth) {
        switch (random.nextInt(depth > 0 ? 8 : 6)) {
            case 0:
                return null;
            case 1:
                return random.nextBoolean();
            case 2:
                return random.nextLong() / (1L << random.nextInt(60)) / 100;
            case 3:
                return random.nextGaussian();
            case 4:
            case 5:
                return text();
            case 6:
                List<Object> list = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) list.add(anything(depth - 1));
                return list;
            default:
                Map<String, Object> map = new LinkedHashMap<>();
                for (int i = random.nextInt(4); i > 0; i--) map.put(text(), anything(depth - 1));
                return map;
        }
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        // Quotes, control characters, lone surrogates among them.
        for (int i = random.nextInt(8); i > 0; i--) {
            text.append(random.nextBoolean() ? (char) random.nextInt(0x10000) : "\"\\/\b\n\u2028\0aé".charAt(random.nextInt(9)));
        }
        return text.toString();
    }

    @Test
    void readsWhatOthersWrite() {
        assertEquals(List.of(1L, 2.5, 1000.0, -0.0), Json.read(" [ 1 ,\t2.5,\r\n1e3, -0.0 ] "));
        assertEquals("a/\b\f\n\r\té🦊", Json.read("\"a\\/\\b\\f\\n\\r\\t\\u00e9\\ud83e\\udd8a\""));
        assertEquals(1e30, Json.read("1000000000000000000000000000000"));
        assertEquals(Map.of("a", Map.of()), Json.read("{\"a\":{}}"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", " ", "{", "[1", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "\"", "\"\\x\"", "\"\\u12\"", "\"\n\"", "01",
                "1.", ".5", "+1", "--1", "1e", "nul", "truee", "1 2", "[1]]", "NaN", "'a'", "\"\\u+123\""
            })
    void refusesWhatIsNoJson(String text) {
        assertThrows(IllegalArgumentException.class, () -> Json.read(text));
    }

    @Test
    void refusesWhatIsTooDeep() {
        assertThrows(IllegalArgumentException.class, () -> Json.read("[".repeat(100_000)));
    }
}
