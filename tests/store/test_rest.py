"""show and ready."""

import pytest

from service.verification.ports import Status, Verdict
from tests.store.engines import EVERY, ONE_SERVER, engines


def test_showing_changes_nothing(engine, begun):
    one = begun()
    one.miss()

    with engine.unchanged():
        shown = one.show()

    assert shown.verdict is Verdict.DONE
    assert shown.record.checks == 1


def test_what_was_never_started_cannot_be_shown(engine, attempt):
    with engine.unchanged():
        answer = attempt().show()

    assert (answer.verdict, answer.record) == (Verdict.GONE, None)


def test_what_has_expired_is_shown_as_such_for_as_long_as_it_is_remembered(begun, clock):
    one = begun()
    clock.advance(600)

    assert one.record.status is Status.EXPIRED


def test_a_caller_whose_clock_is_fast_shortens_the_life_for_itself_alone(begun, clock):
    one = begun()
    clock.advance(600)
    far = one.record.status
    clock.advance(-600)

    assert (far, one.record.status) == (Status.EXPIRED, Status.PENDING)


@pytest.mark.parametrize("engine", engines(*(name for name in EVERY if name != "fakeredis")), indirect=True)
def test_a_server_that_never_evicts_is_ready(engine, store):
    """`fakeredis` has no memory to speak of."""
    assert store.ready() == []


@pytest.mark.parametrize("rule", ["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-ttl", "volatile-random"])
def test_a_server_is_not_ready_from_the_moment_it_may_evict(engine, store, rule):
    """Counters that are evicted are fresh guesses."""
    assert store.ready() == []
    (server,) = engine.nodes

    server.config_set("maxmemory-policy", rule)
    try:
        faults = store.ready()
    finally:
        server.config_set("maxmemory-policy", "noeviction")

    assert len(faults) == 1
    assert rule in faults[0]
    assert store.ready() == []


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_a_server_that_is_full_is_not_ready(engine, store):
    """It refuses every start and every check."""
    (server,) = engine.nodes
    server.config_set("maxmemory", 1024)
    try:
        faults = store.ready()
    finally:
        server.config_set("maxmemory", 0)

    assert any("is full" in fault for fault in faults)
    assert store.ready() == []


@pytest.mark.parametrize("engine", engines("cluster"), indirect=True)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_cluster_is_not_ready_when_one_of_its_servers_may_evict(engine, store, place):
    engine.nodes[place].config_set("maxmemory-policy", "allkeys-lru")
    try:
        faults = store.ready()
    finally:
        engine.nodes[place].config_set("maxmemory-policy", "noeviction")

    assert len(faults) == 1
