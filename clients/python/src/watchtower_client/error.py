from typing import Optional


class WatchTowerError(Exception):
    """What went wrong with a call.

    status: the HTTP status; 0 where there was no answer.
    code: what the server calls the error, from a closed set; empty where it says nothing.
    hint: one sentence on what is wrong, and what is accepted.
    retry_after: how many seconds the server asks to wait; None where it doesn't.
    """

    def __init__(self, what: str, status: int, code: str, hint: str, retry_after: Optional[float] = None) -> None:
        super().__init__(f"{what} ({status}): {hint}" if status else f"{what}: {hint}")
        self.status = status
        self.code = code
        self.hint = hint
        self.retry_after = retry_after

    @property
    def is_temporary(self) -> bool:
        """Whether the same call may succeed later: there was no answer, or one that asks for patience."""
        return self.status == 0 or self.status == 429 or self.status >= 500
