"""ready: what a server must be like, so that nothing that counts is forgotten."""

import pytest

from tests.store.engines import EVERY, ONE_SERVER, engines


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
