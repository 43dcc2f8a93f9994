import asyncio
import json
import os
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
}


def read(name: str) -> str:
    with open(os.path.join(CONTRACT, name), encoding="utf-8") as file:
        return file.read()


def call(client: Any, name: str, args: Dict[str, Any]) -> Any:
    given = {NAMES.get(key, key): value for key, value in args.items()}
    result = getattr(client, name)(**given)
    return list(result) if name in ("events", "alerts") else result


async def call_async(client: AsyncClient, name: str, args: Dict[str, Any]) -> Any:
    given = {NAMES.get(key, key): value for key, value in args.items()}
    if name in ("events", "alerts"):
        return [item async for item in getattr(client, name)(**given)]
    return await getattr(client, name)(**given)


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
        if "error" in case:
            with self.assertRaises(WatchTowerError) as caught:
                run(client, case["call"], case["args"])
            self.check_failure(caught.exception, case["error"])
        else:
            self.assertEqual(run(client, case["call"], case["args"]), case["result"])
        self.assertEqual(recording.requests, [exchange["request"] for exchange in case["exchanges"]])
        for headers, request in zip(recording.headers, recording.requests):
            self.assertEqual(headers["password"], PASSWORD)
            self.assertEqual(headers.get("content-type"), "application/json" if "body" in request else None)
        waits: List[Any] = case.get("waits", [])
        self.assertEqual(len(recording.waits), len(waits))
        for waited, (least, most) in zip(recording.waits, waits):
            self.assertTrue(least <= waited <= most, waited)

    def test_each_case_over_a_recording(self) -> None:
        for case in json.loads(read("calls.json")):
            with self.subTest(case["name"]):
                self.check(case, call)

    def test_each_case_with_asyncio(self) -> None:
        def run(client: Client, name: str, args: Dict[str, Any]) -> Any:
            return asyncio.run(call_async(AsyncClient(client=client), name, args))

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
                        call(client, step["call"], step["args"])
                    self.check_failure(caught.exception, step["error"])
                else:
                    result = call(client, step["call"], step["args"])
                    if "result" in step:
                        self.contains(result, step["result"])
