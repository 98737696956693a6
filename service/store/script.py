"""Scripts on the server: loaded when it does not know them, guarded when it does not answer."""

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, TypeVar, cast

import redis
from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from ..verification.envelope import KeyringChanged
from ..verification.errors import StoreUnavailable
from .breaker import Breaker
from .connect import Client

WAIT_MS = 100  # for replicas; ours: a fifth of what an answer may take
VERBS = ("start", "check", "resend", "cancel", "report", "unsend", "show")
OTHERS = ("opt", "pause", "charge", "note", "envelope")
CONSTANTS = "-- @constants"
INCLUDE = re.compile(r"-- @include ([a-z]+)\n")
CHANGED = b'{"verdict":"keyring_changed"}'

Argument = str | int | bytes
Reply = dict[str, Any]
T = TypeVar("T")


class Scripts:
    """Runs the files in `lua/` on a client of redis-py; safe to share between threads."""

    def __init__(self, client: Client | Callable[[], Client], constants: Mapping[str, Any] | None = None) -> None:
        """Read the scripts.

        Args:
            client: Of redis-py, or what makes one when it is first needed.
            constants: By name, what the scripts of verifications work with. They are written into the scripts, since
                decoding them would take longer than everything else in a check.
        """
        self._given = client
        self._breaker = Breaker()
        self._sources = {name: source(name, constants) for name in VERBS + OTHERS}
        self._digests = {name: sha1(source.encode()).hexdigest() for name, source in self._sources.items()}  # noqa: S324

    @functools.cached_property
    def client(self) -> Client:
        """Return the client. A cluster that is down answers here for the first time: see `guarded`."""
        return self._given if isinstance(self._given, redis.Redis | RedisCluster) else self._given()

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument], *, replicas: int = 0) -> Reply:
        """Run a script that answers in JSON; see `evaluate`. Returns an empty reply when it answers nothing."""
        reply = self.evaluate(name, keys, arguments, replicas=replicas)
        return json.loads(cast("bytes", reply)) if reply else {}

    def evaluate(self, name: str, keys: Sequence[str], arguments: Sequence[Argument], *, replicas: int = 0) -> object:
        """Run a script in one round trip, and return what it returns once so many replicas have it too.

        Raises:
            KeyringChanged: The store has another keyring; nothing was written.
            StoreUnavailable: It did not run, as far as anybody knows, or the replicas do not have it yet: it may be
                lost in a failover.
        """
        if replicas:
            reply, acknowledged = self.guarded(lambda: self._evaluate_and_wait(name, keys, arguments, replicas))
            if acknowledged < replicas:
                raise StoreUnavailable(f"{acknowledged} of {replicas} replicas have it")
        else:
            reply = self.guarded(lambda: self._evaluate(name, keys, arguments))
        if reply == CHANGED:
            raise KeyringChanged
        return reply

    def guarded(self, step: Callable[[], T]) -> T:
        """Do one step; whatever goes wrong with Redis, nothing was accepted."""
        if not self._breaker.closed():
            raise StoreUnavailable("not asked: it did not answer a moment ago")
        try:
            result = step()
        except (RedisError, RedisClusterException) as error:
            self._breaker.failed()
            raise StoreUnavailable(type(error).__name__) from error
        self._breaker.succeeded()
        return result

    def _evaluate(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> object:
        try:
            reply = self.client.evalsha(self._digests[name], len(keys), *keys, *arguments)
        except NoScriptError:  # the first time, after a restart, after a failover
            self.client.script_load(self._sources[name])
            reply = self.client.evalsha(self._digests[name], len(keys), *keys, *arguments)
        return reply

    def _evaluate_and_wait(
        self, name: str, keys: Sequence[str], arguments: Sequence[Argument], replicas: int
    ) -> tuple[Any, int]:
        """WAIT speaks of what its own connection wrote, so both go down the same one."""
        client = self.client
        if isinstance(client, RedisCluster):
            client = client.get_redis_connection(client.get_node_from_key(keys[0]))  # type: ignore[no-untyped-call]
        with client.pipeline(transaction=False) as steps:
            try:
                steps.evalsha(self._digests[name], len(keys), *keys, *arguments)
                steps.wait(replicas, WAIT_MS)
                reply, acknowledged = steps.execute()
            except NoScriptError:
                client.script_load(self._sources[name])
                return self._evaluate_and_wait(name, keys, arguments, replicas)
            except RedisError:
                # The slot may have moved. The ordinary way finds it, and the same request changes nothing twice;
                # whether a replica has it, nobody can say.
                return self._evaluate(name, keys, arguments), 0
        return reply, acknowledged


def source(name: str, constants: Mapping[str, Any] | None = None) -> str:
    """Return a script with its constants and with what it includes, each part once, where it is first asked for."""
    included: set[str] = set()
    written = "\n".join(f"local {constant} = {literal(value)}" for constant, value in (constants or {}).items())

    def expanded(path: str) -> str:
        text = files(__package__).joinpath("lua", f"{path}.lua").read_text("utf-8")
        return INCLUDE.sub(part, text)

    def part(line: re.Match[str]) -> str:
        if line[1] in included:
            return ""
        included.add(line[1])
        return expanded(f"include/{line[1]}")

    return expanded(name).replace(CONSTANTS, written)


def literal(value: Any) -> str:  # noqa: ANN401 - a number, a text, or a mapping or list of these
    """Return a value as Lua writes it. Names of a mapping are names in Lua as well."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "{" + ", ".join(map(literal, value)) + "}"
    return json.dumps(value)
