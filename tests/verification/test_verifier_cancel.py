"""Cancel: a pending verification ends, and its token is accepted no more."""

import pytest

from service.verification.errors import AlreadyApproved, Limited, UnknownVerification, VerificationLocked
from service.verification.ports import Status
from tests.verification.steps import begin, fail_checks


def test_a_canceled_verification_accepts_nothing(verifier, sender, number):
    started, token = begin(verifier, sender, number)

    canceled = verifier.cancel(started.id)

    assert canceled.status is Status.CANCELED
    with pytest.raises(UnknownVerification):
        verifier.check(started.id, token)


def test_canceling_again_is_answered_the_same(verifier, number):
    started = verifier.start(number)

    assert verifier.cancel(started.id) == verifier.cancel(started.id)


def test_what_is_approved_stays_approved(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    verifier.check(started.id, token)

    with pytest.raises(AlreadyApproved):
        verifier.cancel(started.id)

    assert verifier.show(started.id).status is Status.APPROVED


def test_what_is_locked_stays_locked(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    fail_checks(verifier, started, token, times=5)

    with pytest.raises(VerificationLocked):
        verifier.cancel(started.id)


def test_what_has_expired_cannot_be_canceled(verifier, clock, number):
    started = verifier.start(number)
    clock.advance(600)

    with pytest.raises(UnknownVerification):
        verifier.cancel(started.id)


def test_canceling_gives_no_send_back(verifier, sender, number):
    """Otherwise "change the number" would be a way to text somebody without end."""
    for _ in range(5):
        verifier.cancel(verifier.start(number).id)

    with pytest.raises(Limited):
        verifier.start(number)

    assert len(sender.messages) == 5
