"""What a store is tested on: real servers, alone and in groups, and fakeredis.

Valkey comes from its wheel and is always there. `redis-server` is used where the PATH has it; with
CI=true its absence is a failure.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from service.store.connect import Client, connect
from tests.support.servers import ClusterServers, SentinelServers, StoreServer, redis_binary, valkey_binary

ONE_SERVER = ("valkey", "redis")
EVERY = ("valkey", "redis", "fakeredis", "cluster", "sentinel")
QUICK = "valkey"  # what `make check` runs on; the others cost as much again each
TOLD = ("y", "d")  # letters of trails and figures, which decide nothing
KEYRING = "{tp}:keyring"
SNAPSHOT = """
local told = {}
for _, name in ipairs(redis.call('KEYS', '*')) do
  for _, one in ipairs({name, redis.call('DUMP', name), redis.call('PTTL', name)}) do table.insert(told, one) end
end
return told
"""


def engines(*names: str) -> list[Any]:
    """Return parameters for the fixture `engine`: those of `names` that can be had here."""
    here = [name for name in names if name != "redis" or redis_binary() or os.environ.get("CI") == "true"]
    return [pytest.param(name, id=name, marks=() if name == QUICK else pytest.mark.slow) for name in here]


class Engine:
    """A running store: how the product reaches it, and how a test looks inside.

    Args:
        client: As the product uses it.
        nodes: Plain clients, one for each server that holds keys.
    """

    def __init__(self, client: Client, nodes: Sequence[redis.Redis]) -> None:
        self.client = client
        self.nodes = nodes

    def forget(self) -> None:
        """Remove every key."""
        for node in self.nodes:
            node.flushall()

    def names(self) -> list[str]:
        """Return the name of every key but that of the keyring, which is always there."""
        return list(self.lives())

    def lives(self) -> dict[str, int]:
        """Return how long each of these keys has to live, in ms; -1 for one that never ends."""
        found: dict[str, int] = {}
        for node in self.nodes:
            names = list(node.scan_iter(count=1000))
            with node.pipeline(transaction=False) as asked:
                for name in names:
                    asked.pttl(name)
                found |= {name.decode(): life for name, life in zip(names, asked.execute(), strict=True)}
        found.pop(KEYRING, None)
        return found

    def snapshot(self) -> dict[str, tuple[bytes, int]]:
        """Return each key of a single server as it would be dumped, and how long it has to live: in one trip."""
        (node,) = self.nodes
        told: Any = node.eval(SNAPSHOT, 0)
        return {name.decode(): (value, life) for name, value, life in zip(*[iter(told)] * 3, strict=True)}

    def immortal(self) -> list[str]:
        """Return those that never end."""
        return [name for name, life in self.lives().items() if life == -1]

    def contents(self) -> dict[str, Any]:
        """Return everything that the store remembers, by key."""
        return {name.decode(): _value(node, name) for node in self.nodes for name in node.scan_iter(count=1000)}

    def age(self, seconds: float) -> None:
        """Let that much of every key's life pass: a server's own clock does not follow that of a test."""
        passed = round(seconds * 1000)
        for node in self.nodes:
            for name in node.scan_iter(count=1000):
                life = node.pttl(name)
                if life > passed:
                    node.pexpire(name, life - passed)
                elif life >= 0:
                    node.delete(name)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Hold that what happens inside leaves every key and every value as it was, but for what is told of it."""
        before = self.deciding()
        yield
        assert self.deciding() == before

    def deciding(self) -> dict[str, Any]:
        """Return the contents without what is only told."""
        return {name: value for name, value in self.contents().items() if name.split(":")[1] not in TOLD}


def _value(node: redis.Redis, name: bytes) -> Any:
    match node.type(name):
        case b"string":
            return node.get(name)
        case b"hash":
            return node.hgetall(name)
        case b"list":
            return node.lrange(name, 0, -1)
        case b"zset":
            return node.zrange(name, 0, -1, withscores=True)
        case other:
            raise AssertionError(f"a key of type {other!r}")


class Engines:
    """Starts each engine once, when it is first asked for, and ends them all."""

    def __init__(self, ends: ExitStack) -> None:
        self._ends = ends
        self._running: dict[str, Engine] = {}

    def get(self, name: str) -> Engine:
        """Return the engine of this name, empty."""
        if name == "fakeredis":
            fake = FakeRedis(server=FakeServer())
            return Engine(fake, [fake])
        if name not in self._running:
            self._running[name] = STARTS[name](self._ends)
        engine = self._running[name]
        engine.forget()
        return engine


def binary_of(name: str) -> Any:
    """Return the program of an engine that is one server."""
    if name == "valkey":
        return valkey_binary()
    binary = redis_binary()
    assert binary is not None, "CI tests on redis-server too, and there is none on the PATH"
    return binary


def _one(name: str) -> Callable[[ExitStack], Engine]:
    def start(ends: ExitStack) -> Engine:
        server = ends.enter_context(StoreServer(binary_of(name)))
        return opened(server.url, [server], ends)

    return start


def _cluster(ends: ExitStack) -> Engine:
    servers = ends.enter_context(ClusterServers())
    return opened(servers.url, servers.primaries, ends)


def _sentinel(ends: ExitStack) -> Engine:
    servers = ends.enter_context(SentinelServers())
    return opened(servers.url, [servers.primary], ends)


def opened(url: str, servers: Sequence[StoreServer], ends: ExitStack) -> Engine:
    """Return an engine for servers that run."""
    client = connect(url)
    ends.callback(client.close)
    return Engine(client, [ends.enter_context(server.client()) for server in servers])


STARTS = {"valkey": _one("valkey"), "redis": _one("redis"), "cluster": _cluster, "sentinel": _sentinel}
