"""Money a day: by the price table first, and by what Telnyx says a message did cost later."""

from contextlib import suppress

import pytest

from service.verification.errors import Delivery, Limit, Limited
from service.verification.ports import Receipt

PRICES = {"SPEND_PER_DAY": 1.0, "MESSAGE_PRICES": (("US", 0.1), ("*", 0.4)), "ALLOWED_REGIONS": ("US", "GB", "FR")}
HUNDRED = {"SPEND_PER_DAY": 1.0, "MESSAGE_PRICES": (("US", 0.01),)}  # messages


@pytest.fixture
def noon(clock):
    """A day begins at midnight in UTC, and the tests begin whenever they do."""
    clock.advance(86_400 + 43_200 - clock() % 86_400)
    return clock


@pytest.fixture
def one(desk, noon):
    return desk(**PRICES, STARTS_PER_ADDRESS=())


def buys(one, numbers, at_most=12):
    """Ask until money refuses, and return how many messages there were."""
    before = one.sent
    with suppress(Limited):
        for _ in range(at_most):
            one.start(next(numbers))
    bought = one.sent - before
    assert bought == at_most or one.refusal(next(numbers))[0] is Limit.SPENT_TODAY
    return bought


def test_the_price_table_is_spent_to_the_last_message_until_midnight(one, scattered, noon):
    assert buys(one, scattered) == 10
    assert one.refusal(next(scattered)) == (Limit.SPENT_TODAY, 43_200)
    noon.advance(43_199)
    assert one.refusal(next(scattered)) == (Limit.SPENT_TODAY, 1)
    noon.advance(1)

    assert buys(one, scattered) == 10


def test_each_country_has_its_price(one, scattered):
    one.start("+447400123456")
    one.start("+33612345678")

    assert one.refusal("+447400123457")[0] is Limit.SPENT_TODAY, "0.8 and 0.4 are more than 1"
    assert buys(one, scattered) == 2


def test_another_message_costs_as_well(one, number, scattered):
    one.resend(one.start(number))

    assert buys(one, scattered) == 8


@pytest.mark.parametrize(("cost", "times", "further"), [(0.3, 1, 2), (0.3, 3, 2), (0.0, 1, 5)])
def test_what_it_did_cost_replaces_what_it_was_taken_to_cost(one, scattered, cost, times, further):
    """A receipt that comes again is counted once; what was cheaper makes room."""
    started = [one.start(next(scattered)) for _ in range(6)]
    for _ in range(times):
        one.verifier.receive(Receipt(id=started[0].id, event="event-1", delivery=Delivery.DELIVERED, cost=cost))

    assert buys(one, scattered) == further


def test_without_a_cap_no_money_is_counted(desk, number):
    one = desk()
    one.verifier.receive(Receipt(id=one.start(number).id, event="event-1", delivery=Delivery.DELIVERED, cost=0.3))

    assert [name for name in one.contents() if name.startswith("{tp}:m:")] == []


def test_to_watch_money_refuses_nothing(desk, scattered, news, noon):
    one = desk(**PRICES, STARTS_PER_ADDRESS=(), OBSERVE=("spend",))

    assert buys(one, scattered) == 12
    assert news() == ["would_refuse spent_today"] * 2


def test_a_few_networks_leave_most_of_the_money_to_others(desk, scattered, strangers):
    """It has the same parts as SENDS_IN_ALL: see `PARTS_OF_PAGES`."""
    one = desk(**HUNDRED)
    places = [next(strangers) for _ in range(5)]
    for number, place in zip(scattered, places * 30, strict=False):
        with suppress(Limited):
            one.start(number, place)

    assert one.sent <= 35, "15 of a hundred, then two of each network; an address may have ten an hour"
    assert one.start(next(scattered), "203.0.113.9").sends == 1
