"""Resend: the same token once more, when its time has come, and never a longer life or fresh guesses."""

import pytest

from service.verification.errors import (
    AlreadyApproved,
    Delivery,
    Limit,
    Limited,
    SendRefused,
    TokenRejected,
    UnknownVerification,
    VerificationLocked,
)
from service.verification.phone import PhoneNumber
from service.verification.ports import Status
from tests.fakes import typed_token, wrong
from tests.verification.steps import begin, fail_checks, promised_seconds

WAITS = [30, 60, 90, 120]


def refused(verifier, id_):
    """Return why, and for how many seconds, a resend is refused."""
    with pytest.raises(Limited) as refusal:
        verifier.resend(id_)
    return refusal.value.limit, refusal.value.retry_after


def test_a_resend_repeats_the_token(verifier, sender, clock, number):
    """So that whichever message comes first, or last, works."""
    started, token = begin(verifier, sender, number)
    clock.advance(30)

    verifier.resend(started.id)

    assert len(sender.messages) == 2
    assert typed_token(sender) == token
    assert verifier.check(started.id, token).status is Status.APPROVED


def test_each_send_has_a_name_of_its_own(verifier, sender, clock, number):
    """The carrier takes the same name for the same message, and would not send it."""
    started, _ = begin(verifier, sender, number)
    clock.advance(30)
    verifier.resend(started.id)

    assert [message.key for message in sender.messages] == [f"{started.id}-1", f"{started.id}-2"]


def test_a_resend_waits_30_60_90_and_120_seconds(verifier, sender, clock, number):
    started, _ = begin(verifier, sender, number)

    for wait in WAITS:
        assert refused(verifier, started.id) == (Limit.RESEND_WAIT, wait)
        clock.advance(wait - 1)
        assert refused(verifier, started.id) == (Limit.RESEND_WAIT, 1)
        clock.advance(1)
        verifier.resend(started.id)

    assert len(sender.messages) == 5


def test_a_wait_is_rounded_up(verifier, clock, number):
    """Whoever waits as long as told has waited long enough."""
    started = verifier.start(number)
    clock.advance(28.2)

    assert refused(verifier, started.id) == (Limit.RESEND_WAIT, 2)


def test_after_five_sends_there_is_no_other_and_waiting_does_not_help(verifier, sender, clock, number):
    started = verifier.start(number)
    for wait in WAITS:
        clock.advance(wait)
        verifier.resend(started.id)

    last = verifier.show(started.id)
    assert (last.sends, last.sends_left, last.next_send_in) == (5, 0, None)
    clock.advance(200)
    assert refused(verifier, started.id) == (Limit.SENDS_OF_VERIFICATION, None)
    assert len(sender.messages) == 5


def test_a_resend_says_what_may_be_done_next(verifier, clock, number):
    started = verifier.start(number)
    clock.advance(30)

    resent = verifier.resend(started.id)

    assert (resent.sends, resent.sends_left, resent.next_send_in, resent.expires_in) == (2, 3, 60, 570)


def test_the_last_wait_repeats_where_there_are_more_sends_than_waits(make_verifier, clock, number):
    verifier = make_verifier(RESEND_WAITS_SECONDS=(10, 20))
    started = verifier.start(number)

    waits = [started.next_send_in]
    for _ in range(3):
        clock.advance(waits[-1])
        waits.append(verifier.resend(started.id).next_send_in)

    assert waits == [10, 20, 20, 20]


def test_a_resend_does_not_extend_the_life(verifier, sender, clock, number):
    started, token = begin(verifier, sender, number)
    clock.advance(599)
    verifier.resend(started.id)
    clock.advance(1)

    with pytest.raises(UnknownVerification):
        verifier.check(started.id, token)


def test_a_resent_message_never_promises_more_than_the_life_that_is_left(verifier, sender, clock, number):
    """Who believes it types a token that has expired."""
    started = verifier.start(number)
    clock.advance(420)

    left = verifier.resend(started.id).expires_in

    assert promised_seconds(sender.messages[-1].text) <= left


def test_a_resend_does_not_refill_the_guesses(verifier, sender, clock, number):
    """SP 800-63B-4, 3.1.3.2."""
    started, token = begin(verifier, sender, number)
    fail_checks(verifier, started, token, times=4)
    clock.advance(30)

    assert verifier.resend(started.id).checks_left == 1
    fail_checks(verifier, started, token, times=1)
    with pytest.raises(VerificationLocked):
        verifier.check(started.id, token)


def test_a_resend_that_is_refused_for_now_spends_nothing(verifier, sender, clock, number):
    started = verifier.start(number)
    for _ in range(20):
        refused(verifier, started.id)
    clock.advance(30)

    assert verifier.resend(started.id).sends == 2


# -- The same request again


def test_the_same_resend_again_sends_once(verifier, sender, clock, number):
    """A double click."""
    started = verifier.start(number)
    clock.advance(30)

    answers = [verifier.resend(started.id, nonce="click") for _ in range(3)]

    assert len(sender.messages) == 2
    assert {answer.sends for answer in answers} == {2}


def test_another_resend_is_another_request(verifier, sender, clock, number):
    started = verifier.start(number)
    clock.advance(30)
    verifier.resend(started.id, nonce="click")
    clock.advance(60)
    verifier.resend(started.id, nonce="another")

    assert len(sender.messages) == 3


def test_a_nonce_of_a_check_is_no_nonce_of_a_resend(verifier, sender, clock, number):
    started, token = begin(verifier, sender, number)
    with pytest.raises(TokenRejected):
        verifier.check(started.id, wrong(token), nonce="click")
    clock.advance(30)

    verifier.resend(started.id, nonce="click")

    assert len(sender.messages) == 2


# -- When something fails


def test_after_a_refused_resend_the_earlier_message_still_counts(verifier, sender, clock, number):
    started, token = begin(verifier, sender, number)
    clock.advance(30)
    sender.refuse()

    with pytest.raises(SendRefused):
        verifier.resend(started.id)

    assert verifier.show(started.id).status is Status.PENDING
    assert verifier.check(started.id, token).status is Status.APPROVED


def test_a_refused_resend_is_given_back_to_the_number(verifier, sender, clock, number):
    started = verifier.start(number)
    clock.advance(30)
    sender.refuse()
    with pytest.raises(SendRefused):
        verifier.resend(started.id)

    for _ in range(4):
        verifier.start(number)

    assert len(sender.messages) == 5


def test_an_uncertain_resend_says_so_until_the_next_one(verifier, sender, clock, number):
    started, token = begin(verifier, sender, number)
    clock.advance(30)
    sender.lose()
    assert verifier.resend(started.id).delivery is Delivery.UNCERTAIN
    clock.advance(60)

    assert verifier.resend(started.id).delivery is Delivery.ON_ITS_WAY
    assert verifier.check(started.id, token).status is Status.APPROVED


# -- Where there is nothing to resend


ENDINGS = {
    "approved": AlreadyApproved,
    "locked": VerificationLocked,
    "canceled": UnknownVerification,
    "expired": UnknownVerification,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_has_ended_is_not_sent_again(verifier, sender, clock, number, ending):
    started, token = begin(verifier, sender, number)
    match ending:
        case "approved":
            verifier.check(started.id, token)
        case "locked":
            fail_checks(verifier, started, token, times=5)
        case "canceled":
            verifier.cancel(started.id)
        case "expired":
            clock.advance(600)
    clock.advance(30)

    with pytest.raises(ENDINGS[ending]):
        verifier.resend(started.id)

    assert len(sender.messages) == 1


def test_what_never_existed_is_not_sent(verifier, sender, keyring, number):
    with pytest.raises(UnknownVerification):
        verifier.resend(keyring.new_handle(PhoneNumber(number, "US")).id)

    assert sender.messages == []
