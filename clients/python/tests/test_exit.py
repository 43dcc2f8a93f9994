import json
import os
import subprocess
import sys
import time
import unittest
from typing import Any, List

from .recording import nowhere, say, serving, silent_server

PROGRAMS = os.path.join(os.path.dirname(__file__), "programs")
HEARTBEAT = say({"result": 200, "heartBeat": {"service": "worker"}, "stored": 0, "ids": [], "refused": []})


def run(name: str, url: str, *args: str, line: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs a program of ours to its end. It gets the line once it has printed one, where it pulses."""
    env = {**os.environ, "WATCHTOWER_URL": url, "WATCHTOWER_PASSWORD": "secret", "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [sys.executable, os.path.join(PROGRAMS, name), *args],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        first = program.stdout.readline() if line else ""
        stdout, stderr = program.communicate(line, timeout=30)
    return subprocess.CompletedProcess(args, program.returncode, first + stdout, stderr)


def lines(requests: List[Any]) -> List[str]:
    return [line for line, _ in requests]


class AProgramWithAFullQueue(unittest.TestCase):
    def test_ends_with_its_own_code_in_silence_when_nobody_listens(self) -> None:
        ended = run("full_queue.py", nowhere())
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (7, "dropped 10\n", ""))

    def test_ends_in_time_when_the_server_never_answers(self) -> None:
        with silent_server() as url:
            started = time.monotonic()
            ended = run("full_queue.py", url)
            self.assertLess(time.monotonic() - started, 15)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (7, "dropped 10\n", ""))

    def test_sends_what_it_has_before_it_ends(self) -> None:
        with serving(HEARTBEAT) as server:
            ended = run("full_queue.py", server.url)
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (7, "dropped 7\n", ""))
            sent = [event["message"] for _, body in server.requests for event in json.loads(body)]
            self.assertEqual(set(lines(server.requests)), {"POST /events"})
        self.assertEqual(sent, ["event 0", "event 1", "event 2"])


class AProgramThatPulses(unittest.TestCase):
    def test_is_not_kept_alive_by_that_and_cancels_when_it_ends(self) -> None:
        with serving(HEARTBEAT) as server:
            ended = run("pulser.py", server.url, "worker", "600", "900", line="exit\n")
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertEqual(lines(server.requests), ["POST /heartbeat", "DELETE /heartbeat"])

    def test_does_not_cancel_when_it_crashes(self) -> None:
        with serving(HEARTBEAT) as server:
            ended = run("pulser.py", server.url, "worker", "600", "900", line="crash\n")
            self.assertEqual(ended.returncode, 1)
            self.assertIn("RuntimeError: crash", ended.stderr)
            self.assertEqual(lines(server.requests), ["POST /heartbeat"])

    def test_is_not_cancelled_by_a_process_that_it_forked_whose_events_are_its_own(self) -> None:
        with serving(HEARTBEAT) as server:
            ended = run("forking.py", server.url)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertEqual(
                lines(server.requests),
                ["POST /heartbeat", "POST /events", "POST /events", "DELETE /heartbeat"],
            )
