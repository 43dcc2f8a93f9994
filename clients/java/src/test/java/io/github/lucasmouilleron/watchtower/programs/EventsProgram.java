package io.github.lucasmouilleron.watchtower.programs;

import io.github.lucasmouilleron.watchtower.Client;
import io.github.lucasmouilleron.watchtower.EventQueue;
import io.github.lucasmouilleron.watchtower.NewEvent;

/** Queues so many events, one after the other, and ends when all of them are sent. */
public final class EventsProgram {
    private EventsProgram() {}

    public static void main(String[] args) throws InterruptedException {
        int count = Integer.parseInt(args[1]);
        String password = System.getenv("WATCHTOWER_PASSWORD");
        Client client = Client.builder(System.getenv("WATCHTOWER_URL"), password).timeoutMs(2000).build();
        EventQueue queue = new EventQueue(client, count, null);
        for (int i = 0; i < count; i++) {
            queue.put(NewEvent.of(args[0], "event " + i).level(i % 5).field("number", i));
            if (i % 20 == 0) Thread.sleep(10);
        }
        System.out.println("queued");
        while (!queue.flush(1000)) {}
        System.out.println("dropped " + queue.getDropped());
    }
}
