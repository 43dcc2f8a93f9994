package io.github.lucasmouilleron.watchtower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** How programs end that use the client. */
class ExitTest {
    private static final String TOOK = "{\"result\":200,\"heartBeat\":{},\"stored\":3,\"ids\":[],\"refused\":[]}";

    private static Process start(String program, String url, String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Paths.get(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "io.github.lucasmouilleron.watchtower.programs." + program));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("WATCHTOWER_URL", url);
        builder.environment().put("WATCHTOWER_PASSWORD", "secret");
        return builder.start();
    }

    private static void assertEnds(Process process, int code, String stdout, String stderr) throws Exception {
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String complained = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(code, process.exitValue());
        assertEquals(stdout, said);
        assertTrue(complained.contains(stderr) && (stderr.isEmpty() == complained.isEmpty()), complained);
    }

    @Test
    void aProgramWithAFullQueueEndsWithItsOwnCodeInSilence() throws Exception {
        assertEnds(start("FullQueueProgram", Servers.nowhere()), 7, "dropped 7\n", "");
    }

    @Test
    void aProgramWithAFullQueueEndsInTimeWhenTheServerNeverAnswers() throws Exception {
        try (ServerSocket silent = Servers.silent()) {
            assertEnds(start("FullQueueProgram", Servers.urlOf(silent)), 7, "dropped 7\n", "");
        }
    }

    @Test
    void aProgramWithAFullQueueSendsWhatItHasBeforeItEnds() throws Exception {
        try (Servers.Tower tower = Servers.tower(200, TOOK)) {
            assertEnds(start("FullQueueProgram", tower.url), 7, "dropped 7\n", "");
            // What is tried again, where this machine is slow, has the same ids.
            Set<String> events = new LinkedHashSet<>();
            for (String request : tower.requests) {
                Matcher matcher = Pattern.compile("\\{[^}]*}").matcher(request.replace("POST /events ", ""));
                while (matcher.find()) events.add(matcher.group());
            }
            List<String> messages = new ArrayList<>();
            for (String event : events) messages.add(event.replaceAll(",\"id\":\"[0-7][0-9A-Z]{25}\"", ""));
            String event = "{\"service\":\"full\",\"message\":\"event %d\"}";
            assertEquals(List.of(String.format(event, 0), String.format(event, 1), String.format(event, 2)), messages);
        }
    }

    private static List<String> requestsOf(String line, int code, String stderr) throws Exception {
        try (Servers.Tower tower = Servers.tower(200, TOOK)) {
            Process process = start("PulserProgram", tower.url, "worker", "600", "900");
            BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream()));
            assertEquals("pulsing", out.readLine());
            process.getOutputStream().write(line.getBytes(StandardCharsets.US_ASCII));
            process.getOutputStream().flush();
            assertEnds(process, code, "", stderr);
            return tower.requests;
        }
    }

    @Test
    void aProgramThatPulsesIsNotKeptAliveByThatAndCancelsWhenItEnds() throws Exception {
        assertEquals(
                List.of("POST /heartbeat {\"service\":\"worker\",\"nextIn\":900}", "DELETE /heartbeat {\"service\":\"worker\"}"),
                requestsOf("exit\n", 0, ""));
    }

    @Test
    void aProgramThatPulsesDoesNotCancelWhenItCrashes() throws Exception {
        String said = "Exception in thread \"main\" java.lang.IllegalStateException: crash";
        assertEquals(
                List.of("POST /heartbeat {\"service\":\"worker\",\"nextIn\":900}"), requestsOf("crash\n", 1, said));
    }

    @Test
    void aProgramThatPulsesCancelsWhenASignalEndsIt() throws Exception {
        try (Servers.Tower tower = Servers.tower(200, TOOK)) {
            Process process = start("PulserProgram", tower.url, "worker", "600", "900");
            assertEquals("pulsing", new BufferedReader(new InputStreamReader(process.getInputStream())).readLine());
            process.destroy();
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            assertEquals("DELETE /heartbeat {\"service\":\"worker\"}", tower.requests.get(1));
        }
    }
}
