"""A circuit breaker: while Redis does not answer, callers are refused at once instead of each waiting for it."""

import threading
import time

FAILURES = 3  # in a row; ours: one lost connection is not an outage
PAUSE_SECONDS = 0.5  # ours: a store that is back is found within a second


class Breaker:
    """Closed while all is well. Open, it lets one caller through in each pause, to see whether all is well again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._next_try = 0.0
        self.reason = ""
        """Of the last failure, in words."""

    def closed(self) -> bool:
        """Tell whether a caller may go through."""
        if self._failures < FAILURES:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._next_try:
                return False
            self._next_try = now + PAUSE_SECONDS
            return True

    def failed(self, reason: str) -> None:
        """Count a failure."""
        with self._lock:
            self.reason = reason
            self._failures += 1
            self._next_try = time.monotonic() + PAUSE_SECONDS

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0
