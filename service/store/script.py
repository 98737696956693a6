"""Runs the Lua scripts: loads them where they are missing, and turns every failure of Redis into StoreUnavailable."""

import functools
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, TypeVar, cast

import redis
from redis.cluster import RedisCluster
from redis.exceptions import ClusterError, NoScriptError, RedisClusterException, RedisError

from ..verification.envelope import KeyringChanged
from ..verification.errors import StoreUnavailable
from .breaker import Breaker
from .connect import Client, drop_connections

log = logging.getLogger("textproof")

# Errors of a server that takes no writes, or not now. It has carried out nothing.
ELSEWHERE = frozenset({"READONLY", "MISCONF", "NOREPLICAS", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"})
SOON_SECONDS = 0.3  # ours: a slower step is not retried, so that two tries stay under the promised 2 s
QUIET_SECONDS = 60.0  # ours: a lasting error is logged once a minute, not with each request
CODE = re.compile(r"[A-Z]{3,}(?= |$)")
WAIT_MS = 100  # for replicas; ours: a sixth of what an answer may take
VERBS = ("start", "check", "resend", "cancel", "report", "unsend", "show")
OTHERS = ("opt", "pause", "note", "envelope")
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
            client: A client of redis-py, or a function that makes one when it is first needed.
            constants: The constants of the scripts, by name. They are written into the source, since decoding them
                would take longer than everything else in a check. VERB, the script's name, is added.
        """
        self._given = client
        self._breaker = Breaker()
        self._quiet_until: dict[str, float] = {}
        self._lock = threading.Lock()
        self._sources = {name: source(name, {**(constants or {}), "VERB": name}) for name in VERBS + OTHERS}
        self._digests = {name: sha1(source.encode()).hexdigest() for name, source in self._sources.items()}  # noqa: S324

    @functools.cached_property
    def client(self) -> Client:
        """Return the client. Connecting to a cluster that is down fails here: see `guarded`."""
        return self._given if isinstance(self._given, redis.Redis | RedisCluster) else self._given()

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument], *, replicas: int = 0) -> Reply:
        """Run a script that answers in JSON; see `evaluate`. Returns an empty reply when it returns nothing."""
        reply = self.evaluate(name, keys, arguments, replicas=replicas)
        return json.loads(cast("bytes", reply)) if reply else {}

    def evaluate(self, name: str, keys: Sequence[str], arguments: Sequence[Argument], *, replicas: int = 0) -> object:
        """Run a script in one round trip, and return its reply once `replicas` replicas have its writes.

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
        """Do one step; any failure of Redis becomes StoreUnavailable.

        Connections to a server that takes no writes are dropped, because the address may lead to another one by now,
        and the step is tried once more.

        Raises:
            StoreUnavailable: The text says why.
        """
        if not self._breaker.closed():
            raise StoreUnavailable(self._breaker.reason)
        begun = time.monotonic()
        try:
            try:
                result = step()
            except (RedisError, RedisClusterException) as error:
                code = self._handled(error)
                if code not in ELSEWHERE or time.monotonic() > begun + SOON_SECONDS:
                    raise
                result = step()
        except (RedisError, RedisClusterException) as error:
            code = self._handled(error)
            reason = f"Redis refuses: {code}" if code else "Redis does not answer"
            self._breaker.failed(reason)
            raise StoreUnavailable(reason) from error
        self._breaker.succeeded()
        return result

    def _handled(self, error: Exception) -> str:
        """Drop connections and log where needed; return the code that a server answered, or ""."""
        code = _code(error)
        if code in ELSEWHERE:
            drop_connections(self.client)
        with self._lock:
            now = time.monotonic()
            is_news = bool(code) and now >= self._quiet_until.get(code, 0.0)
            if is_news:
                self._quiet_until[code] = now + QUIET_SECONDS
        if is_news:
            log.warning("store_refuses", extra={"reason": code})
        return code

    def _evaluate(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> object:
        client = self.client
        try:
            return client.evalsha(self._digests[name], len(keys), *keys, *arguments)
        except NoScriptError:  # the first time, after a restart, after a failover
            if isinstance(client, redis.Redis):
                return self._piped(client, name, keys, arguments, is_known=False)[-1]
            client.script_load(self._sources[name])
            return client.evalsha(self._digests[name], len(keys), *keys, *arguments)

    def _evaluate_and_wait(
        self, name: str, keys: Sequence[str], arguments: Sequence[Argument], replicas: int
    ) -> tuple[Any, int]:
        client = self.client
        if isinstance(client, RedisCluster):
            client = client.get_redis_connection(client.get_node_from_key(keys[0]))  # type: ignore[no-untyped-call]
        try:
            try:
                reply, acknowledged = self._piped(client, name, keys, arguments, replicas)
            except NoScriptError:
                _, reply, acknowledged = self._piped(client, name, keys, arguments, replicas, is_known=False)
        except RedisError as error:
            if _code(error) in ELSEWHERE:
                raise
            # The slot may have moved. The client finds it, and the same request changes nothing twice; whether a
            # replica has the writes is unknown.
            return self._evaluate(name, keys, arguments), 0
        return reply, acknowledged

    def _piped(
        self,
        client: redis.Redis,
        name: str,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        replicas: int = 0,
        *,
        is_known: bool = True,
    ) -> list[Any]:
        """Run a script on one connection: others may lead elsewhere, and WAIT counts its own connection's writes."""
        with client.pipeline(transaction=False) as steps:
            if not is_known:
                steps.script_load(self._sources[name])
            steps.evalsha(self._digests[name], len(keys), *keys, *arguments)
            if replicas:
                steps.wait(replicas, WAIT_MS)
            return steps.execute()


def _code(error: Exception) -> str:
    """Return the code that a server's error begins with; "" for an error that is not a server's."""
    if type(error) is ClusterError:  # redis-py raises this after sixteen of them
        return "TRYAGAIN"
    if not isinstance(error, RedisError):
        return ""
    found = CODE.match(str(error).rpartition("caused error: ")[2])  # a pipeline adds text in front
    return error.status_code or (found[0] if found else "")


def source(name: str, constants: Mapping[str, Any] | None = None) -> str:
    """Return a script with its constants and its includes, each once, where it is first included."""
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
    """Return a value as a Lua literal. Keys of a mapping become names."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "{" + ", ".join(map(literal, value)) + "}"
    return json.dumps(value)
