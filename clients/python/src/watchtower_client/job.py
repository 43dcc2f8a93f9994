import traceback
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any, Callable, Optional, Type

from .client import Client
from .message import mended


class job(ContextDecorator):
    """A job that pulses when it succeeds, and sends an event with the traceback when it fails.

    The job's own exception goes on; that watchTower can't be reached never becomes the job's. It is both:

        with job(client, "backup", 25 * 3600): ...

        @job(client, "backup", 25 * 3600)
        def backup(): ...

    next_in: when the next success comes at the latest, in seconds.
    said: what else Client.pulse takes.
    on_error: hears of a pulse, or an event, that failed.
    """

    def __init__(
        self,
        client: Client,
        service: str,
        next_in: float,
        *,
        on_error: Optional[Callable[[Exception], None]] = None,
        **said: Any,
    ) -> None:
        self._client = client
        self._service = service
        self._said = {"next_in": next_in, **said}
        self._on_error = on_error

    def __enter__(self) -> "job":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        try:
            if kind is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
                self._client.pulse(self._service, **self._said)
            else:
                # The end of a traceback says most, and a message has its limit.
                text = "".join(traceback.format_exception(kind, error, trace))
                self._client.event(self._service, mended(text[-60_000:]), "error")
        except Exception as failure:
            if self._on_error:
                self._on_error(failure)
