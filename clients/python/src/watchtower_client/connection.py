"""Requests to one server, tried again where that helps."""

import json
import re
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, TypeVar, Union, cast
from urllib.parse import quote, urlsplit

from .error import WatchTowerError
from .transport import Request, Response, Stream, Transport

_LONGEST_RETRY_AFTER = 60.0

Answer = Dict[str, Any]
Body = Union[Mapping[str, Any], Sequence[Mapping[str, Any]]]

_T = TypeVar("_T")


class Connection:
    def __init__(
        self,
        url: str,
        password: str,
        transport: Transport,
        attempts: int,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        now: Callable[[], float],
        on_warning: Optional[Callable[[str], None]],
        idle_timeout: float,
    ) -> None:
        self._base = _base_of(url)
        # Anything else can't travel in a header.
        if not re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", password):
            raise WatchTowerError("The password", 0, "", "must be printable ASCII, without spaces around it.")
        self._password = password
        self._transport = transport
        self._attempts = attempts
        self.sleep = sleep
        self.random = random
        self.now = now
        self._idle_timeout = idle_timeout
        #: How far the server's clock was ahead of ours at its last answer, in seconds; 0 where it doesn't say.
        self.clock_offset = 0.0
        self._on_warning = on_warning

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Optional[Body] = None,
        is_new: bool = False,
    ) -> Answer:
        """Makes a request; raises a WatchTowerError where it fails for good.

        is_new: whether servers that are older than this client lack the route, which is told then.
        """
        return self._tried(lambda: self._attempt(method, path, query, body, is_new))

    def stream(
        self,
        path: str,
        kind: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Iterator[bytes]:
        """Opens a stream of a media type, and gives its bytes as they come.

        A connection that breaks off, or on which nothing comes for long, is an error of status 0; only the end that the
        server makes is one.
        """
        return self._chunks(path, self._tried(lambda: self._open(path, kind, query, headers or {})))

    def _tried(self, run: Callable[[], _T]) -> _T:
        attempt = 1
        while True:
            try:
                return run()
            except WatchTowerError as error:
                retry_after = error.retry_after or 0.0
                if not error.is_temporary or attempt >= self._attempts or retry_after > _LONGEST_RETRY_AFTER:
                    raise
                pause: float = 2 ** (attempt - 1) * (0.5 + self.random() / 2)
                self.sleep(max(pause, retry_after))
                attempt += 1

    def _attempt(
        self, method: str, path: str, query: Optional[Mapping[str, Any]], body: Optional[Body], is_new: bool
    ) -> Answer:
        what = f"{method} {path}"
        headers = {"Accept": "application/json", "password": self._password}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = _json(body)
        try:
            response = self._transport(Request(method, self._base + path + _query_text(query), headers, data))
        except (OSError, ValueError) as error:
            raise _failure(what, error) from None
        return self._read(what, response, is_new)

    def _open(
        self, path: str, kind: str, query: Optional[Mapping[str, Any]], more: Mapping[str, str]
    ) -> Stream:
        what = f"GET {path}"
        headers = {"Accept": kind, "password": self._password, **more}
        request = Request("GET", self._base + path + _query_text(query), headers)
        try:
            stream = cast(Stream, cast(Any, self._transport).stream(request, self._idle_timeout))
            if 200 <= stream.status < 300 and stream.headers.get("content-type", "").startswith(kind):
                return stream
            try:
                response = Response(stream.status, stream.read(), stream.headers)
            finally:
                stream.close()
        except (OSError, ValueError, HTTPException) as error:
            raise _failure(what, error) from None
        self._read(what, response, True)
        raise WatchTowerError(what, response.status, "", "The answer is not watchTower's.")

    def _chunks(self, path: str, stream: Stream) -> Iterator[bytes]:
        try:
            yield from stream
        except (OSError, ValueError) as error:
            raise _failure(f"GET {path}", error) from None
        finally:
            stream.close()

    def _read(self, what: str, response: Response, is_new: bool) -> Answer:
        status = response.status
        server_time = _date_of(response.headers.get("date"))
        if server_time is not None:
            self.clock_offset = server_time - self.now()
        if 300 <= status < 400:
            to = response.headers.get("location", "another address")
            raise WatchTowerError(what, status, "", f"The server redirects to {to}: use that as the address.")
        answer = _parse(response.body)
        result = answer.get("result")
        is_ok = 200 <= status < 300
        if is_ok and result == 200:
            warnings = answer.get("warnings")
            if self._on_warning and isinstance(warnings, list):
                for warning in warnings:
                    self._on_warning(str(warning))
            return answer
        # The original server answers 200 always, and says in `result` what it means.
        meant = result if is_ok and isinstance(result, int) and result != 200 else status
        code, hint = answer.get("code"), answer.get("hint")
        if is_new and meant in (404, 405):
            hint = f"The server has no {what}: it is older than this client, or no watchTower."
        raise WatchTowerError(
            what,
            meant,
            code if isinstance(code, str) else "",
            hint if isinstance(hint, str) else "The answer is not watchTower's.",
            _retry_after_of(response.headers.get("retry-after"), self.now()),
        )


def _base_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_fine = False
    if not is_fine or "@" in parts.netloc or "?" in url or "#" in url or re.search(r"[\s\x00-\x1f]", url):
        hint = "must be an http or https URL without a user, a query and a fragment."
        raise WatchTowerError("The address", 0, "", hint)
    return url.rstrip("/")


def _json(body: Body) -> bytes:
    given = [_given(item) for item in body] if isinstance(body, Sequence) else _given(body)
    # Lone surrogates, which UTF-8 can't have, travel as escapes, and the server says what it thinks of them.
    return json.dumps(given, allow_nan=False).encode("ascii")


def _given(fields: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _failure(what: str, error: Exception) -> WatchTowerError:
    reason = getattr(error, "reason", None) or error
    return WatchTowerError(what, 0, "", str(reason) or type(reason).__name__)


def _query_text(query: Optional[Mapping[str, Any]]) -> str:
    pairs = [f"{quote(name, safe='')}={quote(_shown(value), safe='')}" for name, value in _given(query or {}).items()]
    return "?" + "&".join(pairs) if pairs else ""


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(body: bytes) -> Answer:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _retry_after_of(text: Optional[str], now: float) -> Optional[float]:
    """A `Retry-After` in seconds; it may be a number or a date."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    date = _date_of(text)
    return None if date is None else max(0.0, date - now)


def _date_of(text: Optional[str]) -> Optional[float]:
    """A date of HTTP, in seconds since the epoch."""
    try:
        return None if text is None else parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def seconds_of(date: datetime) -> int:
    """Seconds since the epoch; a date without a zone counts as UTC."""
    return int((date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() // 1)


def system_now() -> float:
    return time.time()
