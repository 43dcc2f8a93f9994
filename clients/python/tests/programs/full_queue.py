"""Ends with a code of its own while its queue is full."""

import atexit
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "src"))

from watchtower_client import Client, EventQueue  # noqa: E402

client = Client(os.environ["WATCHTOWER_URL"], "secret", timeout=0.3)
queue = EventQueue(client, capacity=3, exit_timeout=0.5)
# Registered before the queue's own, and so called after it.
atexit.register(lambda: print(f"dropped {queue.dropped}"))
for i in range(10):
    queue.event("full", f"event {i}")
sys.exit(7)
