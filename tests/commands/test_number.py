"""`textproof number`: what it says to do, and to whom it listens."""

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from service import __main__ as command
from service.commands.limits import Limits
from service.commands.number import NotANumber, Trail
from service.store.redis import RedisStore
from service.verification import policy as policies
from service.verification.caller import Caller
from service.verification.errors import Delivery, Limited, TokenRejected
from service.verification.ports import Carrier, OptOut, Receipt
from tests.fakes import typed_token, wrong

HERE = Caller.at("192.0.2.7")
FROM = "+12025550100"


@pytest.fixture
def trail(store, keyring, policy, clock):
    return Trail(store, keyring, policy, clock, hears_at=FROM)


@pytest.fixture
def advice(trail):
    """`advice(number)` returns what is said to do."""

    def of(number):
        lines = list(trail.show(number))
        return "\n".join(lines[lines.index("Now:") + 1 :])

    return of


@pytest.fixture
def limits(store, keyring, policy, clock):
    return Limits(store, keyring, policy, clock)


def test_of_a_number_that_nobody_asked_for_it_says_so_and_of_what_is_none(trail, number):
    first, *rest = trail.show(number)

    assert first.startswith("Nobody asked for +1")
    assert first.endswith("in the last 3 days.")
    assert rest == ["Now:", "  Nothing refuses it: the person may ask for a code."]
    with pytest.raises(NotANumber, match=r"hello is no phone number"):
        list(trail.show("hello"))


def test_it_names_the_verification_as_the_log_does_and_shows_no_number_and_no_address(trail, verifier, number):
    begun = verifier.start(number, caller=HERE)
    shared = verifier.start(number, caller=Caller.at("198.51.100.9"))
    told = "\n".join(trail.show(number))

    assert begun.id in told
    assert shared.id in told
    assert number not in told
    assert "192.0.2" not in told


def test_an_application_is_named(trail, verifier, number):
    verifier.start(number, caller=Caller(client="shop"))

    assert "asked for a message; for the application shop" in "\n".join(trail.show(number))


def test_without_a_word_from_the_carrier_it_says_where_to_look(advice, verifier, number):
    verifier.start(number, caller=HERE)

    assert "textproof doctor" in advice(number)


def test_the_carrier_s_code_comes_with_what_to_do(advice, verifier, number):
    one = verifier.start(number, caller=HERE)
    verifier.receive(Receipt(one.id, "event", Delivery.BLOCKED, carrier=Carrier("40002")))

    assert advice(number).startswith("  The carrier's last word was 40002: A filter took the message for spam.")


def test_who_texted_stop_has_to_text_start(advice, verifier, number):
    verifier.receive(OptOut(number, out=True, event="event-1"))
    assert f"It has to text START to {FROM}." in advice(number)

    verifier.receive(OptOut(number, out=False, event="event-2"))
    assert "Nothing refuses it" in advice(number)


def test_what_an_operator_closed_is_to_be_lifted(advice, limits, number):
    for what, named in (("number", number), ("range", number[:-4]), ("country", "US")):
        limits.block(named)
        assert advice(number) == f"  The {what} is closed until it is lifted. `textproof limits lift {named}` opens it."
        limits.lift(named)
    assert "Nothing refuses it" in advice(number)


def test_a_hundred_wrong_codes_are_to_be_forgiven(advice, limits, verifier, sender, clock, number):  # noqa: PLR0917
    for place in range(20):
        one = verifier.start(number, caller=Caller.at(f"10.{place}.0.1"))
        for _ in range(5):
            with pytest.raises(TokenRejected):
                verifier.check(one.id, wrong(typed_token(sender)))
        clock.advance(3601)
    assert f"`textproof limits forgive {number}`" in advice(number)

    limits.forgive(number)
    assert "limits forgive" not in advice(number)


def test_a_limit_says_until_when_and_what_else_helps(advice, limits, verifier, clock, number):
    for _ in range(5):
        verifier.start(number, caller=HERE)
    with pytest.raises(Limited) as refusal:
        verifier.start(number, caller=HERE)
    said = advice(number)
    assert said.startswith("  sends_of_number refuses on the pages, address ")
    assert f"`textproof limits forgive {number}` ends it." in said

    clock.advance(refusal.value.retry_after)
    assert "sends_of_number" not in advice(number)


def test_a_test_number_has_a_trail_and_is_in_no_figure(make_verifier, make_store, policy, keyring, clock):
    store: RedisStore = make_store(policy)
    verifier = make_verifier(
        TEST_NUMBERS=(
            (
                "+12025550143",
                policies.TestNumber("12AB56", (datetime.fromtimestamp(clock(), UTC) + timedelta(days=1)).date()),
            ),
        )
    )
    verifier.check(verifier.start("+12025550143", caller=HERE).id, "12AB56")

    assert "asked for a test number" in "\n".join(Trail(store, keyring, policy, clock).show("+12025550143"))
    assert store.trails.figures(int(clock() * 1000)) == []


@pytest.fixture
def said(monkeypatch, settings, store):
    """`said("number", …)` runs a command, and returns its code and what it printed."""
    monkeypatch.setattr(command, "settings_or_exit", settings)
    monkeypatch.setattr(command, "redis_store", lambda _settings: store)

    def run(*words):
        result = CliRunner().invoke(command.main, words)
        return result.exit_code, result.stdout

    return run


def test_the_command_tells_a_trail(said, number):
    code, printed = said("number", number)

    assert code == 0
    assert printed.startswith("Nobody asked for")
