"""connect: retries and timeouts are said out loud on every path."""

from contextlib import closing
from typing import Any

import pytest
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from service.setting_types import REDIS_OWN
from service.store.connect import _care, connect
from service.store.redis import RedisStore
from service.verification.errors import StoreUnavailable
from tests.store.engines import engines
from tests.support.processes import free_port

CONNECT_MAX = 0.5  # seconds
ANSWER_MAX = 1.0  # seconds
TRIES_MAX = 1  # after the first


@pytest.fixture
def pool(ends):
    """`pool(url)`: what a client for this address takes its connections from."""

    def of(url) -> Any:
        client: Any = ends.enter_context(closing(connect(url)))
        return client.connection_pool

    return of


def is_careful(care) -> bool:
    """Tell whether connections with these options end within the promised 2 s, and try at most twice."""
    retry = care["retry"]
    return (
        0 < care["socket_connect_timeout"] <= CONNECT_MAX
        and 0 < care["socket_timeout"] <= ANSWER_MAX
        and isinstance(retry, Retry)
        and retry.get_retries() <= TRIES_MAX
        and isinstance(retry._backoff, NoBackoff)
        and care["health_check_interval"] == 0
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:6379/0",
        "rediss://:password@localhost:6379/3",
        "unix:///run/redis.sock?db=2",
        "redis+sentinel://a:26379,b/mymaster/0",
    ],
    ids=["redis", "tls", "unix", "sentinel"],
)
def test_connections_are_careful(pool, url):
    assert is_careful(pool(url).connection_kwargs)


def test_whatever_makes_connections_careful_is_refused_in_an_address():
    """There, it would win over what is said here."""
    assert {*_care(), "max_connections"} <= set(REDIS_OWN)


def test_what_an_address_may_say_is_heard(pool):
    said = pool("rediss://localhost?db=2&client_name=me&protocol=2&ssl_ca_certs=/ca&ssl_cert_reqs=optional")

    heard = said.connection_kwargs
    assert is_careful(heard)
    assert (heard["db"], heard["client_name"], heard["protocol"]) == (2, "me", 2)
    assert (heard["ssl_ca_certs"], heard["ssl_cert_reqs"]) == ("/ca", "optional")


@pytest.mark.parametrize("engine", engines("cluster"), indirect=True)
def test_what_an_address_of_a_cluster_may_say_is_heard(engine, ends):
    address = engine.client.get_primaries()[0]

    client: Any = ends.enter_context(closing(connect(f"redis+cluster://{address.name}?client_name=me&protocol=2")))

    heard = client.get_redis_connection(client.get_primaries()[0]).connection_pool.connection_kwargs
    assert (heard["client_name"], heard["protocol"]) == ("me", 2)
    assert 0 < heard["socket_timeout"] <= ANSWER_MAX


def test_connections_to_sentinels_are_careful(pool):
    sentinels = pool("redis+sentinel://a:26379,b:26380/mymaster/0").sentinel_manager.sentinels

    assert len(sentinels) == 2
    assert all(is_careful(one.connection_pool.connection_kwargs) for one in sentinels)


@pytest.mark.parametrize("engine", engines("cluster"), indirect=True)
def test_connections_to_the_nodes_of_a_cluster_are_careful(engine):
    client = engine.client
    assert isinstance(client, RedisCluster)

    assert client.retry.get_retries() <= TRIES_MAX
    for node in client.get_nodes():
        care = client.get_redis_connection(node).connection_pool.connection_kwargs
        assert 0 < care["socket_connect_timeout"] <= CONNECT_MAX
        assert 0 < care["socket_timeout"] <= ANSWER_MAX
        # The tries are the client's, not each connection's: it asks the cluster anew in between.
        assert care["retry"].get_retries() == 0


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
def test_a_store_is_made_before_its_server(policy, scheme):
    """Whoever starts everything at once gets it started in any order."""
    store = RedisStore(lambda: connect(f"{scheme}://127.0.0.1:{free_port()}"), policy)

    with pytest.raises(StoreUnavailable):
        store.keyring.read()


@pytest.mark.parametrize(
    ("path", "service", "database", "user"),
    [("user:p%40ss@a:1,b:2/other/5", "other", 5, ("user", "p@ss")), ("a", "mymaster", 0, (None, None))],
)
def test_a_sentinel_path_names_the_service_and_the_database_or_neither(pool, path, service, database, user):
    found = pool(f"redis+sentinel://{path}")

    heard = found.connection_kwargs
    assert (found.service_name, heard["db"]) == (service, database)
    assert (heard.get("username"), heard.get("password")) == user


def test_sentinels_are_found_by_name_by_number_and_by_the_usual_port(pool):
    found = pool("redis+sentinel://a:26380,b,10.0.0.7:1,[2001:db8::7]:26381").sentinel_manager.sentinels

    addresses = [one.connection_pool.connection_kwargs for one in found]
    assert [(one["host"], one["port"]) for one in addresses] == [
        ("a", 26380),
        ("b", 26379),
        ("10.0.0.7", 1),
        ("2001:db8::7", 26381),
    ]
