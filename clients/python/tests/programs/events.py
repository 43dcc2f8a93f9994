"""Queues so many events, one after the other, and ends when all of them are sent."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "src"))

from watchtower_client import Client, EventQueue  # noqa: E402

service, count = sys.argv[1], int(sys.argv[2])
client = Client(os.environ["WATCHTOWER_URL"], os.environ["WATCHTOWER_PASSWORD"], timeout=2)
queue = EventQueue(client, capacity=count)
for i in range(count):
    queue.event(service, f"event {i}", i % 5, fields={"number": i})
    if i % 20 == 0:
        time.sleep(0.01)
print("queued", flush=True)
while not queue.flush(1):
    pass
print(f"dropped {queue.dropped}", flush=True)
