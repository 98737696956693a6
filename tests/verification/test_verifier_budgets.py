"""What a number can be asked: so many messages, so many guesses, however the requests are spread."""

from datetime import timedelta

import pytest

from service.verification.errors import Limit, Limited, TokenRejected
from service.verification.ports import Status
from tests.fakes import wrong
from tests.verification.steps import begin, burn, fail_checks

DAY = timedelta(days=1)


def refused(verb, *arguments):
    """Return why, and for how many seconds, something is refused."""
    with pytest.raises(Limited) as refusal:
        verb(*arguments)
    return refusal.value.limit, refusal.value.retry_after


# -- Messages


def test_a_number_is_texted_five_times_an_hour(verifier, sender, number):
    for _ in range(5):
        verifier.start(number)

    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 3_600)
    assert len(sender.messages) == 5


def test_the_wait_is_told_to_the_second(verifier, clock, number):
    for _ in range(5):
        verifier.start(number)
    clock.advance(3_598.5)
    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 2)
    clock.advance(1.4)
    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 1)
    clock.advance(0.1)

    assert verifier.start(number).status is Status.PENDING


def test_the_hour_slides(verifier, clock, number):
    """No moment at which everything is forgotten: five more at once would be ten in a minute."""
    for _ in range(5):
        verifier.start(number)
        clock.advance(60)
    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 3_300)
    clock.advance(3_300)

    verifier.start(number)

    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 60)


def test_a_number_is_texted_ten_times_a_day(verifier, sender, clock, number):
    for _ in range(10):
        verifier.start(number)
        clock.advance(3_600)

    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 86_400 - 10 * 3_600)
    clock.advance(86_400 - 10 * 3_600)
    assert verifier.start(number).status is Status.PENDING
    assert len(sender.messages) == 11


def test_of_two_windows_that_are_full_the_longer_wait_is_told(verifier, clock, number):
    for _ in range(5):
        verifier.start(number)
    clock.advance(DAY - timedelta(minutes=1))
    for _ in range(5):
        verifier.start(number)

    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 3_600)


def test_sends_again_and_starts_spend_the_same_budget(verifier, clock, number):
    first = verifier.start(number)
    for _ in range(4):
        verifier.start(number)
    clock.advance(30)

    assert refused(verifier.resend, first.id) == (Limit.SENDS_OF_NUMBER, 3_570)
    assert verifier.show(first.id).next_send_in == 3_570


def test_a_start_that_is_refused_spends_nothing(verifier, clock, number):
    """Knocking at a closed door does not keep it closed."""
    for _ in range(5):
        verifier.start(number)
    for _ in range(20):
        refused(verifier.start, number)
    clock.advance(3_600)

    assert verifier.start(number).status is Status.PENDING


def test_a_success_does_not_refill_the_messages(verifier, sender, number):
    for _ in range(5):
        verifier.check(*_id_and_token(verifier, sender, number))

    assert refused(verifier.start, number)[0] is Limit.SENDS_OF_NUMBER


def test_other_numbers_are_not_affected(verifier, numbers):
    spent, other = next(numbers), next(numbers)
    for _ in range(5):
        verifier.start(spent)

    assert verifier.start(other).status is Status.PENDING


# -- Guesses


def test_a_number_has_fifteen_wrong_checks_a_day(verifier, sender, clock, number):
    burn(verifier, sender, number, verifications=3)

    assert refused(verifier.start, number) == (Limit.CHECKS_OF_NUMBER, 86_400)
    clock.advance(DAY - timedelta(seconds=1))
    assert refused(verifier.start, number) == (Limit.CHECKS_OF_NUMBER, 1)
    clock.advance(1)
    assert verifier.start(number).status is Status.PENDING


def test_a_new_verification_does_not_refill_the_guesses(verifier, sender, number):
    """SP 800-63B-4, 3.1.3.2: a new secret does not reset the count. Even the right token is refused then."""
    waiting, token = begin(verifier, sender, number)

    burn(verifier, sender, number, verifications=3)

    assert refused(verifier.check, waiting.id, token) == (Limit.CHECKS_OF_NUMBER, 86_400)
    assert verifier.show(waiting.id).checks_left == 5


def test_a_resend_does_not_refill_the_guesses_of_the_number(verifier, sender, clock, number):
    burn(verifier, sender, number, verifications=2)
    waiting, token = begin(verifier, sender, number)
    fail_checks(verifier, waiting, token, times=4)
    clock.advance(30)
    verifier.resend(waiting.id)
    other, others = begin(verifier, sender, number)

    fail_checks(verifier, other, others, times=1)

    assert refused(verifier.check, waiting.id, token)[0] is Limit.CHECKS_OF_NUMBER


def test_when_no_guess_is_left_nothing_is_sent_again(verifier, sender, clock, number):
    """A message whose token is not accepted costs money and patience."""
    waiting, _ = begin(verifier, sender, number)
    burn(verifier, sender, number, verifications=3)
    clock.advance(60)
    sender.messages.clear()

    assert refused(verifier.resend, waiting.id)[0] is Limit.CHECKS_OF_NUMBER
    assert sender.messages == []


def test_a_success_forgets_the_wrong_checks(verifier, sender, clock, number):
    burn(verifier, sender, number, verifications=2)
    started, token = begin(verifier, sender, number)
    fail_checks(verifier, started, token, times=4)
    verifier.check(started.id, token)
    clock.advance(3_600)

    burn(verifier, sender, number, verifications=3)

    assert refused(verifier.start, number)[0] is Limit.CHECKS_OF_NUMBER


def test_a_hundred_wrong_checks_in_a_row_block_for_good(verifier, sender, clock, number):
    """SP 800-63B-4, 3.2.2. Good is a year here, because every key has a life."""
    for _ in range(6):
        burn(verifier, sender, number, verifications=3)
        clock.advance(DAY)
    burn(verifier, sender, number, verifications=2)

    limit, wait = refused(verifier.start, number)

    assert (limit, timedelta(seconds=wait)) == (Limit.CHECKS_OF_NUMBER, timedelta(days=365 - 6))
    clock.advance(timedelta(days=300))
    assert refused(verifier.start, number)[0] is Limit.CHECKS_OF_NUMBER


def test_a_success_starts_the_hundred_anew(verifier, sender, clock, number):
    for _ in range(6):
        burn(verifier, sender, number, verifications=3)
        clock.advance(DAY)
    verifier.check(*_id_and_token(verifier, sender, number))

    for _ in range(3):
        clock.advance(DAY)
        burn(verifier, sender, number, verifications=3)

    clock.advance(DAY)
    assert verifier.start(number).status is Status.PENDING


def test_wrong_checks_of_one_number_are_not_those_of_another(verifier, sender, numbers):
    burn(verifier, sender, next(numbers), verifications=3)
    other, token = begin(verifier, sender, next(numbers))

    with pytest.raises(TokenRejected) as refusal:
        verifier.check(other.id, wrong(token))

    assert refusal.value.checks_left == 4


def _id_and_token(verifier, sender, number):
    started, token = begin(verifier, sender, number)
    return started.id, token
