"""Is the process up, and may it be sent requests?"""

import threading
from typing import Any, cast

import pytest

from service.web.health import AGAIN_SECONDS, Changes, faults
from tests.fakes import GoneStore, ReadyStore
from tests.support.processes import LONG_SECONDS


@pytest.mark.parametrize(
    ("store", "status", "found"),
    [
        (ReadyStore(), "ready", None),
        (GoneStore(), "not ready", "Redis does not answer"),
        (ReadyStore("x"), "not ready", "x"),
    ],
    ids=["ready", "gone", "not-to-be-trusted"],
)
def test_ready_says_whether_the_store_is_and_live_touches_nothing(make_app, store, status, found):
    client = make_app(store=store).test_client()

    live, ready = client.get("/livez"), client.get("/readyz")

    assert (live.status_code, live.json) == (200, {"status": "live"})
    assert (ready.status_code, ready.json) == (
        503 if found else 200,
        {"status": status} | ({"faults": [found]} if found else {}),
    )
    assert bool(found) == ("Retry-After" in ready.headers)
    assert live.headers["Cache-Control"] == ready.headers["Cache-Control"] == "no-store"


def test_a_replica_that_is_about_to_stop_is_not_ready_but_serves(make_app, client):
    """The balancer sends no more; whoever is here already is still answered."""
    app = make_app(store=ReadyStore())
    app.extensions["drain"]()

    answer = app.test_client().get("/readyz")

    assert (answer.status_code, answer.json["faults"]) == (503, ["this replica is stopping"])
    assert app.test_client().get("/livez").status_code == 200
    assert app.test_client().get("/").status_code == 200


def test_one_replica_that_stops_does_not_stop_another(make_app):
    one, other = make_app(store=ReadyStore()), make_app(store=ReadyStore())

    one.extensions["drain"]()

    assert other.test_client().get("/readyz").status_code == 200


# -- What is logged of it


@pytest.fixture
def said(caplog, monkeypatch):
    """Note what a probe after the other finds, each with the seconds since the first, and return the events."""

    def said(*probes):
        changes = Changes()
        for seconds, found in probes:
            monkeypatch.setattr("service.web.health.time.monotonic", lambda seconds=seconds: 1000.0 + seconds)
            changes.note(found)
        return [record.getMessage() for record in caplog.records]

    caplog.set_level("INFO", "textproof")
    return said


def test_that_a_replica_is_ready_is_nothing_to_say(said):
    assert said((0, []), (100, [])) == []


def test_what_stays_as_it_is_is_said_once_a_minute(said):
    """Whatever the figures in it: a skew that grows is the same skew."""
    probes = [(second / 2, [f"the clock is {second:+} s from ours"]) for second in range(2 * AGAIN_SECONDS + 1)]

    assert said(*probes) == ["not_ready", "not_ready"]


def test_what_changes_is_said_at_once(said):
    assert said((0, ["a"]), (1, ["a", "b"]), (2, ["b"]), (3, []), (4, [])) == ["not_ready"] * 3 + ["ready_again"]


# -- A balancer waits a second for the answer, and Redis may be slow: everything is asked at once


class Meeting:
    """Lets nobody go on who is alone."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2, timeout=LONG_SECONDS)

    def read_again(self) -> None:
        self._barrier.wait()

    def ready(self) -> list[str]:
        self._barrier.wait()
        return []

    faults = ready


def test_the_keyring_and_the_store_are_asked_at_once():
    meeting = Meeting()

    assert faults(cast("Any", meeting), cast("Any", meeting)) == []


def test_whether_redis_takes_writes_is_asked_meanwhile(store):
    store._writing = store._readiness = Meeting()

    assert store.ready() == []
