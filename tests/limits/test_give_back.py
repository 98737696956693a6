"""What is spent for nothing comes back; and only once."""

from contextlib import suppress
from itertools import islice

import pytest

from service.verification.errors import Delivery, Limit, Limited, SendRefused, SendUncertain, VerificationError
from tests.limits.desk import HERE, lines, ranges
from tests.fakes import GoneStore

PRICED = {"SPEND_PER_DAY": 50.0, "MESSAGE_PRICES": (("*", 0.05),)}


def shared(contents):
    """Return what belongs to everybody, without what is empty."""
    return {name: value for name, value in contents.items() if "{limits}" in name}


def spent(one):
    """Return what the shared budgets say has been spent, in a form that is the same for never and not any more."""
    found = {}
    for name, value in shared(one.contents()).items():
        match value:
            case bytes():
                found[name] = int(value)
            case dict():
                found |= {f"{name} {slot.decode()}": int(count) for slot, count in value.items()}
            case _:
                found[name] = len(value)
    return {name: count for name, count in found.items() if count}


def test_when_the_number_itself_refuses_everybody_gets_theirs_back(desk, number):
    one = desk(SENDS_PER_COUNTRY=(), **PRICED)
    for _ in range(5):
        one.start(number)
    before = one.contents()
    one.clock.advance(0.001)

    assert one.refusal(number) == (Limit.SENDS_OF_NUMBER, 3600)

    assert one.contents() == before


def test_a_number_that_wants_no_messages_costs_nothing(desk, number):
    one = desk(**PRICED)
    one.store.opt_out(one.key.number_digest(number), out=True)

    with pytest.raises(SendRefused):
        one.start(number)

    assert spent(one) == {}


def test_a_click_that_comes_twice_is_spent_once(desk, number):
    one = desk(**PRICED)
    first = one.start(number, nonce="form-1")
    before = spent(one)
    one.clock.advance(0.001)

    assert one.start(number, nonce="form-1") == first

    assert spent(one) == before


def test_a_start_that_shares_a_message_costs_nobody_anything(desk, number, strangers):
    one = desk(**PRICED)
    one.start(number)
    before = spent(one)
    one.clock.advance(0.001)

    assert one.start(number, next(strangers)).is_shared

    assert spent(one) == before


def test_what_was_given_back_for_a_shared_start_is_not_missing_for_the_first(desk, number, strangers):
    """The first start's line and count stay: asking twice for each number would hide a sequence."""
    one = desk()
    one.start(number)
    before = shared(one.contents())

    one.clock.advance(1)
    one.start(number, next(strangers))

    assert shared(one.contents()) == before


def test_a_resend_that_comes_too_soon_costs_nothing(desk, number):
    one = desk(**PRICED)
    started = one.start(number)
    before = spent(one)
    one.clock.advance(0.001)

    with pytest.raises(Limited):
        one.verifier.resend(started.id)

    assert spent(one) == before


def test_a_message_that_the_carrier_refuses_costs_no_money(desk, number, sender):
    """A landline costs the operator nothing, and so it takes nothing of what others may still send."""
    one = desk(**PRICED)
    sender.refuse(delivery=Delivery.LANDLINE)

    with pytest.raises(SendRefused):
        one.start(number)

    left = spent(one)
    assert [name for name in left if name.startswith("m:")] == []
    assert one.budget(Limit.SENDS_IN_ALL) == []


def test_a_message_whose_fate_is_unknown_stays_spent(desk, number, sender):
    one = desk(**PRICED)
    sender.lose()

    with suppress(SendUncertain):
        one.start(number)

    assert one.budget(Limit.SENDS_IN_ALL) == one.budget(Limit.STARTS_OF_ADDRESS) == [1]


def test_an_approval_is_settled_once(desk, scattered):
    one = desk()
    for number in islice(scattered, 9):
        one.start(number)
    last = next(scattered)
    started = one.start(last)
    token = one.token_of(started)

    one.verifier.check(started.id, token, nonce="form-1")
    for _ in range(5):
        with suppress(VerificationError):
            one.verifier.check(started.id, token, nonce="form-1")
    one.verifier.settled()

    assert one.budget(Limit.STARTS_OF_ADDRESS) == [9]


def test_an_office_of_forty_is_let_in_one_after_the_other(desk, sender):
    """All behind one address, all into one town: what pumping never does is finish."""
    one = desk(SENDS_IN_ALL=())
    town = lines(next(ranges()))

    for number in islice(town, 40):
        one.approve(number, HERE)
        one.clock.advance(5)

    assert len(sender.messages) == 40


def test_the_last_click_that_fits_may_come_twice(desk, scattered):
    """A double click never shows an error for it, not even where the budget is spent by now."""
    one = desk()
    for number in islice(scattered, 9):
        one.start(number)
    last = next(scattered)
    first = one.start(last, nonce="form-1")

    again = one.start(last, nonce="form-1")

    assert again == first


def test_a_start_that_never_came_to_the_store_of_numbers_is_not_sent(desk, number, sender, monkeypatch):
    one = desk()
    monkeypatch.setattr(one.store, "start", GoneStore().start)

    with pytest.raises(VerificationError):
        one.start(number)

    assert sender.messages == []


def as_an_earlier_version_wrote(one):
    """Put back what records held before they left out what is usual, and told the region."""
    (node,) = one.engine.nodes
    for name in node.scan_iter("v:*"):
        origin, begun = node.hmget(name, "o", "b")
        node.hset(name, mapping={"o": origin.rpartition(b":")[0], "n": 1, "l": begun, "c": 0})
    for name in node.scan_iter("n:*"):
        node.hset(name, "k", 0)


def test_an_approval_of_an_earlier_version_is_settled(desk, number):
    one = desk()
    started = one.start(number, "2001:db8::7")
    as_an_earlier_version_wrote(one)

    assert one.check(started, one.token_of(started), "2001:db8::7").to.region == "US"

    assert one.budget(Limit.STARTS_OF_ADDRESS) == one.budget(Limit.STARTS_OF_NETWORK) == []


def test_a_token_of_an_earlier_version_that_nobody_shares_is_not_shared(desk, number):
    one = desk()
    first = one.start(number)
    as_an_earlier_version_wrote(one)

    assert not one.start(number).is_shared
    as_an_earlier_version_wrote(one)
    one.clock.advance(60)
    assert one.verifier.resend(first.id).sends == 2
