package io.github.lucasmouilleron.watchtower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class ContractTest {
    @TestFactory
    Stream<DynamicTest> eachCaseOverARecording() throws IOException {
        return list(read("calls.json")).stream()
                .map(ContractTest::map)
                .map(step -> DynamicTest.dynamicTest((String) step.get("name"), () -> check(step)));
    }

    private void check(Map<String, Object> step) {
        List<Map<String, Object>> answers = new ArrayList<>();
        List<Object> expected = new ArrayList<>();
        for (Object exchange : list(step.get("exchanges"))) {
            answers.add(map(map(exchange).get("answer")));
            expected.add(map(exchange).get("request"));
        }
        Recording recording = new Recording(answers);
        Client client = recording.client();
        if (step.containsKey("error")) checkFailure(client, step);
        else assertEquals(step.get("result"), call(client, step));
        assertEquals(expected, recording.requests);
        for (int i = 0; i < recording.headers.size(); i++) {
            assertEquals(Recording.PASSWORD, recording.headers.get(i).get("password"));
            boolean hasBody = recording.requests.get(i).containsKey("body");
            assertEquals(hasBody ? "application/json" : null, recording.headers.get(i).get("Content-Type"));
        }
        List<Object> waits = step.containsKey("waits") ? list(step.get("waits")) : List.of();
        assertEquals(waits.size(), recording.waits.size());
        for (int i = 0; i < waits.size(); i++) {
            double waited = recording.waits.get(i);
            assertTrue(waited >= number(list(waits.get(i)).get(0)) && waited <= number(list(waits.get(i)).get(1)));
        }
    }

    private static void checkFailure(Client client, Map<String, Object> step) {
        Map<String, Object> expected = map(step.get("error"));
        WatchTowerException error = assertThrows(WatchTowerException.class, () -> call(client, step));
        assertEquals(expected.get("status"), (long) error.getStatus());
        assertEquals(expected.get("code"), error.getCode());
        if (expected.get("hint").equals("*")) assertFalse(error.getHint().isEmpty());
        else assertEquals(expected.get("hint"), error.getHint());
        assertFalse(error.toString().contains(Recording.PASSWORD));
    }

    @Test
    void takesTheStepsAgainstARunningWatchTower() throws IOException {
        String url = System.getenv("WATCHTOWER_URL");
        if (url == null) {
            System.err.println("The steps against a running watchTower are left out: WATCHTOWER_URL is not set.");
            return;
        }
        Client client = new Client(url, System.getenv("WATCHTOWER_PASSWORD"));
        String text = Json.write(read("live.json")).replace("{run}", UUID.randomUUID().toString());
        for (Object item : list(Json.read(text))) {
            Map<String, Object> step = map(item);
            if (step.containsKey("error")) {
                checkFailure(client, step);
            } else {
                Object result = call(client, step);
                if (step.containsKey("result")) assertContains(step.get("result"), result, step.toString());
            }
        }
    }

    private static void assertContains(Object expected, Object actual, String what) {
        if (expected instanceof Map) {
            for (Map.Entry<String, Object> entry : map(expected).entrySet()) {
                assertContains(entry.getValue(), map(actual).get(entry.getKey()), what);
            }
        } else if (expected instanceof List) {
            assertEquals(list(expected).size(), list(actual).size(), what);
            for (int i = 0; i < list(expected).size(); i++) {
                assertContains(list(expected).get(i), list(actual).get(i), what);
            }
        } else {
            assertEquals(expected, actual, what);
        }
    }

    /** Makes a call of the contract; results are as JSON has them. */
    private static Object call(Client client, Map<String, Object> step) {
        Map<String, Object> args = map(step.get("args"));
        String service = (String) args.get("service");
        switch ((String) step.get("call")) {
            case "pulse":
                return fields(client.pulse(pulseOf(args)));
            case "cancel":
                return fields(client.cancel(service, Boolean.TRUE.equals(args.get("forget"))));
            case "heartbeats":
                return all(client.heartbeats());
            case "heartbeat":
                return fields(client.heartbeat(service));
            case "event":
                boolean alert = Boolean.TRUE.equals(args.get("alert"));
                return client.event(service, (String) args.get("message"), args.get("level"), alert);
            case "events":
                return all(client.events(filterOf(args)));
            case "alerts":
                return all(client.alerts(filterOf(args)));
            case "hello":
                return client.hello();
            default:
                throw new AssertionError("an unknown call: " + step);
        }
    }

    private static Pulse pulseOf(Map<String, Object> args) {
        Pulse pulse = Pulse.of((String) args.get("service"), number(args.get("nextIn")));
        if (args.containsKey("alertType")) {
            pulse = pulse.alert((String) args.get("alertType"), (String) args.get("alertTarget"));
        }
        if (args.containsKey("grace")) pulse = pulse.grace(number(args.get("grace")));
        if (args.containsKey("remindEvery")) pulse = pulse.remindEvery(number(args.get("remindEvery")));
        if (args.containsKey("pauseUntil")) pulse = pulse.pauseUntil((Long) args.get("pauseUntil"));
        if (args.containsKey("alerts")) pulse = pulse.noFurtherAlerts();
        for (Object alert : args.containsKey("alerts") ? list(args.get("alerts")) : List.of()) {
            pulse = pulse.furtherAlert((String) map(alert).get("type"), (String) map(alert).get("target"));
        }
        return pulse;
    }

    private static Filter filterOf(Map<String, Object> args) {
        Filter filter = Filter.all();
        if (args.containsKey("service")) filter = filter.service((String) args.get("service"));
        if (args.containsKey("from")) filter = filter.from(args.get("from"));
        if (args.containsKey("to")) filter = filter.to(args.get("to"));
        if (args.containsKey("level")) filter = filter.level(args.get("level"));
        if (args.containsKey("message")) filter = filter.message((String) args.get("message"));
        if (args.containsKey("state")) filter = filter.state((String) args.get("state"));
        if (args.containsKey("limit")) filter = filter.pagesOf(((Long) args.get("limit")).intValue());
        return filter;
    }

    private static Object fields(Fields answer) {
        return answer == null ? null : answer.asMap();
    }

    private static List<Object> all(Iterable<? extends Fields> items) {
        List<Object> all = new ArrayList<>();
        for (Fields item : items) all.add(item.asMap());
        return all;
    }

    private static Object read(String name) throws IOException {
        return Json.read(Files.readString(Paths.get("../contract", name)));
    }

    private static double number(Object value) {
        return ((Number) value).doubleValue();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> list(Object value) {
        return (List<Object>) value;
    }
}
