package io.github.lucasmouilleron.watchtower;

import static io.github.lucasmouilleron.watchtower.Recording.map;
import static io.github.lucasmouilleron.watchtower.Recording.ok;
import static io.github.lucasmouilleron.watchtower.Recording.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** What runs in the background: pulses and events. */
class BackgroundTest {
    private static final Map<String, Object> TOOK = ok("heartBeat", map("service", "worker"));
    private static final Map<String, Object> FAILED = refusal(503);
    private static final Map<String, Object> STORED = ok("id", "01M8374DZ0Q2V8K6CJ5V0S3XKA");

    /** Pauses that are over at once; after so many, whoever pauses stays where it is until it is woken. */
    private static final class Pauses extends Recording {
        final CountDownLatch done = new CountDownLatch(1);
        private final int count;

        Pauses(List<Map<String, Object>> answers, int count) {
            super(answers);
            this.count = count;
        }

        @Override
        public boolean await(Object monitor, long ms) {
            super.await(monitor, ms);
            if (waits.size() < count) return false;
            done.countDown();
            try {
                monitor.wait(20_000);
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
            }
            return true;
        }

        void awaitDone() throws InterruptedException {
            assertTrue(done.await(20, TimeUnit.SECONDS));
        }

        List<Object> methods() {
            List<Object> methods = new ArrayList<>();
            for (Map<String, Object> request : requests()) methods.add(request.get("method"));
            return methods;
        }

        List<Object> messages() {
            List<Object> messages = new ArrayList<>();
            for (Map<String, Object> request : requests()) messages.add(((Map<?, ?>) request.get("body")).get("message"));
            return messages;
        }
    }

    private static Pulser.Builder pulser(Pauses pauses, double interval) {
        return Pulser.builder(pauses.client(), "worker", interval).surroundings(pauses);
    }

    @Test
    void aPulserPulsesAtOnceAndThenAtItsInterval() throws InterruptedException {
        Pauses pauses = new Pauses(Collections.nCopies(4, TOOK), 3);
        Pulser pulser = pulser(pauses, 60).start();
        pauses.awaitDone();
        assertEquals(List.of(60.0, 60.0, 60.0), pauses.waits);
        assertEquals(map("service", "worker", "nextIn", 100L), pauses.requests().get(0).get("body"));
        pulser.stop();
        pulser.stop();
        assertEquals(List.of("POST", "POST", "POST", "DELETE"), pauses.methods());
    }

    @Test
    void aPulserShiftsEachPulseByUpToATenthOfTheInterval() throws InterruptedException {
        for (double random : new double[] {0, 1}) {
            Pauses pauses = new Pauses(List.of(TOOK, TOOK), 1);
            pauses.random = random;
            Pulser pulser = pulser(pauses, 60).start();
            pauses.awaitDone();
            assertEquals(54 + 12 * random, pauses.waits.get(0), 1e-9);
            pulser.close();
        }
    }

    @Test
    void aPulserSaysWhatItWasTold() throws InterruptedException {
        Pauses pauses = new Pauses(List.of(TOOK, TOOK), 1);
        Pulser pulser = pulser(pauses, 60).pulse(Pulse.of("worker", 300).alert("mail", "a@b").grace(0)).start();
        pauses.awaitDone();
        Map<String, Object> said = map("service", "worker", "nextIn", 300L, "alertType", "mail", "alertTarget", "a@b", "grace", 0L);
        assertEquals(said, pauses.requests().get(0).get("body"));
        pulser.close();
    }

    @Test
    void aPulserTriesQuicklyAfterAFailureEverLessSoAndThenGoesOnAsBefore() throws InterruptedException {
        List<RuntimeException> errors = Collections.synchronizedList(new ArrayList<>());
        Pauses pauses = new Pauses(List.of(TOOK, FAILED, FAILED, FAILED, TOOK, TOOK), 5);
        Pulser pulser = pulser(pauses, 60).onError(errors::add).start();
        pauses.awaitDone();
        assertEquals(List.of(60.0, 1.0, 2.0, 4.0, 60.0), pauses.waits);
        assertEquals(3, errors.size());
        pulser.close();
    }

    @Test
    void aPulserNeverTriesLaterThanItsIntervalAndDoesNotMindListenersThatThrow() throws InterruptedException {
        Pauses pauses = new Pauses(Collections.nCopies(1_300, FAILED), 1_200);
        Pulser pulser = pulser(pauses, 5)
                .onError(error -> {
                    throw new IllegalStateException("listener");
                })
                .start();
        pauses.awaitDone();
        assertTrue(pauses.waits.subList(3, 1_200).stream().allMatch(wait -> wait == 5.0));
        pulser.stop();
    }

    @Test
    void aPulserCancelsAfterAPulseThatIsUnderWay() throws InterruptedException {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch answered = new CountDownLatch(1);
        Recording recording = new Recording(List.of(TOOK, TOOK));
        Transport slow = (method, url, headers, body) -> {
            if (method.equals("POST")) {
                arrived.countDown();
                try {
                    assertTrue(answered.await(20, TimeUnit.SECONDS));
                } catch (InterruptedException error) {
                    throw new AssertionError(error);
                }
            }
            return recording.send(method, url, headers, body);
        };
        Pulser pulser = Pulser.builder(recording.builder().transport(slow).build(), "worker", 60).start();
        assertTrue(arrived.await(20, TimeUnit.SECONDS));
        Thread stopping = new Thread(pulser::stop);
        stopping.start();
        assertEquals(List.of(), recording.requests());
        answered.countDown();
        stopping.join(20_000);
        assertEquals("POST", recording.requests().get(0).get("method"));
        assertEquals("DELETE", recording.requests().get(1).get("method"));
    }

    @Test
    void aPulserReportsACancelThatFails() throws InterruptedException {
        List<RuntimeException> errors = Collections.synchronizedList(new ArrayList<>());
        Pauses pauses = new Pauses(List.of(TOOK, refusal(403)), 1);
        Pulser pulser = pulser(pauses, 60).onError(errors::add).start();
        pauses.awaitDone();
        pulser.stop();
        assertEquals(403, ((WatchTowerException) errors.get(0)).getStatus());
    }

    @Test
    void aPulserRefusesAnIntervalThatIsNone() {
        for (double interval : new double[] {0, -1, Double.NaN}) {
            assertThrows(IllegalArgumentException.class, () -> pulser(new Pauses(List.of(), 0), interval));
        }
    }

    @Test
    void aQueueKeepsTheOrderWhileTheServerFailsAndTriesForAsLongAsItLives() throws InterruptedException {
        List<Map<String, Object>> answers = new ArrayList<>(Collections.nCopies(9, refusal(500)));
        answers.addAll(List.of(STORED, STORED, STORED));
        Pauses pauses = new Pauses(answers, 99);
        List<RuntimeException> errors = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch sent = new CountDownLatch(12);
        Transport counting = (method, url, headers, body) -> {
            sent.countDown();
            return pauses.send(method, url, headers, body);
        };
        EventQueue queue = new EventQueue(pauses.builder().transport(counting).build(), 10, errors::add, pauses);
        queue.event("a", "first", "error");
        queue.add("a", "second", 2);
        queue.event("a", "third", null);
        assertTrue(sent.await(20, TimeUnit.SECONDS));
        assertTrue(queue.flush(20_000));
        List<Object> expected = new ArrayList<>(Collections.nCopies(10, "first"));
        expected.addAll(List.of("second", "third"));
        assertEquals(expected, pauses.messages());
        assertEquals(List.of(1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0), pauses.waits);
        assertEquals(9, errors.size());
        assertEquals(0, queue.getDropped());
        assertEquals(map("service", "a", "message", "second", "level", 2L), pauses.requests().get(10).get("body"));
    }

    @Test
    void aQueueWaitsAsLongAsTheServerAsksButNotForHours() throws InterruptedException {
        Pauses pauses = new Pauses(List.of(refusal(429, "Retry-After", "20"), refusal(429, "Retry-After", "7200"), STORED), 99);
        CountDownLatch sent = new CountDownLatch(3);
        Transport counting = (method, url, headers, body) -> {
            sent.countDown();
            return pauses.send(method, url, headers, body);
        };
        EventQueue queue = new EventQueue(pauses.builder().transport(counting).build(), 10, null, pauses);
        queue.event("a", "patient", null);
        assertTrue(sent.await(20, TimeUnit.SECONDS));
        assertEquals(List.of(20.0, 60.0), pauses.waits);
    }

    @Test
    void aQueueDropsWhatTheServerRefusesCountsItAndGoesOn() {
        Pauses pauses = new Pauses(List.of(refusal(403), map("status", 200L, "text", "<html>"), STORED), 99);
        EventQueue queue = new EventQueue(pauses.client(), 10, error -> {
            throw new IllegalStateException("listener");
        }, pauses);
        for (String message : new String[] {"refused", "garbage", "fine"}) queue.event("a", message, null);
        assertTrue(queue.flush(20_000));
        assertEquals(List.of("refused", "garbage", "fine"), pauses.messages());
        assertEquals(2, queue.getDropped());
    }

    @Test
    void aQueueDropsAndCountsWhatComesWhenItIsFullOrClosed() throws InterruptedException {
        CountDownLatch answered = new CountDownLatch(1);
        Transport stuck = (method, url, headers, body) -> {
            try {
                answered.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException error) {
                throw new AssertionError(error);
            }
            return Recording.answerOf(STORED);
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
    void aMessageIsMendedAsLittleAsPossible() {
        assertEquals(" ", Message.mended(""));
        assertEquals("null", Message.mended(null));
        assertEquals("a\uFFFDb\uFFFD🦊", Message.mended("a\0b\uD800🦊"));
        for (String unit : new String[] {"a", "é", "中", "🦊", "a🦊"}) {
            int bytes = unit.getBytes(StandardCharsets.UTF_8).length;
            String fits = unit.repeat(65_536 / bytes);
            assertEquals(fits, Message.mended(fits));
            String cut = Message.mended(fits + unit);
            int length = cut.getBytes(StandardCharsets.UTF_8).length;
            assertTrue(length <= 65_536 && length > 65_536 - 8, unit);
            assertTrue(cut.endsWith("…") && fits.startsWith(cut.substring(0, cut.length() - 1)), unit);
        }
    }

    @Test
    void aLogHandlerSendsRecordsAsEventsAtTheirLevels() {
        Pauses pauses = new Pauses(Collections.nCopies(5, STORED), 99);
        WatchTowerLogHandler handler = new WatchTowerLogHandler(new EventQueue(pauses.client(), 10, null, pauses), "web");
        Logger logger = Logger.getAnonymousLogger();
        logger.setUseParentHandlers(false);
        logger.setLevel(Level.ALL);
        handler.setLevel(Level.ALL);
        logger.addHandler(handler);
        logger.log(Level.FINE, "a {0}", 1);
        logger.config("b");
        logger.info("c");
        logger.warning("d");
        logger.log(Level.SEVERE, "failed", new IllegalStateException("boom"));
        handler.close();
        List<Object> levels = new ArrayList<>();
        for (Map<String, Object> request : pauses.requests()) levels.add(((Map<?, ?>) request.get("body")).get("level"));
        assertEquals(List.of(0L, 1L, 1L, 3L, 4L), levels);
        assertEquals("a 1", pauses.messages().get(0));
        String failed = (String) pauses.messages().get(4);
        assertTrue(failed.startsWith("failed\njava.lang.IllegalStateException: boom"), failed);
        handler.publish(new LogRecord(Level.INFO, "late"));
    }
}
