package io.github.lucasmouilleron.watchtower;

/** Time and chance; tests have others. */
interface Surroundings {
    void sleep(long ms) throws InterruptedException;

    /**
     * Waits on a monitor that the caller holds.
     *
     * @return whether it was woken before the time was over
     */
    boolean await(Object monitor, long ms) throws InterruptedException;

    /** From 0 to 1. */
    double random();

    /** Since the epoch, by a clock that somebody may set. */
    long nowMs();

    /** Since any moment, by a clock that nobody sets. */
    long monotonicMs();

    Surroundings SYSTEM = new Surroundings() {
        @Override
        public void sleep(long ms) throws InterruptedException {
            Thread.sleep(ms);
        }

        @Override
        public boolean await(Object monitor, long ms) throws InterruptedException {
            long end = System.nanoTime() + ms * 1000000;
            monitor.wait(Math.max(1, ms));
            return System.nanoTime() < end;
        }

        @Override
        public double random() {
            return Math.random();
        }

        @Override
        public long nowMs() {
            return System.currentTimeMillis();
        }

        @Override
        public long monotonicMs() {
            return System.nanoTime() / 1000000;
        }
    };
}
