"""A day with carrier faults, an attack, three replicas and a restart: the commands show what its script knows itself.

`DAY_PEOPLE=2000` makes it a busy one. Each way that a verification can go is in `test_shown.py`, exactly.
"""

import os
import random
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from service.commands import stats
from service.commands.number import Trail
from service.verification.caller import Caller
from service.verification.errors import (
    Delivery,
    Limited,
    SendRefused,
    TokenRejected,
    UnknownVerification,
)
from service.verification.policy import DAY, Window
from service.verification.ports import Carrier, OptOut, Receipt
from tests.conftest import OLD_SECRET, SECRET
from tests.fakes import wrong
from tests.limits.desk import Desk, ranges
from tests.store.engines import QUICK, binary_of, opened
from tests.support.processes import wait_until
from tests.support.servers import StoreServer

PEOPLE = int(os.environ.get("DAY_PEOPLE", "100"))
LOOKED_AT = 20  # numbers
SAME = 8  # events back, in which the same refusal is told together
PRICE, COST = 0.01, 0.0125
MESSAGE = "40316b2e-8f0a-4d5c-9b6f-1b2c3d4e5f60"
REASONS = {Delivery.LANDLINE: "40001", Delivery.INVALID_NUMBER: "10002", Delivery.BLOCKED: "40002"}


@dataclass
class Told:
    """One line that a trail must have."""

    at: float
    words: str
    refusal: str = ""
    times: int = 1
    since: float = 0


@dataclass
class Diary:
    """What the script of the day knows: of each number in order, and in figures."""

    clock: Any
    numbers: Any = field(default_factory=lambda: defaultdict(list))
    figures: Any = field(default_factory=lambda: defaultdict(Counter))
    seconds: Any = field(default_factory=lambda: defaultdict(list))

    def tell(self, number, words):
        self.numbers[number].append(Told(self.clock(), words))

    def refuse(self, number, verb, reason):
        """The same again takes the place of the one before."""
        told, key = self.numbers[number], f"{verb} {reason}"
        before = next((one for one in told[-SAME:] if one.refusal == key), None)
        if before:
            told.remove(before)
        times, since = (before.times + 1, before.since) if before else (1, self.clock())
        told.append(Told(self.clock(), f"refused {verb}: ", key, times, since))

    def count(self, person, name, many=1):
        day = str(datetime.fromtimestamp(self.clock(), UTC).date())
        for subject in ((person.country, person.client or "pages"), ("all", "all")):
            self.figures[day, *subject][name] += many

    def approve(self, person, seconds):
        step = 1 if seconds < 20 else 5 if seconds < 120 else 30
        day = str(datetime.fromtimestamp(self.clock(), UTC).date())
        for subject in ((person.country, person.client or "pages"), ("all", "all")):
            self.seconds[day, *subject].append(seconds - seconds % step)
        self.count(person, "approved")


@dataclass
class Person:
    """Somebody with a phone, who writes down what happens."""

    diary: Diary
    desks: Any
    chance: random.Random
    number: str
    address: str
    country: str = "US"
    client: str = ""
    one: Any = None
    began: float = 0
    sends: int = 0

    @property
    def desk(self):
        """Any replica."""
        return self.chance.choice(self.desks)

    @property
    def caller(self):
        place = Caller.at(self.address)
        return Caller(address=place.address, network=place.network, client=self.client)

    def wait(self, low, high):
        self.diary.clock.advance(self.chance.randint(low, high))

    def _limited(self, verb, step):
        try:
            return step()
        except Limited as error:
            self.diary.refuse(self.number, verb, f"limit {error.limit.value}")
            self.diary.count(self, f"refused {error.limit.value}")

    def _sent(self):
        self.sends += 1
        self.diary.count(self, "sends")
        self.diary.count(self, "spent", PRICE)

    def ask(self):
        def step():
            try:
                self.one = self.desk.verifier.start(self.number, caller=self.caller)
            except SendRefused as error:
                if error.verification is None:
                    self.diary.refuse(self.number, "a message", "the phone wants no messages")
                    self.diary.count(self, "refused opted_out")
                    return
                self.diary.count(self, "starts")
                self.diary.tell(self.number, "asked for a message")
                self.diary.tell(
                    self.number,
                    f"message 1 was not sent: {error.delivery.value.replace('_', ' ')} (carrier's code {error.code})",
                )
                return
            self.diary.count(self, "starts")
            if self.one.is_shared:
                self.diary.tell(self.number, "asked; the message of a moment ago")
                return
            self.began, self.sends = self.diary.clock(), 0
            self.diary.tell(self.number, "asked for a message")
            self._sent()
            if self.one.delivery is Delivery.UNCERTAIN:
                self.diary.tell(self.number, "no answer that can be read")

        self._limited("a message", step)

    def ask_again(self):
        def step():
            self.desk.verifier.resend(self.one.id, caller=self.caller)
            self._sent()
            self.diary.tell(self.number, f"asked for the message again: number {self.sends}")

        self._limited("one more message", step)

    def hear(self, delivery, code="", cost=None):
        event = f"{self.number} {self.diary.clock()} {delivery}"
        news = Receipt(self.one.id, event, delivery, cost=cost, carrier=Carrier(code, MESSAGE))
        for desk in self.chance.choices(self.desks, k=2):  # carriers tell twice
            desk.verifier.receive(news)
        words = {
            Delivery.SENT: "handed on to the phone's network",
            Delivery.DELIVERED: "delivered",
            Delivery.BLOCKED: "blocked",
        }[delivery]
        self.diary.tell(
            self.number, f"{words}{f' (carrier{chr(39)}s code {code})' if code else ''}, carrier's id {MESSAGE}"
        )
        if delivery is Delivery.DELIVERED:
            self.diary.count(self, "delivered")
        if cost is not None:
            self.diary.count(self, "spent", cost - PRICE)

    def type(self, *, right=True):
        token = self.desks[0].token_of(self.one)

        def step():
            try:
                self.desk.verifier.check(self.one.id, token if right else wrong(token), caller=self.caller)
            except TokenRejected as error:
                self.diary.tell(self.number, f"wrong code, number {5 - error.checks_left}")
                return
            except UnknownVerification:
                self.diary.refuse(self.number, "a check", "it had expired")
                return
            seconds = int(self.diary.clock() - self.began)
            self.diary.tell(self.number, f"approved, {seconds} s after")
            self.diary.approve(self, seconds)

        self._limited("a check", step)

    def stop(self, *, out):
        self.desk.verifier.receive(OptOut(self.number, out=out, event=f"{self.diary.clock()}"))
        self.diary.tell(self.number, "texted STOP" if out else "texted START")


def finishes(one):
    one.ask()
    if one.one:
        one.hear(Delivery.SENT)
        one.wait(3, 15)
        one.hear(Delivery.DELIVERED, cost=COST)
        one.wait(1, 150)
        one.type()


def mistypes(one):
    one.ask()
    if one.one:
        one.wait(5, 30)
        one.type(right=False)
        one.wait(5, 30)
        one.type()


def asks_again(one):
    one.ask()
    if one.one:
        one.wait(1, 29)
        one.ask_again()  # too soon
        one.wait(30, 90)
        one.ask_again()
        one.wait(5, 30)
        one.type()


def comes_late(one):
    one.ask()
    if one.one:
        one.wait(601, 700)
        one.type()
        one.type()


def is_filtered(one):
    one.ask()
    if one.one:
        one.hear(Delivery.BLOCKED, code="40002")


def is_refused(one):
    delivery = one.chance.choice(list(REASONS))
    one.desks[0].sender.refuse(delivery=delivery, code=REASONS[delivery])
    one.ask()


def is_lost(one):
    one.desks[0].sender.lose()
    one.ask()
    if one.one:
        one.wait(5, 30)
        one.type()


def stops(one):
    one.stop(out=True)
    one.ask()
    one.wait(60, 90)
    one.stop(out=False)
    one.ask()


def hammers(one):
    for _ in range(9):
        one.ask()
        one.wait(1, 5)


LIVES = (finishes,) * 8 + (mistypes, asks_again, comes_late, is_filtered, is_refused, is_lost, stops, hammers)


def is_loaded(server):
    with server.client() as client:
        return not client.info("persistence")["loading"]


@pytest.fixture
def day(settings, sender, clock):
    """Three replicas, whose server is restarted at noon; and the diary."""
    with ExitStack() as ends:
        server = ends.enter_context(StoreServer(binary_of(QUICK), appendonly=True))
        rules = settings(
            MESSAGE_PRICES=(("*", PRICE),), ALLOWED_REGIONS=("US", "CA"), SENDS_IN_ALL=(Window(10**6, DAY),)
        )
        make = lambda: Desk(opened(server.url, [server], ends), rules, sender, (SECRET, OLD_SECRET), clock)  # noqa: E731
        desks = [make() for _ in range(3)]
        yield server, desks, make, Diary(clock), rules


def live(day, people):
    """Let people come, from everywhere, and an attack from one network."""
    server, desks, make, diary, _rules = day
    chance = random.Random(20)
    every, abroad = ranges(), ranges(areas=(416, 514, 604))
    for place in range(people):
        country = "CA" if place % 9 == 0 else "US"
        number = f"{next(abroad if country == 'CA' else every)}{chance.randint(1000, 9999)}"
        address = f"100.{64 + place // 250}.{place % 250}.9"
        client = "shop" if place % 4 == 0 else ""
        chance.choice(LIVES)(Person(diary, desks, chance, number, address, country, client))
        if place % 3 == 0:  # one who works through a range
            Person(diary, desks, chance, f"+1202777{1000 + place}", "198.51.100.7").ask()
        diary.clock.advance(chance.randint(1, 40))
        if place == people // 2:
            server.restart()
            wait_until(lambda: is_loaded(server), what="the server has read its file")
            desks[1] = make()
    return chance


@pytest.mark.slow
def test_the_commands_tell_what_happened(day):
    chance = live(day, PEOPLE)
    _server, desks, _make, diary, rules = day

    refused = [number for number, told in diary.numbers.items() if any(one.refusal for one in told)]
    looked_at = chance.sample(sorted(diary.numbers), LOOKED_AT) + chance.sample(refused, 5)
    for number in looked_at:
        shown = list(Trail(desks[1].store, desks[1].keyring, rules.policy, diary.clock).show(number))
        events = [line for line in shown[1 : shown.index("Now:")] if not line.startswith(" " * 20)]
        assert len(events) == len(diary.numbers[number]), (shown, diary.numbers[number])
        for line, told in zip(events, diary.numbers[number], strict=True):
            assert line.startswith(f"  {_time(told.at)}  "), (line, told)
            assert told.words in line, (line, told)
            if told.refusal:
                assert told.refusal.partition(": ")[2] in line
                assert (f"; {told.times} times since {_time(told.since)}" in line) == (told.times > 1)

    days = sorted({day for day, *_ in diary.figures})
    rows = {
        (row.day, row.country, row.client): row
        for day in days
        for row in stats.read(desks[2].store, datetime.fromisoformat(day).date())
    }
    assert {subject: _counts(row) for subject, row in rows.items()} == {
        subject: _expected(counts, diary.seconds[subject]) for subject, counts in diary.figures.items()
    }


def _counts(row):
    return {
        **{f"refused {limit}": many for limit, many in row.refused.items()},
        **{name: getattr(row, name) for name in ("starts", "sends", "delivered", "approved", "seconds")},
        "spent": round(row.spent, 6),
    }


def _expected(counts, seconds):
    names = ("starts", "sends", "delivered", "approved")
    return {
        **{name: many for name, many in counts.items() if name.startswith("refused ")},
        **{name: counts[name] for name in names},
        "seconds": sorted(seconds)[(len(seconds) - 1) // 2] if seconds else None,
        "spent": round(counts["spent"], 6),
    }


def _time(at):
    return f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%d %H:%M:%S}"
