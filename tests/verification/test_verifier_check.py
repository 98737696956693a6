"""Check: a right token confirms a number once; a wrong one costs one of five; a malformed one costs nothing."""

import pytest

from service.verification.errors import (
    AlreadyApproved,
    MalformedToken,
    StoreUnavailable,
    TokenRejected,
    UnknownVerification,
    VerificationLocked,
)
from service.verification.ports import Status
from tests.fakes import GoneStore, wrong
from tests.verification.steps import begin, fail_checks


def test_the_right_token_however_it_is_typed_confirms_the_number(verifier, sender, number):
    started, token = begin(verifier, sender, number)

    approved = verifier.check(started.id, f" {token[:3]}-{token[3:]} ".lower())

    assert (approved.status, approved.to.e164) == (Status.APPROVED, number)
    assert (approved.expires_in, approved.next_send_in, approved.sends_left, approved.checks_left) == (0, None, 0, 0)


@pytest.mark.parametrize("allowed", [1, 5])
def test_a_wrong_token_says_how_many_checks_are_left_and_after_the_last_the_right_one_is_refused(
    make_verifier, sender, number, allowed
):
    verifier = make_verifier(MAX_CHECKS=allowed)
    started, token = begin(verifier, sender, number)

    for left in reversed(range(allowed)):
        with pytest.raises(TokenRejected) as refusal:
            verifier.check(started.id, wrong(token))
        assert refusal.value.checks_left == left
    with pytest.raises(VerificationLocked):
        verifier.check(started.id, token)


def test_a_malformed_token_costs_nothing(verifier, sender, number):
    started, token = begin(verifier, sender, number)

    for _ in range(10):
        with pytest.raises(MalformedToken):
            verifier.check(started.id, token[1:])

    assert verifier.show(started.id).checks_left == 5
    assert verifier.check(started.id, token).status is Status.APPROVED


@pytest.mark.parametrize("life", [60, 600])
def test_a_token_is_accepted_until_its_life_ends_and_not_after(make_verifier, sender, clock, numbers, life):
    """SP 800-63B-4, 3.1.3.2: ten minutes at most."""
    verifier = make_verifier(TOKEN_LIFETIME_SECONDS=life)
    (one, its), (other, others) = (begin(verifier, sender, next(numbers)) for _ in range(2))
    clock.advance(life - 0.001)
    assert verifier.show(one.id).expires_in == 1
    assert verifier.check(one.id, its).status is Status.APPROVED
    clock.advance(0.001)

    with pytest.raises(UnknownVerification):
        verifier.check(other.id, others)


# -- The same request again


def test_the_same_wrong_check_again_costs_nothing_and_is_answered_the_same(verifier, sender, number):
    """A double click, or a retry after a lost answer; also when others came between."""
    started, token = begin(verifier, sender, number)

    for _ in range(2):
        with pytest.raises(TokenRejected) as refusal:
            verifier.check(started.id, wrong(token), nonce="click")
        assert refusal.value.checks_left == 4
    fail_checks(verifier, started, token, times=2)
    with pytest.raises(TokenRejected) as refusal:
        verifier.check(started.id, wrong(token), nonce="click")

    assert refusal.value.checks_left == 4
    assert verifier.show(started.id).checks_left == 2


def test_the_same_nonce_with_another_token_is_another_check(verifier, sender, number):
    """Otherwise one page would give one try, or endless ones. An answer that was lost on the way is no lost token."""
    started, token = begin(verifier, sender, number)
    for guess in ("000000", "111111"):
        with pytest.raises(TokenRejected):
            verifier.check(started.id, guess, nonce="click")
    assert verifier.show(started.id).checks_left == 3

    for _ in range(2):
        assert verifier.check(started.id, token, nonce="click").status is Status.APPROVED
    with pytest.raises(AlreadyApproved):
        verifier.check(started.id, wrong(token), nonce="click")


def test_without_the_store_nothing_is_accepted(verifier, sender, number, monkeypatch):
    started, token = begin(verifier, sender, number)
    monkeypatch.setattr(verifier, "_store", GoneStore().verifications)

    with pytest.raises(StoreUnavailable):
        verifier.check(started.id, token)
