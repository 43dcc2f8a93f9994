import logging
import threading
from typing import Union

from .client import Client
from .event_queue import EventQueue

#: Python's levels, from the highest, and the server's.
_LEVELS = ((logging.CRITICAL, 5), (logging.ERROR, 4), (logging.WARNING, 3), (logging.INFO, 1))


class WatchTowerHandler(logging.Handler):
    """Sends log records as events of a service, in the background. It never raises into the program.

    queue: an EventQueue, or a Client, for which one is made.
    """

    def __init__(self, queue: Union[EventQueue, Client], service: str, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.queue = queue if isinstance(queue, EventQueue) else EventQueue(queue)
        self._service = service
        self._busy = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        # What is logged while a record is taken would come back here without end.
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            self.queue.event(self._service, self.format(record), level_of(record.levelno))
        except Exception:
            self.handleError(record)
        finally:
            self._busy.now = False

    def close(self) -> None:
        self.queue.close()
        super().close()


def level_of(number: int) -> int:
    """The server's level of one of Python's."""
    return next((level for least, level in _LEVELS if number >= least), 0)
