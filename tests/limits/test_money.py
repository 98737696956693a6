"""Money a day: by the price table first, and by what Telnyx says a message did cost later."""

import pytest

from service.verification.errors import Delivery, Limit
from service.verification.ports import Receipt

PRICES = {"SPEND_PER_DAY": 1.0, "MESSAGE_PRICES": (("US", 0.1), ("*", 0.4)), "ALLOWED_REGIONS": ("US", "GB", "FR")}


def receipt(one, cost, event="event-1"):
    return Receipt(id=one.id, event=event, delivery=Delivery.DELIVERED, cost=cost)


def until_midnight(clock):
    return 86_400 - int(clock()) % 86_400


@pytest.fixture
def noon(clock):
    """A day begins at midnight in UTC, and the tests begin whenever they do."""
    clock.advance(86_400 + 43_200 - clock() % 86_400)
    return clock


def test_the_price_table_is_spent_to_the_last_message(desk, scattered, noon, sender):
    one = desk(**PRICES)
    for _ in range(10):
        one.approve(next(scattered))

    assert one.refusal(next(scattered)) == (Limit.SPENT_TODAY, 43_200)
    assert len(sender.messages) == 10


def test_each_country_has_its_price(desk, scattered, noon):
    one = desk(**PRICES)
    one.start("+447400123456")
    one.start("+33612345678")

    assert one.refusal("+447400123457")[0] is Limit.SPENT_TODAY, "0.8 and 0.4 are more than 1"
    one.start(next(scattered))
    one.start(next(scattered))
    assert one.refusal(next(scattered))[0] is Limit.SPENT_TODAY


def test_a_refusal_for_money_spends_nothing(desk, scattered, noon):
    one = desk(**PRICES)
    for _ in range(10):
        one.approve(next(scattered))
    before = one.contents()

    for _ in range(5):
        one.refusal(next(scattered))

    assert one.contents() == before


def test_the_next_day_is_a_new_one(desk, scattered, noon):
    one = desk(**PRICES)
    for _ in range(10):
        one.approve(next(scattered))
    noon.advance(43_199)
    assert one.refusal(next(scattered)) == (Limit.SPENT_TODAY, 1)
    noon.advance(1)

    assert one.start(next(scattered)).sends == 1


def test_another_message_costs_as_well(desk, number, noon):
    one = desk(**PRICES | {"SPEND_PER_DAY": 0.2})
    started = one.start(number)
    noon.advance(30)
    one.verifier.resend(started.id)

    noon.advance(60)
    with pytest.raises(Exception, match="spent_today"):
        one.verifier.resend(started.id)


def test_what_it_did_cost_replaces_what_it_was_taken_to_cost(desk, scattered, noon):
    """Nine of a tenth each, and one that was three tenths: then there is nothing left for a tenth one."""
    one = desk(**PRICES)
    started = [one.start(next(scattered)) for _ in range(8)]
    one.verifier.receive(receipt(started[0], 0.3))

    assert one.refusal(next(scattered))[0] is Limit.SPENT_TODAY


def test_what_was_cheaper_makes_room(desk, scattered, noon, sender):
    one = desk(**PRICES, STARTS_PER_ADDRESS=())
    started = [one.start(next(scattered)) for _ in range(10)]
    assert one.refusal(next(scattered))[0] is Limit.SPENT_TODAY
    one.verifier.receive(receipt(started[0], 0.0))

    one.start(next(scattered))

    assert one.refusal(next(scattered))[0] is Limit.SPENT_TODAY
    assert len(sender.messages) == 11


def test_a_receipt_that_comes_twice_is_counted_once(desk, scattered, noon):
    one = desk(**PRICES)
    started = [one.start(next(scattered)) for _ in range(6)]
    for _ in range(3):
        one.verifier.receive(receipt(started[0], 0.3))

    one.start(next(scattered))
    one.start(next(scattered))

    assert one.refusal(next(scattered))[0] is Limit.SPENT_TODAY


def test_without_a_cap_no_money_is_counted(desk, number):
    one = desk()
    one.verifier.receive(receipt(one.start(number), 0.3))

    assert [name for name in one.contents() if name.startswith("{tp}:m:")] == []


def test_to_watch_money_refuses_nothing(desk, scattered, news, sender):
    one = desk(**PRICES, OBSERVE=("spend",))
    for _ in range(13):
        one.approve(next(scattered))

    assert len(sender.messages) == 13
    assert len([line for line in news() if line.startswith("would_refuse spent_today")]) == 3
