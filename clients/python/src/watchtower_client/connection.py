"""Requests to one server, tried again where that helps."""

import json
import re
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import quote, urlsplit

from .error import WatchTowerError
from .transport import Request, Response, Transport

_LONGEST_RETRY_AFTER = 60.0

Answer = Dict[str, Any]


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
    ) -> None:
        self._base = _base_of(url)
        # Anything else can't travel in a header.
        if not re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", password):
            raise WatchTowerError("The password", 0, "", "must be printable ASCII, without spaces around it.")
        self._password = password
        self._transport = transport
        self._attempts = attempts
        self._sleep = sleep
        self._random = random
        self._now = now
        self._on_warning = on_warning

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Optional[Mapping[str, Any]] = None,
    ) -> Answer:
        """Makes a request; raises a WatchTowerError where it fails for good."""
        attempt = 1
        while True:
            try:
                return self._attempt(method, path, query, body)
            except WatchTowerError as error:
                retry_after = error.retry_after or 0.0
                if not error.is_temporary or attempt >= self._attempts or retry_after > _LONGEST_RETRY_AFTER:
                    raise
                pause: float = 2 ** (attempt - 1) * (0.5 + self._random() / 2)
                self._sleep(max(pause, retry_after))
                attempt += 1

    def _attempt(
        self, method: str, path: str, query: Optional[Mapping[str, Any]], body: Optional[Mapping[str, Any]]
    ) -> Answer:
        what = f"{method} {path}"
        headers = {"Accept": "application/json", "password": self._password}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            # Lone surrogates, which UTF-8 can't have, travel as escapes, and the server says what it thinks of them.
            data = json.dumps({name: value for name, value in body.items() if value is not None}).encode("ascii")
        try:
            response = self._transport(Request(method, self._base + path + _query_text(query), headers, data))
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise WatchTowerError(what, 0, "", str(reason) or type(reason).__name__) from None
        return self._read(what, response)

    def _read(self, what: str, response: Response) -> Answer:
        status = response.status
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
        raise WatchTowerError(
            what,
            meant,
            code if isinstance(code, str) else "",
            hint if isinstance(hint, str) else "The answer is not watchTower's.",
            _retry_after_of(response.headers.get("retry-after"), self._now()),
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


def _query_text(query: Optional[Mapping[str, Any]]) -> str:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    pairs = [f"{quote(name, safe='')}={quote(str(value), safe='')}" for name, value in given.items()]
    return "?" + "&".join(pairs) if pairs else ""


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
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return max(0.0, date.timestamp() - now)


def seconds_of(date: datetime) -> int:
    """Seconds since the epoch; a date without a zone counts as UTC."""
    return int((date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() // 1)


def system_now() -> float:
    return time.time()
