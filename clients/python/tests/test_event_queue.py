import asyncio  # noqa: F401  (a queue has to live with it being imported)
import json
import logging
import random
import threading
import unittest
from datetime import datetime
from typing import Any, Callable, Dict, List

from watchtower_client import Client, EventQueue, WatchTowerHandler, job
from watchtower_client.message import mended
from watchtower_client.transport import Request, Response
from watchtower_client.ulid import UlidMaker

from .recording import BASE, Recording, answer_of, ok, refusal

OK = ok(stored=1, ids=[], refused=[], id="01M8374DZ0Q2V8K6CJ5V0S3XKA")


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


def refusing(*refused: Any) -> Any:
    return ok(stored=0, ids=[], refused=[{"index": index, "hint": hint} for index, hint in refused])


def batches(recording: Recording) -> List[List[str]]:
    """The messages of each request."""
    bodies = [request["body"] for request in recording.requests]
    return [[event["message"] for event in (body if isinstance(body, list) else [body])] for body in bodies]


def ms_of(ulid: str) -> int:
    ms = 0
    for digit in ulid[:10]:
        ms = ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(digit)
    return ms


class AQueueOfEvents(unittest.TestCase):
    def test_sends_them_in_order_together_each_with_an_id_of_when_it_was_taken(self) -> None:
        queue, recording, _ = queue_over([OK], now=lambda: 1_795_392_000.123)
        fields: Any = {"host": "web-1"}
        # Whoever sends waits for this lock, and finds all of them.
        with queue._changed:
            queue.event("a", "first", "error", fields=fields)
            fields["host"] = "changed since"
            queue.add("b", "second", 2, alert=True)
            queue.event("a", "third", date=datetime(2026, 11, 22))
            queue.put({"service": "a", "message": "fourth", "id": "01KXP4XMF0PJ52PJ52PJ52PJ52"})
        self.assertTrue(queue.flush(10))
        self.assertEqual([request["path"] for request in recording.requests], ["/events"])
        sent = recording.requests[0]["body"]
        ids = [event.pop("id") for event in sent]
        self.assertEqual(sent, [
            {"service": "a", "message": "first", "level": "error", "fields": {"host": "web-1"}},
            {"service": "b", "message": "second", "level": 2, "alert": True},
            {"service": "a", "message": "third"},
            {"service": "a", "message": "fourth"},
        ])
        times = [1_795_392_000_123, 1_795_392_000_123, 1_795_305_600_000]
        self.assertEqual([ms_of(one) for one in ids[:3]], times)
        # Those of one millisecond sort in their order.
        self.assertGreater(ids[1], ids[0])
        self.assertEqual(ids[3], "01KXP4XMF0PJ52PJ52PJ52PJ52")
        self.assertEqual((queue.size, queue.dropped), (0, 0))

    def test_sends_what_has_come_meanwhile_by_the_next_request(self) -> None:
        recording = Recording([OK, OK])
        arrived, answered = threading.Event(), threading.Event()

        def transport(request: Request) -> Response:
            arrived.set()
            answered.wait(10)
            return recording(request)

        queue = EventQueue(Client(BASE, "secret", transport=transport))
        queue.event("a", "first")
        arrived.wait(10)
        for i in range(5):
            queue.event("a", f"later {i}")
        answered.set()
        self.assertTrue(queue.flush(10))
        self.assertEqual(batches(recording), [["first"], [f"later {i}" for i in range(5)]])

    def test_sends_at_most_1000_events_and_1_mib_by_one_request(self) -> None:
        sizes: List[int] = []

        def transport(request: Request) -> Response:
            sizes.append(len(request.body or b""))
            return recording(request)

        recording = Recording([OK] * 99)
        queue = EventQueue(Client(BASE, "secret", transport=transport), capacity=3_000)
        with queue._changed:
            for i in range(2_500):
                queue.event("a", f"event {i}")
        self.assertTrue(queue.flush(30))
        self.assertEqual([len(batch) for batch in batches(recording)], [1_000, 1_000, 500])
        # In JSON each of these has six bytes a character.
        with queue._changed:
            for _ in range(40):
                queue.event("a", "é" * 30_000)
        self.assertTrue(queue.flush(30))
        self.assertTrue(all(size <= 1_048_576 for size in sizes), sizes)
        # Each but the last is so full that no other event fits.
        self.assertTrue(all(size > 1_048_576 - 181_000 for size in sizes[3:-1]), sizes)
        self.assertEqual(sum(len(batch) for batch in batches(recording)), 2_540)

    def test_keeps_the_order_and_the_ids_while_the_server_fails_and_tries_for_as_long_as_it_lives(self) -> None:
        errors: List[Exception] = []
        queue, recording, pauses = queue_over([refusal(500)] * 9 + [OK], on_error=errors.append)
        with queue._changed:
            queue.event("a", "first")
            queue.event("a", "second")
        done = threading.Event()
        threading.Thread(target=lambda: wait_empty(queue, done), daemon=True).start()
        self.assertTrue(done.wait(10))
        self.assertEqual(batches(recording), [["first", "second"]] * 10)
        self.assertEqual(recording.requests, recording.requests[:1] * 10)
        self.assertEqual([round(pause) for pause in pauses], [1, 2, 4, 8, 16, 32, 60, 60, 60])
        self.assertEqual(len(errors), 9)

    def test_drops_those_of_them_that_the_server_refuses_and_reports_each(self) -> None:
        errors: List[Exception] = []
        queue, recording, _ = queue_over([refusing((0, "no service"), (2, "no level"))], on_error=errors.append)
        with queue._changed:
            for message in ("bad", "fine", "worse"):
                queue.event("web", message)
        self.assertTrue(queue.flush(10))
        self.assertEqual((batches(recording), queue.dropped), ([["bad", "fine", "worse"]], 2))
        self.assertEqual(
            [str(error) for error in errors],
            ["The event of web (400): no service", "The event of web (400): no level"],
        )

    def test_finds_the_one_for_which_a_request_is_refused_as_a_whole_and_drops_no_other(self) -> None:
        taken: List[Dict[str, Any]] = []
        requests = 0

        def transport(request: Request) -> Response:
            nonlocal requests
            requests += 1
            events = json.loads(request.body or b"")
            if any(event["message"] == "poison" for event in events):
                return answer_of(refusal(413))
            taken.extend(events)
            return answer_of(OK)

        queue = EventQueue(Client(BASE, "secret", transport=transport))
        with queue._changed:
            for i in range(100):
                queue.event("a", "poison" if i == 37 else f"event {i}")
        self.assertTrue(queue.flush(10))
        self.assertEqual(queue.dropped, 1)
        self.assertEqual([event["message"] for event in taken], [f"event {i}" for i in range(100) if i != 37])
        self.assertLess(requests, 40)

    def test_sends_them_one_at_a_time_to_a_server_that_is_older_which_is_no_failure(self) -> None:
        for status in (404, 405):
            errors: List[Exception] = []
            queue, recording, _ = queue_over([refusal(status), ok(), ok()], on_error=errors.append)
            with queue._changed:
                queue.event("a", "first", 3, fields={"host": "web-1"})
                queue.event("a", "second")
            self.assertTrue(queue.flush(10))
            self.assertEqual(batches(recording), [["first", "second"], ["first"], ["second"]])
            self.assertEqual([request["path"] for request in recording.requests], ["/events", "/event", "/event"])
            self.assertEqual(recording.requests[1]["body"], recording.requests[0]["body"][0])
            self.assertEqual((errors, queue.dropped), ([], 0))

    def test_drops_what_an_older_server_or_one_that_is_no_watchtower_refuses(self) -> None:
        errors: List[Any] = []
        queue, _, _ = queue_over([refusal(404)] * 2, on_error=errors.append)
        queue.event("a", "first")
        self.assertTrue(queue.flush(10))
        self.assertEqual((queue.dropped, [error.status for error in errors]), (1, [404]))

    def test_gives_up_events_that_have_waited_for_30_days_and_reports_them(self) -> None:
        now = [0.0]
        errors: List[Exception] = []
        recording = Recording([refusal(503), OK])

        def wait(_: threading.Condition, __: float) -> None:
            now[0] += 15 * 86_400 + 1
            if now[0] < 20 * 86_400:
                queue.event("young", "second")

        queue = EventQueue(recording.client(), wait=wait, monotonic=lambda: now[0], on_error=errors.append)
        recording.answers[1:1] = [refusal(503)]
        queue.event("old", "first")
        done = threading.Event()
        wait_empty(queue, done)
        self.assertEqual(batches(recording), [["first"], ["first", "second"], ["second"]])
        self.assertEqual(queue.dropped, 1)
        self.assertIn(
            "The event of old (400): It has waited for 30 days; the server takes none that is older.",
            [str(error) for error in errors],
        )

    def test_stamps_events_anew_once_that_are_refused_where_the_clock_is_wrong(self) -> None:
        refused = refusing((0, "too old"), (1, "too old"), (2, "too old"))
        refused["headers"] = {"Date": "Mon, 23 Nov 2026 00:01:00 GMT"}
        for clock, clock_later in ((7.0, 67.0), (1_795_395_600.0, 1_795_395_660.0), (7.0, 1_795_392_060.0)):
            errors: List[Exception] = []
            answers = [refusal(503), refused, refusing((1, "no"))]
            queue, recording, _ = queue_over(answers, on_error=errors.append)
            now, monotonic = [clock], [100.0]
            # The client's own clock is the same as that of the queue.
            queue._client = recording.client(now=lambda now=now: now[0], attempts=1)  # type: ignore[misc]
            queue._now, queue._monotonic = lambda: now[0], lambda: monotonic[0]

            def wait(*_: Any) -> None:
                now[0], monotonic[0] = clock_later, 160.0

            queue._wait = wait
            with queue._changed:
                queue.event("a", "first")
                queue.event("a", "dated", date=1_000_000)
                queue.event("a", "second")
            wait_empty(queue, threading.Event())
            self.assertEqual(queue.size, 0)
            self.assertEqual(batches(recording)[1:], [["first", "dated", "second"], ["first", "second"]])
            sent = recording.requests[-1]["body"]
            # By the server's clock it is a minute past the hour, and they were taken a minute ago.
            self.assertEqual([ms_of(event["id"]) for event in sent], [1_795_392_000_000] * 2)
            # What has a date of the program's own is given up, and so is what is refused again.
            told = ["The event of a (400): too old", "The event of a (400): no"]
            self.assertEqual([str(error) for error in errors[1:]], told)
            self.assertEqual(queue.dropped, 2)

    def test_drops_what_can_not_be_written_as_json_and_nothing_else_for_its_sake(self) -> None:
        errors: List[Exception] = []
        queue, recording, _ = queue_over([OK], on_error=errors.append)
        endless: Any = {}
        endless["self"] = endless
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        with queue._changed:
            queue.event("a", "fine")
            for value in (float("nan"), object(), endless, deep):
                queue.event("a", "wrong", fields={"value": value})
        self.assertTrue(queue.flush(10))
        self.assertEqual((batches(recording), queue.dropped, len(errors)), ([["fine"]], 4, 4))

    def test_waits_as_long_as_the_server_asks_but_not_for_hours(self) -> None:
        answers = [refusal(429, **{"Retry-After": "20"}), refusal(429, **{"Retry-After": "7200"}), OK]
        queue, _, pauses = queue_over(answers)
        queue.event("a", "patient")
        done = threading.Event()
        wait_empty(queue, done)
        self.assertEqual([round(pause) for pause in pauses], [20, 60])

    def test_drops_and_counts_all_of_a_request_that_is_refused_and_goes_on(self) -> None:
        queue, recording, _ = queue_over([refusal(403), {"status": 200, "text": "<html>"}, OK])
        for messages in (["refused", "too"], ["garbage"], ["fine"]):
            with queue._changed:
                for message in messages:
                    queue.event("a", message)
            self.assertTrue(queue.flush(10))
        self.assertEqual((batches(recording), queue.dropped), ([["refused", "too"], ["garbage"], ["fine"]], 3))

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

        queue, recording, _ = queue_over([refusal(403)], on_error=on_error)
        things: List[Any] = [None, 1, Nasty(), "\ud800\0"]
        with queue._changed:
            for thing in things:
                queue.event("a", thing)
        self.assertTrue(queue.flush(10))
        self.assertEqual(batches(recording), [["None", "1", "?", "\ufffd\ufffd"]])


def wait_empty(queue: EventQueue, done: threading.Event) -> None:
    """Waits without hurrying the queue."""
    with queue._changed:
        queue._changed.wait_for(lambda: not queue._waiting, 10)
    done.set()


class AnId(unittest.TestCase):
    def test_has_the_time_that_it_is_made_for_and_sorts_as_it_is_made_within_a_millisecond(self) -> None:
        new_id = UlidMaker()
        ids = [new_id(1_795_392_000_123) for _ in range(5_000)]
        self.assertEqual({ms_of(one) for one in ids}, {1_795_392_000_123})
        self.assertEqual((sorted(ids), len(set(ids))), (ids, 5_000))
        self.assertRegex(new_id(0), "^0{10}[0-9A-HJKMNP-TV-Z]{16}$")
        self.assertRegex(new_id(2**48 - 1), "^7Z{9}")


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
        bodies = [event for request in recording.requests for event in request["body"]]
        for body in bodies:
            self.assertRegex(body.pop("id"), "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")
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
