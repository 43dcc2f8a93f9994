import random as _random
import ssl
import time
from datetime import datetime
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Union, cast

from .connection import Answer, Connection, seconds_of, system_now
from .error import WatchTowerError
from .transport import HttpTransport, Transport
from .types import Alert, Event, HeartBeat, Level, Target, When


class Client:
    """A watchTower. Each call is one request, tried again where that helps; it raises a WatchTowerError.

    url: http or https, with a path prefix where it has one.
    password: printable ASCII.
    timeout, connect_timeout: seconds for an answer as a whole, and for connecting.
    attempts: how often a call is tried at most.
    ca_file: certificates to trust instead of the system's.
    insecure_tls: trusts any certificate. Whoever is in between can read the password then.
    on_warning: hears of each warning of an answer, such as a target whose credentials are missing.
    transport, sleep, random, now: for tests.
    """

    def __init__(
        self,
        url: str,
        password: str,
        *,
        timeout: float = 10.0,
        connect_timeout: float = 5.0,
        attempts: int = 4,
        ca_file: Optional[str] = None,
        insecure_tls: bool = False,
        on_warning: Optional[Callable[[str], None]] = None,
        transport: Optional[Transport] = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _random.random,
        now: Callable[[], float] = system_now,
    ) -> None:
        send = transport or HttpTransport(connect_timeout, timeout, _context(ca_file, insecure_tls))

        def connect(attempts: int) -> Connection:
            return Connection(url, password, send, attempts, sleep, random, now, on_warning)

        self._connect = connect
        self._connection = connect(attempts)

    def with_attempts(self, attempts: int) -> "Client":
        """The same watchTower, with another number of attempts for each call."""
        client: Client = object.__new__(type(self))
        client._connect = self._connect
        client._connection = self._connect(attempts)
        return client

    def pulse(
        self,
        service: str,
        alert_type: Optional[str] = None,
        alert_target: Optional[str] = None,
        next_in: Optional[float] = None,
        *,
        grace: Optional[float] = None,
        remind_every: Optional[float] = None,
        pause_until: Optional[Union[int, float, datetime]] = None,
        alerts: Optional[Sequence[Union[Target, Mapping[str, str]]]] = None,
    ) -> HeartBeat:
        """The service lives, and promises its next pulse within `next_in` seconds.

        Without a target the server's default is alerted. grace and remind_every are in seconds.
        """
        if next_in is None:
            raise TypeError("next_in is missing: the seconds until the next pulse in the worst case.")
        body = {
            "service": service,
            "alertType": alert_type,
            "alertTarget": alert_target,
            "nextIn": next_in,
            "grace": grace,
            "remindEvery": remind_every,
            "pauseUntil": seconds_of(pause_until) if isinstance(pause_until, datetime) else pause_until,
            "alerts": None if alerts is None else list(alerts),
        }
        return _heartbeat(self._connection.request("POST", "/heartbeat", body=body))

    def cancel(self, service: str, *, forget: bool = False) -> Optional[HeartBeat]:
        """Nobody waits for the service any more; with `forget` it is gone. None where it is unknown."""
        body: Dict[str, Any] = {"service": service, **({"forget": True} if forget else {})}
        answer = self._connection.request("DELETE", "/heartbeat", body=body)
        return None if isinstance(answer.get("heartBeat"), str) else _heartbeat(answer)

    def heartbeats(self) -> List[HeartBeat]:
        """All services, by name."""
        return cast(List[HeartBeat], _list(self._connection.request("GET", "/heartbeats"), "heartBeats"))

    def heartbeat(self, service: str) -> Optional[HeartBeat]:
        """One service; None where it is unknown."""
        try:
            return _heartbeat(self._connection.request("GET", "/heartbeat", query={"service": service}))
        except WatchTowerError as error:
            if error.status == 404:
                return None
            raise

    def event(self, service: str, message: str, level: Optional[Level] = None, *, alert: bool = False) -> Optional[str]:
        """Stores an event, and returns its id; None from a server that gives none."""
        body = {"service": service, "message": message, "level": level, "alert": True if alert else None}
        event_id = self._connection.request("POST", "/event", body=body).get("id")
        return event_id if isinstance(event_id, str) else None

    #: The original's name for `event`.
    add = event

    def events(
        self,
        *,
        service: Optional[str] = None,
        from_: Optional[When] = None,
        to: Optional[When] = None,
        level: Optional[Level] = None,
        message: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> Iterator[Event]:
        """The events that match, newest first; pages, of `limit` events each, are asked for as they are needed."""
        query = {
            "service": service,
            "from": _when(from_),
            "to": _when(to),
            "level": level,
            "message": message,
            "limit": limit,
        }
        return cast(Iterator[Event], self._pages("/events", "events", query))

    def alerts(
        self,
        *,
        service: Optional[str] = None,
        state: Optional[str] = None,
        from_: Optional[When] = None,
        to: Optional[When] = None,
        limit: Optional[int] = None,
    ) -> Iterator[Alert]:
        """The alerts that match, newest first; `state` is pending, delivered, failed or dropped."""
        query = {"service": service, "state": state, "from": _when(from_), "to": _when(to), "limit": limit}
        return cast(Iterator[Alert], self._pages("/alerts", "alerts", query))

    def hello(self) -> Dict[str, Any]:
        """Time, version, and what is wrong with the server's configuration."""
        return self._connection.request("GET", "/hello")

    def _pages(self, path: str, name: str, query: Mapping[str, Any]) -> Iterator[Any]:
        cursor: Optional[str] = None
        while True:
            answer = self._connection.request("GET", path, query={**query, "cursor": cursor})
            yield from _list(answer, name)
            following = answer.get("next")
            if not isinstance(following, str):
                return
            cursor = following


def _context(ca_file: Optional[str], insecure_tls: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if insecure_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _when(when: Optional[When]) -> Optional[Union[int, float, str]]:
    return seconds_of(when) if isinstance(when, datetime) else when


def _heartbeat(answer: Answer) -> HeartBeat:
    value = answer.get("heartBeat")
    if not isinstance(value, dict):
        raise WatchTowerError("The answer", 200, "", "It has no heartBeat.")
    return cast(HeartBeat, value)


def _list(answer: Answer, name: str) -> List[Any]:
    value = answer.get(name)
    if not isinstance(value, list):
        raise WatchTowerError("The answer", 200, "", f"It has no {name}.")
    return value
