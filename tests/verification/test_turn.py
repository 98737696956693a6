"""Of the starts of a process, one at a time uses the processor; nobody waits for a turn for ever."""

import threading

import pytest

from service.verification import turn as turn_module
from service.verification.turn import Turn
from tests.support.processes import LONG_SECONDS


class Watched:
    """A lock that tells when somebody has to wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_waited_for = threading.Event()
        self.release = self._lock.release

    def acquire(self, *, timeout: float) -> bool:
        if self._lock.acquire(blocking=False):
            return True
        self.is_waited_for.set()
        return self._lock.acquire(timeout=timeout)

    def await_one(self) -> None:
        """Wait until somebody waits."""
        assert self.is_waited_for.wait(LONG_SECONDS), "nobody has to wait"
        self.is_waited_for.clear()


@pytest.fixture
def turn(monkeypatch) -> Turn:
    monkeypatch.setattr(turn_module, "PATIENCE_SECONDS", LONG_SECONDS)
    made = Turn()
    made._lock = Watched()  # type: ignore[assignment]
    return made


class Other(threading.Thread):
    """Takes a turn, says so, and keeps it until it is told to end."""

    def __init__(self, turn: Turn) -> None:
        super().__init__(daemon=True)
        self._turn = turn
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with self._turn.taken():
            self.has_begun.set()
            self.may_end.wait(LONG_SECONDS)


def test_one_at_a_time(turn):
    with turn.taken():
        other = Other(turn)
        turn._lock.await_one()
        assert not other.has_begun.is_set()

    assert other.has_begun.wait(LONG_SECONDS)


def test_others_have_it_while_its_thread_waits_for_something_else(turn):
    with turn.taken():
        with turn.passed_on():
            other = Other(turn)
            assert other.has_begun.wait(LONG_SECONDS)
            other.may_end.set()
        last = Other(turn)  # it was taken again
        turn._lock.await_one()
        assert not last.has_begun.is_set()
    assert last.has_begun.wait(LONG_SECONDS)


def test_who_waited_long_enough_goes_on_and_takes_it_from_nobody(turn, monkeypatch):
    first = Other(turn)
    assert first.has_begun.wait(LONG_SECONDS)
    monkeypatch.setattr(turn_module, "PATIENCE_SECONDS", 0.01)
    with turn.taken(), turn.passed_on():
        pass
    turn._lock.await_one()

    monkeypatch.setattr(turn_module, "PATIENCE_SECONDS", LONG_SECONDS)
    second = Other(turn)
    turn._lock.await_one()
    assert not second.has_begun.is_set()
    first.may_end.set()
    assert second.has_begun.wait(LONG_SECONDS)


def test_who_takes_no_turn_passes_none_on(turn):
    with turn.passed_on():
        first = Other(turn)
        assert first.has_begun.wait(LONG_SECONDS)
    assert first.is_alive()
