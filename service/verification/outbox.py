"""The outbox: a bounded pool of threads for sends, so that a slow carrier never slows a check.

It has so many slots and no queue: a start that finds none is refused, and nothing is spent.
"""

import contextvars
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from .errors import Hold, SendingHeld, VerificationError

log = logging.getLogger("textproof")

PATIENCE_SECONDS = 1.5  # ours: most carriers answer within; the page tells the rest as it comes
RETRY_SECONDS = 3  # ours: half of what a send takes at most

T = TypeVar("T")


class Slot:
    """The right to make one send."""

    def __init__(self, outbox: "Outbox", *, may_wait: bool) -> None:
        self._outbox = outbox
        self._may_wait = may_wait
        self.is_used = False

    def run(self, send: Callable[[], T]) -> T | None:
        """Make the send, and return what it returned or raise what it raised; None while it goes on.

        Raises:
            SendingHeld: No thread can be had; nothing was sent.
        """
        try:
            future = self._outbox.submit(send)
        except RuntimeError as error:  # no thread can start, or the process ends
            raise SendingHeld(Hold.NO_PLACE, RETRY_SECONDS) from error
        self.is_used = True
        try:
            with self._outbox.wait():
                return future.result(PATIENCE_SECONDS if self._may_wait else 0)
        except TimeoutError:  # of the wait, or of the send
            return future.result() if future.done() else None


class Outbox:
    """So many sends at once, for one process. Its threads start with the first send, which is after the fork.

    Sends that were accepted are finished before the process ends.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._taken = 0
        self.waiting = 0
        """Threads that do nothing but wait for the carrier's answer."""
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="send")

    @contextmanager
    def slot(self) -> Iterator[Slot | None]:
        """Take a slot, or None when all are taken; it is given back when the send has ended, or when none is made."""
        slot = self._take()
        try:
            yield slot
        finally:
            if slot is not None and not slot.is_used:
                self._give_back()

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Count the current thread among those that wait."""
        with self._lock:
            self.waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self.waiting -= 1

    def _take(self) -> Slot | None:
        with self._lock:
            if self._taken >= self._slots:
                return None
            self._taken += 1
            # A caller waits for the answer on a thread that checks may need: only while most slots are free.
            return Slot(self, may_wait=self._taken <= (self._slots + 1) // 2)

    def submit(self, send: Callable[[], T]) -> Future[T]:
        """Run a send whose slot is taken."""
        future = self._pool.submit(contextvars.copy_context().run, send)  # so that its log lines name the request
        future.add_done_callback(self._ended)
        return future

    def _ended(self, future: Future[T]) -> None:
        self._give_back()
        error = future.exception()
        if error is not None and not isinstance(error, VerificationError):
            log.error("send_broken", exc_info=error)

    def _give_back(self) -> None:
        with self._lock:
            self._taken -= 1
