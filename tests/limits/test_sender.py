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


def test_messages_queue_for_thirty_seconds_and_no_longer(desk, scattered, sender):
    one = desk(**ONE_A_SECOND)
    for _ in range(QUEUE):
        one.start(next(scattered))

    assert held(lambda: one.start(next(scattered))) == (Hold.SENDER_RATE, 1)
    assert len(sender.messages) == QUEUE


def test_the_queue_moves_on(desk, scattered, clock):
    one = desk(**ONE_A_SECOND)
    for _ in range(QUEUE):
        one.start(next(scattered))

    for _ in range(3):
        clock.advance(1)
        one.start(next(scattered))
        assert held(lambda: one.start(next(scattered))) == (Hold.SENDER_RATE, 1)


def test_who_waits_is_told_that_it_is_busy(desk, scattered):
    one = desk(**ONE_A_SECOND)

    told = [one.start(next(scattered)).delivery for _ in range(12)]

    assert told == [Delivery.ON_ITS_WAY] * 10 + [Delivery.BUSY] * 2


def test_a_place_in_the_queue_comes_back_when_no_message_is_sent(desk, number, scattered):
    one = desk(**ONE_A_SECOND)
    for _ in range(5):
        one.start(number)
    for _ in range(20):
        with pytest.raises(Limited):
            one.start(number)

    for _ in range(QUEUE - 5):
        one.start(next(scattered))

    assert held(lambda: one.start(next(scattered)))[0] is Hold.SENDER_RATE


def test_a_held_start_spends_nothing(desk, scattered):
    one = desk(**ONE_A_SECOND)
    for _ in range(QUEUE):
        one.start(next(scattered))
    before = one.contents()

    for _ in range(5):
        held(lambda: one.start(next(scattered)))

    assert one.contents() == before


def test_observe_does_not_make_a_sender_faster(desk, scattered):
    one = desk(**ONE_A_SECOND, LIMITS_MODE="observe")
    for _ in range(QUEUE):
        one.start(next(scattered))

    assert held(lambda: one.start(next(scattered)))[0] is Hold.SENDER_RATE


def test_a_pause_holds_everybody_and_then_lets_one_try(desk, scattered, sender, clock):
    one, other = desk(), desk()
    sender._script.append(SendRefused(Delivery.FAILED, pause=True))
    with pytest.raises(SendRefused):
        one.start(next(scattered))
    before = one.contents()

    assert held(lambda: other.start(next(scattered))) == (Hold.PAUSED, PAUSE.total_seconds())
    assert one.contents() == before
    clock.advance(PAUSE)

    other.start(next(scattered))
    assert one.start(next(scattered)).sends == 1


def test_a_trial_that_fails_doubles_the_pause(desk, scattered, sender, clock):
    one = desk()
    for minutes in (1, 2, 4, 8, 15, 15):
        sender._script.append(SendRefused(Delivery.FAILED, pause=True))
        with pytest.raises(SendRefused):
            one.start(next(scattered), "192.0.2.8")
        assert held(lambda: one.start(next(scattered))) == (Hold.PAUSED, 60 * minutes)
        clock.advance(60 * minutes)
