"""How many checks there were, and how many of them wrong, since somebody asked last.

Guessing one token on many numbers shows only in the sum of all. A process tells its part with its next send, which
costs no further trip to the store; and without sends there is nothing new to guess.
"""

import threading

from .ports import Verdict


class Tally:
    """Counts for one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wrong = self._all = 0

    def count(self, verdict: Verdict) -> None:
        """Count a check that was compared."""
        if verdict in (Verdict.DONE, Verdict.REJECTED):
            with self._lock:
                self._all += 1
                self._wrong += verdict is Verdict.REJECTED

    def take(self) -> tuple[int, int]:
        """Return the wrong ones and all of them, and begin anew."""
        with self._lock:
            taken = self._wrong, self._all
            self._wrong = self._all = 0
        return taken
