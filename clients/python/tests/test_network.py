import os
import ssl
import subprocess
import tempfile
import time
import unittest
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler
from typing import Any

from watchtower_client import Client, WatchTowerError

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
