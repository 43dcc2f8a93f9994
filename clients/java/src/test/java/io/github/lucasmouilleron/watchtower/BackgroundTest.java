package io.github.lucasmouilleron.watchtower;

import static io.github.lucasmouilleron.watchtower.Recording.map;
import static io.github.lucasmouilleron.watchtower.Recording.ok;
import static io.github.lucasmouilleron.watchtower.Recording.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
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

/** What runs in the background: pulses, and the log. */
class BackgroundTest {
    private static final Map<String, Object> TOOK = ok("heartBeat", map("service", "worker"));
    private static final Map<String, Object> FAILED = refusal(503);
    private static final Map<String, Object> STORED = ok("stored", 1L, "ids", List.of(), "refused", List.of());

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
        List<Object> messages = new ArrayList<>();
        for (Map<String, Object> request : pauses.requests()) {
            for (Object event : (List<?>) request.get("body")) {
                levels.add(((Map<?, ?>) event).get("level"));
                messages.add(((Map<?, ?>) event).get("message"));
            }
        }
        assertEquals(List.of(0L, 1L, 1L, 3L, 4L), levels);
        assertEquals("a 1", messages.get(0));
        String failed = (String) messages.get(4);
        assertTrue(failed.startsWith("failed\njava.lang.IllegalStateException: boom"), failed);
        handler.publish(new LogRecord(Level.INFO, "late"));
    }
}
