"""The sender's rate, and the pause when a carrier refuses everybody."""

import pytest

from service.store.verifications import PAUSE
from service.verification.errors import Delivery, Hold, Limited, SendingHeld, SendRefused

ONE_A_SECOND = {"SENDER_RATE_PER_SECOND": 1.0, "STARTS_PER_ADDRESS": ()}
QUEUE = 31  # one goes at once, and thirty wait up to thirty seconds


def held(step):
    with pytest.raises(SendingHeld) as refusal:
        step()
    return refusal.value.hold, refusal.value.retry_after


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_messages_queue_for_thirty_seconds_and_no_longer(desk, scattered, clock, sender, mode):
    """Who waits is told that it is busy. To observe makes no sender faster."""
    one = desk(**ONE_A_SECOND, LIMITS_MODE=mode)
    told = [one.start(next(scattered)).delivery for _ in range(QUEUE)]

    assert told == [Delivery.ON_ITS_WAY] * 10 + [Delivery.BUSY] * 21
    for _ in range(3):
        assert held(lambda: one.start(next(scattered))) == (Hold.SENDER_RATE, 1)
        clock.advance(1)
        one.start(next(scattered))
    assert len(sender.messages) == QUEUE + 3


def test_who_is_refused_takes_no_place_in_the_queue(desk, number, scattered):
    one = desk(**ONE_A_SECOND)
    for _ in range(5):
        one.start(number)
    for _ in range(20):
        with pytest.raises(Limited):
            one.start(number)

    for _ in range(QUEUE - 5):
        one.start(next(scattered))

    assert held(lambda: one.start(next(scattered)))[0] is Hold.SENDER_RATE


def test_a_pause_holds_everybody_and_then_lets_one_try(desk, number, scattered, sender, clock):
    """A trial that fails makes it longer."""
    one, other = desk(), desk()
    for _ in range(5):
        one.start(number)
    for minutes in (1, 2):
        sender._script.append(SendRefused(Delivery.FAILED, pause=True))
        with pytest.raises(SendRefused):
            one.start(next(scattered))
        assert held(lambda: other.start(next(scattered))) == (Hold.PAUSED, minutes * PAUSE.total_seconds())
        clock.advance(minutes * PAUSE)

    with pytest.raises(Limited):
        other.start(number)  # nothing is sent, so nothing was found out
    other.start(next(scattered))
    assert one.start(next(scattered)).sends == 1
