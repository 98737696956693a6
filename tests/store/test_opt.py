"""opt_out and forgive: the phone itself wants no messages, or wants them again; or the operator forgives the number."""

import pytest

from service.store.verifications import WELCOME
from service.verification.errors import Limit
from service.verification.ports import Verdict
from tests.store.engines import KEYRING

MINUTE = 60
EVENLY = 12 * MINUTE  # an hour for five
TOO_LATE = 8 * MINUTE + 1  # to share a message of ten minutes
STRANGER = "a stranger"


@pytest.fixture(params=["opt in", "forgive"])
def show_up(request):
    """Either way in which the person is told from strangers."""
    return lambda one: one.opt_out(out=False) if request.param == "opt in" else one.forgive()


def test_who_wants_no_messages_is_sent_none(engine, attempt):
    one = attempt()
    one.opt_out()

    with engine.unchanged():
        answer = one.start("form-1")

    assert (answer.verdict, answer.wait, answer.record) == (Verdict.OPTED_OUT, 0, None)


def test_who_wants_messages_again_is_sent_some(attempt):
    one = attempt()
    one.opt_out()
    one.opt_out(out=False)

    assert one.start("form-1").verdict is Verdict.DONE


def test_who_opts_out_can_still_type_what_came_before(begun):
    one = begun()
    one.opt_out()

    assert one.check().verdict is Verdict.DONE


def test_other_numbers_are_sent_theirs(attempt):
    attempt().opt_out()

    assert attempt().start().verdict is Verdict.DONE


def test_the_same_news_again_changes_nothing(engine, attempt):
    """Carriers tell the same more than once, and old news after new."""
    one = attempt()
    one.opt_out(out=False, event="event-1")
    one.opt_out(event="event-2")

    with engine.unchanged():
        one.opt_out(out=False, event="event-1")

    assert one.start().verdict is Verdict.OPTED_OUT


def test_forgiving_opens_no_number_that_wants_no_messages(attempt):
    one = attempt()
    one.opt_out()
    one.forgive()

    assert one.start().verdict is Verdict.OPTED_OUT


def test_one_message_more_goes_out_though_strangers_spent_the_hour(begun, attempt, clock, show_up):
    number = begun().number
    for _ in range(4):
        begun(number)
    person = attempt(number, source="the person")
    clock.advance(TOO_LATE)
    assert person.start().limit is Limit.SENDS_OF_NUMBER

    show_up(person)

    assert person.start().verdict is Verdict.DONE
    assert person.check().verdict is Verdict.DONE


def test_what_was_texted_still_counts_for_whoever_asks_after_that(begun, attempt, clock, show_up):
    """Otherwise whoever asks often enough gets in a message of their own for each that the person asks for."""
    number = begun().number
    clock.advance(TOO_LATE)
    show_up(attempt(number))
    begun(number, source="the person")
    clock.advance(TOO_LATE)

    answer = attempt(number, source=STRANGER).start()

    assert (answer.limit, answer.wait) == (Limit.SENDS_OF_NUMBER, (EVENLY - TOO_LATE) * 1000)


def test_one_more_is_one_an_hour_however_often_the_phone_asks(begun, attempt, clock, show_up):
    number = begun().number
    for _ in range(4):
        begun(number)
    show_up(attempt(number))
    begun(number, source=STRANGER)
    clock.advance(TOO_LATE)
    show_up(attempt(number))

    answer = attempt(number).start()

    assert (answer.limit, answer.wait) == (Limit.SENDS_OF_NUMBER, (60 * MINUTE - TOO_LATE) * 1000)


def test_a_message_that_strangers_caused_after_it_is_shared(begun, attempt, show_up):
    """Also when the phone asks again, and the hour has no other one for it."""
    number = begun().number
    for _ in range(4):
        begun(number)
    show_up(attempt(number))
    begun(number, source=STRANGER)
    show_up(attempt(number))
    person = attempt(number)

    assert person.start().verdict is Verdict.SHARED
    assert person.check().verdict is Verdict.DONE


def test_whoever_asks_next_gets_a_message_of_their_own(begun, attempt, show_up):
    """What a stranger asked for a moment ago is shared with nobody any more."""
    stranger = begun(source=STRANGER)
    attempt(stranger.number, source="another stranger").start()
    person = attempt(stranger.number)

    show_up(person)

    assert person.start().verdict is Verdict.DONE
    assert person.token.reveal() != stranger.token.reveal()
    assert person.check().verdict is Verdict.DONE


def test_all_wrong_checks_are_forgotten(begun, attempt, show_up):
    """Also those of the source that asks next: it holds the phone."""
    number = begun().number
    for _ in range(3):
        begun(number).miss(5)
    assert attempt(number).start().limit is Limit.CHECKS_OF_NUMBER

    show_up(attempt(number))

    assert begun(number).miss(4).verdict is Verdict.REJECTED


def test_a_number_that_nobody_asked_for_is_only_welcome(engine, attempt, show_up):
    one = attempt()

    show_up(one)

    welcome = f"{{tp}}:n:{one.digest_of_number}"
    assert set(engine.deciding()) == {KEYRING, welcome}
    assert 0 < engine.lives()[welcome] <= WELCOME.total_seconds() * 1000


def test_a_number_is_welcome_for_ten_minutes(engine, attempt, show_up):
    one = attempt()
    show_up(one)

    engine.age(WELCOME.total_seconds())

    assert set(engine.deciding()) == {KEYRING}


def test_a_number_that_wants_no_messages_is_not_welcome(engine, attempt):
    one = attempt()

    one.opt_out()

    assert set(engine.deciding()) == {KEYRING, f"{{tp}}:o:{one.digest_of_number}"}
