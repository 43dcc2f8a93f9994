import os

#: Crockford's base 32: sorts as its values do.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class UlidMaker:
    """Makes ULIDs of the given times, in milliseconds since the epoch.

    Those of one millisecond that are made one after the other sort in that order.
    """

    def __init__(self) -> None:
        self._last_ms = -1
        self._tail = 0

    def __call__(self, ms: int) -> str:
        if ms == self._last_ms:
            self._tail += 1
        else:
            # The highest bit leaves room to count upwards.
            self._tail = int.from_bytes(os.urandom(10), "big") >> 1
        self._last_ms = ms
        return _text(max(0, ms), 10) + _text(self._tail, 16)


def _text(value: int, length: int) -> str:
    text = ""
    for _ in range(length):
        text = _DIGITS[value & 31] + text
        value >>= 5
    return text
