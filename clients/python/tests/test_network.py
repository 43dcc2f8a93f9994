import asyncio
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from contextlib import suppress
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler
from typing import Any, Iterator, List

from watchtower_client import AsyncClient, Client, WatchTowerError

from .recording import BASE, Recording, nowhere, ok, say, serving, silent_server


def failure(url: str, **options: Any) -> WatchTowerError:
    try:
        Client(url, "secret", **{"attempts": 1, "timeout": 0.2, **options}).heartbeats()
    except WatchTowerError as error:
        return error
    raise AssertionError("It did not fail.")


class OnANetwork(unittest.TestCase):
    def test_says_that_nobody_listens(self) -> None:
        error = failure(nowhere())
        self.assertEqual(error.status, 0)
        self.assertIn("refused", error.hint)

    def test_gives_up_a_server_that_never_answers(self) -> None:
        with silent_server() as url:
            error = failure(url)
        self.assertEqual(error.status, 0)
        self.assertIn("timed out", error.hint)

    def test_gives_up_a_server_that_answers_drop_by_drop(self) -> None:
        def drip(handler: BaseHTTPRequestHandler) -> None:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b" " * 99999:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(0.02)

        with serving(drip) as server:
            started = time.monotonic()
            error = failure(server.url)
            # Each byte comes well within the time-out; all of them would take half an hour.
            self.assertLess(time.monotonic() - started, 10)
        self.assertIn("timed out", error.hint)

    def test_an_answer_that_is_cut_off_is_an_error(self) -> None:
        def cut(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        def garbage(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")

        for answer in (cut, garbage):
            with serving(answer) as server:
                self.assertEqual(failure(server.url).status, 0)

    def test_finds_a_server_below_a_path_and_on_ipv6(self) -> None:
        for host in ("127.0.0.1", "::1"):
            with serving(say({"result": 200, "heartBeats": []}), host) as server:
                self.assertEqual(Client(server.url + "/tower/", "secret", attempts=1).heartbeats(), [])
                self.assertEqual(server.requests, [("GET /tower/heartbeats", "")])

    def test_does_not_follow_a_redirect_which_would_carry_the_password_elsewhere(self) -> None:
        with serving(say({"result": 200, "heartBeats": []})) as other:
            for status in (301, 302, 303, 307, 308):
                with serving(say("", status, Location=other.url)) as server:
                    error = failure(server.url)
                    self.assertEqual(error.status, status)
                    self.assertIn(other.url, error.hint)
            self.assertEqual(other.requests, [])

    def test_cancels_with_a_body(self) -> None:
        with serving(say({"result": 200, "heartBeat": "a"})) as server:
            self.assertIsNone(Client(server.url, "secret").cancel("a"))
            self.assertEqual(server.requests, [("DELETE /heartbeat", '{"service": "a"}')])

    def test_verifies_certificates_unless_told_otherwise(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
            name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
            made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key]
            subprocess.run([*made, "-out", cert, *name], check=True, stderr=subprocess.DEVNULL)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            with serving(say({"result": 200, "heartBeats": []}), tls=context) as server:
                self.assertIn("CERTIFICATE_VERIFY_FAILED", failure(server.url, timeout=5).hint)
                self.assertEqual(server.requests, [])
                self.assertEqual(Client(server.url, "secret", ca_file=cert).heartbeats(), [])
                self.assertEqual(Client(server.url, "secret", insecure_tls=True).heartbeats(), [])


EVENT = {"id": "1", "message": "é" * 50}
LINE = json.dumps(EVENT, ensure_ascii=False).encode() + b"\n"


def chunked(handler: BaseHTTPRequestHandler, kind: str, *chunks: bytes, is_whole: bool = True) -> None:
    """An answer in chunks, as servers stream; one that is not whole has no end."""
    handler.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for chunk in chunks:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        handler.wfile.flush()
    if is_whole:
        handler.wfile.write(b"0\r\n\r\n")


def read_all(items: Iterator[Any]) -> Any:
    """All that an iterator gives, and the error that it ends with."""
    read: List[Any] = []
    try:
        for item in items:
            read.append(item)
    except WatchTowerError as error:
        return read, error
    return read, None


class AnExportOnANetwork(unittest.TestCase):
    def export(self, answer: Any, **options: Any) -> Any:
        with serving(answer) as server:
            return read_all(Client(server.url, "secret", **{"attempts": 1, **options}).export_events())

    def test_gives_the_lines_as_they_come_and_ends_where_the_server_ends_it(self) -> None:
        go_on = threading.Event()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n")
            handler.wfile.write(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(LINE) + 4, LINE + b'{"id'))
            go_on.wait(10)
            handler.wfile.write(b'6\r\n":"2"}\r\n1\r\n\n\r\n0\r\n\r\n')

        with serving(answer) as server:
            events = Client(server.url, "secret").export_events()
            self.assertEqual(next(events), EVENT)
            go_on.set()
            self.assertEqual(read_all(events), ([{"id": "2"}], None))

    def test_is_an_error_where_the_connection_breaks_off(self) -> None:
        def in_a_chunk(handler: BaseHTTPRequestHandler) -> None:
            chunked(handler, "application/x-ndjson", LINE, is_whole=False)
            handler.wfile.write(b"ff\r\n{")

        def between_two(handler: BaseHTTPRequestHandler) -> None:
            chunked(handler, "application/x-ndjson", LINE, is_whole=False)

        def in_its_length(handler: BaseHTTPRequestHandler) -> None:
            head = f"Content-Type: application/x-ndjson\r\nContent-Length: {len(LINE) * 2}"
            handler.wfile.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + LINE)

        for answer in (in_a_chunk, between_two, in_its_length):
            with self.subTest(answer.__name__):
                read, error = self.export(answer)
                self.assertEqual((read, error and error.status), ([EVENT], 0))

    def test_is_an_error_where_nothing_comes_any_more(self) -> None:
        over = threading.Event()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            chunked(handler, "application/x-ndjson", LINE, is_whole=False)
            over.wait(10)

        read, error = self.export(answer, idle_timeout=0.1)
        over.set()
        self.assertEqual((read, error.status), ([EVENT], 0))
        self.assertIn("timed out", error.hint)

    def test_may_take_longer_than_an_answer_and_as_long_as_its_reader_wants(self) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n")
            for _ in range(6):
                time.sleep(0.05)
                handler.wfile.write(LINE)

        with serving(answer) as server:
            count = 0
            for _ in Client(server.url, "secret", timeout=0.2, idle_timeout=0.2).export_events():
                count += 1
                if count == 1:
                    time.sleep(0.5)
        self.assertEqual(count, 6)


class ATailOnANetwork(unittest.TestCase):
    def test_goes_on_over_connections_that_end_break_off_fall_silent_or_can_not_be_made(self) -> None:
        endings = ["end", "break", "silence", "unavailable", "stay"]
        over = threading.Event()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            ending = endings.pop(0)
            if ending == "unavailable":
                say("", 503)(handler)
                return
            following = str(int(handler.headers.get("last-event-id", "0")) + 1)
            data = f'retry: 10\n\nid: {following}\ndata: {{"id":"{following}"}}\n\n'.encode()
            chunked(handler, "text/event-stream", data, is_whole=ending == "end")
            if ending in ("silence", "stay"):
                over.wait(10)

        stop, errors = threading.Event(), []  # type: ignore[var-annotated]
        with serving(answer) as server:
            client = Client(server.url, "secret", idle_timeout=0.3)
            ids = []
            for event in client.tail(stop=stop, on_error=errors.append):
                ids.append(event["id"])
                if event["id"] == "4":
                    stop.set()
            over.set()
        self.assertEqual(ids, ["1", "2", "3", "4"])
        self.assertEqual([error.status for error in errors], [0, 0, 503])

    def test_is_ended_from_another_thread_and_by_asyncio(self) -> None:
        over = threading.Event()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            with suppress(OSError):
                while not over.wait(0.02):
                    handler.wfile.write(b": alive\n\n")

        async def cancelled(url: str) -> None:
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(AsyncClient(url, "secret").tail().__anext__(), 0.2)

        with serving(answer) as server:
            stop = threading.Event()
            threading.Timer(0.2, stop.set).start()
            self.assertEqual(list(Client(server.url, "secret").tail(stop=stop)), [])
            # The loop waits for its threads.
            asyncio.run(cancelled(server.url))
            over.set()


class AClient(unittest.TestCase):
    def test_refuses_addresses_that_are_none(self) -> None:
        for url in ("", "tower.example", "ftp://tower.example", "http://", "http://a:pw@tower.example"):
            with self.subTest(url), self.assertRaises(WatchTowerError):
                Client(url, "secret")
        for url in ("http://tower.example/?a=b", "http://tower.example/#a", "http://tower.example:x", "http://a b"):
            with self.subTest(url), self.assertRaises(WatchTowerError):
                Client(url, "secret")

    def test_refuses_passwords_that_can_not_travel_and_does_not_repeat_them(self) -> None:
        for password in ("", " ", "a ", "käse", "two\nlines", "\0"):
            with self.subTest(password), self.assertRaises(WatchTowerError) as caught:
                Client(BASE, password)
            self.assertEqual(
                str(caught.exception), "The password: must be printable ASCII, without spaces around it."
            )

    def test_takes_datetimes(self) -> None:
        recording = Recording([ok(heartBeat={}), ok(events=[])])
        client = recording.client()
        client.pulse("a", next_in=1, pause_until=datetime(2026, 11, 23, tzinfo=timezone.utc))
        list(client.events(from_=datetime(2026, 11, 23), to=datetime(2026, 11, 23, 0, 0, 1, 999)))
        self.assertEqual(recording.requests[0]["body"]["pauseUntil"], 1_795_392_000)
        self.assertEqual(recording.requests[1]["query"], {"from": "1795392000", "to": "1795392001"})

    def test_wants_a_promise(self) -> None:
        with self.assertRaisesRegex(TypeError, "next_in is missing"):
            Recording([]).client().pulse("a")
