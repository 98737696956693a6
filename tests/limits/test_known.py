"""Numbers that an application vouches for: a higher ceiling, and nothing held against them that others did."""

from contextlib import suppress
from dataclasses import replace
from itertools import islice

import pytest

from service.verification.caller import Caller
from service.verification.errors import Limit, Limited
from tests.limits.desk import every, lines, refused

SHOP = Caller(client="shop")
KNOWN = replace(SHOP, vouches=True)


def start(one, number, caller):
    return one.verifier.start(number, caller=caller)


@pytest.mark.parametrize(("caller", "messages"), [(SHOP, 5), (KNOWN, 10)], ids=["unknown", "known"])
def test_a_known_number_is_texted_twice_as_often(desk, number, sender, caller, messages):
    one = desk(STARTS_PER_PREFIX=())
    for _ in range(messages):
        start(one, number, caller)

    assert refused(lambda: start(one, number, caller)) == (Limit.SENDS_OF_NUMBER, 3600)
    assert len(sender.messages) == messages


@pytest.mark.parametrize(("caller", "messages"), [(SHOP, 5), (KNOWN, 8)], ids=["unknown", "known"])
def test_a_known_number_is_sent_the_same_again_as_often(desk, number, clock, caller, messages):
    """Whoever sends again need not vouch again: the store remembers who began."""
    one = desk(STARTS_PER_PREFIX=(), MAX_SENDS=5)
    *_, last = [start(one, number, caller) for _ in range(5)]

    for _ in range(3):
        clock.advance(300 / 3)
        with suppress(Limited):
            one.verifier.resend(last.id, caller=SHOP)

    assert one.sent == messages


def test_a_known_number_does_not_wait_for_its_range(desk, strangers):
    """That five people of an application had closed for it. The same again does not wait either."""
    one, range_ = desk(), lines("+1202777")
    people = [replace(Caller.at(place), client="shop") for place in islice(strangers, 6)]
    vouched = replace(people[0], vouches=True)
    known, unknown = (start(one, next(range_), person) for person in (vouched, people[0]))
    for person in people[1:5]:
        start(one, next(range_), person)
    one.clock.advance(240)
    start(one, next(range_), people[5])
    assert refused(lambda: start(one, next(range_), people[0]))[0] is Limit.CLOSED
    assert refused(lambda: one.verifier.resend(unknown.id, caller=people[0]))[0] is Limit.CLOSED

    assert start(one, next(range_), vouched).sends == 1
    assert one.verifier.resend(known.id, caller=people[0]).sends == 2


def test_a_known_number_that_the_operator_closed_stays_closed(desk, number):
    one = desk()
    one.operator.block(number)

    assert refused(lambda: start(one, number, KNOWN))[0] is Limit.CLOSED


def test_known_numbers_spend_what_all_spend(desk, numbers):
    one = desk(SENDS_PER_CLIENT=every(2, 60))
    for _ in range(2):
        start(one, next(numbers), KNOWN)

    assert refused(lambda: start(one, next(numbers), KNOWN))[0] is Limit.SENDS_OF_CLIENT
