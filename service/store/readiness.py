"""What keeps a store from being trusted, in words."""

import threading
import time
from collections.abc import Iterator

import redis
from redis.exceptions import NoPermissionError

from ..verification.errors import StoreUnavailable
from .connect import nodes
from .names import Names
from .script import Scripts

SLOW_SECONDS = 0.2  # ours: a hundred times what a data centre takes
SKEW_SECONDS = 2  # ours: what a message's life can bear; security of expiry does not depend on it

WRITE_SECONDS = 1.0  # ours: how often it writes, and how long what was written stays


class Writing:
    """Whether the server takes what is written: a replica answers everything else as well as its primary."""

    def __init__(self, scripts: Scripts, names: Names) -> None:
        """Take what reaches the server."""
        self._scripts = scripts
        self._name = names.ready
        self._lock = threading.Lock()
        self._next = 0.0

    def faults(self) -> list[str]:
        """Return why it does not. Writes once in WRITE_SECONDS at most, whoever asks; a refusal is asked for anew."""
        with self._lock:
            if time.monotonic() < self._next:
                return []
            try:
                life = round(WRITE_SECONDS * 1000)
                self._scripts.guarded(lambda: self._scripts.client.set(self._name, "", px=life))
            except StoreUnavailable as error:
                return [str(error)]
            self._next = time.monotonic() + WRITE_SECONDS
            return []


def faults_of(scripts: Scripts, *, replicas: int) -> list[str]:
    """Return what is wrong with the servers behind a store; `replicas` is how many each must have."""
    return scripts.guarded(
        lambda: [fault for node in nodes(scripts.client) for fault in _faults(node, replicas=replicas)]
    )


def _faults(node: redis.Redis, *, replicas: int) -> Iterator[str]:
    """Yield what is wrong with one server. What its user may not ask is a fault of its own, and no failure."""
    for command, faults in (("TIME", _faults_of_time(node)), ("INFO", _faults_of_memory(node, replicas=replicas))):
        try:
            yield from faults
        except NoPermissionError:
            yield f"the Redis user may not call {command}: give it +{command.lower()}"


def _faults_of_time(node: redis.Redis) -> Iterator[str]:
    begun = time.monotonic()
    seconds, microseconds = node.time()
    took = time.monotonic() - begun
    if took > SLOW_SECONDS:
        yield f"Redis takes {took * 1000:.0f} ms to answer: find out what slows it, or bring it nearer"
    skew = seconds + microseconds / 1e6 - time.time()
    if abs(skew) > SKEW_SECONDS + took:
        yield f"the clock of Redis is {skew:+.0f} s from ours: set both by NTP"


def _faults_of_memory(node: redis.Redis, *, replicas: int) -> Iterator[str]:
    memory = node.info("memory")
    if 0 < memory.get("maxmemory", 0) <= memory.get("used_memory", 0):
        yield "Redis is full: give it more memory (maxmemory)"
    policy = memory.get("maxmemory_policy")
    if policy != "noeviction":
        yield f"Redis may forget limits: maxmemory-policy is {policy}, set it to noeviction"
    if replicas:
        connected = node.info("replication").get("connected_slaves", 0)
        if connected < replicas:
            yield f"Redis has {connected} replicas, and REPLICAS asks for {replicas}"
