package io.github.lucasmouilleron.watchtower;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Local servers that answer, and some that don't. */
final class Servers {
    private Servers() {}

    /** A server that gives each request the same answer. */
    static final class Tower implements AutoCloseable {
        final List<String> requests = new CopyOnWriteArrayList<>();
        final String url;
        private final HttpServer server;

        Tower(String host, int status, String body, String... headers) throws IOException {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(host), 0), 0);
            server.createContext("/", exchange -> answer(exchange, status, body, headers));
            server.start();
            String name = host.contains(":") ? "[" + host + "]" : host;
            url = "http://" + name + ":" + server.getAddress().getPort();
        }

        private void answer(HttpExchange exchange, int status, String body, String... headers) throws IOException {
            String said = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + said);
            for (int i = 0; i < headers.length; i += 2) exchange.getResponseHeaders().add(headers[i], headers[i + 1]);
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            if (bytes.length > 0) exchange.getResponseBody().write(bytes);
            exchange.close();
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }

    static Tower tower(int status, String body, String... headers) throws IOException {
        return new Tower("127.0.0.1", status, body, headers);
    }

    /** A server that takes connections and never answers. */
    static ServerSocket silent() throws IOException {
        return new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    }

    static String urlOf(ServerSocket socket) {
        return "http://127.0.0.1:" + socket.getLocalPort();
    }

    /** An address where nobody listens. */
    static String nowhere() throws IOException {
        try (ServerSocket socket = silent()) {
            return urlOf(socket);
        }
    }
}
