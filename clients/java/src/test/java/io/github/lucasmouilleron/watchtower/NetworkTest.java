package io.github.lucasmouilleron.watchtower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
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
}
