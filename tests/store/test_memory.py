"""How much of Redis a verification takes: what an operator plans with."""

from statistics import mean

import pytest

from service.verification.caller import Caller
from service.verification.errors import Delivery
from tests.store.attempts import Attempt
from tests.store.engines import ONE_SERVER, engines

STARTS = 1_000
PENDING_MAX = 400  # bytes: record and token
EVERYTHING = ("record", "token", "row", "number")
GROWN_MAX = 1500  # bytes: after every check and every message that it may have
WITH_BUDGETS_MAX = 1700  # bytes: and all that is counted and told of it, with a list of its own for its network
OVERHEAD_MAX = 40  # bytes of an event of a trail, beyond what it says


@pytest.mark.slow
@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_a_pending_verification_is_small(engine, attempt):
    """Each of a number and of a network of its own, as most are."""
    (server,) = engine.nodes
    places = (Caller.at(f"100.{64 + index // 256}.{index % 256}.9") for index in range(STARTS))
    attempts = [attempt(watched=False, caller=place) for place in places]

    before = _used(server)
    for one in attempts:
        one.start()
    each = (_used(server) - before) / STARTS
    alone = mean(_size(server, one, "record", "token") for one in attempts[:500])

    print(f"\n{_name(server)}: record and token {alone:.0f} bytes, all of a start {each:.0f}", end="")  # noqa: T201
    assert alone <= PENDING_MAX
    assert each <= WITH_BUDGETS_MAX


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_a_trail_is_little_more_than_what_it_says(engine, begun):
    """Of a verification as most are: begun, sent, delivered, approved."""
    (server,) = engine.nodes
    one = begun(watched=False)
    one.report(Delivery.SENT, "event-1")
    one.report(Delivery.DELIVERED, "event-2")
    one.check()
    name = f"{{tp}}:y:{one.digest_of_number}"
    lines = server.get(name).splitlines()
    size = server.memory_usage(name)

    print(f"\n{_name(server)}: a trail of {len(lines)} events {size} bytes", end="")  # noqa: T201
    assert len(lines) == 4
    said = sum(len(line) for line in lines)
    assert (size - said) / len(lines) <= OVERHEAD_MAX


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_a_verification_cannot_grow_for_ever(engine, begun, clock):
    """All its checks and sends, each under a name of its own, and a thousand refused ones."""
    (server,) = engine.nodes
    one = begun(watched=False)
    for wait in (30, 60, 90, 120):
        clock.advance(wait)
        one.resend()
    one.miss(5)
    grown = _size(server, one, *EVERYTHING)
    one.miss(500)
    for _ in range(500):
        one.resend()

    print(f"\n{_name(server)}: with all checks and sends {grown} bytes", end="")  # noqa: T201
    assert _size(server, one, *EVERYTHING) == grown
    assert grown <= GROWN_MAX


def _used(server) -> int:
    return int(server.info("memory")["used_memory"])


def _name(server) -> str:
    facts = server.info("server")
    return f"{facts.get('server_name', 'redis')} {facts.get('valkey_version', facts['redis_version'])}"


def _size(server, one: Attempt, *parts: str) -> int:
    names = {
        "record": f"v:{one.handle.random}",
        "token": f"t:{one.digest}",
        "row": f"c:{one.digest_of_number}",
        "number": f"n:{one.digest_of_number}",
    }
    return sum(server.memory_usage(f"{{tp}}:{names[part]}") for part in parts)
