"""Secrets: changed in mid-flow without dropping anybody, and never written down."""

import logging

import pytest

from service.verification.caller import Caller
from service.verification.errors import Limit, Limited, MalformedToken, SendRefused, TokenRejected, WrongSecret
from service.verification.ports import OptOut, Status
from tests.fakes import typed_token, wrong
from tests.verification.steps import begin, burn

OLD = "the secret that was set when the service was young"
NEW = "the secret that an operator sets after a year or so"


# -- A change of SECRET_KEY


@pytest.mark.parametrize(("first", "then"), [([OLD], [NEW, OLD]), ([NEW, OLD], [OLD, NEW])], ids=["changed", "not yet"])
def test_a_change_of_the_secret_drops_nobody(make_verifier, sender, clock, number, first, then):  # noqa: PLR0917
    """It seals the same keyring anew; `SECRET_KEY_FALLBACKS` still opens it, in whatever order replicas restart."""
    started, token = begin(make_verifier(secrets=first), sender, number)
    other = make_verifier(secrets=then)
    clock.advance(30)

    other.resend(started.id)

    assert typed_token(sender) == token
    assert other.check(started.id, token).status is Status.APPROVED


def test_without_the_fallback_nothing_is_done(make_verifier, sender, number):
    """And nobody is told that their verification is unknown: it is not, elsewhere."""
    started, token = begin(make_verifier(secrets=[OLD]), sender, number)
    odd = make_verifier(secrets=[NEW])

    for verb in (odd.show, odd.cancel, odd.resend, lambda id_: odd.check(id_, token), lambda _: odd.start(number)):
        with pytest.raises(WrongSecret):
            verb(started.id)
    assert len(sender.messages) == 1


def test_with_a_new_generation_codes_blocks_and_guesses_are_as_before(make_verifier, sender, number):
    """`textproof keys rotate`, while this process has the keyring of before. The first one to hear of it repeats."""
    running = make_verifier()
    blocked, token = begin(running, sender, number)
    burn(running, sender, number, verifications=3)
    make_verifier()._keys.rotate()

    for verifier in (running, make_verifier()):
        with pytest.raises(Limited) as refusal:
            verifier.check(blocked.id, token)
        assert refusal.value.limit is Limit.CHECKS_OF_NUMBER
        with pytest.raises(Limited):
            verifier.start(number)


def test_a_code_of_before_a_new_generation_is_right_after_it(make_verifier, sender, numbers):
    running = make_verifier()
    begun = [begin(running, sender, next(numbers)) for _ in range(2)]
    rotated = make_verifier()._keys.rotate()

    for verifier, (started, token) in zip((running, make_verifier()), begun, strict=True):
        assert verifier.check(started.id, token).status is Status.APPROVED
        assert verifier._keys().id == rotated.id
    new, its = begin(running, sender, next(numbers))
    assert make_verifier().check(new.id, its).status is Status.APPROVED


# -- What an id tells


def test_who_shares_a_token_is_not_told_whose(verifier, sender, keyring, number):
    """Neither at first nor when the same request comes again; and with what is told, all verbs work."""
    first, token = begin(verifier, sender, number)
    mine = Caller.at("192.0.2.7")

    told = [verifier.start(number, caller=mine, nonce="again") for _ in range(2)]

    assert [verification.is_shared for verification in told] == [True, True]
    assert told[0].id == told[1].id == verifier.show(told[0].id, caller=mine).id
    assert keyring.opened(first.id).random not in told[0].id
    assert verifier.check(told[0].id, token, caller=mine).status is Status.APPROVED


# -- What is written down


def test_no_log_record_holds_a_token_or_a_number(verifier, sender, clock, number, caplog):
    """Records as they are made, before any formatter could mask them, at the most talkative level."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="textproof")

    started, token = begin(verifier, sender, number)
    typed = wrong(token)
    for attempt in (typed, "nonsense"):
        with pytest.raises((TokenRejected, MalformedToken)):
            verifier.check(started.id, attempt)
    clock.advance(30)
    sender.lose()
    verifier.resend(started.id)
    clock.advance(60)
    sender.refuse()
    with pytest.raises(SendRefused):
        verifier.resend(started.id)
    verifier.check(started.id, token)
    verifier.cancel(verifier.start(number).id)
    verifier.receive(OptOut(number, out=True))

    written = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert len(written) >= 7
    assert "opted_out" in caplog.text
    for secret in (token, typed, "nonsense", number, number[1:], number[2:], number[-7:]):
        assert [line for line in written if secret in line] == []
