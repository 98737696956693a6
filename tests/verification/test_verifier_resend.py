"""Resend: the same token once more, when its time has come, and never a longer life or fresh guesses."""

import pytest

from service.verification.errors import Delivery, Limit, Limited, SendRefused, TokenRejected
from service.verification.ports import Status
from tests.fakes import typed_token, wrong
from tests.verification.steps import begin, fail_checks, promised_seconds


def refused(verifier, id_):
    """Return why, and for how many seconds, a resend is refused."""
    with pytest.raises(Limited) as refusal:
        verifier.resend(id_)
    return refusal.value.limit, refusal.value.retry_after


def test_a_resend_repeats_the_token_under_another_name_and_refills_nothing(verifier, sender, clock, number):
    """Whichever message comes first, or last, works. The carrier takes the same name for the same message."""
    started, token = begin(verifier, sender, number)
    fail_checks(verifier, started, token, times=4)
    clock.advance(30)

    resent = verifier.resend(started.id)

    assert (resent.sends, resent.sends_left, resent.next_send_in) == (2, 3, 60)
    assert (resent.expires_in, resent.checks_left) == (570, 1)
    assert [message.key for message in sender.messages] == [f"{started.id}-1", f"{started.id}-2"]
    assert typed_token(sender) == token
    assert verifier.check(started.id, token).status is Status.APPROVED


def test_a_resend_waits_30_60_90_and_120_seconds_and_after_the_fifth_there_is_none(verifier, sender, clock, number):
    started = verifier.start(number)

    for wait in (30, 60, 90, 120):
        assert refused(verifier, started.id) == (Limit.RESEND_WAIT, wait)
        clock.advance(wait - 1)
        assert refused(verifier, started.id) == (Limit.RESEND_WAIT, 1)
        clock.advance(1)
        verifier.resend(started.id)

    last = verifier.show(started.id)
    assert (last.sends, last.sends_left, last.next_send_in) == (5, 0, None)
    clock.advance(200)
    assert refused(verifier, started.id) == (Limit.SENDS_OF_VERIFICATION, None), "waiting does not help"
    assert len(sender.messages) == 5


def test_a_resent_message_never_promises_more_than_the_life_that_is_left(verifier, sender, clock, number):
    """Who believes it types a token that has expired."""
    started = verifier.start(number)
    clock.advance(420)

    left = verifier.resend(started.id).expires_in

    assert promised_seconds(sender.messages[-1].text) <= left


def test_the_same_resend_again_sends_once_and_another_is_another(verifier, sender, clock, number):
    """A double click. The nonce of a check is none of a resend."""
    started, token = begin(verifier, sender, number)
    with pytest.raises(TokenRejected):
        verifier.check(started.id, wrong(token), nonce="click")
    clock.advance(30)

    assert {verifier.resend(started.id, nonce="click").sends for _ in range(3)} == {2}
    assert len(sender.messages) == 2
    clock.advance(60)
    verifier.resend(started.id, nonce="another")

    assert len(sender.messages) == 3


def test_a_refused_resend_is_given_back_and_the_earlier_message_still_counts(verifier, sender, clock, number):
    started, token = begin(verifier, sender, number)
    clock.advance(30)
    sender.refuse()

    with pytest.raises(SendRefused):
        verifier.resend(started.id)

    assert [verifier.start(number).status for _ in range(4)] == [Status.PENDING] * 4
    assert verifier.check(started.id, token).status is Status.APPROVED


def test_an_uncertain_resend_says_so_until_the_next_one(verifier, sender, clock, number):
    started, token = begin(verifier, sender, number)
    clock.advance(30)
    sender.lose()
    assert verifier.resend(started.id).delivery is Delivery.UNCERTAIN
    clock.advance(60)

    assert verifier.resend(started.id).delivery is Delivery.ON_ITS_WAY
    assert verifier.check(started.id, token).status is Status.APPROVED
