package io.github.lucasmouilleron.watchtower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkTest {
    private static final String NONE = "{\"result\":200,\"heartBeats\":[]}";

    private static WatchTowerException failure(String url) {
        Client client = Client.builder(url, "secret").attempts(1).timeoutMs(300).build();
        return assertTimeoutPreemptively(
                Duration.ofSeconds(20), () -> assertThrows(WatchTowerException.class, client::heartbeats));
    }

    @Test
    void saysThatNobodyListens() throws IOException {
        WatchTowerException error = failure(Servers.nowhere());
        assertEquals(0, error.getStatus());
        assertTrue(error.getHint().contains("refused"), error.getHint());
    }

    @Test
    void givesUpAServerThatNeverAnswers() throws IOException {
        try (ServerSocket silent = Servers.silent()) {
            WatchTowerException error = failure(Servers.urlOf(silent));
            assertEquals(0, error.getStatus());
            assertEquals("no answer in time (300 ms)", error.getHint());
        }
    }

    @Test
    void givesUpAServerThatAnswersDropByDrop() throws IOException {
        for (String start : new String[] {"", "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"}) {
            try (ServerSocket dripping = Servers.silent()) {
                Thread thread = new Thread(() -> drip(dripping, start));
                thread.setDaemon(true);
                thread.start();
                assertEquals("no answer in time (300 ms)", failure(Servers.urlOf(dripping)).getHint());
            }
        }
    }

    private static void drip(ServerSocket server, String start) {
        try (Socket socket = server.accept(); OutputStream out = socket.getOutputStream()) {
            out.write(start.getBytes("US-ASCII"));
            // The rest would take half an hour.
            for (byte b : ("HTTP/1.1 200 OK\r\nX: " + "x".repeat(99_999)).getBytes("US-ASCII")) {
                out.write(b);
                out.flush();
                Thread.sleep(20);
            }
        } catch (IOException | InterruptedException error) {
            // The client has gone.
        }
    }

    @Test
    void findsAServerBelowAPathAndOnIpv6() throws IOException {
        for (String host : new String[] {"127.0.0.1", "::1"}) {
            try (Servers.Tower tower = new Servers.Tower(host, 200, NONE)) {
                assertEquals(List.of(), new Client(tower.url + "/tower/", "secret").heartbeats());
                assertEquals(List.of("GET /tower/heartbeats "), tower.requests);
            }
        }
    }

    @Test
    void doesNotFollowARedirectWhichWouldCarryThePasswordElsewhere() throws IOException {
        try (Servers.Tower other = Servers.tower(200, NONE)) {
            for (int status : new int[] {301, 302, 303, 307, 308}) {
                try (Servers.Tower tower = Servers.tower(status, "", "Location", other.url)) {
                    WatchTowerException error = failure(tower.url);
                    assertEquals(status, error.getStatus());
                    assertTrue(error.getHint().contains(other.url));
                }
            }
            assertEquals(List.of(), other.requests);
        }
    }

    @Test
    void cancelsWithABody() throws IOException {
        try (Servers.Tower tower = Servers.tower(200, "{\"result\":200,\"heartBeat\":\"é\"}")) {
            assertNull(new Client(tower.url, "secret").cancel("é"));
            assertEquals(List.of("DELETE /heartbeat {\"service\":\"\\u00e9\"}"), tower.requests);
        }
    }

    @Test
    void readsErrorsThatHaveABodyAndThoseThatHaveNone() throws IOException {
        try (Servers.Tower tower = Servers.tower(403, "{\"result\":403,\"code\":\"forbidden\",\"hint\":\"no\"}")) {
            assertEquals("no", failure(tower.url).getHint());
        }
        try (Servers.Tower tower = Servers.tower(401, "")) {
            assertEquals(401, failure(tower.url).getStatus());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "tower.example", "ftp://tower.example", "http://", "http://a:b@tower.example",
                "http://tower.example/?a=b", "http://tower.example/#a", "http://a b"})
    void refusesAddressesThatAreNone(String url) {
        assertThrows(WatchTowerException.class, () -> new Client(url, "secret"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a ", "käse", "two\nlines", "\0"})
    void refusesPasswordsThatCanNotTravelAndDoesNotRepeatThem(String password) {
        WatchTowerException error =
                assertThrows(WatchTowerException.class, () -> new Client(Recording.BASE, password));
        assertEquals("The password: must be printable ASCII, without spaces around it.", error.getMessage());
    }

    @Test
    void aRetryAfterMayBeADate() {
        Recording recording = new Recording(
                List.of(Recording.refusal(503, "Retry-After", "Mon, 23 Nov 2026 12:00:30 GMT"), Recording.ok()));
        recording.nowMs = 1_795_435_200_000L;
        recording.client().hello();
        assertEquals(List.of(30.0), recording.waits);
    }

    @Test
    void warningsGoToAListener() {
        List<String> warnings = new java.util.ArrayList<>();
        Recording recording = new Recording(
                List.of(Recording.ok("heartBeat", Recording.map(), "warnings", List.of("one", "two"))));
        recording.builder().onWarning(warnings::add).build().pulse("a", null, null, 60);
        assertEquals(List.of("one", "two"), warnings);
        assertEquals(Recording.map("service", "a", "nextIn", 60L), recording.requests.get(0).get("body"));
    }

    private static final String LINE = "{\"message\":\"é\"}\n";

    /** Answers one connection after the other with bytes as they are; then each stays, or is closed. */
    private static ServerSocket raw(boolean staysOpen, String... answers) throws IOException {
        ServerSocket server = Servers.silent();
        Thread thread = new Thread(() -> {
            List<Socket> open = new ArrayList<>();
            try {
                for (String answer : answers) {
                    Socket socket = server.accept();
                    open.add(socket);
                    BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream()));
                    for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {}
                    socket.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
                    socket.getOutputStream().flush();
                    if (!staysOpen) socket.close();
                }
            } catch (IOException error) {
                // The test is over.
            }
        });
        thread.setDaemon(true);
        thread.start();
        return server;
    }

    private static String head(String type, String more) {
        return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\n" + more + "\r\n\r\n";
    }

    private static String chunked(String type, String... chunks) {
        StringBuilder out = new StringBuilder(head(type, "Transfer-Encoding: chunked"));
        for (String chunk : chunks) {
            int length = chunk.getBytes(StandardCharsets.UTF_8).length;
            out.append(Integer.toHexString(length)).append("\r\n").append(chunk).append("\r\n");
        }
        return out.toString();
    }

    private static void assertBreaksOff(String answer) throws IOException {
        try (ServerSocket server = raw(false, answer);
                EventStream export = Client.builder(Servers.urlOf(server), "secret").attempts(1).build().exportEvents(Filter.all())) {
            assertEquals("é", export.next().getMessage());
            assertEquals(0, assertThrows(WatchTowerException.class, export::hasNext).getStatus());
            assertFalse(export.hasNext());
        }
    }

    @Test
    void anExportEndsWhereTheServerEndsIt() throws IOException {
        String whole = chunked("application/x-ndjson", "{\"message\"", ":\"é\"}\n" + LINE) + "0\r\n\r\n";
        try (ServerSocket server = raw(false, whole);
                EventStream export = new Client(Servers.urlOf(server), "secret").exportEvents(Filter.all())) {
            assertEquals("é", export.next().getMessage());
            assertEquals("é", export.next().getMessage());
            assertFalse(export.hasNext());
        }
    }

    @Test
    void anExportIsAnErrorWhereTheConnectionBreaksOff() throws IOException {
        assertBreaksOff(chunked("application/x-ndjson", LINE));
        assertBreaksOff(chunked("application/x-ndjson", LINE) + "ff\r\n{");
        assertBreaksOff(head("application/x-ndjson", "Content-Length: 99") + LINE);
        assertBreaksOff(head("application/x-ndjson", "Connection: close") + LINE + "{");
    }

    @Test
    void anExportIsAnErrorWhereNothingComesAnyMore() throws IOException {
        try (ServerSocket server = raw(true, chunked("application/x-ndjson", LINE))) {
            Client client = Client.builder(Servers.urlOf(server), "secret").idleTimeoutMs(300).build();
            EventStream export = client.exportEvents(Filter.all());
            assertEquals("é", export.next().getMessage());
            WatchTowerException error = assertThrows(WatchTowerException.class, export::hasNext);
            assertEquals("nothing came in time (300 ms)", error.getHint());
        }
    }

    private static String message(int id) {
        return "retry: 10\n\nid: " + id + "\ndata: {\"id\":\"" + id + "\"}\n\n";
    }

    @Test
    void aTailGoesOnOverConnectionsThatEndBreakOffFallSilentOrCanNotBeMade() throws IOException {
        List<Integer> statuses = new CopyOnWriteArrayList<>();
        String type = "text/event-stream";
        try (ServerSocket server = raw(
                true,
                chunked(type, message(1)) + "0\r\n\r\n",
                chunked(type, message(2)) + "xx\r\n",
                chunked(type, message(3)),
                "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                chunked(type, message(4)))) {
            Client client = Client.builder(Servers.urlOf(server), "secret").idleTimeoutMs(300).build();
            List<String> ids = new ArrayList<>();
            try (EventStream tail = client.tail(
                    Filter.all(), null, error -> statuses.add(((WatchTowerException) error).getStatus()))) {
                for (Event event : tail) {
                    ids.add(event.getId());
                    if (event.getId().equals("4")) break;
                }
            }
            assertEquals(List.of("1", "2", "3", "4"), ids);
            assertEquals(List.of(0, 0, 503), statuses);
        }
    }

    @Test
    void aTailIsClosedFromAnotherThreadByTheNextSignOfLife() throws Exception {
        try (ServerSocket server = Servers.silent()) {
            EventStream tail = new Client(Servers.urlOf(server), "secret").tail(Filter.all());
            FutureTask<Boolean> reading = new FutureTask<>(tail::hasNext);
            new Thread(reading).start();
            try (Socket socket = server.accept()) {
                OutputStream out = socket.getOutputStream();
                out.write(head("text/event-stream", "Connection: close").getBytes(StandardCharsets.UTF_8));
                out.flush();
                tail.close();
                out.write(": alive\n\n".getBytes(StandardCharsets.UTF_8));
                out.flush();
                assertFalse(reading.get(20, TimeUnit.SECONDS));
            }
        }
    }
}
