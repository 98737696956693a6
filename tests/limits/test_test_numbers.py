"""Test numbers: never texted, a fixed token, an end, and no budget."""

from datetime import UTC, date, datetime, timedelta

import pytest

from service.verification.errors import InvalidNumber, Limit, NumberFault, TokenRejected
from service.verification.policy import TestNumber as Fixed
from service.verification.ports import Status
from tests.limits.desk import HERE

REVIEWER = "+12027770100"


@pytest.fixture
def one(desk, clock):
    today = datetime.fromtimestamp(clock(), UTC).date()
    return desk(TEST_NUMBERS=((REVIEWER, Fixed("12AB56", today + timedelta(days=1))),))


def test_the_token_is_known_nothing_is_sent_and_no_budget_is_spent(one, sender, clock):
    started = [one.start(REVIEWER) for _ in range(50)]
    clock.advance(30)
    assert one.verifier.resend(started[-1].id).sends == 2
    with pytest.raises(TokenRejected):
        one.check(started[-1], "12AB57")

    assert {name.split(":")[1] for name in one.contents()} == {"v", "t", "n"}
    assert one.check(started[-1], "12ab56").status is Status.APPROVED
    assert sender.messages == []


def test_a_network_starts_a_hundred_in_ten_minutes_and_keeps_nobody_else_from_it(one, strangers, clock):
    """Each leaves something in Redis."""
    for place in range(100):
        one.start(REVIEWER, f"2001:db8:7:{place:x}::1")

    assert one.refusal(REVIEWER, "2001:db8:7:ffff::1") == (Limit.SENDS_OF_NUMBER, 600)
    assert one.start(REVIEWER, next(strangers)).sends == 1
    clock.advance(600)
    assert one.start(REVIEWER, "2001:db8:7:ffff::1").sends == 1
    (number,) = [held for name, held in one.contents().items() if name.startswith("{tp}:n:")]
    assert sum(len(times) for times in number.values()) < 100, "what is over is forgotten"


def test_testers_at_the_same_time_do_not_meet(one, strangers):
    """What many strangers share is a message, and here is none; nor do wrong codes of one lock another out."""
    places = [HERE, *(next(strangers) for _ in range(24))]
    started = [one.start(REVIEWER, place) for place in places]

    for verification, place in zip(started, places, strict=True):
        mistyped = one.start(REVIEWER, place)
        for _ in range(5):
            with pytest.raises(TokenRejected):
                one.check(mistyped, "12AB57", place)
        assert one.check(verification, "12AB56", place).status is Status.APPROVED


def test_it_works_on_its_last_day_and_not_after(one, desk, clock):
    clock.advance(2 * 86_400 - clock() % 86_400 - 1)
    assert one.start(REVIEWER).status is Status.PENDING
    clock.advance(1)

    with pytest.raises(InvalidNumber) as refusal:
        one.start(REVIEWER)

    assert refusal.value.reason is NumberFault.TEST_ENDED
    with pytest.raises(InvalidNumber):
        desk(TEST_NUMBERS=((REVIEWER, Fixed("12AB56", date(2001, 1, 1))),)).start(REVIEWER)
