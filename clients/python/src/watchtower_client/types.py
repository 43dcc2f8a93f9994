from datetime import datetime
from typing import Dict, List, Optional, TypedDict, Union

#: A level: a number from 0 to 1,000, or a name such as "error".
Level = Union[int, str]
#: A date: seconds since the epoch, ISO 8601, or a datetime, which counts as UTC where it has no zone.
When = Union[int, float, str, datetime]


class Target(TypedDict):
    """Where alerts go: `pushover` with a key, `mail` with addresses, `webhook` with a URL."""

    type: str
    target: str


class _HeartBeat(TypedDict):
    service: str
    alertType: str
    alertTarget: str
    nextIn: int
    last: int
    expected: int
    alerted: bool
    cancelled: bool
    status: str
    since: int
    asOf: int


class HeartBeat(_HeartBeat, total=False):
    """A service, as the server answers it; dates are seconds since the epoch."""

    grace: int
    remindEvery: int
    pauseUntil: int
    alerts: List[Target]


#: What an event says besides its message: names and plain values, at most 32 of them and 8 KiB as JSON.
EventFields = Dict[str, Union[str, int, float, bool]]


class _Event(TypedDict):
    id: str
    date: int
    level: int
    message: str
    service: str
    alert: bool


class Event(_Event, total=False):
    """An event; `date` is in seconds since the epoch."""

    fields: EventFields


class _NewEvent(TypedDict):
    service: str
    message: str


class NewEvent(_NewEvent, total=False):
    """An event to be stored.

    alert: whether the server's default target is alerted, too.
    date: when it was, at most 30 days ago.
    id: a ULID whose time is the date: what is sent twice under one id is stored once.
    """

    level: Optional[Level]
    alert: Optional[bool]
    fields: Optional[EventFields]
    date: Optional[When]
    id: Optional[str]


class Refused(TypedDict):
    """An event that the server won't take, by its index in what was sent."""

    index: int
    hint: str


class SentEvents(TypedDict):
    """What became of events that were sent together.

    ids: of those that were stored, in their order.
    queued: whether they wait at the server for its database, so that lists have them later.
    """

    stored: int
    ids: List[str]
    refused: List[Refused]
    queued: bool


class Rule(TypedDict):
    """An alert rule: so many matches of a search within so many seconds raise an alert, and then it is quiet."""

    name: str
    q: str
    alertType: str
    alertTarget: str
    count: int
    seconds: int
    quiet: int


class Alert(TypedDict):
    """One alert to one target, and what came of it; dates are seconds since the epoch."""

    id: str
    date: int
    service: str
    kind: str
    alertType: str
    alertTarget: str
    title: str
    message: str
    state: str
    attempts: int
    lastAnswer: Optional[str]
    nextAttempt: Optional[int]
