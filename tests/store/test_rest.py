"""show, secret, keep, kept and ready."""

import pytest

from service.store.redis import SECRET
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


def test_all_replicas_get_one_secret(engine, make_store, policy):
    secrets = {make_store(policy).secret() for _ in range(3)}

    assert len(secrets) == 1
    assert len(secrets.pop()) == 64


def test_the_secret_is_the_one_key_without_an_end(engine, store, begun):
    store.secret()
    begun()

    lives = engine.lives()

    assert lives.pop(SECRET) == -1
    assert lives
    assert all(life > 0 for life in lives.values())


def test_another_server_has_another_secret(engine, store):
    first = store.secret()
    engine.forget()

    assert store.secret() != first


def test_a_shelf_holds_the_newest_things_in_front(engine, store):
    for thing in (b"first", b"second", b"third"):
        store.keep("textproof:shelf", thing, most=2, seconds=60)

    assert store.kept("textproof:shelf") == [b"third", b"second"]
    assert engine.immortal() == []


def test_an_empty_shelf_is_empty(store):
    assert store.kept("textproof:shelf") == []


@pytest.mark.parametrize("engine", engines(*(name for name in EVERY if name != "fakeredis")), indirect=True)
def test_a_server_that_never_evicts_is_ready(engine, store):
    """`fakeredis` has no memory to speak of."""
    assert store.ready() == []


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
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

    assert len(faults) == 1
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
