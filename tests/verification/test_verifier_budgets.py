"""Each verb says which budget of the number is spent, and for how many whole seconds. The budgets: `tests/store`."""

import pytest

from service.verification.errors import Limit, Limited
from service.verification.ports import Status
from tests.verification.steps import begin, burn


def refused(verb, *arguments):
    """Return why, and for how many seconds, something is refused."""
    with pytest.raises(Limited) as refusal:
        verb(*arguments)
    return refusal.value.limit, refusal.value.retry_after


def test_messages_are_spent_by_starts_and_resends_alike_and_the_wait_is_told_rounded_up(
    verifier, sender, clock, number
):
    """Whoever waits as long as told has waited long enough."""
    first, *_ = [verifier.start(number) for _ in range(5)]
    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 3_600)
    clock.advance(30)
    assert refused(verifier.resend, first.id) == (Limit.SENDS_OF_NUMBER, 3_570)
    assert verifier.show(first.id).next_send_in == 3_570
    clock.advance(3_568.5)
    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 2)
    clock.advance(1.4)
    assert refused(verifier.start, number) == (Limit.SENDS_OF_NUMBER, 1)
    clock.advance(0.1)

    assert verifier.start(number).status is Status.PENDING
    assert len(sender.messages) == 6


def test_no_verification_of_a_number_refills_its_guesses_and_without_any_nothing_is_sent(
    verifier, sender, clock, number
):
    """SP 800-63B-4, 3.1.3.2: a new secret does not reset the count. Even the right token is refused then."""
    waiting, token = begin(verifier, sender, number)
    burn(verifier, sender, number, verifications=3)
    clock.advance(60)
    sender.messages.clear()

    for verb, *arguments in ((verifier.start, number), (verifier.resend, waiting.id)):
        assert refused(verb, *arguments) == (Limit.CHECKS_OF_NUMBER, 86_340)
    assert refused(verifier.check, waiting.id, token) == (Limit.CHECKS_OF_NUMBER, 86_340)
    assert verifier.show(waiting.id).checks_left == 5
    assert sender.messages == []
