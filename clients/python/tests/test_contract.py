import asyncio
import json
import os
import re
import sys
import unittest
import uuid
from typing import Any, Dict, List

from watchtower_client import AsyncClient, Client, WatchTowerError

from .recording import PASSWORD, Recording, ok

CONTRACT = os.path.join(os.path.dirname(__file__), "..", "..", "contract")
NAMES = {
    "alertType": "alert_type",
    "alertTarget": "alert_target",
    "nextIn": "next_in",
    "remindEvery": "remind_every",
    "pauseUntil": "pause_until",
    "from": "from_",
    "lastEventId": "last_event_id",
}
#: The calls of which the contract has other names than Python.
CALLS = {
    "sendEvents": "send_events",
    "eventStats": "event_stats",
    "exportEvents": "export_events",
    "putRule": "put_rule",
    "deleteRule": "delete_rule",
}
ITERATORS = ("events", "alerts", "exportEvents", "tail")


def read(name: str) -> str:
    with open(os.path.join(CONTRACT, name), encoding="utf-8") as file:
        return file.read()


def call(client: Any, name: str, args: Dict[str, Any], items: List[Any]) -> Any:
    """Makes a call; `items` gets what an iterator gives, also where it ends with an error."""
    given = {NAMES.get(key, key): value for key, value in args.items()}
    result = getattr(client, CALLS.get(name, name))(**given)
    if name not in ITERATORS:
        return result
    for item in result:
        items.append(item)
    return items


async def call_async(client: AsyncClient, name: str, args: Dict[str, Any], items: List[Any]) -> Any:
    given = {NAMES.get(key, key): value for key, value in args.items()}
    result = getattr(client, CALLS.get(name, name))(**given)
    if name not in ITERATORS:
        return await result
    async for item in result:
        items.append(item)
    return items


def body_of(made: Any, expected: Any) -> Any:
    """A body that was made, in which an id is replaced by the `*`, or `*1795392000000`, that it has to satisfy."""
    if not isinstance(expected, list) or len(made) != len(expected):
        return made
    return [one | {"id": other["id"]} if fits(one.get("id"), other.get("id")) else one for one, other in zip(made, expected)]


def fits(made: Any, expected: Any) -> bool:
    if made is None or expected is None or not expected.startswith("*"):
        return False
    time = "" if expected == "*" else time_text(int(expected[1:]))
    return re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", made) is not None and made.startswith(time)


def time_text(ms: int) -> str:
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[ms >> (5 * place) & 31] for place in reversed(range(10)))


class Contract(unittest.TestCase):
    def check_failure(self, error: WatchTowerError, expected: Dict[str, Any]) -> None:
        self.assertEqual((error.status, error.code), (expected["status"], expected["code"]))
        if expected["hint"] == "*":
            self.assertTrue(error.hint)
        else:
            self.assertEqual(error.hint, expected["hint"])
        self.assertNotIn(PASSWORD, repr(error) + str(error))

    def check(self, case: Dict[str, Any], run: Any) -> None:
        recording = Recording([exchange["answer"] for exchange in case["exchanges"]])
        client = recording.client()
        items: List[Any] = []
        if "error" in case:
            with self.assertRaises(WatchTowerError) as caught:
                run(client, case["call"], case["args"], items)
            self.check_failure(caught.exception, case["error"])
            self.assertEqual(items, case.get("result", []))
        else:
            self.assertEqual(run(client, case["call"], case["args"], items), case["result"])
        expected = [exchange["request"] for exchange in case["exchanges"]]
        self.assertEqual(len(recording.requests), len(expected))
        for made, wanted, headers in zip(recording.requests, expected, recording.headers):
            if "body" in made:
                made = {**made, "body": body_of(made["body"], wanted.get("body"))}
            self.assertEqual(made, {name: value for name, value in wanted.items() if name != "headers"})
            self.assertEqual(headers["password"], PASSWORD)
            self.assertEqual(headers.get("content-type"), "application/json" if "body" in wanted else None)
            self.assertEqual(headers.get("last-event-id"), wanted.get("headers", {}).get("last-event-id"))
        # What a client made of its own is the same in each attempt.
        if case["call"] == "sendEvents":
            self.assertEqual(recording.requests, recording.requests[:1] * len(expected))
        waits: List[Any] = case.get("waits", [])
        self.assertEqual(len(recording.waits), len(waits))
        for waited, (least, most) in zip(recording.waits, waits):
            self.assertTrue(least <= waited <= most, waited)

    def test_each_case_over_a_recording(self) -> None:
        for case in json.loads(read("calls.json")):
            with self.subTest(case["name"]):
                self.check(case, call)

    def test_each_case_with_asyncio(self) -> None:
        def run(client: Client, name: str, args: Dict[str, Any], items: List[Any]) -> Any:
            return asyncio.run(call_async(AsyncClient(client=client), name, args, items))

        for case in json.loads(read("calls.json")):
            with self.subTest(case["name"]):
                self.check(case, run)

    def test_a_retry_after_may_be_a_date(self) -> None:
        busy = {"status": 503, "headers": {"Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT"}, "text": ""}
        recording = Recording([busy, ok()])
        recording.client(now=lambda: 1_795_435_200.0).hello()
        self.assertEqual(recording.waits, [30.0])

    def test_warnings_go_to_a_callback(self) -> None:
        warnings: List[str] = []
        recording = Recording([ok(heartBeat={"service": "a"}, warnings=["one", "two"])])
        recording.client(on_warning=warnings.append).pulse("a", next_in=1)
        self.assertEqual(warnings, ["one", "two"])

    def contains(self, actual: Any, expected: Any) -> None:
        if isinstance(expected, dict):
            for key, value in expected.items():
                self.contains(actual[key], value)
        elif isinstance(expected, list):
            self.assertEqual(len(actual), len(expected))
            for one, other in zip(actual, expected):
                self.contains(one, other)
        else:
            self.assertEqual(actual, expected)

    def test_the_steps_against_a_running_watchtower(self) -> None:
        url = os.environ.get("WATCHTOWER_URL")
        if url is None:
            print("The steps against a running watchTower are left out: WATCHTOWER_URL is not set.", file=sys.stderr)
            return
        client = Client(url, os.environ["WATCHTOWER_PASSWORD"])
        for step in json.loads(read("live.json").replace("{run}", str(uuid.uuid4()))):
            with self.subTest(f"{step['call']} {step['args']}"):
                if "error" in step:
                    with self.assertRaises(WatchTowerError) as caught:
                        call(client, step["call"], step["args"], [])
                    self.check_failure(caught.exception, step["error"])
                else:
                    result = call(client, step["call"], step["args"], [])
                    if "result" in step:
                        self.contains(result, step["result"])

    def test_follows_events_of_a_running_watchtower(self) -> None:
        url = os.environ.get("WATCHTOWER_URL")
        if url is None:
            return
        client = Client(url, os.environ["WATCHTOWER_PASSWORD"])
        service = f"tail {uuid.uuid4()}"
        ids = [client.event(service, f"of level {level}", level) for level in (4, 3, 5)]
        tail = client.tail(service=service, level="error", last_event_id=ids[0])
        self.contains(next(tail), {"id": ids[2], "message": "of level 5"})
        ids.append(client.event(service, "later", "critical"))
        self.contains(next(tail), {"id": ids[3], "message": "later", "level": 5})
        tail.close()
