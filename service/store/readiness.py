"""Readiness: why this Redis must not be used, in words.

Slowness is no reason: all replicas would answer 503 at once, and none would do better. `store_seconds` in
`/metrics` shows it.
"""

import threading
import time
from collections.abc import Iterator
from typing import Any

from redis.exceptions import NoPermissionError

from ..verification.errors import StoreUnavailable
from .connect import nodes
from .key_names import Names
from .script import Scripts

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
        """Return why it does not. Writes at most once in WRITE_SECONDS; a refusal is asked for anew."""
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


class Readiness:
    """Asks the servers behind a store, each in one round trip: a balancer waits for the answer."""

    def __init__(self, scripts: Scripts, *, replicas: int) -> None:
        """Take what reaches the servers, and how many replicas each must have."""
        self._scripts = scripts
        self._replicas = replicas
        self.memory_used = 0.0
        """The share of its memory that the fullest server used, as `faults` found last; 0 where there is no limit."""

    def faults(self) -> list[str]:
        """Return what is wrong with the servers."""
        return self._scripts.guarded(self._faults)

    def _faults(self) -> list[str]:
        faults, used = list[str](), 0.0
        for node in nodes(self._scripts.client):
            begun = time.monotonic()
            with node.pipeline(transaction=False) as questions:
                questions.time()
                questions.info("memory")
                questions.info("replication")
                now, memory, replication = questions.execute(raise_on_error=False)
            faults += [*_of_answers(now, memory, replication)]
            if isinstance(now, tuple):
                faults += _of_time(now, time.monotonic() - begun)
            if isinstance(memory, dict):
                faults += _of_memory(memory)
                used = max(used, memory["used_memory"] / memory["maxmemory"] if memory.get("maxmemory") else 0)
                connected = replication.get("connected_slaves", 0)
                if connected < self._replicas:
                    faults.append(f"Redis has {connected} replicas, and REPLICAS asks for {self._replicas}")
        self.memory_used = used
        return faults


def _of_answers(now: Any, memory: Any, replication: Any) -> Iterator[str]:  # noqa: ANN401 - answers, or errors
    """Yield what the user of the service may not ask, which is a fault of its own; other errors are raised."""
    for command, answer in (("TIME", now), ("INFO", memory), ("INFO", replication)):
        if isinstance(answer, NoPermissionError):
            if answer is not replication:
                yield f"the Redis user may not call {command}: give it +{command.lower()}"
        elif isinstance(answer, Exception):
            raise answer


def _of_time(now: tuple[int, int], took: float) -> Iterator[str]:
    skew = now[0] + now[1] / 1e6 - time.time()
    if abs(skew) > SKEW_SECONDS + took:
        yield f"the clock of Redis is {skew:+.0f} s from ours: set both by NTP"


def _of_memory(memory: dict[str, Any]) -> Iterator[str]:
    if 0 < memory.get("maxmemory", 0) <= memory.get("used_memory", 0):
        yield "Redis is full: give it more memory (maxmemory)"
    policy = memory.get("maxmemory_policy")
    if policy != "noeviction":
        yield f"Redis may forget limits: maxmemory-policy is {policy}, set it to noeviction"
