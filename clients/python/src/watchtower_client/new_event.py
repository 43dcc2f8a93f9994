"""New events, as they travel."""

import math
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Mapping

#: From here on a number is milliseconds since the epoch, not seconds.
_LEAST_MS = 1e11


def body_of(event: Mapping[str, Any]) -> Dict[str, Any]:
    """An event without what is None; a datetime, which counts as UTC where it has no zone, as milliseconds."""
    body = {name: value for name, value in event.items() if value is not None}
    date = body.get("date")
    if isinstance(date, datetime):
        aware = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
        body["date"] = round(aware.timestamp() * 1000)
    return body


def stamped_body(event: Mapping[str, Any], new_id: Callable[[int], str], now: float) -> Dict[str, Any]:
    """An event with an id instead of a date: so another attempt doesn't store it twice.

    One that has an id, or a date as a text, is left as it is. now: seconds since the epoch.
    """
    body = body_of(event)
    date = body.get("date")
    if "id" in body or isinstance(date, str):
        return body
    body.pop("date", None)
    body["id"] = new_id(_ms_of(now if date is None else date))
    return body


def _ms_of(date: float) -> int:
    return math.floor(date) if date >= _LEAST_MS else round(date * 1000)
