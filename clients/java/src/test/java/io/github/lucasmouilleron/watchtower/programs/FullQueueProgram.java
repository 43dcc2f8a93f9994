package io.github.lucasmouilleron.watchtower.programs;

import io.github.lucasmouilleron.watchtower.Client;
import io.github.lucasmouilleron.watchtower.EventQueue;

/** Ends with a code of its own while its queue is full. */
public final class FullQueueProgram {
    private FullQueueProgram() {}

    public static void main(String[] args) {
        Client client = Client.builder(System.getenv("WATCHTOWER_URL"), "secret").timeoutMs(300).build();
        EventQueue queue = new EventQueue(client, 3, null);
        for (int i = 0; i < 10; i++) queue.event("full", "event " + i, null);
        System.out.println("dropped " + queue.getDropped());
        System.exit(7);
    }
}
