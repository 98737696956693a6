"""resend: spends one more send, and tells one caller to make it."""

import dataclasses

import pytest

from service.verification.errors import Delivery, Limit
from service.verification.ports import Status, Verdict


def test_a_resend_spends_a_send_and_tells_the_caller_to_make_it(begun, clock):
    one = begun()
    clock.advance(30)

    answer = one.resend()

    assert answer.verdict is Verdict.DONE
    assert answer.record == one.record
    assert (answer.record.sends, answer.record.wait) == (2, 60_000)


def test_a_resend_lets_no_token_live_longer(begun, clock):
    one = begun()
    before = one.record
    clock.advance(30)

    after = one.resend().record

    assert (after.begun, after.expires) == (before.begun, before.expires)


def test_the_token_works_after_a_resend(begun, clock):
    """One verification, one token: the late text still works."""
    one = begun()
    clock.advance(30)
    one.resend()

    assert one.check().verdict is Verdict.DONE


def test_a_resend_gives_no_fresh_guesses(begun, clock):
    one = begun()
    one.miss(4)
    clock.advance(30)
    one.resend()

    assert one.miss().record.status is Status.LOCKED


def test_a_resend_has_to_wait_and_then_may(engine, begun, clock):
    one = begun()
    clock.advance(29.999)

    with engine.unchanged():
        early = one.resend()
    clock.advance(0.001)

    assert (early.limit, early.wait) == (Limit.RESEND_WAIT, 1)
    assert one.resend().verdict is Verdict.DONE


def test_each_wait_is_as_the_policy_says_and_the_last_one_repeats(make_store, policy, begun, clock):
    one = begun(on=make_store(dataclasses.replace(policy, resend_waits=policy.resend_waits[:2])))
    waits = [one.record.wait]
    for _ in range(3):
        clock.advance(waits[-1] / 1000)
        waits.append(one.resend().record.wait)

    assert waits == [30_000, 60_000, 60_000, 60_000]


def test_a_verification_has_five_sends(engine, begun, clock):
    one = begun()
    for wait in (30, 60, 90, 120):
        clock.advance(wait)
        assert one.resend().verdict is Verdict.DONE
    clock.advance(120)

    with engine.unchanged():
        answer = one.resend()

    assert answer.limit is Limit.SENDS_OF_VERIFICATION
    assert answer.record.sends == 5


def test_a_resend_spends_the_sends_of_its_number(engine, begun, clock):
    one = begun()
    for _ in range(3):
        begun(one.number)
    clock.advance(30)
    one.resend()
    clock.advance(60)

    with engine.unchanged():
        answer = one.resend()

    assert answer.limit is Limit.SENDS_OF_NUMBER
    assert answer.wait == (3600 - 90) * 1000
    assert answer.record.wait == answer.wait


def test_the_same_resend_again_tells_its_caller_again(engine, begun, clock):
    """Its answer may have been lost on the way, and nothing been sent yet."""
    one = begun()
    clock.advance(30)
    first = one.resend("form-1", "caller-1")

    with engine.unchanged():
        assert one.resend("form-1", "caller-1") == first


def test_the_same_resend_of_another_caller_sends_nothing(engine, begun, clock):
    """A double click that met two replicas."""
    one = begun()
    clock.advance(30)
    first = one.resend("form-1", "caller-1")

    with engine.unchanged():
        second = one.resend("form-1", "caller-2")

    assert second.verdict is Verdict.REPEATED
    assert second.record == first.record


def test_a_refused_resend_is_not_remembered(begun, clock):
    one = begun()
    one.resend("form-1")
    clock.advance(30)

    assert one.resend("form-1").verdict is Verdict.DONE


def test_nothing_is_sent_to_whom_wants_nothing(engine, begun, clock):
    one = begun()
    one.opt_out()
    clock.advance(30)

    with engine.unchanged():
        assert one.resend().verdict is Verdict.OPTED_OUT


def test_nothing_is_sent_to_whose_wrong_checks_are_spent(engine, begun, clock):
    """A token that nobody could check is not worth a message."""
    one = begun()
    for _ in range(3):
        begun(one.number).miss(5)
    clock.advance(30)

    with engine.unchanged():
        answer = one.resend()

    assert (answer.limit, answer.wait) == (Limit.CHECKS_OF_NUMBER, (24 * 3600 - 30) * 1000)


def test_after_a_resend_nothing_is_known_of_its_delivery(begun, clock):
    one = begun()
    one.report(Delivery.UNCERTAIN)
    clock.advance(30)

    assert one.resend().record.delivery is Delivery.ON_ITS_WAY


def test_nothing_is_sent_whose_token_is_not_the_one_that_was_sent(engine, begun, clock):
    """The length or the key was changed in the meantime: what would be sent now would not be accepted."""
    one = begun()
    clock.advance(30)

    with engine.unchanged():
        assert one.resend(digest="another").verdict is Verdict.GONE


@pytest.mark.parametrize(
    ("end", "verdict"),
    [("check", Verdict.APPROVED), ("cancel", Verdict.GONE)],
    ids=["approved", "canceled"],
)
def test_nothing_is_sent_for_what_has_ended(engine, begun, clock, end, verdict):
    one = begun()
    getattr(one, end)()
    clock.advance(30)

    with engine.unchanged():
        assert one.resend().verdict is verdict


def test_nothing_is_sent_for_what_is_locked(engine, begun, clock):
    one = begun()
    one.miss(5)
    clock.advance(30)

    with engine.unchanged():
        assert one.resend().verdict is Verdict.LOCKED


def test_nothing_is_sent_for_what_has_expired(engine, begun, clock):
    one = begun()
    clock.advance(600)

    with engine.unchanged():
        answer = one.resend()

    assert (answer.verdict, answer.record.status) == (Verdict.GONE, Status.EXPIRED)


def test_nothing_is_sent_for_what_was_never_started(engine, attempt):
    with engine.unchanged():
        answer = attempt().resend()

    assert (answer.verdict, answer.record) == (Verdict.GONE, None)
