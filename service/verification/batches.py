"""Small jobs that nobody waits for, done a few at a time on a thread of their own."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

GATHER_SECONDS = 0.05  # ours: nobody sees it, and at full speed it makes a batch of twenty

T = TypeVar("T")
log = logging.getLogger("textproof")


class Batches(Generic[T]):
    """Gathers things for a moment, and has them done together.

    Its thread starts with the first of them, which is after the fork. What was added is done before the process ends,
    unless it is killed.
    """

    def __init__(self, do: Callable[[Sequence[T]], None]) -> None:
        self._do = do
        self._gathered: list[T] = []
        self._lock = threading.Lock()
        self._hurry = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batch")
        self._latest: Future[None] | None = None

    def add(self, thing: T) -> None:
        """Have a thing done soon; left undone, and logged, where no thread can be had: nobody waits to be told."""
        with self._lock:
            self._gathered.append(thing)
            if len(self._gathered) > 1:
                return
            try:
                self._latest = self._pool.submit(self._run)
            except RuntimeError:  # no thread can start, or the process ends
                self._gathered = []
                log.exception("internal_error", extra={"things": 1})

    def finish(self) -> None:
        """Return when all that was added is done."""
        self._hurry.set()
        try:
            if self._latest is not None:
                self._latest.result()
        finally:
            self._hurry.clear()

    def _run(self) -> None:
        self._hurry.wait(GATHER_SECONDS)
        with self._lock:
            things, self._gathered = self._gathered, []
        try:
            if things:
                self._do(things)
        except Exception:  # nobody waits for it who could be told
            log.exception("internal_error", extra={"things": len(things)})
