import os
import threading
import time
from collections import deque
from typing import Callable, Deque, Optional, Tuple

from .client import Client
from .ending import at_exit
from .error import WatchTowerError
from .message import mended
from .types import Level

_LONGEST_PAUSE = 60.0

_Waiting = Tuple[str, str, Optional[Level], bool]


class EventQueue:
    """Sends events in the background, in order. It never raises, never blocks, and keeps no program alive.

    capacity: how many events wait at most.
    exit_timeout: how long the queue holds up the end of the host program at most, in seconds.
    on_error: hears of each attempt that failed.
    """

    def __init__(
        self,
        client: Client,
        *,
        capacity: int = 1_000,
        exit_timeout: float = 5.0,
        on_error: Optional[Callable[[Exception], None]] = None,
        wait: Optional[Callable[[threading.Condition, float], object]] = None,
    ) -> None:
        # Attempts are this queue's business: an event is tried for as long as it lives.
        self._client = client.with_attempts(1)
        self._capacity = capacity
        self._exit_timeout = exit_timeout
        self._on_error = on_error
        self._wait = wait or (lambda condition, seconds: condition.wait(seconds))
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
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

    def event(self, service: str, message: str, level: Optional[Level] = None, *, alert: bool = False) -> None:
        """Takes an event, and returns at once."""
        if self._process != os.getpid():
            # A forked process has neither the thread nor the events: they are its parent's.
            self._reset()
        text = mended(message)
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._capacity:
                self._dropped += 1
                return
            self._waiting.append((service, text, level, alert))
            try:
                self._start()
            except RuntimeError:
                # The interpreter ends, and starts no threads any more.
                self._dropped += 1
                self._waiting.pop()
            self._changed.notify_all()

    #: The original's name for `event`.
    add = event

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

    def _run(self) -> None:
        failures = 0
        while True:
            with self._changed:
                while not self._waiting:
                    if self._is_closed:
                        return
                    self._changed.wait()
                following = self._waiting[0]
            error = self._attempt(following)
            with self._changed:
                # Closed in the meantime: what was left is counted.
                if not self._waiting or self._waiting[0] is not following:
                    continue
                if error is None or not (isinstance(error, WatchTowerError) and error.is_temporary):
                    self._waiting.popleft()
                    self._dropped += error is not None
                    failures = 0
                    self._changed.notify_all()
                    continue
                pause = min(max(2.0 ** min(failures, 30), error.retry_after or 0.0), _LONGEST_PAUSE)
                failures += 1
                self._pause(pause)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        # New events notify, too; only who flushes is in a hurry.
        while not self._is_hurried and self._waiting and time.monotonic() < end:
            if self._wait(self._changed, end - time.monotonic()):
                continue
            break
        self._is_hurried = False

    def _attempt(self, waiting: _Waiting) -> Optional[Exception]:
        service, message, level, alert = waiting
        try:
            self._client.event(service, message, level, alert=alert)
            return None
        except Exception as error:
            try:
                if self._on_error:
                    self._on_error(error)
            except Exception:
                # What the callback does wrong is not the host program's to suffer.
                pass
            return error
