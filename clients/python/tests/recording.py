"""A transport that is a recording, and servers that misbehave."""

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import parse_qsl, urlsplit

from watchtower_client import Client
from watchtower_client.transport import Request, Response

BASE = "http://tower.example/prefix"
PASSWORD = "correct horse"


class Recording:
    """Answers each request with the next answer, and writes down what was asked and how long was waited."""

    def __init__(self, answers: List[Any]) -> None:
        self.answers = answers
        self.requests: List[Dict[str, Any]] = []
        self.headers: List[Dict[str, str]] = []
        self.waits: List[float] = []

    def client(self, **options: Any) -> Client:
        return Client(BASE, PASSWORD, transport=self, sleep=self.waits.append, **options)

    def stream(self, request: Request, _: float) -> "RecordedStream":
        return RecordedStream(self(request), self.answers[len(self.requests) - 1])

    def __call__(self, request: Request) -> Response:
        assert request.url.startswith(BASE + "/"), request.url
        parts = urlsplit(request.url[len(BASE) :])
        asked: Dict[str, Any] = {"method": request.method, "path": parts.path}
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        if query:
            asked["query"] = query
        if request.body is not None:
            asked["body"] = json.loads(request.body)
        self.requests.append(asked)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        assert len(self.requests) <= len(self.answers), "one request too many"
        return answer_of(self.answers[len(self.requests) - 1])


class RecordedStream:
    """An answer as networks bring it: in pieces that heed neither lines nor characters."""

    def __init__(self, response: Response, answer: Dict[str, Any]) -> None:
        self.status = response.status
        self.headers = response.headers
        self.is_closed = False
        self._body = response.body
        self._breaks_off = answer.get("breaksOff", False)

    def read(self) -> bytes:
        return self._body

    def __iter__(self) -> Iterator[bytes]:
        for at in range(0, len(self._body), 7):
            yield self._body[at : at + 7]
        if self._breaks_off:
            raise ConnectionResetError("reset")

    def close(self) -> None:
        self.is_closed = True


def answer_of(answer: Dict[str, Any]) -> Response:
    if "failure" in answer:
        raise TimeoutError("timed out") if answer["failure"] == "timeout" else ConnectionRefusedError("refused")
    body = json.dumps(answer["body"]) if "body" in answer else answer.get("text", "")
    headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
    return Response(answer["status"], body.encode(), headers)


def ok(**body: Any) -> Dict[str, Any]:
    return {"status": 200, "body": {"result": 200, **body}}


def refusal(status: int, **headers: str) -> Dict[str, Any]:
    return {"status": status, "headers": headers, "body": {"result": status, "code": "x", "hint": "y"}}


class Server:
    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: List[Tuple[str, str]] = []


@contextmanager
def serving(
    answer: Callable[[BaseHTTPRequestHandler], None],
    host: str = "127.0.0.1",
    tls: Optional[ssl.SSLContext] = None,
) -> Iterator[Server]:
    """A real server on loopback; `answer` writes what it likes."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            server.requests.append((f"{self.command} {self.path}", body))
            answer(self)

        do_GET = do_POST = do_PUT = do_DELETE = handle_one

        def log_message(self, *_: Any) -> None:
            pass

    class Tower(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    tower = Tower((host, 0), Handler)
    if tls:
        tower.socket = tls.wrap_socket(tower.socket, server_side=True)
    name = f"[{host}]" if ":" in host else host
    server = Server(f"{'https' if tls else 'http'}://{name}:{tower.server_address[1]}")
    thread = threading.Thread(target=tower.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        tower.shutdown()
        tower.server_close()
        thread.join()


def say(body: Any, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def nowhere() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
