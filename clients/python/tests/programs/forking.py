"""Forks while it pulses and has a queue; the child ends at once."""

import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "src"))

from watchtower_client import Client, EventQueue, Pulser  # noqa: E402

client = Client(os.environ["WATCHTOWER_URL"], "secret")
pulsed = threading.Event()
Pulser(client, "parent", 600, on_pulse=lambda _: pulsed.set()).start()
pulsed.wait(10)
queue = EventQueue(client)
queue.event("parent", "of the parent")
queue.flush()
child = os.fork()
if child == 0:
    queue.event("child", "of the child")
    queue.flush()
    sys.exit(0)
os.waitpid(child, 0)
