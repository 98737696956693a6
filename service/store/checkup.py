"""Questions about Redis, for `textproof doctor`. Nothing is written."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import redis
from redis.exceptions import AuthenticationError, RedisClusterException, RedisError, ResponseError

from .connect import Client, connect, nodes
from .key_names import Names
from .keyring import Sealed
from .script import Scripts

TRIES = 3
VALKEY_MIN, REDIS_MIN = (7, 2), (7, 0)  # ours: what the tests run on; 7.2 is Valkey's first release


class NoRedis(Exception):
    """A question was not answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """What one server that holds keys says of itself."""

    name: str
    """With its version: `Valkey 9.1.2`."""
    is_old: bool
    eviction: str
    persists: bool | None
    """Whether its keys survive a restart; None when it does not say."""
    ahead: float
    """By how many seconds its clock is ahead of ours; negative when it is behind."""
    used: float
    """The share of `maxmemory` that is in use; 0 when there is no such limit."""


class Checkup:
    """Asks the servers at an address, as the store would reach them. Raises NoRedis."""

    def __init__(self, url: str, *, prefix: str) -> None:
        """Connect, and return when there is an answer; `prefix` is that of the keys."""
        self._names = Names(prefix)
        with _answered():
            self._client: Client = connect(url)
            self._client.ping()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def round_trip(self) -> float:
        """Return the seconds that a script takes from here and back, at best: a busy machine is not a far one."""
        with _answered():
            return min(self._timed() for _ in range(TRIES))

    def _timed(self) -> float:
        begun = time.monotonic()
        self._client.exists(self._names.pause)  # any key will do, and a cluster needs one
        return time.monotonic() - begun

    def keyring(self) -> Sealed:
        """Return where the keyring lies."""
        return Sealed(Scripts(self._client), self._names.keyring)

    def servers(self, clock: Callable[[], float] = time.time) -> list[Server]:
        """Return every server that keys are written to: one, or the primaries of a cluster."""
        with _answered():
            return [_server(node, clock) for node in nodes(self._client)]


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except AuthenticationError as error:
        raise NoRedis("it does not accept the password in REDIS_URL") from error
    except (RedisError, RedisClusterException, ValueError) as error:  # ValueError: of an option in the address
        raise NoRedis(type(error).__name__) from error


def _server(node: redis.Redis, clock: Callable[[], float]) -> Server:
    facts = node.info()
    before = clock()
    seconds, microseconds = node.time()
    ahead = seconds + microseconds / 1e6 - (before + clock()) / 2
    valkey = "valkey_version" in facts
    version = str(facts["valkey_version" if valkey else "redis_version"])
    limit = int(facts.get("maxmemory", 0))
    return Server(
        name=f"{'Valkey' if valkey else 'Redis'} {version}",
        is_old=_numbers(version) < (VALKEY_MIN if valkey else REDIS_MIN),
        eviction=str(facts.get("maxmemory_policy")),
        persists=bool(facts.get("aof_enabled")) or _snapshots(node),
        ahead=ahead,
        used=int(facts["used_memory"]) / limit if limit else 0.0,
    )


def _snapshots(node: redis.Redis) -> bool | None:
    """Tell whether it writes its keys to disk now and then; None where asking is forbidden, as rented ones do."""
    try:
        return bool(cast("dict[str, str]", node.config_get("save")).get("save"))
    except ResponseError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
