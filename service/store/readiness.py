"""What keeps a store from being trusted, in words.

A slow server is no such thing: all replicas would say no at once, and none would be better. `store_seconds` in
`/metrics` shows it.
"""

import time
from collections.abc import Iterator

import redis
from redis.exceptions import NoPermissionError

from ..verification.errors import StoreUnavailable
from .connect import nodes
from .script import Scripts

SKEW_SECONDS = 2  # ours: what a message's life can bear; security of expiry does not depend on it


def faults_of(scripts: Scripts, *, replicas: int) -> list[str]:
    """Return what is wrong with the servers behind a store; `replicas` is how many each must have."""
    return scripts.guarded(
        lambda: [fault for node in nodes(scripts.client) for fault in _faults(node, replicas=replicas)]
    )


def memory_used(scripts: Scripts) -> float:
    """Return the share of its memory that the fullest server uses; 0 where it has no limit, or nobody may ask."""
    try:
        memories = scripts.guarded(lambda: [node.info("memory") for node in nodes(scripts.client)])
    except StoreUnavailable:
        return 0.0
    return max(
        (memory["used_memory"] / memory["maxmemory"] for memory in memories if memory.get("maxmemory")), default=0.0
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
