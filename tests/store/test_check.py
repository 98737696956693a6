"""check: counts one check, and spends the token when it is the right one."""

import dataclasses
from datetime import timedelta

import pytest

from service.verification.errors import Limit
from service.verification.policy import Window
from service.verification.ports import Status, Verdict

DAY_MS = 24 * 3600 * 1000


def test_the_right_token_is_accepted(begun):
    one = begun()

    answer = one.check()

    assert answer.verdict is Verdict.DONE
    assert answer.record == one.record
    assert answer.record.status is Status.APPROVED
    assert answer.record.checks == 0


def test_a_token_is_accepted_once(engine, begun):
    one = begun()
    one.check()

    with engine.unchanged():
        assert one.check().verdict is Verdict.APPROVED


def test_a_spent_token_is_no_key_any_more(engine, begun):
    one = begun()
    assert any(one.digest in name for name in engine.names())

    one.check()

    assert not any(one.digest in name for name in engine.names())


def test_the_same_right_check_again_is_answered_the_same(engine, begun):
    """Its answer may have been lost on the way: a lost reply is not a lost token."""
    one = begun()
    first = one.check(nonce="form-1")

    with engine.unchanged():
        again = one.check(nonce="form-1")

    assert again.verdict is Verdict.REPEATED
    assert again.record == first.record


def test_a_wrong_token_is_counted(begun):
    one = begun()

    answer = one.miss()

    assert answer.verdict is Verdict.REJECTED
    assert answer.record == one.record
    assert (answer.record.status, answer.record.checks) == (Status.PENDING, 1)


def test_the_same_wrong_check_again_costs_nothing(engine, begun):
    one = begun()
    first = one.check(one.wrong, nonce="form-1")

    with engine.unchanged():
        assert one.check(one.wrong, nonce="form-1") == first


def test_a_repeated_wrong_check_is_told_the_count_of_its_time(begun):
    one = begun()
    one.check(one.wrong, nonce="form-1")
    one.miss(2)

    again = one.check(one.wrong, nonce="form-1")

    assert (again.verdict, again.record.checks) == (Verdict.REJECTED, 1)
    assert one.record.checks == 3


def test_another_token_under_the_same_name_is_another_check(begun):
    """The form was sent, came back wrong, and was put right by hand."""
    one = begun()
    one.check(one.wrong, nonce="form-1")

    assert one.check(nonce="form-1").verdict is Verdict.DONE


def test_the_fifth_check_if_right_passes(begun):
    one = begun()
    one.miss(4)

    assert one.check().verdict is Verdict.DONE


def test_five_wrong_checks_lock(engine, begun):
    one = begun()

    fifth = one.miss(5)

    assert (fifth.verdict, fifth.record.status, fifth.record.checks) == (Verdict.REJECTED, Status.LOCKED, 5)
    with engine.unchanged():
        assert one.check().verdict is Verdict.LOCKED


def test_the_fifth_wrong_check_again_is_answered_the_same(engine, begun):
    one = begun()
    one.miss(4)
    fifth = one.check(one.wrong, nonce="form-1")

    with engine.unchanged():
        assert one.check(one.wrong, nonce="form-1") == fifth


def test_one_check_is_allowed_where_the_policy_says_one(make_store, policy, begun):
    one = begun(on=make_store(dataclasses.replace(policy, max_checks=1)))

    assert one.miss().record.status is Status.LOCKED
    assert one.check().verdict is Verdict.LOCKED


def test_a_new_verification_gives_a_number_no_fresh_guesses(engine, begun, clock):
    """SP 800-63B-4, 3.1.3.2: a new token does not reset the count."""
    first = begun()
    first.miss(5)
    clock.advance(60)
    begun(first.number).miss(5)
    clock.advance(60)
    third = begun(first.number)
    third.miss(4)
    fourth = begun(first.number)
    third.miss()

    with engine.unchanged():
        answer = fourth.check()

    assert answer.limit is Limit.CHECKS_OF_NUMBER
    assert answer.wait == DAY_MS - 120_000
    assert answer.record.status is Status.PENDING


def test_the_fifteenth_check_of_a_number_if_right_passes(begun):
    first = begun()
    first.miss(5)
    begun(first.number).miss(5)
    third = begun(first.number)
    third.miss(4)

    assert third.check().verdict is Verdict.DONE


def test_a_number_may_be_checked_again_when_its_wait_is_over_and_not_before(make_store, policy, begun, clock):
    windows = (Window(2, timedelta(seconds=60)),)
    one = begun(on=make_store(dataclasses.replace(policy, checks_of_number=windows)))
    one.miss()
    clock.advance(10)
    one.miss()

    clock.advance(49.999)
    early = one.check()
    clock.advance(0.001)
    then = one.check()

    assert (early.limit, early.wait) == (Limit.CHECKS_OF_NUMBER, 1)
    assert then.verdict is Verdict.DONE


def test_a_hundred_wrong_checks_in_a_row_block_a_number(make_store, policy, attempt, clock):
    """SP 800-63B-4, 3.2.2. No day's rest helps."""
    store = make_store(dataclasses.replace(policy, checks_of_number=()))
    number = attempt().number
    for _ in range(20):
        one = attempt(number, on=store)
        one.start()
        one.miss(5)
        clock.advance(24 * 3600)

    answer = attempt(number, on=store).start()

    assert answer.limit is Limit.CHECKS_OF_NUMBER
    assert answer.wait == (365 - 20) * DAY_MS


def test_a_success_clears_the_wrong_checks_of_its_number(begun, clock):
    first = begun()
    first.miss(5)
    second = begun(first.number)
    second.miss(4)
    second.check()

    third = begun(first.number)
    third.miss(5)
    fourth = begun(first.number)
    fourth.miss(5)

    assert begun(first.number).check().verdict is Verdict.DONE


def test_wrong_checks_of_one_number_cost_no_other_number(begun):
    first = begun()
    first.miss(5)
    begun(first.number).miss(5)
    begun(first.number).miss(5)

    assert begun().check().verdict is Verdict.DONE


def test_a_token_lives_ten_minutes_and_not_a_millisecond_longer(engine, begun, clock):
    in_time, late = begun(), begun()

    clock.advance(599.999)
    assert in_time.check().verdict is Verdict.DONE

    clock.advance(0.001)
    with engine.unchanged():
        answer = late.check()
    assert (answer.verdict, answer.record.status) == (Verdict.GONE, Status.EXPIRED)


def test_an_approval_is_remembered_until_the_token_would_have_ended(begun, clock):
    one = begun()
    one.check()

    clock.advance(3600)

    assert one.record.status is Status.APPROVED


def test_a_caller_whose_clock_is_slow_cannot_revive_a_token(begun, clock):
    """The later of two clocks counts, and the store has seen a later one."""
    one = begun()
    clock.advance(-24 * 3600)

    assert one.check().verdict is Verdict.DONE
    assert one.record.now > one.now


def test_what_was_never_started_is_unknown_and_leaves_nothing(engine, attempt):
    one = attempt()

    with engine.unchanged():
        answer = one.check()

    assert (answer.verdict, answer.record) == (Verdict.GONE, None)


def test_a_canceled_verification_accepts_nothing(engine, begun):
    one = begun()
    one.cancel()

    with engine.unchanged():
        assert one.check().verdict is Verdict.GONE


@pytest.mark.slow
def test_a_token_opens_no_other_verification(make_store, policy, begun, clock):
    """Pairs of the same number and of different ones; and at the end each opens its own."""
    roomy = (Window(20_000, timedelta(days=1)),)
    rules = dataclasses.replace(
        policy,
        max_checks=20_000,
        checks_of_number=roomy,
        checks_in_a_row=roomy,
        sends_of_number=roomy,
        sends_an_hour=0,
    )
    store = make_store(rules)
    first = [begun(on=store, watched=False) for _ in range(5)]
    attempts = first + [begun(one.number, on=store, watched=False) for one in first for _ in range(5)]
    pairs = [(one, other) for one in attempts for other in attempts if one.token.reveal() != other.token.reveal()]

    verdicts = {one.check(other.token).verdict for one, other in pairs}

    assert len(pairs) >= 800
    assert verdicts == {Verdict.REJECTED}
    assert {one.check().verdict for one in attempts} == {Verdict.DONE}
