"""One HTTP request with the standard library, bounded in time as a whole."""

import http.client
import io
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional


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


#: Makes a request; raises OSError where there is no answer.
Transport = Callable[[Request], Response]


class HttpTransport:
    """Requests by urllib, with the proxies of the environment. Redirects are not followed."""

    def __init__(self, connect_timeout: float, timeout: float, context: Optional[ssl.SSLContext]) -> None:
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._context = context

    def __call__(self, request: Request) -> Response:
        deadline = time.monotonic() + self._timeout
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
            with opener.open(asked, timeout=self._timeout) as answer:
                return _read(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _read(error)
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error


def _read(answer: Any) -> Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status, answer.read(), headers)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a moment, however slowly the bytes come."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Optional[int]:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _bounded(connection: http.client.HTTPConnection, connect_timeout: float, deadline: float) -> Any:
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
    def __init__(self, connect_timeout: float, deadline: float) -> None:
        super().__init__()
        self._limits = (connect_timeout, deadline)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **options: Any) -> Any:
            return _bounded(http.client.HTTPConnection(host, **options), *self._limits)

        return self.do_open(connection, req)


class _SecureHandler(urllib.request.HTTPSHandler):
    def __init__(self, connect_timeout: float, deadline: float, context: Optional[ssl.SSLContext]) -> None:
        super().__init__()
        self._limits = (connect_timeout, deadline)
        self._tls = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **options: Any) -> Any:
            return _bounded(http.client.HTTPSConnection(host, context=self._tls, **options), *self._limits)

        return self.do_open(connection, req)
