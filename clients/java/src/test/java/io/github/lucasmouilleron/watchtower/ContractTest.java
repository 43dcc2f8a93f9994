package io.github.lucasmouilleron.watchtower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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
        List<Object> items = new ArrayList<>();
        if (step.containsKey("error")) {
            checkFailure(client, step, items);
            assertEquals(step.getOrDefault("result", List.of()), items);
        } else {
            assertEquals(step.get("result"), call(client, step, items));
        }
        assertEquals(expected.size(), recording.requests.size());
        for (int i = 0; i < expected.size(); i++) {
            Map<String, Object> wanted = map(expected.get(i));
            Map<String, Object> made = recording.requests.get(i);
            Map<String, String> headers = recording.headers.get(i);
            assertEquals(Recording.PASSWORD, headers.get("password"));
            assertEquals(made.containsKey("body") ? "application/json" : null, headers.get("Content-Type"));
            assertEquals(
                    wanted.containsKey("headers") ? map(wanted.get("headers")).get("last-event-id") : null,
                    headers.get("Last-Event-ID"));
            // What a client made of its own is the same in each attempt.
            if (step.get("call").equals("sendEvents")) assertEquals(recording.requests.get(0), made);
            Map<String, Object> said = new LinkedHashMap<>(wanted);
            said.remove("headers");
            assertEquals(said, fitted(made, said));
        }
        List<Object> waits = step.containsKey("waits") ? list(step.get("waits")) : List.of();
        assertEquals(waits.size(), recording.waits.size());
        for (int i = 0; i < waits.size(); i++) {
            double waited = recording.waits.get(i);
            assertTrue(waited >= number(list(waits.get(i)).get(0)) && waited <= number(list(waits.get(i)).get(1)));
        }
    }

    /** A request in which an id is replaced by the {@code *}, or {@code *1795392000000}, that it satisfies. */
    private static Map<String, Object> fitted(Map<String, Object> made, Map<String, Object> wanted) {
        if (!(wanted.get("body") instanceof List) || !(made.get("body") instanceof List)) return made;
        List<Object> events = new ArrayList<>();
        for (Object event : list(made.get("body"))) {
            Object pattern = map(list(wanted.get("body")).get(events.size())).get("id");
            Map<String, Object> fitted = new LinkedHashMap<>(map(event));
            if (fits((String) fitted.get("id"), (String) pattern)) fitted.put("id", pattern);
            events.add(fitted);
        }
        Map<String, Object> request = new LinkedHashMap<>(made);
        request.put("body", events);
        return request;
    }

    private static boolean fits(String id, String pattern) {
        if (id == null || pattern == null || !pattern.startsWith("*")) return false;
        if (!id.matches("[0-7][0-9A-HJKMNP-TV-Z]{25}")) return false;
        return pattern.equals("*") || msOf(id) == Long.parseLong(pattern.substring(1));
    }

    /** The time of a ULID, in milliseconds since the epoch. */
    static long msOf(String id) {
        long ms = 0;
        for (char digit : id.substring(0, 10).toCharArray()) {
            ms = ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(digit);
        }
        return ms;
    }

    private static void checkFailure(Client client, Map<String, Object> step, List<Object> items) {
        Map<String, Object> expected = map(step.get("error"));
        WatchTowerException error = assertThrows(WatchTowerException.class, () -> call(client, step, items));
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
                checkFailure(client, step, new ArrayList<>());
            } else {
                Object result = call(client, step, new ArrayList<>());
                if (step.containsKey("result")) assertContains(step.get("result"), result, step.toString());
            }
        }
    }

    @Test
    void followsEventsOfARunningWatchTower() {
        String url = System.getenv("WATCHTOWER_URL");
        if (url == null) return;
        Client client = new Client(url, System.getenv("WATCHTOWER_PASSWORD"));
        String service = "tail " + UUID.randomUUID();
        String first = client.event(service, "of level 4", 4);
        client.event(service, "of level 3", 3);
        String third = client.event(NewEvent.of(service, "of level 5").level("critical").field("host", "web-1"));
        try (EventStream tail = client.tail(Filter.all().service(service).level("error"), first, null)) {
            Event event = tail.next();
            assertEquals(third, event.getId());
            assertEquals(Map.of("host", "web-1"), event.getFields());
            String later = client.event(service, "later", 5);
            assertEquals(later, tail.next().getId());
        }
        EventStats stats = client.eventStats(Filter.all().service(service));
        assertEquals(4, stats.getCount());
        assertEquals(Map.of(3, 1L, 4, 1L, 5, 2L), stats.getLevels());
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

    /** Makes a call of the contract; results are as JSON has them. Items gets what an iterator gives before an error. */
    private static Object call(Client client, Map<String, Object> step, List<Object> items) {
        Map<String, Object> args = map(step.get("args"));
        String service = (String) args.get("service");
        String name = (String) args.get("name");
        switch ((String) step.get("call")) {
            case "pulse":
                return fields(client.pulse(pulseOf(args)));
            case "cancel":
                return fields(client.cancel(service, Boolean.TRUE.equals(args.get("forget"))));
            case "heartbeats":
                return all(client.heartbeats(), items);
            case "heartbeat":
                return fields(client.heartbeat(service));
            case "event":
                return client.event(eventOf(args));
            case "events":
                return all(client.events(filterOf(args)), items);
            case "alerts":
                return all(client.alerts(filterOf(args)), items);
            case "hello":
                return client.hello();
            case "sendEvents":
                return sent(client.sendEvents(list(args.get("events")).stream().map(e -> eventOf(map(e))).toList()));
            case "eventStats":
                return fields(client.eventStats(filterOf(args)));
            case "exportEvents":
                try (EventStream export = client.exportEvents(filterOf(args))) {
                    return all(export, items);
                }
            case "tail":
                try (EventStream tail = client.tail(filterOf(args), (String) args.get("lastEventId"), null)) {
                    return all(tail, items);
                }
            case "rules":
                return all(client.rules(), items);
            case "rule":
                return fields(client.rule(name));
            case "putRule":
                return fields(client.putRule(name, ruleOf(args)));
            case "deleteRule":
                return client.deleteRule(name);
            default:
                throw new AssertionError("an unknown call: " + step);
        }
    }

    private static NewEvent eventOf(Map<String, Object> args) {
        NewEvent event = NewEvent.of((String) args.get("service"), (String) args.get("message")).level(args.get("level"));
        event = event.alert(Boolean.TRUE.equals(args.get("alert"))).date(args.get("date")).id((String) args.get("id"));
        for (Map.Entry<String, Object> field : map(args.getOrDefault("fields", Map.of())).entrySet()) {
            Object value = field.getValue();
            if (value instanceof String) event = event.field(field.getKey(), (String) value);
            else if (value instanceof Long) event = event.field(field.getKey(), (Long) value);
            else if (value instanceof Double) event = event.field(field.getKey(), (Double) value);
            else event = event.field(field.getKey(), (Boolean) value);
        }
        return event;
    }

    private static Map<String, Object> sent(SentEvents sent) {
        List<Object> refused = new ArrayList<>();
        for (SentEvents.Refused one : sent.getRefused()) {
            refused.add(Recording.map("index", (long) one.getIndex(), "hint", one.getHint()));
        }
        return Recording.map(
                "stored", sent.getStored(), "ids", sent.getIds(), "refused", refused, "queued", sent.isQueued());
    }

    private static NewRule ruleOf(Map<String, Object> args) {
        NewRule rule = NewRule.of((String) args.get("q"));
        if (args.containsKey("alertType")) {
            rule = rule.alert((String) args.get("alertType"), (String) args.get("alertTarget"));
        }
        if (args.containsKey("count")) rule = rule.count(((Long) args.get("count")).intValue());
        if (args.containsKey("seconds")) rule = rule.seconds(((Long) args.get("seconds")).intValue());
        if (args.containsKey("quiet")) rule = rule.quiet(((Long) args.get("quiet")).intValue());
        return rule;
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
        if (args.containsKey("q")) filter = filter.search((String) args.get("q"));
        for (Map.Entry<String, Object> field : map(args.getOrDefault("fields", Map.of())).entrySet()) {
            filter = filter.field(field.getKey(), field.getValue());
        }
        if (args.containsKey("after")) filter = filter.after((String) args.get("after"));
        if (args.containsKey("buckets")) filter = filter.buckets(((Long) args.get("buckets")).intValue());
        if (args.containsKey("limit")) filter = filter.pagesOf(((Long) args.get("limit")).intValue());
        return filter;
    }

    private static Object fields(Fields answer) {
        return answer == null ? null : answer.asMap();
    }

    private static List<Object> all(Iterable<? extends Fields> given, List<Object> items) {
        for (Fields item : given) items.add(item.asMap());
        return items;
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
