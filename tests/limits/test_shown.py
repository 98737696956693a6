"""`textproof number` and `textproof stats` show what happened, for each way that a verification can go."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from service.commands import stats
from service.commands.number import Trail
from service.verification.errors import Delivery, VerificationError
from service.verification.ports import Carrier, OptOut, Receipt

PRICE, COST = 0.01, 0.0125
MESSAGE = "40316b2e-8f0a-4d5c-9b6f-1b2c3d4e5f60"
ONCE = {"starts": 1, "sends": 1, "spent": PRICE}
REFUSED = "refused a message: "


class Person:
    """Somebody with a phone."""

    def __init__(self, one, number):
        self.desk, self.number = one, number

    def ask(self, times=1):
        for _ in range(times):
            with suppress(VerificationError):
                self.began = self.desk.start(self.number)

    def wait(self, seconds):
        self.desk.clock.advance(seconds)

    def again(self):
        with suppress(VerificationError):
            self.desk.resend(self.began, wait=0)

    def hear(self, delivery, *, code="", cost=None):
        news = Receipt(self.began.id, f"{delivery}", delivery, cost=cost, carrier=Carrier(code, MESSAGE))
        for _ in range(2):  # carriers tell twice
            self.desk.verifier.receive(news)

    def type(self, after=0):
        self.wait(after)
        with suppress(VerificationError):
            self.desk.check(self.began, self.desk.token_of(self.began))

    def text(self, word):
        self.desk.verifier.receive(OptOut(self.number, out=word == "STOP", event=word))


def finishes(person):
    person.ask()
    person.hear(Delivery.SENT)
    person.hear(Delivery.DELIVERED, cost=COST)
    person.type(9)


def mistypes(person):
    person.ask()
    person.desk.miss(person.began)
    person.type(119)


def asks_again(person):
    person.ask()
    person.again()
    person.wait(30)
    person.again()
    person.type(121)


def comes_late(person):
    person.ask()
    person.type(600)
    person.type()


def shares(person):
    person.ask()
    person.desk.start(person.number, "198.51.100.9")


def is_filtered(person):
    person.ask()
    person.hear(Delivery.BLOCKED, code="40002")


def is_refused(person):
    person.desk.sender.refuse(delivery=Delivery.LANDLINE, code="40001")
    person.ask()


def is_lost(person):
    person.desk.sender.lose()
    person.ask()


def stops(person):
    person.text("STOP")
    person.ask()
    person.text("START")
    person.ask()


def hammers(person):
    person.ask(9)


ASKED = "asked for a message"
LIVES: dict[Callable[[Person], None], tuple[list[str], dict[str, Any]]] = {
    finishes: (
        [ASKED, "handed on", f"delivered, carrier's id {MESSAGE}", "approved, 9 s after"],
        ONCE | {"delivered": 1, "approved": 1, "seconds": 9, "spent": COST},
    ),
    mistypes: ([ASKED, "wrong code, number 1 of 5", "approved, 119 s"], ONCE | {"approved": 1, "seconds": 115}),
    asks_again: (
        [ASKED, "refused one more message: limit resend_wait", "again: number 2", "approved, 151 s"],
        {"starts": 1, "sends": 2, "spent": 2 * PRICE, "approved": 1, "seconds": 150, "refused resend_wait": 1},
    ),
    comes_late: ([ASKED, "refused a check: it had expired"], ONCE),
    shares: ([ASKED, "asked; the message of a moment ago"], ONCE | {"starts": 2, "shared": 1}),
    is_filtered: ([ASKED, "blocked (carrier's code 40002)"], ONCE),
    is_refused: ([ASKED, "message 1 was not sent: landline (carrier's code 40001)"], {"starts": 1}),
    is_lost: ([ASKED, "no answer that can be read"], ONCE),
    stops: (
        ["texted STOP", f"{REFUSED}the phone wants no messages", "texted START", ASKED],
        ONCE | {"refused opted_out": 1},
    ),
    hammers: (
        [*[ASKED] * 5, f"{REFUSED}limit sends_of_number"],
        {"starts": 5, "sends": 5, "spent": 5 * PRICE, "refused sends_of_number": 4},
    ),
}


@pytest.fixture
def one(desk):
    return desk(MESSAGE_PRICES=(("*", PRICE),), STARTS_PER_ADDRESS=(), SENDS_IN_ALL=())


def told(one, number):
    """Return the events of a number's trail, without their ids."""
    shown = list(Trail(one.store, one.keyring, one.verifier.policy, one.clock).show(number))
    return [line for line in shown[1 : shown.index("Now:")] if not line.startswith(" " * 20)]


def figures(one, country):
    """Return what was counted today for a country or for "all", but for what is nothing."""
    (row,) = [row for row in stats.read(one.store, _today(one)) if row.country == country]
    names = ("starts", "shared", "sends", "delivered", "approved", "seconds", "spent")
    found = {name: getattr(row, name) for name in names} | {f"refused {limit}": n for limit, n in row.refused.items()}
    return {name: round(value, 6) for name, value in found.items() if value}


def _today(one):
    return datetime.fromtimestamp(one.clock(), UTC).date()


@pytest.fixture
def morning(clock):
    """So that no day ends in the middle of a test."""
    clock.advance(86_400 - clock() % 86_400)
    return clock


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_each_life_is_told_in_order_and_in_figures(one, morning, number, life):
    events, counts = LIVES[life]

    life(Person(one, number))

    lines = told(one, number)
    assert len(lines) == len(events), lines
    assert all(words in line for words, line in zip(events, lines, strict=True)), lines
    assert figures(one, "US") == counts
    if life is hammers:
        assert f"; 4 times since {datetime.fromtimestamp(one.clock(), UTC):%Y-%m-%d %H:%M:%S}" in lines[-1]


def test_the_figures_of_all_are_the_sum(one, morning, scattered):
    for life in LIVES:
        life(Person(one, next(scattered)))
        one.clock.advance(60)

    counts: Counter[str] = Counter()
    for _, figures_of_one in LIVES.values():
        counts.update({name: many for name, many in figures_of_one.items() if name != "seconds"})
    assert figures(one, "all") == {name: round(many, 6) for name, many in counts.items()} | {"seconds": 115}
