package io.github.lucasmouilleron.watchtower;

import static io.github.lucasmouilleron.watchtower.Recording.answerOf;
import static io.github.lucasmouilleron.watchtower.Recording.map;
import static io.github.lucasmouilleron.watchtower.Recording.ok;
import static io.github.lucasmouilleron.watchtower.Recording.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EventQueueTest {
    private static final Map<String, Object> STORED = ok("stored", 1L, "ids", List.of(), "refused", List.of());

    private final List<RuntimeException> errors = new CopyOnWriteArrayList<>();

    private static Map<String, Object> refusing(Object... indexAndHint) {
        List<Object> refused = new ArrayList<>();
        for (int i = 0; i < indexAndHint.length; i += 2) {
            refused.add(map("index", (long) (int) indexAndHint[i], "hint", indexAndHint[i + 1]));
        }
        return ok("stored", 0L, "ids", List.of(), "refused", refused);
    }

    /** A queue over a recording, whose pauses are over at once. */
    private EventQueue queue(Recording recording, int capacity) {
        return new EventQueue(recording.client(), capacity, errors::add, recording);
    }

    /** Takes events so that whoever sends them finds all of them. */
    private static void take(EventQueue queue, String... messages) {
        synchronized (queue.changed) {
            for (String message : messages) queue.event("web", message, null);
        }
    }

    private static List<Map<String, Object>> events(Map<String, Object> request) {
        List<Map<String, Object>> events = new ArrayList<>();
        Object body = request.get("body");
        for (Object event : body instanceof List ? (List<?>) body : List.of(body)) events.add(mapOf(event));
        return events;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> mapOf(Object value) {
        return (Map<String, Object>) value;
    }

    /** The messages of each request. */
    private static List<List<Object>> batches(Recording recording) {
        List<List<Object>> batches = new ArrayList<>();
        for (Map<String, Object> request : recording.requests()) {
            List<Object> messages = new ArrayList<>();
            for (Map<String, Object> event : events(request)) messages.add(event.get("message"));
            batches.add(messages);
        }
        return batches;
    }

    private List<String> told() {
        List<String> told = new ArrayList<>();
        for (RuntimeException error : errors) told.add(error.getMessage());
        return told;
    }

    @Test
    void sendsEventsInOrderTogetherEachWithAnIdOfWhenItWasTaken() {
        Recording recording = new Recording(List.of(STORED));
        recording.nowMs = 1795392000123L;
        EventQueue queue = queue(recording, 10);
        synchronized (queue.changed) {
            queue.event("a", "first", "error");
            queue.add("b", "second", 2);
            queue.put(NewEvent.of("a", "third").alert(true).field("host", "web-1").field("ms", 1.5).date(new Date(1795305600000L)));
            queue.put(NewEvent.of("a", "fourth").id("01KXP4XMF0PJ52PJ52PJ52PJ52"));
        }
        assertTrue(queue.flush(20_000));
        assertEquals("/events", recording.requests().get(0).get("path"));
        List<Map<String, Object>> sent = events(recording.requests().get(0));
        List<String> ids = new ArrayList<>();
        for (Map<String, Object> event : sent) ids.add((String) event.remove("id"));
        assertEquals(
                List.of(
                        map("service", "a", "message", "first", "level", "error"),
                        map("service", "b", "message", "second", "level", 2L),
                        map("service", "a", "message", "third", "alert", true, "fields", map("host", "web-1", "ms", 1.5)),
                        map("service", "a", "message", "fourth")),
                sent);
        assertEquals(1795392000123L, ContractTest.msOf(ids.get(0)));
        // Those of one millisecond sort in their order.
        assertTrue(ids.get(1).compareTo(ids.get(0)) > 0 && ids.get(1).startsWith(ids.get(0).substring(0, 10)));
        assertEquals(1795305600000L, ContractTest.msOf(ids.get(2)));
        assertEquals("01KXP4XMF0PJ52PJ52PJ52PJ52", ids.get(3));
        assertEquals(0, queue.getDropped());
    }

    @Test
    void sendsAtMost1000EventsAnd1MibByOneRequest() {
        Recording recording = new Recording(Collections.nCopies(99, STORED));
        List<Integer> sizes = new CopyOnWriteArrayList<>();
        Transport measuring = (method, url, headers, body) -> {
            sizes.add(body.length);
            return recording.send(method, url, headers, body);
        };
        EventQueue queue = new EventQueue(recording.builder().transport(measuring).build(), 3_000, errors::add, recording);
        take(queue, Collections.nCopies(2_500, "event").toArray(new String[0]));
        assertTrue(queue.flush(20_000));
        assertEquals(List.of(1_000, 1_000, 500), batches(recording).stream().map(List::size).toList());
        // In JSON each of these has six bytes a character.
        take(queue, Collections.nCopies(40, "é".repeat(30_000)).toArray(new String[0]));
        assertTrue(queue.flush(20_000));
        assertTrue(sizes.stream().allMatch(size -> size <= 1_048_576), sizes.toString());
        // Each but the last is so full that no other event fits.
        assertTrue(sizes.subList(3, sizes.size() - 1).stream().allMatch(size -> size > 1_048_576 - 181_000), sizes.toString());
        assertEquals(2_540, batches(recording).stream().mapToInt(List::size).sum());
    }

    @Test
    void keepsTheOrderAndTheIdsWhileTheServerFailsAndTriesForAsLongAsItLives() throws InterruptedException {
        List<Map<String, Object>> answers = new ArrayList<>(Collections.nCopies(9, refusal(500)));
        answers.add(STORED);
        Recording recording = new Recording(answers);
        CountDownLatch sent = new CountDownLatch(10);
        Transport counting = (method, url, headers, body) -> {
            sent.countDown();
            return recording.send(method, url, headers, body);
        };
        EventQueue queue = new EventQueue(recording.builder().transport(counting).build(), 10, errors::add, recording);
        take(queue, "first", "second");
        assertTrue(sent.await(20, TimeUnit.SECONDS));
        assertTrue(queue.flush(20_000));
        assertEquals(Collections.nCopies(10, List.of("first", "second")), batches(recording));
        assertEquals(1, new LinkedHashSet<>(recording.requests()).size());
        assertEquals(List.of(1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0), recording.waits);
        assertEquals(9, errors.size());
        assertEquals(0, queue.getDropped());
    }

    @Test
    void waitsAsLongAsTheServerAsksButNotForHours() throws InterruptedException {
        Recording recording = new Recording(List.of(refusal(429, "Retry-After", "20"), refusal(429, "Retry-After", "7200"), STORED));
        CountDownLatch sent = new CountDownLatch(3);
        Transport counting = (method, url, headers, body) -> {
            sent.countDown();
            return recording.send(method, url, headers, body);
        };
        EventQueue queue = new EventQueue(recording.builder().transport(counting).build(), 10, null, recording);
        queue.event("a", "patient", null);
        assertTrue(sent.await(20, TimeUnit.SECONDS));
        assertEquals(List.of(20.0, 60.0), recording.waits);
    }

    @Test
    void dropsThoseThatTheServerRefusesAndReportsEach() {
        Recording recording = new Recording(List.of(refusing(0, "no service", 2, "no level", 99, "of nothing")));
        EventQueue queue = queue(recording, 10);
        take(queue, "bad", "fine", "worse");
        assertTrue(queue.flush(20_000));
        queue.close();
        assertEquals(List.of(List.of("bad", "fine", "worse")), batches(recording));
        assertEquals(2, queue.getDropped());
    }

    @Test
    void reportsRefusedOnesWithTheirHints() throws InterruptedException {
        CountDownLatch told = new CountDownLatch(2);
        Recording recording = new Recording(List.of(refusing(0, "no service", 1, "no level")));
        EventQueue queue = new EventQueue(recording.client(), 10, error -> {
            errors.add(error);
            told.countDown();
        }, recording);
        take(queue, "bad", "worse");
        assertTrue(told.await(20, TimeUnit.SECONDS));
        assertEquals(List.of("The event of web (400): no service", "The event of web (400): no level"), told());
    }

    @Test
    void dropsAndCountsAllOfARequestThatIsRefusedAndGoesOn() {
        Recording recording = new Recording(List.of(refusal(403), map("status", 200L, "text", "<html>"), STORED));
        EventQueue queue = new EventQueue(recording.client(), 10, error -> {
            throw new IllegalStateException("listener");
        }, recording);
        for (String[] messages : new String[][] {{"refused", "too"}, {"garbage"}, {"fine"}}) {
            take(queue, messages);
            assertTrue(queue.flush(20_000));
        }
        assertEquals(List.of(List.of("refused", "too"), List.of("garbage"), List.of("fine")), batches(recording));
        assertEquals(3, queue.getDropped());
    }

    @Test
    void findsTheOneForWhichARequestIsRefusedAsAWholeAndDropsNoOther() {
        List<Object> taken = new CopyOnWriteArrayList<>();
        Transport picky = (method, url, headers, body) -> {
            List<Object> messages = new ArrayList<>();
            for (Map<String, Object> event : events(map("body", Json.read(new String(body, StandardCharsets.UTF_8))))) {
                messages.add(event.get("message"));
            }
            if (messages.contains("poison")) return answerOf(refusal(413));
            taken.addAll(messages);
            return answerOf(STORED);
        };
        EventQueue queue = new EventQueue(Client.builder(Recording.BASE, "secret").transport(picky).build(), 1_000, errors::add);
        List<Object> expected = new ArrayList<>();
        String[] messages = new String[100];
        for (int i = 0; i < 100; i++) messages[i] = i == 37 ? "poison" : "event " + i;
        for (String message : messages) if (!message.equals("poison")) expected.add(message);
        take(queue, messages);
        assertTrue(queue.flush(20_000));
        assertEquals(expected, taken);
        assertEquals(1, queue.getDropped());
    }

    @Test
    void sendsThemOneAtATimeToAServerThatIsOlderWhichIsNoFailure() {
        for (int status : new int[] {404, 405}) {
            Recording recording = new Recording(List.of(refusal(status), ok(), ok()));
            EventQueue queue = queue(recording, 10);
            take(queue, "first", "second");
            assertTrue(queue.flush(20_000));
            assertEquals(List.of(List.of("first", "second"), List.of("first"), List.of("second")), batches(recording));
            assertEquals("/event", recording.requests().get(1).get("path"));
            assertEquals(events(recording.requests().get(0)).get(0), recording.requests().get(1).get("body"));
            assertEquals(0, queue.getDropped());
            assertEquals(List.of(), errors);
        }
    }

    @Test
    void dropsWhatAnOlderServerOrOneThatIsNoWatchTowerRefuses() {
        Recording recording = new Recording(List.of(refusal(404), refusal(404)));
        EventQueue queue = queue(recording, 10);
        take(queue, "first");
        assertTrue(queue.flush(20_000));
        assertEquals(1, queue.getDropped());
        assertEquals(1, errors.size());
    }

    @Test
    void givesUpEventsThatHaveWaitedFor30DaysAndReportsThem() throws InterruptedException {
        CountDownLatch sent = new CountDownLatch(3);
        EventQueue[] queues = new EventQueue[1];
        Recording recording = new Recording(List.of(refusal(503), refusal(503), STORED)) {
            @Override
            public boolean await(Object monitor, long ms) {
                monotonicMs += 15L * 86_400_000 + 1;
                if (monotonicMs < 20L * 86_400_000) queues[0].event("young", "second", null);
                return super.await(monitor, ms);
            }
        };
        Transport counting = (method, url, headers, body) -> {
            Transport.Answer answer = recording.send(method, url, headers, body);
            sent.countDown();
            return answer;
        };
        queues[0] = new EventQueue(recording.builder().transport(counting).build(), 10, errors::add, recording);
        queues[0].event("old", "first", null);
        assertTrue(sent.await(20, TimeUnit.SECONDS));
        assertTrue(queues[0].flush(20_000));
        assertEquals(List.of(List.of("first"), List.of("first", "second"), List.of("second")), batches(recording));
        assertEquals(1, queues[0].getDropped());
        String hint = "The event of old (400): It has waited for 30 days; the server takes none that is older.";
        assertTrue(told().contains(hint), told().toString());
    }

    @Test
    void stampsEventsAnewOnceThatAreRefusedWhereTheClockIsWrong() throws InterruptedException {
        long trueMs = 1795392000000L;
        for (long[] clock : new long[][] {{7_000, 67_000}, {trueMs + 3_600_000, trueMs + 3_660_000}, {7_000, trueMs + 60_000}}) {
            errors.clear();
            Map<String, Object> refused = refusing(0, "too old", 1, "too old", 2, "too old");
            refused.put("headers", map("Date", trueMs + 60_000));
            Recording recording = new Recording(List.of(refusal(503), refused, refusing(1, "no"))) {
                @Override
                public boolean await(Object monitor, long ms) {
                    nowMs = clock[1];
                    monotonicMs = 60_000;
                    return super.await(monitor, ms);
                }
            };
            recording.nowMs = clock[0];
            CountDownLatch sent = new CountDownLatch(3);
            Transport counting = (method, url, headers, body) -> {
                sent.countDown();
                return recording.send(method, url, headers, body);
            };
            EventQueue queue = new EventQueue(recording.builder().transport(counting).build(), 10, errors::add, recording);
            synchronized (queue.changed) {
                queue.event("a", "first", null);
                queue.put(NewEvent.of("a", "dated").date(1_000_000));
                queue.event("a", "second", null);
            }
            assertTrue(sent.await(20, TimeUnit.SECONDS));
            assertTrue(queue.flush(20_000));
            assertEquals(List.of("first", "second"), batches(recording).get(2));
            // By the server's clock it is a minute past the hour, and they were taken a minute ago.
            for (Map<String, Object> event : events(recording.requests().get(2))) {
                assertEquals(trueMs, ContractTest.msOf((String) event.get("id")));
            }
            // What has a date of the program's own is given up, and so is what is refused again.
            assertEquals(2, queue.getDropped());
        }
    }

    @Test
    void dropsWhatCanNotBeWrittenAsJsonAndNothingElseForItsSake() {
        Recording recording = new Recording(List.of(STORED));
        EventQueue queue = queue(recording, 10);
        Object nasty = new Object() {
            @Override
            public String toString() {
                throw new IllegalStateException("no text");
            }
        };
        synchronized (queue.changed) {
            queue.event("a", "fine", null);
            queue.put(NewEvent.of("a", "endless").field("value", Double.NaN));
            queue.event("a", "nasty", nasty);
        }
        assertTrue(queue.flush(20_000));
        assertEquals(List.of(List.of("fine")), batches(recording));
        assertEquals(2, queue.getDropped());
        assertEquals(2, errors.size());
    }

    @Test
    void dropsAndCountsWhatComesWhenItIsFullOrClosed() {
        CountDownLatch answered = new CountDownLatch(1);
        Transport stuck = (method, url, headers, body) -> {
            try {
                answered.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException error) {
                throw new AssertionError(error);
            }
            return answerOf(STORED);
        };
        EventQueue queue = new EventQueue(Client.builder(Recording.BASE, "secret").transport(stuck).build(), 2, null);
        for (int i = 0; i < 4; i++) queue.event("a", "event " + i, null);
        assertEquals(2, queue.size());
        assertEquals(2, queue.getDropped());
        assertFalse(queue.flush(10));
        queue.close(10);
        queue.event("a", "late", null);
        assertEquals(5, queue.getDropped());
        assertEquals(0, queue.size());
        answered.countDown();
    }

    @Test
    void idsHaveTheTimeThatTheyAreMadeForAndSortAsTheyAreMadeWithinAMillisecond() {
        Ulids ulids = new Ulids();
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) ids.add(ulids.next(1795392000123L));
        List<String> sorted = new ArrayList<>(ids);
        Collections.sort(sorted);
        assertEquals(sorted, ids);
        assertEquals(5_000, new LinkedHashSet<>(ids).size());
        for (String id : ids) assertEquals(1795392000123L, ContractTest.msOf(id));
        assertTrue(ulids.next(0).matches("0{10}[0-9A-HJKMNP-TV-Z]{16}"));
        assertTrue(ulids.next((1L << 48) - 1).startsWith("7ZZZZZZZZZ"));
    }
}
