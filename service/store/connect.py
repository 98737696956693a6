"""Connections to Redis: timeouts and retries, the same on every path.

redis-py's own defaults differ between its constructors (ten retries here, none there, five
seconds for each), so that timeouts and retries are set here, once. A command is
tried twice: the scripts answer the same to the same request.
"""

from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import Connection
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection

CONNECT_SECONDS = 0.3  # ours: a data centre answers in 0.01
ANSWER_SECONDS = 0.6  # ours: twice that is under the 2 s that a caller is promised; Redis may be 450 ms away
ANSWER_SECONDS_OF_A_NODE = 0.3  # ours: three primaries and their replicas stay under 2 s as well
ANSWER_SECONDS_OF_A_SENTINEL = 0.2  # ours: three of them, twice, stay under 2 s
TRIES_AGAIN = 1
SENTINEL_PORT = 26379
CONNECTIONS = 128  # for each process: more than it has threads

Client = redis.Redis | RedisCluster


def _care() -> dict[str, Any]:
    """How carefully every connection is used."""
    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), TRIES_AGAIN),
        "health_check_interval": 0,
        # What redis-py tells of itself, and asks to be told, needs rights that the service has no use for.
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def connect(url: str) -> Client:
    """Return a client for `url`. It connects with its first use; to a cluster it does at once.

    `redis://`, `rediss://` and `unix://` are redis-py's own. Sentinels are listed before the
    name that they watch: `redis+sentinel://:password@a:26379,b:26379/mymaster/0`. A cluster
    needs one of its nodes: `redis+cluster://a:6379`.
    """
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        return _behind_sentinels(parts)
    if parts.scheme == "redis+cluster":
        # Before it gives up, it asks each node for the map: each gets less time.
        care = _care() | {"socket_timeout": ANSWER_SECONDS_OF_A_NODE}
        return RedisCluster.from_url(url.replace("redis+cluster", "redis", 1), **care)
    return redis.Redis.from_url(url, max_connections=CONNECTIONS, **_care())


def nodes(client: Client) -> list[redis.Redis]:
    """Return the servers that keys are written to: one, or the primaries of a cluster."""
    if isinstance(client, redis.Redis):
        return [client]
    # Who is asked one by one does not look round for a primary that is gone; this does, and finds the new one.
    client.ping(target_nodes=RedisCluster.PRIMARIES)
    return [client.get_redis_connection(node) for node in client.get_primaries()]  # type: ignore[no-untyped-call]


def drop_connections(client: Client) -> None:
    """Have every connection made anew, to wherever the address leads then; one in use when it is given back."""
    each = [client] if isinstance(client, redis.Redis) else [node.redis_connection for node in client.get_nodes()]  # type: ignore[no-untyped-call]
    for node in each:
        if node is not None:  # of a cluster, one that nobody has used yet
            node.connection_pool.update_active_connections_for_reconnect()
            node.connection_pool.disconnect_free_connections()


class _Watched(SentinelManagedConnection):
    """To the primary that sentinels name. A replica's READONLY is told as it is, and not as a lost connection."""

    read_response = Connection.read_response


def _behind_sentinels(parts: SplitResult) -> redis.Redis:
    login, _, addresses = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    name, _, database = parts.path.strip("/").partition("/")
    secret = {"username": unquote(user) or None, "password": unquote(password) or None}
    each = [urlsplit(f"//{address}") for address in addresses.split(",")]
    sentinels = [(one.hostname or "localhost", one.port or SENTINEL_PORT) for one in each]
    # All of them are asked, one after the other, in each try.
    care = _care() | {"socket_timeout": ANSWER_SECONDS_OF_A_SENTINEL, "retry": Retry(NoBackoff(), 0)}
    watched = Sentinel(sentinels, sentinel_kwargs=care)  # type: ignore[no-untyped-call]
    client: redis.Redis = watched.master_for(  # type: ignore[no-untyped-call]
        name or "mymaster",
        db=int(database or 0),
        max_connections=CONNECTIONS,
        connection_class=_Watched,
        **secret,
        **_care(),
    )
    return client
