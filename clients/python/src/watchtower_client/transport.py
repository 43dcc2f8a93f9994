"""One HTTP request with the standard library, bounded in time as a whole."""

import http.client
import io
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Optional


@dataclass(frozen=True)
class Request:
    """What is asked."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Optional[bytes] = None


@dataclass(frozen=True)
class Response:
    """What was answered; the names of headers are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


#: Makes a request; raises OSError where there is no answer. One that can open streams has a method for that, too.
Transport = Callable[[Request], Response]


class Stream:
    """An answer whose body is read as it comes.

    To iterate it gives pieces of the body, and raises OSError where the connection breaks off, or where nothing comes
    for longer than is tolerated, in seconds.
    """

    def __init__(self, answer: Any, deadline: "_Deadline", idle_timeout: float) -> None:
        self.status: int = answer.status
        self.headers = _headers_of(answer)
        self._answer = answer
        self._deadline = deadline
        self._idle_timeout = idle_timeout

    def read(self) -> bytes:
        """The whole body, within the time of an answer."""
        return bytes(self._answer.read())

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self._deadline.extend(self._idle_timeout)
            try:
                chunk = self._answer.read1(65_536)
            except http.client.HTTPException as error:
                raise OSError(f"{type(error).__name__}: {error}") from error
            if not chunk:
                break
            yield chunk
        if self._answer.length:
            raise OSError("the answer breaks off")

    def close(self) -> None:
        self._answer.close()


class HttpTransport:
    """Requests by urllib, with the proxies of the environment. Redirects are not followed."""

    def __init__(self, connect_timeout: float, timeout: float, context: Optional[ssl.SSLContext]) -> None:
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._context = context

    def __call__(self, request: Request) -> Response:
        try:
            with self._open(request, _Deadline(self._timeout)) as answer:
                return Response(answer.status, answer.read(), _headers_of(answer))
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error

    def stream(self, request: Request, idle_timeout: float) -> Stream:
        """Makes a request whose answer is read as it comes; only its head is bounded in time as a whole."""
        deadline = _Deadline(self._timeout)
        try:
            return Stream(self._open(request, deadline), deadline, idle_timeout)
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error

    def _open(self, request: Request, deadline: "_Deadline") -> Any:
        opener = urllib.request.build_opener(
            _NoRedirects(),
            _Handler(self._connect_timeout, deadline),
            _SecureHandler(self._connect_timeout, deadline, self._context),
        )
        # urllib's own header of its name tells servers more than they need.
        opener.addheaders = [("User-Agent", "watchtower-client-python")]
        asked = urllib.request.Request(
            request.url, data=request.body, headers=dict(request.headers), method=request.method
        )
        try:
            return opener.open(asked, timeout=self._timeout)
        except urllib.error.HTTPError as error:
            return error


class _Deadline:
    """A moment until which everything has to be read."""

    def __init__(self, seconds: float) -> None:
        self.extend(seconds)

    def extend(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return self._end - time.monotonic()


def _headers_of(answer: Any) -> Mapping[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a moment, however slowly the bytes come."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Optional[int]:
        left = self._deadline.left()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _bounded(connection: http.client.HTTPConnection, connect_timeout: float, deadline: _Deadline) -> Any:
    """Gives a connection its own time-out for connecting, and one moment until which everything has to be read."""

    def connect(address: Any, timeout: Any, source: Any = None) -> socket.socket:
        sock = socket.create_connection(address, connect_timeout, source)
        sock.settimeout(timeout)
        return sock

    class BoundedResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp.close()
            self.fp = io.BufferedReader(_DeadlineReader(sock, deadline))

    connection._create_connection = connect  # type: ignore[attr-defined]
    connection.response_class = BoundedResponse
    return connection


class _Handler(urllib.request.HTTPHandler):
    def __init__(self, connect_timeout: float, deadline: _Deadline) -> None:
        super().__init__()
        self._limits = (connect_timeout, deadline)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **options: Any) -> Any:
            return _bounded(http.client.HTTPConnection(host, **options), *self._limits)

        return self.do_open(connection, req)


class _SecureHandler(urllib.request.HTTPSHandler):
    def __init__(self, connect_timeout: float, deadline: _Deadline, context: Optional[ssl.SSLContext]) -> None:
        super().__init__()
        self._limits = (connect_timeout, deadline)
        self._tls = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **options: Any) -> Any:
            return _bounded(http.client.HTTPSConnection(host, context=self._tls, **options), *self._limits)

        return self.do_open(connection, req)
