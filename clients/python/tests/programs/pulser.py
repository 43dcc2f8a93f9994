"""Pulses until a line arrives: `exit` ends it cleanly, `crash` by an exception that nobody catches."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "src"))

from watchtower_client import Client, Pulser  # noqa: E402

has_pulsed = False


def on_pulse(_: object) -> None:
    global has_pulsed
    if not has_pulsed:
        print("pulsing", flush=True)
    has_pulsed = True


def on_error(error: Exception) -> None:
    print(f"failed: {error}", flush=True)


service, interval, next_in = sys.argv[1:]
ca_file = os.environ.get("WATCHTOWER_CA_FILE")
client = Client(os.environ["WATCHTOWER_URL"], os.environ["WATCHTOWER_PASSWORD"], ca_file=ca_file)
Pulser(client, service, float(interval), next_in=float(next_in), on_pulse=on_pulse, on_error=on_error).start()
if sys.stdin.readline().strip() == "crash":
    raise RuntimeError("crash")
