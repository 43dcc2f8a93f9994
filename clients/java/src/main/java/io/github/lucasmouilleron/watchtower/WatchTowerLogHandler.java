package io.github.lucasmouilleron.watchtower;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.ErrorManager;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;

/** Sends log records as events of a service, in the background. */
public final class WatchTowerLogHandler extends Handler {
    private final EventQueue queue;
    private final String service;
    private final ThreadLocal<Boolean> isBusy = new ThreadLocal<Boolean>();

    /**
     * A handler.
     *
     * @param queue where events are sent; the handler closes it when it is closed
     * @param service the service that they are of
     */
    public WatchTowerLogHandler(EventQueue queue, String service) {
        this.queue = queue;
        this.service = service;
        setFormatter(new SimpleFormatter());
    }

    @Override
    public void publish(LogRecord record) {
        // What is logged while a record is taken would come back here without end.
        if (!isLoggable(record) || isBusy.get() != null) return;
        isBusy.set(true);
        try {
            queue.event(service, textOf(record), levelOf(record.getLevel()));
        } catch (RuntimeException error) {
            reportError(null, error, ErrorManager.WRITE_FAILURE);
        } finally {
            isBusy.remove();
        }
    }

    @Override
    public void flush() {
        // Events are on their way already; to wait for them would hold the program up.
    }

    @Override
    public void close() {
        queue.close();
    }

    private String textOf(LogRecord record) {
        String text = getFormatter().formatMessage(record);
        if (record.getThrown() == null) return text;
        StringWriter trace = new StringWriter();
        record.getThrown().printStackTrace(new PrintWriter(trace, true));
        return text + "\n" + trace;
    }

    static int levelOf(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) return 4;
        if (value >= Level.WARNING.intValue()) return 3;
        return value >= Level.CONFIG.intValue() ? 1 : 0;
    }
}
