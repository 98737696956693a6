"""start: remembers a verification and its token, and spends a send of the number."""

import dataclasses

import pytest

from service.verification.caller import Caller
from service.verification.errors import Delivery, Limit
from service.verification.ports import Kind, Status, Verdict

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.fixture
def by_window(make_store, policy):
    """A store that gives a number as many messages an hour as the windows of one source allow."""
    return make_store(dataclasses.replace(policy, sends_an_hour=0))


def test_a_start_remembers_the_verification(attempt, policy):
    one = attempt()

    answer = one.start()

    assert answer.verdict is Verdict.DONE
    assert answer.record == one.record
    assert answer.record.status is Status.PENDING
    assert answer.record.begun == answer.record.now == one.now
    assert answer.record.expires - answer.record.begun == policy.token_life.total_seconds() * 1000
    assert (answer.record.sends, answer.record.checks) == (1, 0)
    assert answer.record.wait == policy.resend_waits[0].total_seconds() * 1000
    assert answer.record.delivery is Delivery.ON_ITS_WAY


def test_nothing_is_kept_for_longer_than_it_is_needed(engine, attempt, policy):
    one = attempt(caller=Caller.at("192.0.2.7"))
    one.start("form-1")
    life = round(policy.token_life.total_seconds() * 1000)

    lives = {name.removeprefix("{tp}:")[0]: left for name, left in engine.lives().items()}

    most = {"v": life, "t": life, "n": DAY * 1000, "u": DAY * 1000, "l": DAY * 1000, "h": (DAY + HOUR) * 1000}
    most |= {"y": 3 * DAY * 1000, "d": 400 * DAY * 1000}
    assert lives.keys() == most.keys()
    assert all(0 < lives[kind] <= most[kind] for kind in most)


def test_what_is_counted_for_a_number_does_not_grow_for_ever(engine, begun, clock):
    one = begun()
    for _ in range(30):
        clock.advance(3 * 60 * MINUTE)
        begun(one.number)

    clock.advance(600)
    begun(one.number, source="another")

    held = engine.contents()[f"{{tp}}:n:{one.digest_of_number}"]
    assert sorted(len(times.split()) for field, times in held.items() if field[:1] == b"s") == [1, 8]


def test_requests_are_forgotten_with_the_next_message_after_their_token(engine, begun, attempt, clock):
    first = attempt()
    first.start("form-1")
    clock.advance(601)
    begun(first.number)

    held = engine.contents()[f"{{tp}}:n:{first.digest_of_number}"]
    assert [field for field in held if field[:1] == b"q"] == []


def test_requests_of_a_test_number_are_forgotten(engine, attempt, clock):
    number = attempt().number
    for place in range(30):
        clock.advance(3600)
        attempt(number, watched=False).start(f"form-{place}", kind=Kind.TEST)

    (held,) = [value for name, value in engine.contents().items() if name.startswith("{tp}:n:")]
    assert len([field for field in held if field[:1] == b"q"]) <= 2


def test_the_same_start_again_changes_nothing(engine, begun):
    """Its answer may have been lost on the way."""
    one = begun()
    first = one.show()

    with engine.unchanged():
        assert one.start() == first


def test_the_same_start_again_is_answered_the_same_while_the_number_has_no_send_left(begun, clock):
    attempts = [begun()]
    attempts += [begun(attempts[0].number) for _ in range(4)]

    assert [one.start().verdict for one in attempts] == [Verdict.DONE] * 5


def test_a_named_request_is_carried_out_once(engine, attempt):
    """A double click sends one message."""
    first, second = attempt(), None
    first.start("form-1")
    second = attempt(first.number)

    with engine.unchanged():
        answer = second.start("form-1")

    assert answer.verdict is Verdict.REPEATED
    assert answer.other == first.handle.memo
    assert answer.record is None


def test_another_request_is_carried_out(attempt):
    first = attempt()
    first.start("form-1")

    assert attempt(first.number).start("form-2").verdict is Verdict.DONE


def test_requests_without_a_name_are_all_carried_out(begun):
    first = begun()

    assert begun(first.number).record.status is Status.PENDING
    assert first.record.status is Status.PENDING


def test_a_number_has_five_sends_in_ten_minutes(engine, begun, attempt, clock, by_window):
    number = begun(on=by_window).number
    for _ in range(4):
        clock.advance(10)
        begun(number, on=by_window)
    late = attempt(number, on=by_window)

    with engine.unchanged():
        answer = late.start("form-1")

    assert answer.limit is Limit.SENDS_OF_NUMBER
    assert answer.wait == (10 * MINUTE - 40) * 1000
    assert answer.record is None


def test_a_refused_start_is_allowed_when_its_wait_is_over_and_not_before(begun, attempt, clock):
    number = begun().number
    for _ in range(4):
        clock.advance(10)
        begun(number)
    late = attempt(number)
    wait = late.start("form-1").wait / 1000

    clock.advance(wait - 0.001)
    early = late.start("form-1")
    clock.advance(0.001)
    then = late.start("form-1")

    assert (early.limit, early.wait) == (Limit.SENDS_OF_NUMBER, 1)
    assert then.verdict is Verdict.DONE


def test_the_window_slides(begun, attempt, clock, by_window):
    """Five at the end of one window and five at the start of the next would be ten in a minute."""
    number = begun(on=by_window).number
    clock.advance(9 * MINUTE)
    for _ in range(4):
        begun(number, on=by_window)
    clock.advance(MINUTE)
    begun(number, on=by_window)

    answer = attempt(number, on=by_window).start()

    assert (answer.limit, answer.wait) == (Limit.SENDS_OF_NUMBER, 9 * MINUTE * 1000)


def test_a_number_has_ten_sends_a_day(begun, attempt, clock, by_window):
    number = begun(on=by_window).number
    for _ in range(9):
        clock.advance(3 * MINUTE)
        begun(number, on=by_window)
    clock.advance(10 * MINUTE)

    answer = attempt(number, on=by_window).start()

    assert answer.limit is Limit.SENDS_OF_NUMBER
    assert answer.wait == (DAY - 37 * MINUTE) * 1000


def test_a_number_has_five_sends_an_hour(engine, begun, attempt, clock):
    number = begun().number
    for _ in range(4):
        clock.advance(11 * MINUTE)
        begun(number)
    clock.advance(11 * MINUTE)
    late = attempt(number)

    with engine.unchanged():
        answer = late.start()

    assert (answer.limit, answer.wait) == (Limit.SENDS_OF_NUMBER, 5 * MINUTE * 1000)
    clock.advance(5 * MINUTE)
    assert late.start().verdict is Verdict.DONE


def test_a_known_number_has_twice_as_many(attempt, by_window):
    """In an hour, and in the windows of one source."""
    number, other = (attempt().number for _ in range(2))
    for _ in range(10):
        assert attempt(number).start(kind=Kind.KNOWN).verdict is Verdict.DONE
        assert attempt(other, on=by_window).start(kind=Kind.KNOWN).verdict is Verdict.DONE

    late, by_ten_minutes = attempt(number).start(kind=Kind.KNOWN), attempt(other, on=by_window).start(kind=Kind.KNOWN)

    assert (late.limit, late.wait) == (Limit.SENDS_OF_NUMBER, 60 * MINUTE * 1000)
    assert (by_ten_minutes.limit, by_ten_minutes.wait) == (Limit.SENDS_OF_NUMBER, 10 * MINUTE * 1000)


def test_a_test_number_has_no_limit_of_an_hour_either(attempt, begun):
    number = begun().number
    for _ in range(4):
        begun(number)

    assert attempt(number, source="another").start(kind=Kind.TEST).verdict is Verdict.DONE
    assert attempt(number, source="a third").start(kind=Kind.TEST).verdict is Verdict.DONE


def test_other_numbers_have_their_own_sends(begun, attempt):
    number = begun().number
    for _ in range(4):
        begun(number)

    assert attempt().start().verdict is Verdict.DONE


@pytest.mark.parametrize("end", ["cancel", "check"])
def test_ending_a_verification_gives_no_send_back(begun, attempt, end):
    number = begun().number
    for _ in range(4):
        getattr(begun(number), end)()

    assert attempt(number).start().limit is Limit.SENDS_OF_NUMBER


def test_nobody_is_texted_whose_wrong_checks_are_spent(engine, begun, attempt, clock):
    """A token that nobody could check is not worth a message."""
    number = begun().number
    for _ in range(3):
        begun(number).miss(5)
        clock.advance(60)
    clock.advance(10 * MINUTE)
    late = attempt(number)

    with engine.unchanged():
        answer = late.start()

    assert answer.limit is Limit.CHECKS_OF_NUMBER
    assert answer.wait == (DAY - 13 * MINUTE) * 1000


def test_a_caller_whose_clock_is_slow_gets_the_time_of_the_store(attempt, clock):
    """It begins now, not an hour ago, and lives no longer for it."""
    clock.advance(-2 * 3600)
    one = attempt()

    record = one.start().record

    assert record.begun == record.now
    assert record.begun - one.now == pytest.approx(3600 * 1000, abs=120 * 1000)


def test_a_test_number_has_a_hundred_starts_in_ten_minutes_of_one_source(attempt):
    """No message goes out, but each leaves something behind."""
    number = attempt().number
    attempts = [attempt(number) for _ in range(100)]

    assert {one.start(kind=Kind.TEST).verdict for one in attempts} == {Verdict.DONE}
    late = attempt(number).start(kind=Kind.TEST)
    assert (late.limit, late.wait) == (Limit.SENDS_OF_NUMBER, 10 * MINUTE * 1000)
    assert attempts[-1].check().verdict is Verdict.DONE
    assert attempt(number, source="another").start(kind=Kind.TEST).verdict is Verdict.DONE


def test_wrong_checks_of_a_test_number_lock_nobody_out(attempt):
    number = attempt().number
    for _ in range(30):
        one = attempt(number)
        one.start(kind=Kind.TEST)
        one.miss(5)

    assert attempt(number).start(kind=Kind.TEST).verdict is Verdict.DONE
