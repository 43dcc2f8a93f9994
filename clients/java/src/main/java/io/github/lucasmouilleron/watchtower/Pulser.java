package io.github.lucasmouilleron.watchtower;

/**
 * Pulses in the background until it is stopped. It cancels the service when it is stopped, or when the host program
 * ends, be it by itself or by a signal; not when an exception that nobody caught has ended its main thread, and not when
 * it is killed. It keeps no program alive, and throws nothing into it.
 */
public final class Pulser implements AutoCloseable {
    /** Hears of each pulse that the server took. */
    public interface PulseListener {
        /** @param heartBeat the service */
        void onPulse(HeartBeat heartBeat);
    }

    private final Client client;
    private final Pulse pulse;
    private final double interval;
    private final ErrorListener errors;
    private final PulseListener pulses;
    private final Surroundings surroundings;
    private final Object changed = new Object();
    private boolean isStopping;
    private boolean isOver;
    private int failures;
    private Thread thread;
    private Runnable forgetExit;

    private Pulser(Builder builder) {
        this.client = builder.client;
        this.pulse = builder.pulse != null
                ? builder.pulse
                : Pulse.of(builder.service, Math.ceil(builder.interval * 1.5 + 10));
        this.interval = builder.interval;
        this.errors = builder.errors;
        this.pulses = builder.pulses;
        this.surroundings = builder.surroundings;
    }

    /**
     * A pulser that is built in steps.
     *
     * @param client where to pulse
     * @param service the service that lives
     * @param interval seconds between two pulses; each comes after 0.9 to 1.1 of it
     * @return a builder
     */
    public static Builder builder(Client client, String service, double interval) {
        return new Builder(client, service, interval);
    }

    /**
     * Pulses at once, and from then on.
     *
     * @return this
     */
    public Pulser start() {
        synchronized (changed) {
            if (thread != null || isStopping) return this;
            forgetExit = Ending.atExit("watchTower cancel", new Runnable() {
                @Override
                public void run() {
                    if (!Ending.hasCrashed()) stop();
                }
            });
            thread = new Thread("watchTower pulses of " + pulse.service()) {
                @Override
                public void run() {
                    pulseOnAndOn();
                }
            };
            thread.setDaemon(true);
            thread.start();
        }
        return this;
    }

    /** Ends the pulses and cancels the service. Never throws: the error listener hears of a cancel that failed. */
    public void stop() {
        Thread pulsing;
        synchronized (changed) {
            if (isOver) return;
            isOver = true;
            isStopping = true;
            changed.notifyAll();
            pulsing = thread;
        }
        if (pulsing == null) return;
        forgetExit.run();
        // A pulse that arrives after the cancel would bring the service back.
        if (pulsing != Thread.currentThread()) join(pulsing);
        try {
            client.withAttempts(2).cancel(pulse.service());
        } catch (RuntimeException error) {
            report(error);
        }
    }

    /** As {@link #stop()}. */
    @Override
    public void close() {
        stop();
    }

    private static void join(Thread pulsing) {
        try {
            pulsing.join();
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private void pulseOnAndOn() {
        Client once = client.withAttempts(1);
        while (true) {
            try {
                HeartBeat heartBeat = once.pulse(pulse);
                failures = 0;
                if (pulses != null) pulses.onPulse(heartBeat);
            } catch (RuntimeException error) {
                failures++;
                report(error);
            }
            if (!rest(Math.round(pauseSeconds() * 1000))) return;
        }
    }

    /** Waits, and says whether to go on. */
    private boolean rest(long ms) {
        synchronized (changed) {
            try {
                long end = System.nanoTime() + ms * 1000000;
                for (long left = ms; !isStopping && left > 0; left = (end - System.nanoTime()) / 1000000) {
                    if (!surroundings.await(changed, left)) break;
                }
            } catch (InterruptedException error) {
                return false;
            }
            return !isStopping;
        }
    }

    private double pauseSeconds() {
        double usual = interval * (0.9 + 0.2 * surroundings.random());
        return failures == 0 ? usual : Math.min(usual, Math.pow(2, failures - 1));
    }

    private void report(RuntimeException error) {
        try {
            if (errors != null) errors.onError(error);
        } catch (RuntimeException more) {
            // What the listener does wrong is not the host program's to suffer.
        }
    }

    /** Builds a pulser in steps. */
    public static final class Builder {
        private final Client client;
        private final String service;
        private final double interval;
        private Pulse pulse;
        private ErrorListener errors;
        private PulseListener pulses;
        private Surroundings surroundings = Surroundings.SYSTEM;

        private Builder(Client client, String service, double interval) {
            if (!(interval > 0)) throw new IllegalArgumentException("interval must be a number of seconds above 0.");
            this.client = client;
            this.service = service;
            this.interval = interval;
        }

        /**
         * What each pulse says; by default it promises one and a half intervals and 10 seconds.
         *
         * @param said a pulse of the service
         * @return this
         */
        public Builder pulse(Pulse said) {
            this.pulse = said;
            return this;
        }

        /**
         * Who hears of pulses, and of a cancel, that failed.
         *
         * @param listener nobody by default
         * @return this
         */
        public Builder onError(ErrorListener listener) {
            this.errors = listener;
            return this;
        }

        /**
         * Who hears of pulses that the server took.
         *
         * @param listener nobody by default
         * @return this
         */
        public Builder onPulse(PulseListener listener) {
            this.pulses = listener;
            return this;
        }

        Builder surroundings(Surroundings other) {
            this.surroundings = other;
            return this;
        }

        /**
         * Makes the pulser, and starts it.
         *
         * @return the pulser
         */
        public Pulser start() {
            return build().start();
        }

        /**
         * Makes the pulser; it has to be started.
         *
         * @return the pulser
         */
        public Pulser build() {
            return new Pulser(this);
        }
    }
}
