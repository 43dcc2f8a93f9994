import random as _random
import ssl
import time
from datetime import datetime
from threading import Event as Stop
from typing import Any, Callable, Dict, Generator, Iterable, Iterator, List, Mapping, Optional, Sequence, Union, cast
from urllib.parse import quote

from .connection import Answer, Connection, seconds_of, system_now
from .error import WatchTowerError
from .new_event import body_of, stamped_body
from .stream import exported, followed
from .transport import HttpTransport, Transport
from .types import Alert, Event, EventFields, HeartBeat, Level, NewEvent, Rule, SentEvents, Target, When
from .ulid import UlidMaker


class Client:
    """A watchTower. Each call is one request, tried again where that helps; it raises a WatchTowerError.

    url: http or https, with a path prefix where it has one.
    password: printable ASCII.
    timeout, connect_timeout: seconds for an answer as a whole, and for connecting.
    idle_timeout: how long nothing may come of a stream (an export, a tail), in seconds.
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
        idle_timeout: float = 60.0,
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
            return Connection(url, password, send, attempts, sleep, random, now, on_warning, idle_timeout)

        self._connect = connect
        self._connection = connect(attempts)

    def with_attempts(self, attempts: int) -> "Client":
        """The same watchTower, with another number of attempts for each call."""
        client: Client = object.__new__(type(self))
        client._connect = self._connect
        client._connection = self._connect(attempts)
        return client

    @property
    def clock_offset(self) -> float:
        """How far the server's clock was ahead of ours at its last answer, in seconds; 0 where it doesn't say."""
        return self._connection.clock_offset

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
        answer = self._unless_unknown("GET", "/heartbeat", {"service": service})
        return None if answer is None else _heartbeat(answer)

    def event(
        self,
        service: str,
        message: str,
        level: Optional[Level] = None,
        *,
        alert: bool = False,
        fields: Optional[EventFields] = None,
        date: Optional[When] = None,
        id: Optional[str] = None,
    ) -> Optional[str]:
        """Stores an event, and returns its id; None from a server that gives none.

        fields: names and plain values. date: when it was. id: a ULID whose time is the date; what is sent twice under
        one id is stored once.
        """
        said: NewEvent = {"service": service, "message": message, "level": level, "alert": alert or None}
        body = body_of({**said, "fields": fields, "date": date, "id": id})
        event_id = self._connection.request("POST", "/event", body=body).get("id")
        return event_id if isinstance(event_id, str) else None

    #: The original's name for `event`.
    add = event

    def send_events(self, events: Iterable[NewEvent]) -> SentEvents:
        """Stores events, at most 1,000 and 1 MiB of them, by one request, and says what became of each.

        They get ids, so that another attempt stores none twice, unless they have one, or a date that is a text.
        """
        new_id = UlidMaker()
        body = [stamped_body(event, new_id, self._connection.now()) for event in events]
        answer = self._connection.request("POST", "/events", body=body, is_new=True)
        ids, refused = _list(answer, "ids"), _list(answer, "refused")
        stored = int(answer.get("stored") or 0)
        return {"stored": stored, "ids": ids, "refused": refused, "queued": answer.get("queued") is True}

    def events(
        self,
        *,
        service: Optional[str] = None,
        from_: Optional[When] = None,
        to: Optional[When] = None,
        level: Optional[Level] = None,
        message: Optional[str] = None,
        q: Optional[str] = None,
        fields: Optional[EventFields] = None,
        limit: Optional[int] = None,
    ) -> Iterator[Event]:
        """The events that match, newest first; pages, of `limit` events each, are asked for as they are needed.

        q: a search: words, "phrases", -word, service:name, level:>=error, host:web-1, OR. fields: their values.
        """
        query = {**_filter(service, from_, to, level, message, q, fields), "limit": limit}
        return cast(Iterator[Event], self._pages("/events", "events", query))

    def event_stats(
        self,
        *,
        service: Optional[str] = None,
        from_: Optional[When] = None,
        to: Optional[When] = None,
        level: Optional[Level] = None,
        message: Optional[str] = None,
        q: Optional[str] = None,
        fields: Optional[EventFields] = None,
        buckets: Optional[int] = None,
    ) -> Dict[str, Any]:
        """How many events match: of each level, of the services that have most, and over time.

        buckets: into how many parts the time is divided at most.
        """
        query = {**_filter(service, from_, to, level, message, q, fields), "buckets": buckets}
        answer = self._connection.request("GET", "/events/stats", query=query, is_new=True)
        _list(answer, "buckets")
        return {name: value for name, value in answer.items() if name != "result"}

    def export_events(
        self,
        *,
        service: Optional[str] = None,
        from_: Optional[When] = None,
        to: Optional[When] = None,
        level: Optional[Level] = None,
        message: Optional[str] = None,
        q: Optional[str] = None,
        fields: Optional[EventFields] = None,
        after: Optional[str] = None,
    ) -> Iterator[Event]:
        """All events that match, oldest first, as they come. It raises where the connection breaks off.

        after: an event's id; those after it are given.
        """
        query = {"format": "ndjson", **_filter(service, from_, to, level, message, q, fields), "after": after}
        yield from exported(self._connection.stream("/events/export", "application/x-ndjson", query=query))

    def tail(
        self,
        *,
        service: Optional[str] = None,
        level: Optional[Level] = None,
        message: Optional[str] = None,
        q: Optional[str] = None,
        fields: Optional[EventFields] = None,
        last_event_id: Optional[str] = None,
        stop: Optional[Stop] = None,
        on_error: Optional[Callable[[WatchTowerError], None]] = None,
    ) -> Generator[Event, None, None]:
        """The events that match, as they are stored from now on, until the iterator is left.

        A connection that ends is made anew, without an event lost or told twice; a refusal (another 4xx than 429) is
        raised.

        last_event_id: goes on after this event, as far as the server remembers.
        stop: a threading.Event that ends it from another thread, when the server next gives a sign of life.
        on_error: hears of each connection that was lost or could not be made.
        """
        query = _filter(service, None, None, level, message, q, fields)
        # Attempts are the tail's business: it goes on for as long as somebody reads.
        once = self.with_attempts(1)._connection

        def is_over() -> bool:
            return stop is not None and stop.is_set()

        def connect(headers: Mapping[str, str]) -> Iterator[bytes]:
            for chunk in once.stream("/events/tail", "text/event-stream", query=query, headers=headers):
                if is_over():
                    return
                yield chunk

        pause = stop.wait if stop is not None and once.sleep is time.sleep else once.sleep
        return followed(connect, lambda seconds: cast(None, pause(seconds)), once.random, is_over, last_event_id, on_error)

    def rules(self) -> List[Rule]:
        """All alert rules, by name."""
        return cast(List[Rule], _list(self._connection.request("GET", "/rules", is_new=True), "rules"))

    def rule(self, name: str) -> Optional[Rule]:
        """One alert rule; None where there is none of this name."""
        answer = self._unless_unknown("GET", _rule_path(name))
        return None if answer is None else _rule(answer)

    def put_rule(
        self,
        name: str,
        q: str,
        *,
        alert_type: Optional[str] = None,
        alert_target: Optional[str] = None,
        count: Optional[int] = None,
        seconds: Optional[int] = None,
        quiet: Optional[int] = None,
    ) -> Rule:
        """Writes an alert rule, in place of that of the same name, and returns it as it holds.

        count events that match q within seconds raise an alert; then there is no other for quiet seconds. Without a
        target the server's default is alerted.
        """
        target = {"alertType": alert_type, "alertTarget": alert_target}
        body = {"q": q, **target, "count": count, "seconds": seconds, "quiet": quiet}
        return _rule(self._connection.request("PUT", _rule_path(name), body=body, is_new=True))

    def delete_rule(self, name: str) -> bool:
        """Deletes an alert rule, and says whether there was one."""
        return self._unless_unknown("DELETE", _rule_path(name)) is not None

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

    def _unless_unknown(self, method: str, path: str, query: Optional[Mapping[str, Any]] = None) -> Optional[Answer]:
        try:
            return self._connection.request(method, path, query=query)
        except WatchTowerError as error:
            if error.status == 404:
                return None
            raise

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


def _filter(
    service: Optional[str],
    from_: Optional[When],
    to: Optional[When],
    level: Optional[Level],
    message: Optional[str],
    q: Optional[str],
    fields: Optional[EventFields],
) -> Dict[str, Any]:
    """A filter of events as parameters of a query."""
    named = {f"field.{name}": value for name, value in (fields or {}).items()}
    dates = {"from": _when(from_), "to": _when(to)}
    return {"service": service, **dates, "level": level, "message": message, "q": q, **named}


def _rule_path(name: str) -> str:
    return f"/rules/{quote(name, safe='')}"


def _rule(answer: Answer) -> Rule:
    value = answer.get("rule")
    if not isinstance(value, dict):
        raise WatchTowerError("The answer", 200, "", "It has no rule.")
    return cast(Rule, value)


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
