"""A thousand at once, from three processes: each limit lets through exactly as many as it says, and the naive way more.

Each rush is one limit, with the others out of its way.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import pytest

from service.verification.errors import Limit
from tests.conftest import SECRET
from tests.limits.crowd import Crowd
from tests.limits.desk import HERE, lines, ranges
from tests.races.crowd import Crowd as Door
from tests.races.crowd import post
from tests.store.engines import ONE_SERVER, engines
from tests.support.servers import StoreServer
from tests.support.service import service_group

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("limits-crowd")]

AT_ONCE = 1_000
OPEN = {
    "SENDS_PER_NUMBER": [],
    "STARTS_PER_ADDRESS": [],
    "STARTS_PER_NETWORK": [],
    "STARTS_PER_PREFIX": [],
    "SENDS_IN_ALL": [],
    "CONVERSION_MIN_SENDS": 100_000,
}


@pytest.fixture(scope="module")
def crowd():
    with Crowd() as gathered:
        yield gathered


@pytest.fixture
def rush(crowd, engine, clock):
    def ask(settings, asks, *, kind="start"):
        url = engine_url(engine)
        job = {"url": url, "now": clock(), "secret": SECRET, "settings": OPEN | settings, "kind": kind}
        return crowd.rush(job, list(asks))

    return ask


def engine_url(engine):
    where = engine.nodes[0].connection_pool.connection_kwargs
    scheme = "redis" if len(engine.nodes) == 1 else "redis+cluster"
    return f"{scheme}://127.0.0.1:{where['port']}/0"


def window(limit, seconds=3600):
    return {"limit": limit, "seconds": seconds}


def addresses():
    return (f"100.{64 + index // 256}.{index % 256}.9" for index in itertools.count())


def in_64s():
    return (f"2001:db8:7:{index:x}::1" for index in itertools.count())


@dataclass(frozen=True)
class Rush:
    """One limit, and what a thousand do about it."""

    settings: dict
    refusal: str
    passes: int
    numbers: Callable[[], Iterator[str]] = lambda: (f"{prefix}0143" for prefix in ranges())
    places: Callable[[], Iterator[str]] = addresses
    client: str = ""


ONE_NUMBER = "+12027770143"
RUSHES = {
    "address": Rush(
        {"STARTS_PER_ADDRESS": [window(10)]}, Limit.STARTS_OF_ADDRESS, 10, places=lambda: itertools.repeat(HERE)
    ),
    "network": Rush({"STARTS_PER_NETWORK": [window(40)]}, Limit.STARTS_OF_NETWORK, 40, places=in_64s),
    "prefix": Rush({"STARTS_PER_PREFIX": [window(10)]}, Limit.STARTS_OF_PREFIX, 10, lambda: lines("+1202777")),
    "country": Rush({"SENDS_PER_COUNTRY": [window(123)]}, Limit.SENDS_OF_COUNTRY, 123),
    "client": Rush({"SENDS_PER_CLIENT": [window(77)]}, Limit.SENDS_OF_CLIENT, 77, client="shop"),
    "everything": Rush({"SENDS_IN_ALL": [window(500), window(3000, 86_400)]}, Limit.SENDS_IN_ALL, 425),
    "money": Rush({"SPEND_PER_DAY": 1.0, "MESSAGE_PRICES": [["US", 0.01]]}, Limit.SPENT_TODAY, 100),
    "sender": Rush({"SENDER_RATE_PER_SECOND": 10.0}, "sender_rate", 301),
    "number": Rush(
        {"SENDS_PER_NUMBER": [window(5, 600), window(10, 86_400)]},
        Limit.SENDS_OF_NUMBER,
        5,
        lambda: itertools.repeat(ONE_NUMBER),
        places=lambda: itertools.repeat(HERE),
    ),
}
EVERYWHERE = pytest.mark.parametrize("engine", engines(*ONE_SERVER, "cluster"), indirect=True)


@EVERYWHERE
@pytest.mark.parametrize("name", RUSHES)
def test_exactly_so_many_pass(rush, engine, name):
    what = RUSHES[name]
    people = islice(zip(what.numbers(), what.places(), strict=False), AT_ONCE)
    asks = [(number, place, what.client) for number, place in people]

    answers = rush(what.settings, asks)

    assert answers == {"passed": what.passes, str(what.refusal): AT_ONCE - what.passes}
    assert engine.immortal() == []


@EVERYWHERE
def test_a_rush_on_neighbours_closes_their_range(rush):
    """Each is asked for two hundred times, and once texted it is shared."""
    neighbours = [f"+12027772{line:03}" for line in range(5)]
    asks = [(neighbours[turn % 5], place, "") for turn, place in enumerate(islice(addresses(), AT_ONCE))]

    answers = rush({}, asks)

    assert answers["passed"] == 5, "the fifth closes it, and is the first of a trickle"
    assert answers[str(Limit.CLOSED)] > 0


@EVERYWHERE
def test_one_message_and_all_share_it(rush):
    answers = rush({}, [(ONE_NUMBER, place, "") for place in islice(addresses(), AT_ONCE)])

    assert answers == {"passed": 1, "shared": AT_ONCE - 1}


@EVERYWHERE
def test_fifteen_wrong_codes_from_one_place(rush, desk):
    """Over several verifications, whose own limits would let through more."""
    one = desk(SENDS_PER_NUMBER=(), STARTS_PER_ADDRESS=(), STARTS_PER_PREFIX=())
    begun = [one.start(ONE_NUMBER) for _ in range(10)]
    tokens = {message.text.split()[0] for message in one.sender.messages}
    guesses = [token for token in ("00000A", "00000B") if token not in tokens]

    answers = rush({}, [(begun[turn % 10].id, HERE, guesses[0]) for turn in range(AT_ONCE)], kind="check")

    assert answers["compared"] == 15
    assert answers.total() == AT_ONCE


@EVERYWHERE
def test_so_many_wrong_codes_in_a_row_from_everywhere(rush, desk):
    changes = {"CHECKS_IN_A_ROW": 40}
    one = desk(SENDS_PER_NUMBER=(), STARTS_PER_ADDRESS=(), STARTS_PER_PREFIX=(), **changes)
    begun = [one.start(ONE_NUMBER, place) for place in islice(addresses(), 30)]
    tokens = {message.text.split()[0] for message in one.sender.messages}
    guess = next(token for token in ("00000A", "00000B") if token not in tokens)
    asks = [(begun[turn % 30].id, place, guess) for turn, place in enumerate(islice(addresses(), AT_ONCE))]

    answers = rush(changes, asks, kind="check")

    assert answers["compared"] == 40
    assert answers.total() == AT_ONCE


@EVERYWHERE
def test_a_trial_after_a_pause_is_one(rush, desk, clock):
    """The others wait for what it finds."""
    one = desk()
    one.store.verifications.pause(keyring=one.keyring.id, now=int(clock() * 1000), is_trial=False)
    clock.advance(61)
    asks = [(f"{prefix}0143", place, "") for prefix, place in zip(ranges(), islice(addresses(), AT_ONCE), strict=False)]

    answers = rush({}, asks)

    assert answers["passed"] >= 1
    assert set(answers) <= {"passed", "paused"}


# -- The control


@EVERYWHERE
def test_read_compare_write_lets_through_too_many(rush):
    """The same crowd at the limiter that nearly everybody writes first. This proves that the crowd pushes."""
    passed = [rush({}, [(f"naive-{turn}", "10", "")] * AT_ONCE, kind="naive")["passed"] for turn in range(3)]

    assert max(passed) > 10


# -- As it runs in production


def test_three_replicas_let_through_ten_of_a_thousand():
    """One address, a thousand numbers, and a connection for each."""
    with (
        StoreServer() as store,
        service_group(
            3, TEXTPROOF_REDIS_URL=store.url, TEXTPROOF_SENDER="demo", TEXTPROOF_SENDS_AT_ONCE="64"
        ) as replicas,
        Door([replica.port for replica in replicas], AT_ONCE) as door,
    ):
        numbers = [f"{prefix}0143" for prefix in islice(ranges(), AT_ONCE)]
        statuses = Counter(door.ask([post("/request", {"phone": number}, {}) for number in numbers]))

        assert statuses[303] == 10
        assert set(statuses) <= {303, 429, 503}, "who finds no place in the outbox is not even counted"
        assert store.ask("LLEN", store.ask("KEYS", "{tp}:u:*")[0]) == 10
