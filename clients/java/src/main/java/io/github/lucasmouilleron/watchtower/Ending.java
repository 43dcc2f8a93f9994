package io.github.lucasmouilleron.watchtower;

import java.lang.Thread.UncaughtExceptionHandler;

/** What happens when the host program ends. */
final class Ending {
    private static boolean isWatching;
    private static volatile boolean hasCrashed;

    private Ending() {}

    /** Whether an exception that nobody caught has ended the main thread. */
    static boolean hasCrashed() {
        return hasCrashed;
    }

    /** Calls something when the program ends, be it by itself, by System.exit or by a signal. Returns what takes it back. */
    static Runnable atExit(String name, Runnable run) {
        watchForCrashes();
        final Thread hook = new Thread(run, name);
        try {
            Runtime.getRuntime().addShutdownHook(hook);
        } catch (IllegalStateException error) {
            // It ends already.
            return new Runnable() {
                @Override
                public void run() {}
            };
        }
        return new Runnable() {
            @Override
            public void run() {
                try {
                    Runtime.getRuntime().removeShutdownHook(hook);
                } catch (IllegalStateException error) {
                    // It ends already, and the hook is what called.
                }
            }
        };
    }

    private static synchronized void watchForCrashes() {
        if (isWatching) return;
        isWatching = true;
        final UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler(new UncaughtExceptionHandler() {
            @Override
            public void uncaughtException(Thread thread, Throwable error) {
                // Another thread's death is not yet the program's.
                if ("main".equals(thread.getName())) hasCrashed = true;
                if (before != null) {
                    before.uncaughtException(thread, error);
                } else {
                    // What Java does where there is no handler.
                    System.err.print("Exception in thread \"" + thread.getName() + "\" ");
                    error.printStackTrace(System.err);
                }
            }
        });
    }
}
