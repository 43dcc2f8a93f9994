import threading
import unittest
from typing import Any, List

from watchtower_client import Client, Pulser

from .recording import BASE, Recording, ok, refusal

TOOK = ok(heartBeat={"service": "worker"})
FAILED = refusal(503)


class Waits:
    """A wait that returns at once, so many times; then the pulser is told to stop."""

    def __init__(self, count: int) -> None:
        self.pauses: List[float] = []
        self._count = count
        self.over = threading.Event()

    def __call__(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        if len(self.pauses) < self._count:
            return False
        self.over.set()
        return True


def run(answers: List[Any], pauses: int, **options: Any) -> Any:
    """Lets a pulser pulse until it has paused so often."""
    recording, waits, errors = Recording(answers), Waits(pauses), []  # type: ignore[var-annotated]
    options = {"random": lambda: 0.5, "on_error": errors.append, "interval": 60, **options}
    pulser = Pulser(recording.client(), "worker", wait=waits, **options).start()
    if not waits.over.wait(10):
        raise AssertionError("It does not pulse.")
    return pulser, recording, waits.pauses, errors


class APulser(unittest.TestCase):
    def test_pulses_at_once_and_then_at_its_interval(self) -> None:
        pulser, recording, pauses, errors = run([TOOK] * 4, 3)
        self.assertEqual(len(recording.requests), 3)
        self.assertEqual((pauses, errors), ([60, 60, 60], []))
        pulser.stop()

    def test_shifts_each_pulse_by_up_to_a_tenth_of_the_interval(self) -> None:
        for random, pause in ((0.0, 54), (1.0, 66)):
            pulser, _, pauses, _ = run([TOOK] * 2, 1, random=lambda random=random: random)
            self.assertAlmostEqual(pauses[0], pause)
            pulser.stop()

    def test_promises_what_it_was_told_or_one_and_a_half_intervals_and_ten_seconds(self) -> None:
        for options, said in (
            ({}, {"nextIn": 100}),
            ({"interval": 0.5}, {"nextIn": 11}),
            ({"next_in": 300, "alert_type": "mail", "alert_target": "a@b", "grace": 0},
             {"nextIn": 300, "alertType": "mail", "alertTarget": "a@b", "grace": 0}),
        ):
            pulser, recording, _, _ = run([TOOK] * 2, 1, **options)
            self.assertEqual(recording.requests[0]["body"], {"service": "worker", **said})
            pulser.stop()

    def test_tries_quickly_after_a_failure_ever_less_so_and_then_goes_on_as_before(self) -> None:
        pulser, _, pauses, errors = run([TOOK, FAILED, FAILED, FAILED, TOOK, TOOK], 5)
        self.assertEqual(pauses, [60, 1, 2, 4, 60])
        self.assertEqual(len(errors), 3)
        pulser.stop()

    def test_never_tries_later_than_its_interval_however_long_it_has_failed(self) -> None:
        pulser, _, pauses, _ = run([FAILED] * 1_500, 1_200, interval=5)
        self.assertEqual(set(pauses[3:]), {5})
        pulser.stop()

    def test_cancels_when_it_is_stopped_once(self) -> None:
        pulser, recording, _, _ = run([TOOK, TOOK], 1)
        pulser.stop()
        pulser.stop()
        pulser.start()
        self.assertEqual(recording.requests[1:], [
            {"method": "DELETE", "path": "/heartbeat", "body": {"service": "worker"}}
        ])

    def test_cancels_after_a_pulse_that_is_under_way(self) -> None:
        arrived, answered = threading.Event(), threading.Event()
        recording = Recording([TOOK, TOOK])

        def slow(request: Any) -> Any:
            if request.method == "POST":
                arrived.set()
                answered.wait(10)
            return recording(request)

        pulser = Pulser(Client(BASE, "secret", transport=slow), "worker", 60).start()
        arrived.wait(10)
        stopping = threading.Thread(target=pulser.stop)
        stopping.start()
        self.assertEqual(recording.requests, [])
        answered.set()
        stopping.join(10)
        self.assertEqual([request["method"] for request in recording.requests], ["POST", "DELETE"])

    def test_reports_a_cancel_that_fails_and_does_not_raise(self) -> None:
        pulser, _, _, errors = run([TOOK, refusal(403)], 1)
        pulser.stop()
        self.assertEqual([error.status for error in errors], [403])

    def test_does_not_mind_callbacks_that_raise(self) -> None:
        def on_error(_: Exception) -> None:
            raise RuntimeError("callback")

        pulser, recording, _, _ = run([FAILED, TOOK, TOOK], 2, on_error=on_error)
        self.assertEqual(len(recording.requests), 2)
        pulser.stop()

    def test_is_a_context_that_cancels_unless_an_exception_leaves_it(self) -> None:
        for error, methods in ((None, ["POST", "DELETE"]), (ValueError("x"), ["POST"])):
            recording, waits = Recording([TOOK, TOOK]), Waits(1)
            try:
                with Pulser(recording.client(), "worker", 60, wait=waits):
                    waits.over.wait(10)
                    if error:
                        raise error
            except ValueError:
                pass
            self.assertEqual([request["method"] for request in recording.requests], methods)

    def test_refuses_an_interval_that_is_none(self) -> None:
        for interval in (0, -1, float("nan")):
            with self.assertRaises(ValueError):
                Pulser(Recording([]).client(), "worker", interval)
