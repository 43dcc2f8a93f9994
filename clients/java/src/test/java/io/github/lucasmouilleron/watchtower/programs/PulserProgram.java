package io.github.lucasmouilleron.watchtower.programs;

import io.github.lucasmouilleron.watchtower.Client;
import io.github.lucasmouilleron.watchtower.Pulse;
import io.github.lucasmouilleron.watchtower.Pulser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.atomic.AtomicBoolean;

/** Pulses until a line arrives: {@code exit} ends it cleanly, {@code crash} by an exception that nobody catches. */
public final class PulserProgram {
    private PulserProgram() {}

    public static void main(String[] args) throws Exception {
        Client client = new Client(System.getenv("WATCHTOWER_URL"), System.getenv("WATCHTOWER_PASSWORD"));
        AtomicBoolean hasPulsed = new AtomicBoolean();
        Pulser.builder(client, args[0], Double.parseDouble(args[1]))
                .pulse(Pulse.of(args[0], Double.parseDouble(args[2])))
                .onPulse(heartBeat -> {
                    if (!hasPulsed.getAndSet(true)) System.out.println("pulsing");
                })
                .start();
        String line = new BufferedReader(new InputStreamReader(System.in)).readLine();
        if ("crash".equals(line)) throw new IllegalStateException("crash");
    }
}
