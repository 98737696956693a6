"""The budgets that many numbers share: exact counts, exact waits, and windows that slide."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

import pytest

from service.verification.caller import Caller
from service.verification.errors import Limit, Limited
from service.verification.policy import Window
from tests.limits.desk import HERE, every, lines, refused
from tests.support.http import burst

AT_ONCE = 150


@dataclass(frozen=True)
class Budget:
    """One limit: how it is set, and what its subject is."""

    limit: Limit
    count: int
    span: int
    settings: dict
    one_range: bool = False
    callers: str = "strangers"
    comes_back: bool = False
    """An approval gives it back."""

    def asks(self, numbers: Iterator[str], strangers: Iterator[str]) -> Iterator[tuple[str, Caller]]:
        """Yield starts of the same subject, which share nothing else."""
        near = lines("+1202777")
        for index, stranger in enumerate(strangers):
            number = next(near) if self.one_range else next(numbers)
            callers = {
                "strangers": Caller.at(stranger),
                "address": Caller.at(HERE),
                "network": Caller.at(f"2001:db8:7:{index:x}::1"),
                "client": Caller(client="shop"),
                "known": replace(Caller.at(stranger), vouches=True),
            }
            yield number, callers[self.callers]


# Those with no settings are as shipped: design, section 7.
BUDGETS = {
    "address": Budget(Limit.STARTS_OF_ADDRESS, 10, 3600, {}, callers="address", comes_back=True),
    "network": Budget(Limit.STARTS_OF_NETWORK, 40, 3600, {}, callers="network", comes_back=True),
    "prefix": Budget(Limit.STARTS_OF_PREFIX, 10, 3600, {"UNFINISHED_PLACES": 1000}, one_range=True, comes_back=True),
    "country": Budget(Limit.SENDS_OF_COUNTRY, 7, 600, {"SENDS_PER_COUNTRY": every(7, 600)}),
    "client": Budget(Limit.SENDS_OF_CLIENT, 6, 600, {"SENDS_PER_CLIENT": every(6, 600)}, callers="client"),
    "everything": Budget(Limit.SENDS_IN_ALL, 8, 1200, {"SENDS_IN_ALL": every(8, 1200)}, callers="known"),
}
ALL = pytest.mark.parametrize("name", BUDGETS)


class Line:
    """People in a line: each asks for another number, and all of them count for one subject."""

    def __init__(self, desk, asks):
        self.desk = desk
        self.asks = asks

    def start(self, times=1):
        return [self.desk.verifier.start(number, caller=caller) for number, caller in islice(self.asks, times)]

    def refusal(self):
        return refused(self.start)


@pytest.fixture
def line(desk, scattered, strangers):
    def make(name, **changes):
        budget = BUDGETS[name]
        return budget, Line(desk(**budget.settings | changes), budget.asks(scattered, strangers))

    return make


@ALL
def test_so_many_pass_and_who_is_refused_spends_nothing_anywhere(line, sender, clock, name):
    budget, people = line(name)
    people.start(budget.count)
    before = people.desk.contents()

    for passed in range(20):
        assert people.refusal() == (budget.limit, budget.span - passed)
        clock.advance(1)

    assert len(sender.messages) == budget.count
    assert people.desk.contents() == before


@ALL
def test_of_a_crowd_at_three_replicas_exactly_so_many_pass(line, desk, name):
    """That threads meet at all is shown by `tests/races/test_control.py`, with a naive count of checks."""
    budget, people = line(name)
    replicas = [people.desk, *(desk(**budget.settings) for _ in range(2))]
    asks = list(islice(people.asks, AT_ONCE))

    def ask(place):
        number, caller = asks[place]
        return replicas[place % 3].verifier.start(number, caller=caller).sends

    answers = burst(AT_ONCE, ask, threads=16)

    assert answers.count(1) == budget.count
    assert {error.limit for error in answers if isinstance(error, Limited)} == {budget.limit}
    assert people.desk.engine.immortal() == []


@ALL
@pytest.mark.parametrize("how", ["by itself", "with all"])
def test_a_limit_that_is_only_watched_counts_and_tells_and_refuses_nothing(line, news, sender, name, how):
    budget, people = line(name, **({"OBSERVE": (name,)} if how == "by itself" else {"LIMITS_MODE": "observe"}))

    people.start(budget.count)
    assert news() == []
    people.start(5)

    assert len(sender.messages) == budget.count + 5
    assert max(people.desk.budget(budget.limit), default=0) <= budget.count, "no longer than it needs to be"
    assert news() == [f"would_refuse {budget.limit}"] * 5


@ALL
def test_the_wait_is_told_to_the_second(line, clock, name):
    budget, people = line(name)
    people.start(budget.count)
    clock.advance(budget.span - 1.5)
    assert people.refusal() == (budget.limit, 2)
    clock.advance(1.499)
    assert people.refusal() == (budget.limit, 1)
    clock.advance(0.001)

    people.start(budget.count)

    assert people.refusal() == (budget.limit, budget.span)


@ALL
def test_the_window_slides(line, clock, name):
    """There is no moment at which everything is forgotten: for each that leaves the window, one may come."""
    budget, people = line(name)
    for _ in range(budget.count):
        people.start()
        clock.advance(10)
    clock.advance(budget.span - 10 * budget.count)

    for _ in range(budget.count - 1):
        people.start()
        assert people.refusal() == (budget.limit, 10)
        clock.advance(10)


@ALL
def test_to_watch_one_limit_leaves_the_others_in_force(line, name):
    others = set(BUDGETS) - {name}
    budget, people = line(name, OBSERVE=tuple(others))

    people.start(budget.count)

    assert people.refusal() == (budget.limit, budget.span)


@ALL
def test_an_approval_gives_back_a_start_but_not_a_message(line, name):
    budget, people = line(name)
    started = people.start(budget.count)
    people.desk.check(started[3], people.desk.token_of(started[3]))

    if budget.comes_back:
        people.start()

    assert people.refusal() == (budget.limit, budget.span)


@pytest.mark.parametrize("name", sorted(set(BUDGETS) - {"everything"}))
def test_other_subjects_are_not_affected(line, desk, name):
    budget, people = line(name)
    people.start(budget.count)

    verified = desk(**budget.settings, ALLOWED_REGIONS=("US", "CA")).start("+16045550123", "203.0.113.9")

    assert verified.sends == 1


def test_two_windows_hold_side_by_side(desk, scattered):
    one = desk(SENDS_PER_COUNTRY=(Window(3, timedelta(seconds=60)), Window(5, timedelta(seconds=1000))))
    for _ in range(3):
        one.start(next(scattered))
    assert one.refusal(next(scattered)) == (Limit.SENDS_OF_COUNTRY, 60)
    one.clock.advance(60)
    for _ in range(2):
        one.start(next(scattered))

    assert one.refusal(next(scattered)) == (Limit.SENDS_OF_COUNTRY, 940)


def test_shipped_are_500_messages_an_hour_and_3000_a_day(desk):
    everything = desk().verifier.policy.shared.everything

    assert everything.windows == (Window(500, timedelta(hours=1)), Window(3000, timedelta(days=1)))


def test_another_message_counts_as_the_first(desk, number):
    one = desk(SENDS_PER_COUNTRY=every(3, 600))
    one.resend(one.start(number))

    assert one.unfinished() == [2]
    assert one.budget(Limit.SENDS_OF_COUNTRY) == one.budget(Limit.SENDS_IN_ALL) == [2]


def test_when_several_limits_refuse_nothing_is_spent_in_those_that_do_not(desk, scattered, strangers):
    """All or nothing: the address has room, and keeps it."""
    one = desk()
    for number in islice(lines("+1202777"), 10):
        one.start(number, next(strangers))

    for number in islice(lines("+1202777", 11), 20, 40):
        assert one.refusal(number)[0] is Limit.STARTS_OF_PREFIX
    for _ in range(10):
        one.start(next(scattered))

    assert one.refusal(next(scattered))[0] is Limit.STARTS_OF_ADDRESS
