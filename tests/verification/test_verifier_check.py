"""Check: a right token confirms a number once; a wrong one costs one of five; a malformed one costs nothing."""

import itertools

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


def test_the_right_token_confirms_the_number(verifier, sender, number):
    started, token = begin(verifier, sender, number)

    approved = verifier.check(started.id, token)

    assert (approved.status, approved.to.e164) == (Status.APPROVED, number)
    assert (approved.expires_in, approved.next_send_in, approved.sends_left, approved.checks_left) == (0, None, 0, 0)


def test_a_token_is_accepted_once(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    verifier.check(started.id, token)

    with pytest.raises(AlreadyApproved):
        verifier.check(started.id, token)


def test_a_wrong_token_says_how_many_checks_are_left(verifier, sender, number):
    started, token = begin(verifier, sender, number)

    left = []
    for _ in range(5):
        with pytest.raises(TokenRejected) as refusal:
            verifier.check(started.id, wrong(token))
        left.append(refusal.value.checks_left)

    assert left == [4, 3, 2, 1, 0]


def test_the_fifth_check_if_right_passes(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    fail_checks(verifier, started, token, times=4)

    assert verifier.check(started.id, token).status is Status.APPROVED


def test_after_five_wrong_checks_the_right_token_is_not_accepted(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    fail_checks(verifier, started, token, times=5)

    with pytest.raises(VerificationLocked):
        verifier.check(started.id, token)

    assert verifier.show(started.id).status is Status.LOCKED


@pytest.mark.parametrize("allowed", [1, 2, 4])
def test_max_checks_is_how_many_are_compared(make_verifier, sender, number, allowed):
    verifier = make_verifier(MAX_CHECKS=allowed)
    started, token = begin(verifier, sender, number)
    fail_checks(verifier, started, token, times=allowed)

    with pytest.raises(VerificationLocked):
        verifier.check(started.id, token)


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "1234567", "GGGGGG", "4Eı ac0", "4E1AC0\x00", "0" * 100_000],
    ids=["nothing", "short", "long", "not-hex", "dotless-i", "nul", "very-long"],
)
def test_a_malformed_token_costs_nothing(verifier, sender, number, typed):
    started, token = begin(verifier, sender, number)

    for _ in range(10):
        with pytest.raises(MalformedToken):
            verifier.check(started.id, typed)

    assert verifier.show(started.id).checks_left == 5
    assert verifier.check(started.id, token).status is Status.APPROVED


def test_what_people_do_to_codes_is_forgiven(verifier, sender, number):
    started, token = begin(verifier, sender, number)

    assert verifier.check(started.id, f" {token[:3]}-{token[3:]} ".lower()).status is Status.APPROVED


# -- Life


@pytest.mark.parametrize("after", [0, 599, 599.999], ids=str)
def test_a_token_is_accepted_for_ten_minutes(verifier, sender, clock, number, after):
    started, token = begin(verifier, sender, number)
    clock.advance(after)

    assert verifier.check(started.id, token).status is Status.APPROVED


@pytest.mark.parametrize("after", [600, 601, 86_400], ids=str)
def test_a_token_is_not_accepted_later(verifier, sender, clock, number, after):
    """SP 800-63B-4, 3.1.3.2: ten minutes at most."""
    started, token = begin(verifier, sender, number)
    clock.advance(after)

    with pytest.raises(UnknownVerification):
        verifier.check(started.id, token)


def test_a_shorter_life_is_kept(make_verifier, sender, clock, number):
    verifier = make_verifier(TOKEN_LIFETIME_SECONDS=60)
    started, token = begin(verifier, sender, number)
    clock.advance(59)
    assert verifier.show(started.id).expires_in == 1
    clock.advance(1)

    with pytest.raises(UnknownVerification):
        verifier.check(started.id, token)


def test_a_wrong_check_after_the_end_costs_nothing(verifier, sender, clock, number):
    """The budget of the number is for guesses that could have been right."""
    started, token = begin(verifier, sender, number)
    clock.advance(600)
    for _ in range(20):
        with pytest.raises(UnknownVerification):
            verifier.check(started.id, wrong(token))

    started, token = begin(verifier, sender, number)

    fail_checks(verifier, started, token, times=5)


def test_a_slow_clock_of_one_replica_makes_no_token_live_longer(verifier, sender, clock, number):
    """The scripts take the later of the caller's clock and the server's."""
    clock.advance(-3600 - 600)
    started, token = begin(verifier, sender, number)
    assert started.expires_in == 600
    clock.advance(-10_000)

    assert verifier.show(started.id).expires_in <= 600
    assert verifier.check(started.id, token).status is Status.APPROVED


@pytest.mark.parametrize(
    "id_", ["", "x" * 63, "nonsense", "../../etc/passwd", "{x}:v:y"], ids=["empty", "unknown", "word", "path", "key"]
)
def test_an_id_that_was_never_given_is_unknown(verifier, id_):
    with pytest.raises(UnknownVerification):
        verifier.check(id_, "4E1AC0")


# -- Whose token it is


def test_a_token_never_opens_another_verification(verifier, sender, numbers):
    """The tutorial took any live token of anyone. Every other pair shares its number."""
    all_numbers = [next(numbers) for _ in range(16)]
    started = [begin(verifier, sender, number) for number in all_numbers for _ in range(2)]

    for (verification, own), (_, stolen) in itertools.pairwise(started):
        if stolen != own:
            with pytest.raises(TokenRejected):
                verifier.check(verification.id, stolen)

    assert all(verifier.check(verification.id, own).status is Status.APPROVED for verification, own in started)


# -- The same request again


def test_the_same_wrong_check_again_costs_nothing_and_is_answered_the_same(verifier, sender, number):
    """A double click, or a retry after a lost answer."""
    started, token = begin(verifier, sender, number)

    left = []
    for _ in range(4):
        with pytest.raises(TokenRejected) as refusal:
            verifier.check(started.id, wrong(token), nonce="click")
        left.append(refusal.value.checks_left)

    assert left == [4, 4, 4, 4]


def test_the_same_wrong_check_is_answered_the_same_even_when_others_came_between(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    with pytest.raises(TokenRejected):
        verifier.check(started.id, wrong(token), nonce="click")
    fail_checks(verifier, started, token, times=2)

    with pytest.raises(TokenRejected) as refusal:
        verifier.check(started.id, wrong(token), nonce="click")

    assert refusal.value.checks_left == 4
    assert verifier.show(started.id).checks_left == 2


def test_the_same_right_check_again_is_approved_again(verifier, sender, number):
    """An answer that was lost on the way is no lost token."""
    started, token = begin(verifier, sender, number)
    verifier.check(started.id, token, nonce="click")

    assert verifier.check(started.id, token, nonce="click").status is Status.APPROVED


def test_the_same_nonce_with_another_token_is_another_check(verifier, sender, number):
    """Otherwise one page would give one try, or endless ones."""
    started, token = begin(verifier, sender, number)
    with pytest.raises(TokenRejected):
        verifier.check(started.id, wrong(token), nonce="click")

    assert verifier.check(started.id, token, nonce="click").status is Status.APPROVED


def test_one_nonce_gives_no_more_than_five_guesses(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    guesses = [guess for guess in (f"{value:06X}" for value in range(20)) if guess != token]

    told = []
    for guess in guesses:
        try:
            verifier.check(started.id, guess, nonce="click")
        except (TokenRejected, VerificationLocked) as refusal:
            told.append(type(refusal))

    assert told == [TokenRejected] * 5 + [VerificationLocked] * (len(guesses) - 5)


def test_the_nonce_of_an_approval_opens_nothing_with_a_wrong_token(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    verifier.check(started.id, token, nonce="click")

    with pytest.raises(AlreadyApproved):
        verifier.check(started.id, wrong(token), nonce="click")


def test_without_the_store_nothing_is_accepted(verifier, sender, number, monkeypatch):
    started, token = begin(verifier, sender, number)
    monkeypatch.setattr(verifier, "_store", GoneStore().verifications)

    with pytest.raises(StoreUnavailable):
        verifier.check(started.id, token)
