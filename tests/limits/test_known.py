"""Numbers that an application vouches for: a higher ceiling, and nothing held against them that others did."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest

from service.verification.caller import Caller
from service.verification.errors import Limit, Limited
from service.verification.policy import Window
from tests.limits.desk import lines, refused

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


@pytest.fixture
def shut(desk, strangers):
    """A service, and a range that five people of an application had closed for it."""
    one, range_ = desk(), lines("+1202777")
    people = [replace(Caller.at(place), client="shop") for place in islice(strangers, 6)]
    known, unknown = (start(one, next(range_), replace(people[0], vouches=vouches)) for vouches in (True, False))
    for person in people[1:5]:
        start(one, next(range_), person)
    one.clock.advance(240)
    start(one, next(range_), people[5])
    return one, next(range_), people[0], known, unknown


def test_a_known_number_does_not_wait_for_its_range(shut):
    one, number, person, *_ = shut
    assert refused(lambda: start(one, number, person))[0] is Limit.CLOSED

    assert start(one, number, replace(person, vouches=True)).sends == 1


def test_a_known_number_that_the_operator_closed_stays_closed(desk, number):
    one = desk()
    one.operator.block(number)

    assert refused(lambda: start(one, number, KNOWN))[0] is Limit.CLOSED


def test_known_numbers_spend_what_all_spend(desk, numbers):
    one = desk(SENDS_PER_CLIENT=(Window(2, timedelta(minutes=1)),))
    for _ in range(2):
        start(one, next(numbers), KNOWN)

    assert refused(lambda: start(one, next(numbers), KNOWN))[0] is Limit.SENDS_OF_CLIENT


@pytest.mark.parametrize(("caller", "messages"), [(SHOP, 5), (KNOWN, 8)], ids=["unknown", "known"])
def test_a_known_number_is_sent_the_same_again_as_often(desk, number, clock, caller, messages):
    """Whoever sends again need not vouch again: the store remembers who began."""
    one = desk(STARTS_PER_PREFIX=(), MAX_SENDS=5)
    for _ in range(4):
        start(one, number, caller)
    last = one.verifier.start(number, caller=caller)

    for _ in range(3):
        clock.advance(300 / 3)
        with suppress(Limited):
            one.verifier.resend(last.id, caller=SHOP)

    assert one.sent == messages


def test_the_same_again_to_a_known_number_does_not_wait_for_its_range(shut):
    one, _, person, known, unknown = shut

    assert refused(lambda: one.verifier.resend(unknown.id, caller=person))[0] is Limit.CLOSED
    assert one.verifier.resend(known.id, caller=person).sends == 2
