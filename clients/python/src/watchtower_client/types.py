from datetime import datetime
from typing import List, Optional, TypedDict, Union

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


class Event(TypedDict):
    """An event; `date` is in seconds since the epoch."""

    id: str
    date: int
    level: int
    message: str
    service: str
    alert: bool


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
