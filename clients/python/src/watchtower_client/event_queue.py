import json
import os
import threading
import time
from collections import deque
from itertools import islice
from typing import Any, Callable, Deque, Dict, List, Mapping, NamedTuple, Optional, Tuple, cast

from .client import Client
from .ending import at_exit
from .error import WatchTowerError
from .message import mended
from .new_event import stamped_body
from .types import EventFields, Level, NewEvent, When
from .ulid import UlidMaker

_LONGEST_PAUSE = 60.0
#: What the server takes by one request: so many events, and so many bytes.
_MOST_EVENTS = 1_000
_MOST_BYTES = 1_048_576
#: As old as an event may be when the server gets it, in seconds.
_OLDEST = 30 * 86_400.0
#: By so much a date may differ from the true one before it counts as that of a wrong clock, in seconds.
_MOST_WRONG = 300.0


class _Waiting(NamedTuple):
    event: Dict[str, Any]
    #: As JSON.
    size: int
    #: When it was taken, in seconds of a clock that nobody sets.
    taken: float
    #: The date that it got then, in seconds since the epoch; None where that is the program's.
    stamped: Optional[float]


#: Events that are given up, each with the reason.
_GivenUp = List[Tuple[Mapping[str, Any], str]]


class EventQueue:
    """Sends events in the background, in order, as many together as there are.

    Each has an id and its date from when it was taken: it is stored once, with its true date, however often and however
    late it is sent. The queue never raises, never blocks, and keeps no program alive.

    capacity: how many events wait at most.
    exit_timeout: how long the queue holds up the end of the host program at most, in seconds.
    on_error: hears of each attempt that failed, of each event that the server refused, and of those that became too old.
    """

    def __init__(
        self,
        client: Client,
        *,
        capacity: int = 1_000,
        exit_timeout: float = 5.0,
        on_error: Optional[Callable[[Exception], None]] = None,
        wait: Optional[Callable[[threading.Condition, float], object]] = None,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # Attempts are this queue's business: an event is tried for as long as it lives.
        self._client = client.with_attempts(1)
        self._capacity = capacity
        self._exit_timeout = exit_timeout
        self._on_error = on_error
        self._wait = wait or (lambda condition, seconds: condition.wait(seconds))
        self._now = now
        self._monotonic = monotonic
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._new_id = UlidMaker()
        # How many events a request has at most.
        self._most = _MOST_EVENTS
        # Whether the server is older than this client, and takes events one at a time.
        self._is_single = False
        self._waiting: Deque[_Waiting] = deque()
        self._dropped = 0
        self._is_closed = False
        self._is_hurried = False
        self._thread: Optional[threading.Thread] = None
        self._forget_exit: Optional[Callable[[], None]] = None

    @property
    def dropped(self) -> int:
        """How many events were given up: the queue was full or closed, or the server refused them."""
        return self._dropped

    @property
    def size(self) -> int:
        """How many events wait."""
        return len(self._waiting)

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
    ) -> None:
        """Takes an event, and returns at once."""
        said: NewEvent = {"service": service, "message": message, "level": level, "alert": alert or None}
        self.put(cast(NewEvent, {**said, "fields": fields, "date": date, "id": id}))

    #: The original's name for `event`.
    add = event

    def put(self, event: NewEvent) -> None:
        """Takes an event, and returns at once."""
        if self._process != os.getpid():
            # A forked process has neither the thread nor the events: they are its parent's.
            self._reset()
        text = mended(event.get("message"))
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._capacity:
                self._dropped += 1
                return
            try:
                self._waiting.append(self._stamped({**event, "message": text}))
            except Exception as error:
                # It can't be written as JSON, and would hold up all others.
                self._give_up([(event, str(error))])
                return
            try:
                self._start()
            except RuntimeError:
                # The interpreter ends, and starts no threads any more.
                self._dropped += 1
                self._waiting.pop()
            self._changed.notify_all()

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until everything is sent, or the time is over, and says whether it was."""
        end = time.monotonic() + timeout
        with self._changed:
            self._is_hurried = True
            self._changed.notify_all()
            while self._waiting and time.monotonic() < end:
                self._changed.wait(max(0.0, end - time.monotonic()))
            return not self._waiting

    def close(self, timeout: float = 5.0) -> None:
        """Flushes; what is left is dropped, as is everything that comes later."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
        self.flush(timeout)
        with self._changed:
            if self._forget_exit:
                self._forget_exit()
            self._dropped += len(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="EventQueue", daemon=True)
            thread.start()
            self._thread = thread
            self._forget_exit = at_exit(lambda: self.close(self._exit_timeout))

    def _stamped(self, event: Mapping[str, Any]) -> _Waiting:
        now = self._now()
        text = json.dumps(stamped_body(event, self._new_id, now), allow_nan=False)
        # What the program does with its fields from now on is no part of the event.
        is_ours = event.get("id") is None and event.get("date") is None
        return _Waiting(json.loads(text), len(text), self._monotonic(), now if is_ours else None)

    def _restamped(self, waiting: _Waiting) -> Optional[_Waiting]:
        """The event with another id, where it may have been refused since our clock was wrong when it was taken."""
        age = self._monotonic() - waiting.taken
        true = self._now() + self._client.clock_offset - age
        if waiting.stamped is None or abs(true - waiting.stamped) < _MOST_WRONG:
            return None
        return waiting._replace(event={**waiting.event, "id": self._new_id(int(true * 1000))}, stamped=None)

    def _run(self) -> None:
        failures = 0
        while True:
            with self._changed:
                while not self._waiting:
                    if self._is_closed:
                        return
                    self._changed.wait()
                self._give_up(self._too_old())
                batch = self._batch()
            if not batch:
                continue
            error, refused = self._attempt([waiting.event for waiting in batch])
            with self._changed:
                # Closed in the meantime: what was left is counted.
                if not self._waiting or self._waiting[0] is not batch[0]:
                    continue
                if isinstance(error, WatchTowerError) and error.is_temporary:
                    pause = min(max(2.0 ** min(failures, 30), error.retry_after or 0.0), _LONGEST_PAUSE)
                    failures += 1
                    self._pause(pause)
                    continue
                if _is_of_one(error) and len(batch) > 1:
                    # One of them, or all together, are too much: each is tried for itself in the end.
                    self._most = (len(batch) + 1) // 2
                    continue
                if _is_missing(error) and not self._is_single:
                    self._is_single = True
                    continue
                for _ in batch:
                    self._waiting.popleft()
                if error is None:
                    self._most = min(_MOST_EVENTS, self._most * 2)
                    self._settle([(batch[index], hint) for index, hint in refused])
                else:
                    self._dropped += len(batch)
                failures = 0
                self._changed.notify_all()

    def _settle(self, refused: List[Tuple[_Waiting, str]]) -> None:
        """Of those that were refused some are tried once more; the rest is given up."""
        again: List[_Waiting] = []
        for waiting, hint in refused:
            restamped = self._restamped(waiting)
            if restamped:
                again.append(restamped)
            else:
                self._give_up([(waiting.event, hint)])
        self._waiting.extendleft(reversed(again))

    def _batch(self) -> List[_Waiting]:
        """The events that are sent by the next request: as many as it may have."""
        batch: List[_Waiting] = []
        # Around a list there are two brackets, and a comma and a space behind each but the last.
        size = 2
        for waiting in islice(self._waiting, 1 if self._is_single else self._most):
            size += waiting.size + 2
            if batch and size > _MOST_BYTES:
                break
            batch.append(waiting)
        return batch

    def _too_old(self) -> _GivenUp:
        given_up: _GivenUp = []
        while self._waiting and self._monotonic() - self._waiting[0].taken > _OLDEST:
            event = self._waiting.popleft().event
            given_up.append((event, "It has waited for 30 days; the server takes none that is older."))
        if given_up:
            self._changed.notify_all()
        return given_up

    def _give_up(self, events: _GivenUp) -> None:
        for event, hint in events:
            self._dropped += 1
            self._report(WatchTowerError(f"The event of {mended(event.get('service'))}", 400, "invalid_input", hint))

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        # New events notify, too; only who flushes is in a hurry.
        while not self._is_hurried and self._waiting and time.monotonic() < end:
            if self._wait(self._changed, end - time.monotonic()):
                continue
            break
        self._is_hurried = False

    def _attempt(self, events: List[Dict[str, Any]]) -> Tuple[Optional[Exception], List[Tuple[int, str]]]:
        try:
            if not self._is_single:
                sent = self._client.send_events(cast(List[NewEvent], events))
                return None, [(one["index"], one["hint"]) for one in sent["refused"] if 0 <= one["index"] < len(events)]
            self._client.event(**events[0])
            return None, []
        except Exception as error:
            # That a server is older than this client is no failure.
            if self._is_single or not _is_missing(error):
                self._report(error)
            return error, []

    def _report(self, error: Exception) -> None:
        try:
            if self._on_error:
                self._on_error(error)
        except Exception:
            # What the callback does wrong is not the host program's to suffer.
            pass


def _is_missing(error: Optional[Exception]) -> bool:
    """Whether the server has no such route."""
    return isinstance(error, WatchTowerError) and error.status in (404, 405)


def _is_of_one(error: Optional[Exception]) -> bool:
    """Whether a request may be refused for one of its events, or for their number."""
    return isinstance(error, WatchTowerError) and error.status in (400, 413)
