#: The longest message that the server takes, in bytes of UTF-8.
_MOST_BYTES = 65_536
_ELLIPSIS = "…"


def mended(message: object) -> str:
    """A message as the server takes it: well-formed, without NUL, not too long, and not empty."""
    try:
        text = str(message)
    except Exception:
        text = "?"
    text = "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text) or " "
    data = text.encode("utf-8")
    if len(data) <= _MOST_BYTES:
        return text
    most = _MOST_BYTES - len(_ELLIPSIS.encode("utf-8"))
    return data[:most].decode("utf-8", "ignore") + _ELLIPSIS
