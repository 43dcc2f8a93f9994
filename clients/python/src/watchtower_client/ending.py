"""What happens when the host program ends."""

import atexit
import os
import sys
from types import TracebackType
from typing import Any, Callable, Optional, Type

_has_crashed = False
_is_watching = False


def has_crashed() -> bool:
    """Whether an exception that nobody caught ends the program. Who interrupts it from the keyboard, ends it well."""
    last = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return _has_crashed or (last is not None and not isinstance(last, KeyboardInterrupt))


def at_exit(run: Callable[[], None]) -> Callable[[], None]:
    """Calls a function when this process ends, not when one that it has forked does. Returns what takes that back."""
    _watch_for_crashes()
    process = os.getpid()

    def guarded() -> None:
        if os.getpid() == process:
            run()

    atexit.register(guarded)
    return lambda: atexit.unregister(guarded)


def _watch_for_crashes() -> None:
    global _is_watching
    if _is_watching:
        return
    _is_watching = True
    before: Callable[..., Any] = sys.excepthook

    def hook(kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> None:
        global _has_crashed
        _has_crashed = not issubclass(kind, KeyboardInterrupt)
        before(kind, error, trace)

    sys.excepthook = hook
