import asyncio  # noqa: F401  (a queue has to live with it being imported)
import logging
import random
import threading
import unittest
from typing import Any, Callable, List

from watchtower_client import Client, EventQueue, WatchTowerHandler, job
from watchtower_client.message import mended
from watchtower_client.transport import Request, Response

from .recording import BASE, Recording, answer_of, ok, refusal

OK = ok(id="01M8374DZ0Q2V8K6CJ5V0S3XKA")


def queue_over(answers: List[Any], **options: Any) -> Any:
    recording = Recording(answers)
    pauses: List[float] = []

    def wait(_: threading.Condition, seconds: float) -> None:
        pauses.append(seconds)

    return EventQueue(recording.client(), wait=wait, **options), recording, pauses


def stuck_queue(**options: Any) -> Any:
    """A queue whose server holds the first request until it is told."""
    answered = threading.Event()
    arrived = threading.Event()

    def transport(_: Request) -> Response:
        arrived.set()
        answered.wait(10)
        return answer_of(OK)

    return EventQueue(Client(BASE, "secret", transport=transport), **options), arrived, answered


def messages(recording: Recording) -> List[str]:
    return [request["body"]["message"] for request in recording.requests]


class AQueueOfEvents(unittest.TestCase):
    def test_sends_them_in_order(self) -> None:
        queue, recording, _ = queue_over([OK] * 3)
        queue.event("a", "first", "error")
        queue.add("b", "second", 2, alert=True)
        queue.event("a", "third")
        self.assertTrue(queue.flush(10))
        self.assertEqual([request["body"] for request in recording.requests], [
            {"service": "a", "message": "first", "level": "error"},
            {"service": "b", "message": "second", "level": 2, "alert": True},
            {"service": "a", "message": "third"},
        ])
        self.assertEqual((queue.size, queue.dropped), (0, 0))

    def test_keeps_the_order_while_the_server_fails_and_tries_for_as_long_as_it_lives(self) -> None:
        errors: List[Exception] = []
        queue, recording, pauses = queue_over([refusal(500)] * 9 + [OK, OK], on_error=errors.append)
        queue.event("a", "first")
        queue.event("a", "second")
        done = threading.Event()
        threading.Thread(target=lambda: wait_empty(queue, done), daemon=True).start()
        self.assertTrue(done.wait(10))
        self.assertEqual(messages(recording), ["first"] * 10 + ["second"])
        self.assertEqual([round(pause) for pause in pauses], [1, 2, 4, 8, 16, 32, 60, 60, 60])
        self.assertEqual(len(errors), 9)

    def test_waits_as_long_as_the_server_asks_but_not_for_hours(self) -> None:
        answers = [refusal(429, **{"Retry-After": "20"}), refusal(429, **{"Retry-After": "7200"}), OK]
        queue, _, pauses = queue_over(answers)
        queue.event("a", "patient")
        done = threading.Event()
        wait_empty(queue, done)
        self.assertEqual([round(pause) for pause in pauses], [20, 60])

    def test_drops_what_the_server_refuses_counts_it_and_goes_on(self) -> None:
        queue, recording, _ = queue_over([refusal(403), {"status": 200, "text": "<html>"}, OK])
        for message in ("refused", "garbage", "fine"):
            queue.event("a", message)
        self.assertTrue(queue.flush(10))
        self.assertEqual((messages(recording), queue.dropped), (["refused", "garbage", "fine"], 2))

    def test_drops_and_counts_what_comes_when_it_is_full(self) -> None:
        queue, _, answered = stuck_queue(capacity=2)
        for message in ("first", "second", "third", "fourth"):
            queue.event("a", message)
        self.assertEqual((queue.size, queue.dropped), (2, 2))
        answered.set()

    def test_says_when_it_could_not_be_flushed_in_time(self) -> None:
        queue, arrived, answered = stuck_queue()
        queue.event("a", "first")
        arrived.wait(10)
        self.assertFalse(queue.flush(0.01))
        self.assertEqual(queue.size, 1)
        answered.set()
        self.assertTrue(queue.flush(10))

    def test_drops_and_counts_what_is_left_when_it_is_closed_and_what_comes_later(self) -> None:
        queue, arrived, answered = stuck_queue()
        queue.event("a", "first")
        queue.event("a", "second")
        arrived.wait(10)
        queue.close(0.01)
        queue.event("a", "late")
        self.assertEqual((queue.size, queue.dropped), (0, 3))
        answered.set()

    def test_takes_whatever_a_program_gives_it_and_raises_nothing(self) -> None:
        class Nasty:
            def __str__(self) -> str:
                raise RuntimeError("no text")

        def on_error(_: Exception) -> None:
            raise RuntimeError("callback")

        queue, recording, _ = queue_over([refusal(400)] * 4, on_error=on_error)
        things: List[Any] = [None, 1, Nasty(), "\ud800\0"]
        for thing in things:
            queue.event("a", thing)
        self.assertTrue(queue.flush(10))
        self.assertEqual(messages(recording), ["None", "1", "?", "\ufffd\ufffd"])


def wait_empty(queue: EventQueue, done: threading.Event) -> None:
    """Waits without hurrying the queue."""
    with queue._changed:
        queue._changed.wait_for(lambda: not queue._waiting, 10)
    done.set()


class AMessage(unittest.TestCase):
    def test_is_mended_as_little_as_possible(self) -> None:
        choose = random.Random(20261122)
        pieces = ["\0", "\ud800", "🦊", "é", "a", "\n", "中"]
        for _ in range(300):
            text = "".join(choose.choice(pieces) for _ in range(choose.randrange(6))) * choose.choice([1, 30_000])
            result = mended(text)
            size = len(result.encode("utf-8"))
            whole = text.replace("\0", "\ufffd").replace("\ud800", "\ufffd") or " "
            self.assertTrue(1 <= size <= 65_536)
            if len(whole.encode("utf-8")) <= 65_536:
                self.assertEqual(result, whole)
            else:
                self.assertTrue(result.endswith("…") and whole.startswith(result[:-1]))
                self.assertGreater(size, 65_536 - 8)


class ALogHandler(unittest.TestCase):
    def logger(self, answers: List[Any], **options: Any) -> Any:
        queue, recording, _ = queue_over(answers, **options)
        handler = WatchTowerHandler(queue, "web")
        logger = logging.Logger("test")
        logger.addHandler(handler)
        return logger, handler, recording

    def test_sends_records_as_events_at_their_levels_with_exceptions_as_text(self) -> None:
        logger, handler, recording = self.logger([OK] * 6)
        logger.debug("a %s", 1)
        logger.info("b")
        logger.warning("c")
        logger.critical("d")
        logger.log(5, "e")
        try:
            raise ValueError("boom")
        except ValueError:
            logger.exception("failed")
        handler.close()
        bodies = [request["body"] for request in recording.requests]
        self.assertEqual([body["level"] for body in bodies], [0, 1, 3, 5, 0, 4])
        self.assertEqual(bodies[0], {"service": "web", "message": "a 1", "level": 0})
        self.assertRegex(bodies[5]["message"], r"(?s)^failed\nTraceback .*ValueError: boom$")

    def test_does_not_hear_itself(self) -> None:
        calls: List[str] = []

        class Loud(EventQueue):
            def event(self, service: str, message: str, *args: Any, **kwargs: Any) -> None:
                calls.append(message)
                logger.error("from within")

        logger = logging.Logger("test")
        logger.addHandler(WatchTowerHandler(Loud(Recording([]).client()), "web"))
        logger.error("from without")
        self.assertEqual(calls, ["from without"])

    def test_raises_nothing_of_its_own(self) -> None:
        logger, handler, _ = self.logger([])
        handled: List[logging.LogRecord] = []
        handler.handleError = handled.append
        logger.error("%d", "no number")
        self.assertEqual(len(handled), 1)


class AJob(unittest.TestCase):
    def test_pulses_on_success(self) -> None:
        recording = Recording([ok(heartBeat={})] * 2)
        with job(recording.client(), "backup", 90_000, grace=60):
            pass

        @job(recording.client(), "backup", 90_000)
        def backup(count: int) -> int:
            return count + 1

        self.assertEqual(backup(1), 2)
        self.assertEqual([request["body"] for request in recording.requests], [
            {"service": "backup", "nextIn": 90_000, "grace": 60},
            {"service": "backup", "nextIn": 90_000},
        ])

    def test_sends_the_traceback_on_failure_which_goes_on(self) -> None:
        recording = Recording([OK])
        with self.assertRaisesRegex(ValueError, "boom"), job(recording.client(), "backup", 60):
            raise ValueError("boom")
        body = recording.requests[0]["body"]
        self.assertEqual((body["service"], body["level"]), ("backup", "error"))
        self.assertRegex(body["message"], r"(?s)^Traceback .*ValueError: boom\n$")

    def test_takes_an_exit_for_what_it_says(self) -> None:
        for code, path in ((0, "/heartbeat"), (None, "/heartbeat"), (3, "/event")):
            recording = Recording([ok(heartBeat={})])
            with self.assertRaises(SystemExit), job(recording.client(), "backup", 60):
                raise SystemExit(code)
            self.assertEqual(recording.requests[0]["path"], path)

    def test_does_not_suffer_from_a_watchtower_that_can_not_be_reached(self) -> None:
        errors: List[Exception] = []
        recording = Recording([{"failure": "network"}] * 4)
        with job(recording.client(), "backup", 60, on_error=errors.append):
            pass
        self.assertEqual(len(errors), 1)
        report: Callable[[], None] = job(Recording([{"failure": "network"}] * 4).client(), "b", 60)(lambda: None)
        report()
