"""Is the process up, and may it be sent requests?"""

import threading
from typing import Any, cast

import pytest

from service.web.health import AGAIN_SECONDS, Changes, faults
from tests.fakes import GoneStore, ReadyStore
from tests.support.processes import LONG_SECONDS


def test_live_touches_nothing(make_app):
    answer = make_app(store=GoneStore()).test_client().get("/livez")

    assert (answer.status_code, answer.json) == (200, {"status": "live"})


def test_ready_when_the_store_is(make_app):
    answer = make_app(store=ReadyStore()).test_client().get("/readyz")

    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("store", "found"),
    [(GoneStore(), ["Redis does not answer"]), (ReadyStore("it may forget"), ["it may forget"])],
    ids=["gone", "not-to-be-trusted"],
)
def test_not_ready_says_why_and_when_to_ask_again(make_app, store, found):
    answer = make_app(store=store).test_client().get("/readyz")

    assert (answer.status_code, answer.json) == (503, {"status": "not ready", "faults": found})
    assert int(answer.headers["Retry-After"]) > 0


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


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_from_another_site_learns_nothing_that_it_could_keep(make_app, path):
    assert make_app(store=ReadyStore()).test_client().get(path).headers["Cache-Control"] == "no-store"


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
