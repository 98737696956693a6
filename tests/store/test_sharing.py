"""Several sources ask for one number: who may spend what, and whose message is good for whom."""

import dataclasses

import pytest

from service.store.verifications import SHARE, SHARED_CHECKS, SHARES_OF_SOURCE
from service.verification.errors import Limit
from service.verification.limits import EVERYBODY, Charge
from service.verification.policy import HOUR, Window
from service.verification.ports import Status, Verdict
from tests.store.attempts import SOMEBODY

STRANGER = "a stranger"
ANOTHER = "another stranger"
MINUTE = 60
EVENLY = 12 * MINUTE  # an hour for five
TOO_LATE = 8 * MINUTE + 1  # to share a message of ten minutes
CHARGES = (Charge(Limit.SENDS_IN_ALL, EVERYBODY, (Window(5, HOUR),), enforced=True),)


def test_a_stranger_s_start_is_answered_by_the_message_of_a_moment_ago(begun, attempt):
    """A number gets one message, however many ask for it."""
    first = begun()
    second = attempt(first.number, source=STRANGER)

    answer = second.start()

    assert (answer.verdict, answer.wait, answer.other) == (Verdict.SHARED, 0, first.handle.seed)
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
    assert 0 < lives[f"{{tp}}:v:{second.handle.random}"] <= left


def test_sharing_spends_no_send(engine, begun, attempt):
    first = begun()
    name = f"{{tp}}:n:{first.digest_of_number}"
    before = engine.deciding()
    second = attempt(first.number, source=STRANGER, charges=CHARGES, price=1)

    second.start()

    after = engine.deciding()
    new = f"{{tp}}:v:{second.handle.random}"
    assert after == before | {name: before[name] | {b"k": b"1", b"x" + STRANGER[-8:].encode(): b"1"}, new: after[new]}


def test_the_same_start_again_shares_again(engine, begun, attempt):
    first = begun()
    second = attempt(first.number, source=STRANGER)
    before = second.start()

    with engine.unchanged():
        again = second.start()

    assert (again.verdict, again.other, again.record) == (Verdict.SHARED, before.other, before.record)


def test_a_shared_start_whose_answer_was_lost_has_nothing_to_give_back(engine, begun, attempt):
    first = begun()
    second = attempt(first.number, source=STRANGER, charges=CHARGES, price=1)
    second.start()

    with engine.unchanged():
        second.unsend(1, is_undo=True)


def test_a_named_request_that_shared_is_carried_out_once(engine, begun, attempt):
    first = begun()
    second = attempt(first.number, source=STRANGER)
    memo = second.handle.memo
    second.start("form-1")

    with engine.unchanged():
        answer = attempt(first.number, source=STRANGER).start("form-1")

    assert (answer.verdict, answer.other) == (Verdict.REPEATED, f"{memo} {first.handle.seed}")


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

    assert attempt(number, source="one more").start().limit is Limit.CHECKS_OF_NUMBER


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


def test_a_source_shares_a_message_so_often_and_takes_it_from_nobody(engine, begun, attempt, policy):
    first = begun()
    for _ in range(SHARES_OF_SOURCE):
        assert attempt(first.number, source=STRANGER).start().verdict is Verdict.SHARED

    with engine.unchanged():
        answer = attempt(first.number, source=STRANGER).start()

    assert answer.limit is Limit.SENDS_OF_NUMBER
    assert answer.wait == policy.token_life.total_seconds() * 1000
    for place in range(10):
        assert attempt(first.number, source=f"stranger {place}").start().verdict is Verdict.SHARED


def test_who_shares_gets_two_wrong_checks_a_day(begun, attempt, clock):
    """However often: it is a token that somebody else asked for."""
    first = begun()
    attempt(first.number, source=STRANGER)
    sharing = attempt(first.number, source=STRANGER)
    sharing.start()
    sharing.miss(SHARED_CHECKS)

    again = attempt(first.number, source=STRANGER).start()

    assert (again.limit, again.wait) == (Limit.CHECKS_OF_NUMBER, 24 * 3600 * 1000)


# -- Where nobody is told apart


def test_who_cannot_be_told_apart_is_sent_the_same_token_again(begun, attempt):
    """So that the latest message is the right one, whoever asked for it."""
    first = begun(is_told_apart=False)
    second = attempt(first.number, is_told_apart=False)

    answer = second.start()

    assert (answer.verdict, answer.other) == (Verdict.DONE, first.handle.seed)
    assert answer.record.expires == first.record.expires
    second.handle = second._keyring.sharing(second.handle, answer.other)
    assert second.check().verdict is Verdict.DONE


def test_wrong_checks_of_people_who_are_not_told_apart_count_in_a_row_only(begun):
    number = begun(is_told_apart=False).number
    for _ in range(3):
        begun(number, is_told_apart=False).miss(5)

    assert begun(number, is_told_apart=False).miss(4).verdict is Verdict.REJECTED


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
    assert second.resend().limit is Limit.RESEND_WAIT
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


# -- How many messages a number gets, whoever asks


@pytest.fixture
def spent(begun, clock):
    """A number for which somebody has spent the messages of an hour, too long ago to share the last one."""
    number = begun().number
    for _ in range(4):
        begun(number)
    clock.advance(TOO_LATE)
    return number


def test_what_one_source_spent_of_its_own_is_not_held_against_another(make_store, policy, begun, attempt, clock):
    store = make_store(dataclasses.replace(policy, sends_an_hour=0))
    number = begun(on=store).number
    for _ in range(4):
        begun(number, on=store)
    clock.advance(TOO_LATE)

    assert attempt(number, on=store).start().limit is Limit.SENDS_OF_NUMBER
    for place in range(8):
        assert attempt(number, source=f"stranger {place}", on=store).start().verdict is Verdict.DONE
        clock.advance(TOO_LATE)


@pytest.mark.parametrize("source", [SOMEBODY, STRANGER], ids=["first", "second"])
def test_the_hour_is_spent_for_everybody(engine, attempt, clock, spent, source):
    """Five, whoever asks. The phone itself may ask for one more: see test_opt.py."""
    late = attempt(spent, source=source)

    with engine.unchanged():
        answer = late.start()

    assert (answer.limit, answer.wait) == (Limit.SENDS_OF_NUMBER, (60 * MINUTE - TOO_LATE) * 1000)
    clock.advance(60 * MINUTE - TOO_LATE)
    assert late.start().verdict is Verdict.DONE


@pytest.mark.parametrize("source", [SOMEBODY, STRANGER, ANOTHER], ids=["first", "second", "third"])
def test_a_number_for_which_several_asked_is_texted_evenly(begun, attempt, clock, source):
    """Nobody can spend its hour in a minute."""
    number = begun().number
    clock.advance(TOO_LATE)
    begun(number, source=STRANGER)
    clock.advance(TOO_LATE)
    late = attempt(number, source=source)
    answer = late.start()

    clock.advance(EVENLY - TOO_LATE - 0.001)
    early = late.start()
    clock.advance(0.001)
    then = late.start()

    assert (answer.limit, answer.wait) == (Limit.SENDS_OF_NUMBER, (EVENLY - TOO_LATE) * 1000)
    assert (early.limit, early.wait) == (Limit.SENDS_OF_NUMBER, 1)
    assert then.verdict is Verdict.DONE


def test_after_an_hour_of_silence_nobody_knows_who_asked(engine, begun, clock):
    number = begun().number
    clock.advance(TOO_LATE)
    begun(number, source=STRANGER)
    clock.advance(60 * MINUTE)
    engine.age(60 * MINUTE)

    for _ in range(5):
        begun(number, source=ANOTHER)


def test_a_number_for_which_one_asks_is_texted_as_fast_as_they_ask(begun):
    number = begun().number

    for _ in range(4):
        begun(number)


def test_strangers_without_end_have_a_number_texted_five_times_an_hour(begun, attempt, clock):
    number = begun(source="stranger 0").number
    sent = [clock()]
    for _ in range(4):
        begun(number, source="stranger 0")
        sent.append(clock())
    for minute in range(6 * 60):
        clock.advance(MINUTE)
        if attempt(number, source=f"stranger {minute}", watched=False).start().verdict is Verdict.DONE:
            sent.append(clock())

    in_an_hour = [sum(begin <= time < begin + 3600 for time in sent) for begin in sent]
    assert max(in_an_hour) == 5
    assert len(sent) > 25


def test_a_resend_of_who_shares_is_theirs(begun, attempt, clock):
    """They are the second source that had a message sent, and the next messages come evenly."""
    first = begun()
    second = attempt(first.number, source=STRANGER)
    second.start()
    clock.advance(30)
    assert second.resend().verdict is Verdict.DONE
    clock.advance(60)

    answer = second.resend()

    assert (answer.limit, answer.wait) == (Limit.SENDS_OF_NUMBER, (EVENLY - 60) * 1000)
    assert answer.record.wait == answer.wait


def test_each_source_is_told_what_it_has_to_wait_for_itself(make_store, policy, begun, attempt, clock):
    store = make_store(dataclasses.replace(policy, sends_an_hour=0))
    first = begun(on=store)
    for _ in range(4):
        first = begun(first.number, on=store)
    second = attempt(first.number, source=STRANGER, on=store)
    second.start()
    clock.advance(30)

    assert first.record.wait == (10 * MINUTE - 30) * 1000
    assert second.record.wait == 0


def test_what_was_not_sent_is_not_held_against_anybody(begun, attempt, clock):
    number = begun().number
    clock.advance(TOO_LATE)
    begun(number, source=STRANGER).unsend(1)
    clock.advance(EVENLY - TOO_LATE)

    assert attempt(number, source=ANOTHER).start().verdict is Verdict.DONE


def test_without_a_limit_of_an_hour_several_wait_for_nobody(make_store, policy, begun, clock):
    store = make_store(dataclasses.replace(policy, sends_an_hour=0))
    number = begun(on=store).number

    for place in range(7):
        clock.advance(TOO_LATE)
        begun(number, source=f"stranger {place}", on=store)
