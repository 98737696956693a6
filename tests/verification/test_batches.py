"""Small jobs in batches: each is done once, soon, and by nobody who is waited for."""

import threading
import time

import pytest

from service.verification.batches import Batches


@pytest.fixture
def done():
    """What was done, batch for batch."""
    return []


def test_what_comes_at_the_same_time_is_done_together(done):
    batches = Batches(done.append)

    for thing in range(5):
        batches.add(thing)
    batches.finish()

    assert done == [[0, 1, 2, 3, 4]]


def test_everything_is_done_once_however_many_add(done):
    batches = Batches(done.append)

    def add(first):
        for thing in range(first, first + 100):
            batches.add(thing)
            time.sleep(0.0005)

    people = [threading.Thread(target=add, args=(first,)) for first in range(0, 800, 100)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    batches.finish()

    assert sorted(thing for batch in done for thing in batch) == list(range(800))


def test_it_is_done_without_being_asked_for():
    came = threading.Event()

    Batches[int](lambda _things: came.set()).add(1)

    assert came.wait(5)


def test_nobody_waits_for_a_slow_job():
    may_end = threading.Event()

    def do(_things):
        may_end.wait(5)

    batches = Batches(do)

    begun = time.monotonic()
    batches.add(1)

    assert time.monotonic() - begun < 1
    may_end.set()


def test_a_job_that_breaks_is_logged_and_stops_no_other(done, caplog):
    def do(things):
        if "broken" in things:
            raise ValueError
        done.extend(things)

    batches = Batches(do)
    batches.add("broken")
    batches.finish()
    batches.add("whole")
    batches.finish()

    assert done == ["whole"]
    assert [record.message for record in caplog.records] == ["internal_error"]


def test_nothing_to_do_is_finished():
    Batches(lambda _things: None).finish()


def test_a_thread_that_cannot_start_stops_nothing(done, monkeypatch, caplog):
    """Whoever added was answered already: nothing is raised, and what comes later is done."""
    batches = Batches(done.extend)

    def fail(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        batches.add("first")
    batches.add("second")
    batches.finish()

    assert done == ["second"]
    assert [record.message for record in caplog.records] == ["internal_error"]
