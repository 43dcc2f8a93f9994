package io.github.lucasmouilleron.watchtower;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLSocketFactory;

/**
 * A watchTower. Each call is one request, tried again where that helps; it throws a {@link WatchTowerException}. It may
 * be used by many threads.
 */
public final class Client {
    /** Hears of the warnings of answers, such as a target whose credentials are missing. */
    public interface WarningListener {
        /** @param warning one sentence */
        void onWarning(String warning);
    }

    private final Connection connection;

    /**
     * A client as it is for everybody.
     *
     * @param url http or https, with a path prefix where it has one
     * @param password printable ASCII
     */
    public Client(String url, String password) {
        this(builder(url, password));
    }

    private Client(Builder builder) {
        this(builder.connection());
    }

    private Client(Connection connection) {
        this.connection = connection;
    }

    /**
     * A client that is built in steps.
     *
     * @param url http or https, with a path prefix where it has one
     * @param password printable ASCII
     * @return a builder
     */
    public static Builder builder(String url, String password) {
        return new Builder(url, password);
    }

    Client withAttempts(int attempts) {
        return new Client(connection.withAttempts(attempts));
    }

    /**
     * How far the server's clock was ahead of ours at its last answer.
     *
     * @return milliseconds; 0 where it doesn't say
     */
    public long getClockOffsetMs() {
        return connection.clockOffsetMs();
    }

    /**
     * The service lives, and promises its next pulse.
     *
     * @param service the service
     * @param alertType {@code pushover}, {@code mail} or {@code webhook}; null, as the target, for the server's default
     * @param alertTarget a key, addresses or a URL
     * @param nextIn seconds until the next pulse in the worst case
     * @return the service
     */
    public HeartBeat pulse(String service, String alertType, String alertTarget, long nextIn) {
        return pulse(Pulse.of(service, nextIn).alert(alertType, alertTarget));
    }

    /**
     * The service lives, and promises its next pulse.
     *
     * @param pulse what is said
     * @return the service
     */
    public HeartBeat pulse(Pulse pulse) {
        return heartBeat(connection.request("POST", "/heartbeat", null, pulse.fields()));
    }

    /**
     * Nobody waits for the service any more.
     *
     * @param service the service
     * @return the service; null where it is unknown
     */
    public HeartBeat cancel(String service) {
        return cancel(service, false);
    }

    /**
     * Nobody waits for the service any more.
     *
     * @param service the service
     * @param forget whether it is taken from the list at once
     * @return the service; null where it is unknown
     */
    public HeartBeat cancel(String service, boolean forget) {
        Map<String, Object> body = new LinkedHashMap<String, Object>();
        body.put("service", service);
        if (forget) body.put("forget", true);
        Map<String, Object> answer = connection.request("DELETE", "/heartbeat", null, body);
        return answer.get("heartBeat") instanceof String ? null : heartBeat(answer);
    }

    /**
     * All services.
     *
     * @return the services, by name
     */
    public List<HeartBeat> heartbeats() {
        List<HeartBeat> services = new ArrayList<HeartBeat>();
        for (Object item : Answers.list(connection.request("GET", "/heartbeats", null, null), "heartBeats")) {
            services.add(new HeartBeat(Answers.object(item, "heartBeats")));
        }
        return services;
    }

    /**
     * One service.
     *
     * @param service its name
     * @return the service; null where it is unknown
     */
    public HeartBeat heartbeat(String service) {
        Map<String, Object> answer = unlessUnknown("GET", "/heartbeat", Collections.singletonMap("service", service));
        return answer == null ? null : heartBeat(answer);
    }

    /**
     * Stores an event of level 0.
     *
     * @param service the service that it is of
     * @param message 1 to 65,536 bytes
     * @return its id; null from a server that gives none
     */
    public String event(String service, String message) {
        return event(service, message, null, false);
    }

    /**
     * Stores an event.
     *
     * @param service the service that it is of
     * @param message 1 to 65,536 bytes
     * @param level 0 to 1,000
     * @return its id; null from a server that gives none
     */
    public String event(String service, String message, int level) {
        return event(service, message, (Object) level, false);
    }

    /**
     * Stores an event.
     *
     * @param service the service that it is of
     * @param message 1 to 65,536 bytes
     * @param level a number, or a name such as {@code error}; null for 0
     * @param alert whether the server's default target is alerted, too
     * @return its id; null from a server that gives none
     */
    public String event(String service, String message, Object level, boolean alert) {
        return event(NewEvent.of(service, message).level(level).alert(alert));
    }

    /**
     * Stores an event.
     *
     * @param event the event
     * @return its id; null from a server that gives none
     */
    public String event(NewEvent event) {
        return sendBody(event.body());
    }

    String sendBody(Map<String, Object> body) {
        Object id = connection.request("POST", "/event", null, body).get("id");
        return id instanceof String ? (String) id : null;
    }

    /**
     * Stores events by one request. They get ids, so that another attempt stores none twice, unless they have one, or a
     * date that is a text.
     *
     * @param events at most 1,000 and 1 MiB of them
     * @return what became of each
     */
    public SentEvents sendEvents(Iterable<NewEvent> events) {
        Ulids ulids = new Ulids();
        List<Map<String, Object>> bodies = new ArrayList<Map<String, Object>>();
        for (NewEvent event : events) bodies.add(event.stampedBody(ulids, connection.nowMs()));
        return sendBodies(bodies);
    }

    SentEvents sendBodies(List<Map<String, Object>> bodies) {
        return new SentEvents(connection.request("POST", "/events", null, bodies, true));
    }

    /**
     * Stores an event: the original's name for it.
     *
     * @param service the service that it is of
     * @param message 1 to 65,536 bytes
     * @param level 0 to 1,000
     * @return its id; null from a server that gives none
     */
    public String add(String service, String message, int level) {
        return event(service, message, level);
    }

    /**
     * Events, newest first, page by page as they are needed.
     *
     * @param filter which ones
     * @return the events; each iterator asks anew
     */
    public Iterable<Event> events(Filter filter) {
        return new Pages<Event>(connection, "/events", "events", filter) {
            @Override
            Event item(Map<String, Object> fields) {
                return new Event(fields);
            }
        };
    }

    /**
     * How many events match: of each level, of the services that have most, and over time.
     *
     * @param filter which ones, and into how many parts the time is divided
     * @return the counts
     */
    public EventStats eventStats(Filter filter) {
        Map<String, Object> answer = connection.request("GET", "/events/stats", filter.fields(), null, true);
        Answers.list(answer, "buckets");
        Map<String, Object> stats = new LinkedHashMap<String, Object>(answer);
        stats.remove("result");
        return new EventStats(stats);
    }

    /**
     * All events that match, oldest first, as they come. To read them throws where the connection breaks off.
     *
     * @param filter which ones; there is no default for dates
     * @return the events; to be closed
     */
    public EventStream exportEvents(Filter filter) {
        return new Export(connection, filter);
    }

    /**
     * The events that match, as they are stored from now on, until it is closed.
     *
     * @param filter which ones, without dates
     * @return the events; to be closed
     */
    public EventStream tail(Filter filter) {
        return tail(filter, null, null);
    }

    /**
     * The events that match, as they are stored, until it is closed. A connection that ends is made anew, without an event
     * lost or told twice; a refusal (another 4xx than 429) is thrown.
     *
     * @param filter which ones, without dates
     * @param lastEventId goes on after this event, as far as the server remembers; null to begin with what comes now
     * @param errors hears of each connection that was lost or could not be made; null for nobody
     * @return the events; to be closed
     */
    public EventStream tail(Filter filter, String lastEventId, ErrorListener errors) {
        return new Tail(connection, filter, lastEventId, errors);
    }

    /**
     * All alert rules.
     *
     * @return the rules, by name
     */
    public List<Rule> rules() {
        List<Rule> rules = new ArrayList<Rule>();
        for (Object item : Answers.list(connection.request("GET", "/rules", null, null, true), "rules")) {
            rules.add(new Rule(Answers.object(item, "rules")));
        }
        return rules;
    }

    /**
     * One alert rule.
     *
     * @param name its name
     * @return the rule; null where there is none of this name
     */
    public Rule rule(String name) {
        Map<String, Object> answer = unlessUnknown("GET", rulePath(name), null);
        return answer == null ? null : new Rule(Answers.object(answer.get("rule"), "rule"));
    }

    /**
     * Writes an alert rule, in place of that of the same name.
     *
     * @param name its name
     * @param rule what it says
     * @return the rule as it holds
     */
    public Rule putRule(String name, NewRule rule) {
        Map<String, Object> answer = connection.request("PUT", rulePath(name), null, rule.body(), true);
        return new Rule(Answers.object(answer.get("rule"), "rule"));
    }

    /**
     * Deletes an alert rule.
     *
     * @param name its name
     * @return whether there was one
     */
    public boolean deleteRule(String name) {
        return unlessUnknown("DELETE", rulePath(name), null) != null;
    }

    /**
     * Alerts, newest first, page by page as they are needed.
     *
     * @param filter which ones
     * @return the alerts; each iterator asks anew
     */
    public Iterable<Alert> alerts(Filter filter) {
        return new Pages<Alert>(connection, "/alerts", "alerts", filter) {
            @Override
            Alert item(Map<String, Object> fields) {
                return new Alert(fields);
            }
        };
    }

    /**
     * Time, version, and what is wrong with the server's configuration.
     *
     * @return what the server answers
     */
    public Map<String, Object> hello() {
        return connection.request("GET", "/hello", null, null);
    }

    private Map<String, Object> unlessUnknown(String method, String path, Map<String, String> query) {
        try {
            return connection.request(method, path, query, null);
        } catch (WatchTowerException error) {
            if (error.getStatus() == 404) return null;
            throw error;
        }
    }

    private static String rulePath(String name) {
        return "/rules/" + Connection.encoded(name);
    }

    private static HeartBeat heartBeat(Map<String, Object> answer) {
        return new HeartBeat(Answers.object(answer.get("heartBeat"), "heartBeat"));
    }

    /** Builds a client in steps; what is not said is as it is for everybody. */
    public static final class Builder {
        private final String url;
        private final String password;
        private int connectTimeoutMs = 5000;
        private int timeoutMs = 10000;
        private int idleTimeoutMs = 60000;
        private int attempts = 4;
        private boolean allowInsecureTls;
        private SSLSocketFactory sockets;
        private WarningListener warnings;
        private Transport transport;
        private Surroundings surroundings = Surroundings.SYSTEM;

        private Builder(String url, String password) {
            this.url = url;
            this.password = password;
        }

        /**
         * How long connecting may take.
         *
         * @param ms milliseconds; 5,000 by default
         * @return this
         */
        public Builder connectTimeoutMs(int ms) {
            this.connectTimeoutMs = ms;
            return this;
        }

        /**
         * How long an answer may take as a whole.
         *
         * @param ms milliseconds; 10,000 by default
         * @return this
         */
        public Builder timeoutMs(int ms) {
            this.timeoutMs = ms;
            return this;
        }

        /**
         * How long nothing may come of a stream: an export, a tail.
         *
         * @param ms milliseconds; 60,000 by default
         * @return this
         */
        public Builder idleTimeoutMs(int ms) {
            this.idleTimeoutMs = ms;
            return this;
        }

        /**
         * How often a call is tried at most.
         *
         * @param count 4 by default
         * @return this
         */
        public Builder attempts(int count) {
            this.attempts = count;
            return this;
        }

        /**
         * Trusts any certificate: whoever is in between can read the password then.
         *
         * @param allow false by default
         * @return this
         */
        public Builder allowInsecureTls(boolean allow) {
            this.allowInsecureTls = allow;
            return this;
        }

        /**
         * Sockets that trust certificates of your own.
         *
         * @param factory the platform's by default
         * @return this
         */
        public Builder sslSocketFactory(SSLSocketFactory factory) {
            this.sockets = factory;
            return this;
        }

        /**
         * Who hears of warnings.
         *
         * @param listener nobody by default
         * @return this
         */
        public Builder onWarning(WarningListener listener) {
            this.warnings = listener;
            return this;
        }

        Builder transport(Transport other) {
            this.transport = other;
            return this;
        }

        Builder surroundings(Surroundings other) {
            this.surroundings = other;
            return this;
        }

        /**
         * Makes the client.
         *
         * @return the client
         */
        public Client build() {
            return new Client(this);
        }

        private Connection connection() {
            Transport used = transport != null
                    ? transport
                    : new HttpTransport(connectTimeoutMs, timeoutMs, sockets, allowInsecureTls);
            return new Connection(url, password, used, attempts, surroundings, warnings, idleTimeoutMs);
        }
    }
}
