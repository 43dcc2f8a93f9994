import math
import random as _random
import threading
from types import TracebackType
from typing import Any, Callable, Optional, Type

from .client import Client
from .ending import at_exit, has_crashed


class Pulser:
    """Pulses in the background until it is stopped.

    It cancels the service when it is stopped, or when the host program ends by itself; not when that crashes. It keeps
    no program alive, and raises nothing into it.

    interval: seconds between two pulses; each comes after 0.9 to 1.1 of it.
    next_in: what each pulse promises, in seconds; one and a half intervals and 10 seconds by default.
    said: what else Client.pulse takes.
    on_pulse: hears of each pulse that the server took; on_error: of each pulse, or cancel, that failed.
    """

    def __init__(
        self,
        client: Client,
        service: str,
        interval: float,
        *,
        next_in: Optional[float] = None,
        on_pulse: Optional[Callable[[Any], None]] = None,
        on_error: Optional[Callable[[Exception], None]] = None,
        random: Callable[[], float] = _random.random,
        wait: Optional[Callable[[float], bool]] = None,
        **said: Any,
    ) -> None:
        if not interval > 0:
            raise ValueError("interval must be a number of seconds above 0.")
        self._client = client
        self._service = service
        self._interval = interval
        self._said = {"next_in": math.ceil(interval * 1.5 + 10) if next_in is None else next_in, **said}
        self._on_pulse = on_pulse
        self._on_error = on_error
        self._random = random
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._thread: Optional[threading.Thread] = None
        self._forget_exit: Optional[Callable[[], None]] = None
        self._lock = threading.Lock()
        self._is_over = False
        self._failures = 0

    def start(self) -> "Pulser":
        """Pulses at once, and from then on."""
        with self._lock:
            if self._thread is None and not self._is_over:
                self._forget_exit = at_exit(self._end_with_host)
                self._thread = threading.Thread(target=self._run, name=f"Pulser {self._service}", daemon=True)
                self._thread.start()
        return self

    def stop(self) -> None:
        """Ends the pulses and cancels the service. Never raises: `on_error` hears of a cancel that failed."""
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
            self._stopping.set()
            if self._thread is None:
                return
            if self._forget_exit:
                self._forget_exit()
            # A pulse that arrives after the cancel would bring the service back.
            if self._thread is not threading.current_thread():
                self._thread.join()
            try:
                self._client.with_attempts(2).cancel(self._service)
            except Exception as error:
                self._report(error)

    def __enter__(self) -> "Pulser":
        return self.start()

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        # Who leaves by an exception has not ended cleanly: the service is to be found dead, unless somebody goes on.
        if kind is None or issubclass(kind, (SystemExit, KeyboardInterrupt)):
            self.stop()
        else:
            self._abandon()

    def _end_with_host(self) -> None:
        if has_crashed():
            self._abandon()
        else:
            self.stop()

    def _abandon(self) -> None:
        self._is_over = True
        self._stopping.set()

    def _run(self) -> None:
        client = self._client.with_attempts(1)
        while not self._stopping.is_set():
            try:
                heartbeat = client.pulse(self._service, **self._said)
                self._failures = 0
                if self._on_pulse:
                    self._on_pulse(heartbeat)
            except Exception as error:
                self._failures += 1
                self._report(error)
            if self._wait(self._pause()):
                return

    def _pause(self) -> float:
        pause = self._interval * (0.9 + 0.2 * self._random())
        # Beyond an interval there is nothing to compute.
        return pause if self._failures == 0 else min(pause, 2.0 ** min(self._failures - 1, 30))

    def _report(self, error: Exception) -> None:
        try:
            if self._on_error:
                self._on_error(error)
        except Exception:
            # What the callback does wrong is not the host program's to suffer.
            pass
