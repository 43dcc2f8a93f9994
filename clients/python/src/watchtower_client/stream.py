"""Answers that are read as they come."""

import json
from typing import Any, Callable, Dict, Generator, Iterable, Iterator, List, Mapping, Optional, cast

from .error import WatchTowerError
from .types import Event

#: How long is waited before the next connection, where the server says nothing of it, in seconds.
_RETRY = 1.0
_LONGEST_PAUSE = 60.0


def lines_of(chunks: Iterable[bytes], when_cut: Optional[Callable[[], None]] = None) -> Iterator[str]:
    """The lines of a text that comes in chunks, without their ends.

    when_cut: is called where the last one has no end.
    """
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line[: -1 if line.endswith(b"\r") else None].decode("utf-8", "replace")
    if rest and when_cut:
        when_cut()


def exported(chunks: Iterable[bytes]) -> Iterator[Event]:
    """The events of an export."""

    def breaks_off() -> None:
        raise WatchTowerError("GET /events/export", 0, "", "The export breaks off.")

    for line in lines_of(chunks, breaks_off):
        if line:
            yield _event(line, "GET /events/export")


def followed(
    connect: Callable[[Dict[str, str]], Iterable[bytes]],
    pause: Callable[[float], None],
    random: Callable[[], float],
    is_over: Callable[[], bool],
    last_event_id: Optional[str],
    on_error: Optional[Callable[[WatchTowerError], None]],
) -> Generator[Event, None, None]:
    """The events of a stream that is opened again whenever it ends, each once."""
    retry, failures, asked = _RETRY, 0, 0.0
    while not is_over():
        try:
            asked = 0.0
            chunks = connect({} if last_event_id is None else {"Last-Event-ID": last_event_id})
            for message in _messages_of(lines_of(chunks)):
                failures = 0
                retry = message.get("retry", retry)
                # Where it goes on from: the server also tells so where nothing matched.
                last_event_id = message.get("id", last_event_id)
                if "data" in message:
                    yield _event(message["data"], "GET /events/tail")
                if is_over():
                    return
            # It ended as the server wanted.
            failures = 0
        except WatchTowerError as error:
            if is_over():
                return
            if not error.is_temporary:
                raise
            if on_error:
                on_error(error)
            failures += 1
            asked = error.retry_after or 0.0
        if is_over():
            return
        # Not all who were cut off shall come back at the same moment.
        wait = retry * 2.0 ** min(max(0, failures - 1), 30) * (1 + random() / 2)
        pause(min(max(wait, asked), _LONGEST_PAUSE))


def _messages_of(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The messages of Server-Sent Events: those without data, too, since they may have an id."""
    message: Dict[str, Any] = {}
    data: List[str] = []
    is_named = False
    for line in lines:
        if not line:
            if data and not is_named:
                message["data"] = "\n".join(data)
            if message:
                yield message
            message, data, is_named = {}, [], False
            continue
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "id":
            message["id"] = value
        elif name == "data":
            data.append(value)
        elif name == "retry" and value.isascii() and value.isdigit():
            message["retry"] = int(value) / 1000
        elif name == "event":
            # Of messages by another name we know nothing.
            is_named = value not in ("", "message")


def _event(text: str, what: str) -> Event:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise WatchTowerError(what, 200, "", "The answer is not watchTower's.")
    return cast(Event, value)
