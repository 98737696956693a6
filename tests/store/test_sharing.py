"""Several sources ask for one number: who may spend what, and whose message is good for whom."""

import pytest

from service.store.redis import SHARE, SHARED_CHECKS, SHARERS
from service.verification.ports import Status, Verdict
from tests.store.attempts import SOMEBODY

STRANGER = "a stranger"
ANOTHER = "another stranger"


def test_a_stranger_s_start_is_answered_by_the_message_of_a_moment_ago(begun, attempt):
    """A number gets one message, however many ask for it."""
    first = begun()
    second = attempt(first.number, source=STRANGER)

    answer = second.start()

    assert (answer.verdict, answer.wait, answer.other) == (Verdict.SHARED, 0, first.handle.random)
    assert answer.record == second.record
    assert answer.record.status is Status.PENDING
    assert answer.record.expires == first.record.expires
    assert second.token.reveal() == first.token.reveal()


def test_what_shares_a_message_is_forgotten_with_it(engine, begun, attempt, clock):
    first = begun()
    clock.advance(100)
    second = attempt(first.number, source=STRANGER)
    left = second.start().record.expires - second.now

    lives = engine.lives()

    assert left == 500_000
    assert 0 < lives[f"v:{{{second.handle.number}}}:{second.handle.random}"] <= left


def test_sharing_spends_no_send(engine, begun, attempt):
    first = begun()
    sends = f"s:{{{first.handle.number}}}"
    before = engine.contents()[sends]

    attempt(first.number, source=STRANGER).start()

    assert engine.contents()[sends] == before


def test_the_same_start_again_shares_again(engine, begun, attempt):
    first = begun()
    second = attempt(first.number, source=STRANGER)
    before = second.start()

    with engine.unchanged():
        again = second.start()

    assert (again.verdict, again.other, again.record) == (Verdict.SHARED, before.other, before.record)


def test_a_named_request_that_shared_is_carried_out_once(engine, begun, attempt):
    first = begun()
    second = attempt(first.number, source=STRANGER)
    second.start("form-1")

    with engine.unchanged():
        answer = attempt(first.number, source=STRANGER).start("form-1")

    assert (answer.verdict, answer.other) == (Verdict.REPEATED, second.handle.id)


@pytest.mark.parametrize("spender", [0, 1])
def test_a_shared_token_is_accepted_once(begun, attempt, spender):
    first = begun()
    second = attempt(first.number, source=STRANGER)
    second.start()
    both = [first, second]

    accepted = both.pop(spender)

    assert accepted.check().verdict is Verdict.DONE
    assert both[0].check().verdict is Verdict.REJECTED
    assert accepted.check().verdict is Verdict.APPROVED


def test_who_shares_has_fewer_checks(begun, attempt, policy):
    first = begun()
    second = attempt(first.number, source=STRANGER)
    second.start()

    assert second.record.checks == policy.max_checks - SHARED_CHECKS
    assert second.miss(SHARED_CHECKS).record.status is Status.LOCKED


def test_the_wrong_checks_of_strangers_do_not_lock_the_person_out(begun, attempt):
    first = begun()
    for stranger in range(3):
        other = attempt(first.number, source=f"stranger {stranger}")
        other.start()
        other.miss(2)

    assert first.check().verdict is Verdict.DONE


def test_wrong_checks_count_for_the_source_that_made_them(begun, clock):
    one = begun(source=STRANGER)
    one.miss(5)
    clock.advance(500)  # too late to share
    for _ in range(2):
        clock.advance(60)
        begun(one.number, source=STRANGER).miss(5)
    clock.advance(3600)

    assert begun(one.number, source=SOMEBODY).check().verdict is Verdict.DONE


def test_the_wrong_checks_of_all_sources_count_in_a_row(attempt, clock):
    """SP 800-63B-4, 3.2.2: not more than 100, whoever makes them."""
    number = attempt().number
    for place in range(20):
        clock.advance(24 * 3600)
        one = attempt(number, source=f"source {place}")
        assert one.start().verdict is Verdict.DONE
        one.miss(5)

    assert attempt(number, source="one more").start().verdict is Verdict.NUMBER_CHECKS_SPENT


@pytest.mark.parametrize("how", ["forgive", "opt in", "success"])
def test_the_row_ends_when_the_person_shows_up(attempt, clock, how):
    number = attempt().number
    for place in range(19):
        clock.advance(24 * 3600)
        one = attempt(number, source=f"source {place}")
        one.start()
        one.miss(5)
    clock.advance(24 * 3600)
    person = attempt(number)
    person.start()
    person.miss(4)

    match how:
        case "forgive":
            person.miss()
            person.forgive()
        case "opt in":
            person.miss()
            person.opt_out(out=False)
        case "success":
            person.check()
    clock.advance(24 * 3600)
    later = attempt(number, source="one more")

    assert later.start().verdict is Verdict.DONE
    assert later.miss(2).verdict is Verdict.REJECTED


def test_a_message_is_shared_while_there_is_time_to_type(begun, attempt, clock, policy):
    first = begun()
    clock.advance(policy.token_life - SHARE)
    assert attempt(first.number, source=STRANGER).start().verdict is Verdict.SHARED


def test_a_message_is_not_shared_when_it_is_nearly_over(begun, attempt, clock, policy):
    first = begun()
    clock.advance((policy.token_life - SHARE).total_seconds() + 0.001)

    assert attempt(first.number, source=STRANGER).start().verdict is Verdict.DONE


def test_who_asks_twice_gets_a_message_of_their_own(begun, attempt):
    first = begun()

    assert attempt(first.number).start().verdict is Verdict.DONE


def test_a_message_that_was_shared_is_the_only_one_until_it_expires(begun, attempt):
    """So that the latest message is always the right one, for everybody."""
    first = begun()
    attempt(first.number, source=STRANGER).start()

    assert attempt(first.number).start().verdict is Verdict.SHARED


def test_so_many_share_a_message_and_no_more(engine, begun, attempt, policy):
    first = begun()
    for place in range(SHARERS):
        assert attempt(first.number, source=f"stranger {place}").start().verdict is Verdict.SHARED

    with engine.unchanged():
        answer = attempt(first.number, source="one more").start()

    assert answer.verdict is Verdict.NUMBER_SENDS_SPENT
    assert answer.wait == policy.token_life.total_seconds() * 1000


def test_a_shared_token_outlives_the_verification_that_it_was_sent_for(begun, attempt):
    """Otherwise a stranger could make somebody's message worthless by asking for one before, and canceling it."""
    first = begun(source=STRANGER)
    second = attempt(first.number)
    second.start()
    first.cancel()

    assert first.check().verdict is Verdict.GONE
    assert second.check().verdict is Verdict.DONE


def test_what_was_never_sent_is_not_shared(begun, attempt):
    first = begun()
    first.unsend(1)

    assert attempt(first.number, source=STRANGER).start().verdict is Verdict.DONE


def test_what_was_spent_is_not_shared(begun, attempt):
    first = begun()
    first.check()

    assert attempt(first.number, source=STRANGER).start().verdict is Verdict.DONE


def test_who_shares_may_have_the_message_sent_again(begun, attempt, clock):
    first = begun()
    second = attempt(first.number, source=STRANGER)
    second.start()
    assert second.resend().verdict is Verdict.TOO_SOON
    clock.advance(30)

    assert second.resend().verdict is Verdict.DONE
    assert first.check().verdict is Verdict.DONE


def test_nobody_sends_an_earlier_message_again_while_others_share_a_later_one(engine, begun, attempt, clock):
    """It would be the latest on the phone, and wrong for them."""
    first = begun()
    begun(first.number)
    attempt(first.number, source=STRANGER).start()
    clock.advance(30)

    with engine.unchanged():
        assert first.resend().verdict is Verdict.GONE


def test_a_number_for_which_several_ask_gets_five_messages_an_hour(begun, attempt, clock):
    number = begun().number
    for place in range(4):
        clock.advance(600)
        begun(number, source=f"stranger {place}")
    clock.advance(600)
    late = attempt(number)

    answer = late.start()

    assert (answer.verdict, answer.wait) == (Verdict.NUMBER_SENDS_SPENT, 10 * 60_000)
    clock.advance(600)
    assert late.start().verdict is Verdict.DONE


def test_a_number_for_which_several_asked_gets_no_more_for_whoever_asks_last(begun, attempt, clock):
    number = begun(source=STRANGER).number
    for _ in range(4):
        clock.advance(600)
        begun(number)
    clock.advance(600)

    assert attempt(number).start().verdict is Verdict.NUMBER_SENDS_SPENT


def test_a_number_for_which_one_asks_gets_more(begun, attempt, clock):
    number = begun().number
    for _ in range(4):
        clock.advance(600)
        begun(number)
    clock.advance(600)

    assert attempt(number).start().verdict is Verdict.DONE
