"""A turn: of the starts of one process, one at a time uses the processor, so that checks keep most of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 0.5  # ours: long for a turn, short for a caller. It is about shares, so nobody waits for it for ever


class Turn:
    """What a thread takes for a start, and passes on while it waits for Redis or the carrier."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take the turn; go on without it after PATIENCE_SECONDS."""
        self._take()
        try:
            yield
        finally:
            self._pass_on()

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """Let others have it meanwhile, where this thread has it."""
        had = self._pass_on()
        try:
            yield
        finally:
            if had:
                self._take()

    def _take(self) -> None:
        self._mine.has_it = self._lock.acquire(timeout=PATIENCE_SECONDS)

    def _pass_on(self) -> bool:
        had = getattr(self._mine, "has_it", False)
        self._mine.has_it = False
        if had:
            self._lock.release()
        return had
