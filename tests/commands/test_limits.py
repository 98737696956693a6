"""`textproof limits`: what refuses is shown, and what it says it has done has an effect."""

import pytest

from service.commands.limits import Limits, NotASubject
from service.verification.caller import Caller
from service.verification.errors import Limited, SendingHeld, TokenRejected
from tests.fakes import typed_token, wrong

SOMEWHERE = Caller.at("192.0.2.7")
RANGE = "+1202555"


@pytest.fixture
def limits(store, keyring, policy, clock):
    return Limits(store, keyring, policy, clock)


@pytest.fixture
def shown(limits):
    return lambda: "\n".join(limits.show())


def close(verifier, clock, caller_of):
    """Have five networks ask for numbers of one range, so that it closes to the sixth."""
    for place in range(5):
        verifier.start(f"{RANGE}0{place}43", caller=caller_of(place))
    clock.advance(300)
    with pytest.raises(Limited):
        verifier.start(f"{RANGE}0043", caller=caller_of(0))


def of_pages(place):
    return Caller.at(f"10.{place}.0.1")


def of_shop(place):
    return Caller(address=f"shop {place}", network=f"shop {place}", client="shop")


@pytest.mark.parametrize("what", ["+1415", "+1", "+1415555014", "+999123", "+49151"])
def test_a_range_that_would_close_nothing_is_refused(limits, what):
    with pytest.raises(NotASubject, match=r"would close nothing|of no country"):
        limits.block(what)

    assert next(iter(limits.show())) == "Nothing is closed."


def test_the_refusal_names_the_length_that_is_right(limits):
    with pytest.raises(NotASubject, match=r"\+1415 has 4 digits.* which has 7\."):
        limits.block("+1415")


def test_a_range_that_is_closed_gets_no_message(limits, verifier):
    assert limits.block("+1415770") == "range"

    with pytest.raises(Limited):
        verifier.start("+14157701234")


def test_a_pause_is_shown(shown, store, keyring, verifier, clock, number):  # noqa: PLR0917
    store.verifications.pause(keyring=keyring.id, now=int(clock() * 1000), is_trial=False)

    with pytest.raises(SendingHeld):
        verifier.start(number)
    assert "Sending is paused for 2 more minutes." in shown()


@pytest.mark.parametrize(("caller_of", "whose"), [(of_pages, ""), (of_shop, ", to shop")], ids=["pages", "application"])
def test_a_range_that_a_limit_closed_is_shown_and_opened(  # noqa: PLR0917
    limits, shown, verifier, clock, caller_of, whose
):
    close(verifier, clock, caller_of)
    left = policy_minutes(verifier)
    assert f"  range    {RANGE:20} for {left} more minutes{whose}\n" in shown()

    assert limits.lift(RANGE)

    assert "Nothing is closed." in shown()
    verifier.start(f"{RANGE}0743", caller=caller_of(0))


def policy_minutes(verifier):
    """Return what is left of a closing that has just begun, as the store counts it."""
    return int(verifier.policy.shared.closed_for.total_seconds()) // 60


def test_used_of_limit_is_shown_for_a_network_its_address_and_everybody(shown, verifier):
    for place in range(8):
        verifier.start(f"{RANGE}{place}143", caller=SOMEWHERE)

    lines = shown()

    for name, used in {
        "starts_of_network": "8 of 40 in 1 hour",
        "starts_of_address": "8 of 10 in 1 hour",
        "sends_in_all": "8 of 500 in 1 hour",
        "unfinished": "8 of 425 in 1 hour",
        f"starts_of_prefix     {RANGE}": "1 of 10 in 1 hour",
    }.items():
        assert any(line.startswith(f"  {name} ") and line.endswith(used) for line in lines.split("\n")), name
    assert "192.0.2" not in lines


def test_what_is_over_is_not_used(shown, verifier, number, clock):
    verifier.start(number, caller=SOMEWHERE)

    clock.advance(86_401)

    assert "No limit is used." in shown()


def test_a_country_abroad_where_few_finish_is_shown(make_verifier, store, keyring, clock):
    verifier = make_verifier(ALLOWED_REGIONS=("US", "CA"))
    limits = Limits(store, keyring, verifier.policy, clock)
    for place in range(5):
        verifier.start(f"+1416555{place}143", caller=of_pages(place))
    clock.advance(300)

    lines = [*limits.show()]

    assert [line.split() for line in lines if "country" in line] == [["country", "CA", "0", "of", "5"]]


def test_money_and_guesses_are_shown(make_verifier, store, keyring, clock, sender, number):  # noqa: PLR0917
    verifier = make_verifier(MESSAGE_PRICES=(("*", 0.02),), SPEND_PER_DAY=1.0)
    limits = Limits(store, keyring, verifier.policy, clock)
    started = verifier.start(number, caller=SOMEWHERE)
    with pytest.raises(TokenRejected):
        verifier.check(started.id, wrong(typed_token(sender)), caller=SOMEWHERE)

    rows = [line.split()[:5] for line in limits.show()]

    assert ["spent_today", "all", "0.02", "of", "1"] in rows
    assert ["wrong_checks_in_all", "all", "1", "of", "1677"] in rows


def test_forgive_says_what_it_cleared(limits, verifier, sender, number):
    for place in range(2):
        started = verifier.start(number, caller=of_pages(place))
        with pytest.raises(TokenRejected):
            verifier.check(started.id, wrong(typed_token(sender)), caller=of_pages(place))

    assert limits.forgive(number).startswith("2 wrong codes in a row, and the waits of 2 sources.")
    assert limits.forgive(number).startswith("0 wrong codes in a row, and the waits of 0 sources.")
