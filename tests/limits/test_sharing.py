"""One live token for all strangers (ADR 7): nobody is bombed, and nobody is locked out.

A stranger is whoever asks for the person's number from somewhere else. The person holds the phone.
"""

from contextlib import suppress
from dataclasses import replace
from itertools import islice, pairwise

import pytest

from service.verification.caller import Caller
from service.verification.errors import (
    AlreadyApproved,
    Limit,
    TokenRejected,
    UnknownVerification,
    VerificationError,
    VerificationLocked,
)
from service.verification.ports import OptOut, Status
from tests.fakes import wrong
from tests.limits.desk import HERE, lines, refused

SHARERS, SHARES_OF_SOURCE, SHARED_CHECKS = 20, 3, 2
MINUTES = 60


@pytest.fixture
def one(desk):
    return desk(STARTS_PER_PREFIX=())


def texts(one, number):
    return [message for message in one.sender.messages if message.to.e164 == number]


# -- One message for all


def test_many_strangers_are_one_message(one, number, strangers):
    first = one.start(number, next(strangers))
    others = [one.start(number, place) for place in islice(strangers, SHARERS)]

    assert not first.is_shared
    assert all(other.is_shared and other.status is Status.PENDING for other in others)
    assert len({other.id for other in [first, *others]}) == SHARERS + 1
    assert len(texts(one, number)) == 1


def test_the_person_gets_in_with_the_message_that_a_stranger_caused(one, number, strangers):
    one.start(number, next(strangers))
    mine = one.start(number, HERE)

    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_what_the_person_has_typed_is_spent_for_the_stranger_too(one, number, strangers):
    stranger = next(strangers)
    theirs = one.start(number, stranger)
    mine = one.start(number, HERE)
    token = one.token_of(mine)
    one.check(mine, token)

    with pytest.raises(TokenRejected):
        one.check(theirs, token, stranger)


def test_one_approval_is_one_approval(one, number, strangers):
    """However many share the token."""
    places = list(islice(strangers, SHARERS + 1))
    begun = [one.start(number, place) for place in places]
    token = one.token_of(begun[0])
    approved = []
    for verification, place in zip(reversed(begun), reversed(places), strict=True):
        with suppress(VerificationError):
            approved.append(one.check(verification, token, place))

    assert [verification.id for verification in approved] == [begun[-1].id]


def test_a_token_of_another_number_is_no_token_of_this_one(one, numbers, strangers):
    mine, theirs = one.start(next(numbers)), one.start(next(numbers), next(strangers))

    with pytest.raises(VerificationError):
        one.check(mine, one.token_of(theirs))


def test_a_shared_verification_ends_with_its_token(one, number, strangers, clock):
    one.start(number, next(strangers))
    clock.advance(400)
    mine = one.start(number, HERE)

    assert mine.expires_in == 200
    clock.advance(200)
    with pytest.raises(UnknownVerification):
        one.check(mine, one.token_of(mine))


def test_when_little_life_is_left_there_is_a_new_message(one, number, strangers, clock):
    one.start(number, next(strangers))
    clock.advance(481)

    mine = one.start(number, HERE)

    assert not mine.is_shared
    assert len(texts(one, number)) == 2
    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_the_same_person_may_ask_again_while_nobody_else_has(one, number):
    """From one place, a new start is a new message: maybe the first one was lost."""
    one.start(number)
    second = one.start(number)

    assert not second.is_shared
    assert len(texts(one, number)) == 2


# -- The latest message is always the right one


def test_once_it_is_shared_the_first_one_makes_no_other_token(one, number, strangers):
    stranger = next(strangers)
    one.start(number, stranger)
    mine = one.start(number, HERE)

    for _ in range(SHARES_OF_SOURCE):
        assert one.start(number, stranger).is_shared

    assert len(texts(one, number)) == 1
    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_whoever_has_it_sent_again_sends_the_same_token(one, number, strangers, clock):
    stranger = next(strangers)
    theirs = one.start(number, stranger)
    mine = one.start(number, HERE)
    clock.advance(30)
    one.verifier.resend(theirs.id, caller=Caller.at(stranger))
    clock.advance(30)
    one.verifier.resend(mine.id, caller=Caller.at(HERE))

    assert len({message.text.split()[0] for message in texts(one, number)}) == 1
    assert len(texts(one, number)) == 3
    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_an_older_token_cannot_be_sent_over_the_one_that_is_shared(one, number, strangers, clock):
    """A stranger starts twice, the person shares the second, and the stranger has the first sent again."""
    stranger = next(strangers)
    older = one.start(number, stranger)
    one.start(number, stranger)
    mine = one.start(number, HERE)
    clock.advance(30)
    with suppress(VerificationError):
        one.verifier.resend(older.id, caller=Caller.at(stranger))

    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_a_stranger_who_cancels_takes_nothing_from_the_person(one, number, strangers):
    stranger = next(strangers)
    theirs = one.start(number, stranger)
    mine = one.start(number, HERE)
    one.verifier.cancel(theirs.id, caller=Caller.at(stranger))

    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_a_message_that_was_canceled_is_still_the_one_that_is_shared(one, number, strangers):
    stranger = next(strangers)
    theirs = one.start(number, stranger)
    one.verifier.cancel(theirs.id, caller=Caller.at(stranger))

    mine = one.start(number, HERE)

    assert mine.is_shared
    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_after_a_message_that_never_went_out_there_is_a_new_one(one, number, strangers, sender):
    sender.refuse()
    with pytest.raises(VerificationError):
        one.start(number, next(strangers))

    assert not one.start(number, HERE).is_shared


# -- Wrong codes


def test_a_strangers_wrong_codes_do_not_stop_the_person(one, number, strangers):
    stranger = next(strangers)
    theirs = one.start(number, stranger)
    mine = one.start(number, HERE)
    one.miss(theirs, 5, stranger)
    with pytest.raises(VerificationLocked):
        one.check(theirs, one.token_of(theirs), stranger)

    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_a_stranger_who_has_spent_a_days_guesses_takes_none_of_the_persons(one, number, strangers, clock):
    stranger = next(strangers)
    for _ in range(3):
        one.miss(one.start(number, stranger), 5, stranger)
        clock.advance(11 * MINUTES)
    assert one.refusal(number, stranger)[0] is Limit.CHECKS_OF_NUMBER

    mine = one.start(number, HERE)
    one.miss(mine, 4)

    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_who_shares_has_two_checks(one, number, strangers):
    one.start(number, next(strangers))
    places = list(islice(strangers, SHARERS))
    sharing = [one.start(number, place) for place in places]

    assert [other.checks_left for other in sharing] == [SHARED_CHECKS] * SHARERS
    for other, place in zip(sharing, places, strict=True):
        one.miss(other, SHARED_CHECKS, place)
        with pytest.raises(VerificationLocked):
            one.check(other, one.token_of(other), place)


def test_who_shares_has_two_wrong_checks_a_day(one, number, strangers, clock):
    """However often they share: a token that somebody else asked for is no help to guess."""
    one.start(number, next(strangers))
    one.miss(one.start(number, HERE), SHARED_CHECKS)

    assert one.refusal(number, HERE) == (Limit.CHECKS_OF_NUMBER, 86_400)


def test_a_source_shares_a_message_three_times_and_takes_it_from_nobody(one, number, strangers, clock):
    one.start(number, next(strangers))
    clock.advance(60)
    greedy = next(strangers)
    for _ in range(SHARES_OF_SOURCE):
        one.start(number, greedy)

    assert one.refusal(number, greedy) == (Limit.SENDS_OF_NUMBER, 540)
    mine = one.start(number, HERE)
    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_to_ask_again_gives_no_fresh_guesses(one, number):
    """15 a day from one place, however many messages (SP 800-63B-4, 3.1.3.2)."""
    for _ in range(3):
        one.miss(one.start(number), 5)

    assert one.refusal(number) == (Limit.CHECKS_OF_NUMBER, 86_400)


def test_a_success_forgets_the_persons_wrong_codes(one, number, clock):
    for _ in range(2):
        one.miss(one.start(number), 5)
    mine = one.start(number)
    one.miss(mine, 4)
    one.check(mine, one.token_of(mine))
    clock.advance(61 * MINUTES)

    for _ in range(3):
        one.miss(one.start(number), 5)

    assert one.refusal(number)[0] is Limit.CHECKS_OF_NUMBER


def guess(one, number, strangers, times):
    """Type so many wrong codes for a number, each place as many as it may."""
    while times:
        stranger = next(strangers)
        try:
            theirs = one.start(number, stranger)
        except VerificationError:
            one.clock.advance(15 * MINUTES)
            continue
        count = min(times, theirs.checks_left)
        one.miss(theirs, count, stranger)
        times -= count


def test_a_hundred_in_a_row_from_everywhere_stop_the_number(desk, number, strangers):
    """SP 800-63B-4, 3.2.2: at most 100. Good is a year here, because every key has a life."""
    one = desk(STARTS_PER_PREFIX=(), SENDS_PER_NUMBER=(), SENDS_IN_ALL=())
    guess(one, number, strangers, 99)
    one.clock.advance(15 * MINUTES)
    last = one.start(number, next(strangers))
    one.miss(last, 1, "198.19.200.200")

    limit, wait = one.refusal(number, HERE)

    assert limit is Limit.CHECKS_OF_NUMBER
    assert wait > 300 * 86_400
    with pytest.raises(VerificationError):
        one.check(last, one.token_of(last), "198.19.200.200")


@pytest.mark.parametrize("how", ["START from the phone", "the operator forgives"])
def test_the_phone_itself_or_the_operator_clears_the_row(desk, number, strangers, how):
    one = desk(STARTS_PER_PREFIX=(), SENDS_PER_NUMBER=(), SENDS_IN_ALL=(), CHECKS_IN_A_ROW=20)
    guess(one, number, strangers, 20)
    one.clock.advance(15 * MINUTES)
    assert one.refusal(number, HERE)[0] is Limit.CHECKS_OF_NUMBER

    if how == "START from the phone":
        one.verifier.receive(OptOut(number, out=False))
    else:
        one.operator.forgive(number)

    mine = one.start(number, HERE)
    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


@pytest.fixture
def pestered(desk, number, strangers, clock):
    """Two addresses have spent the number's hour, and go on; what the person could share is nearly over."""
    one, pests = desk(), list(islice(strangers, 2))

    def pester():
        for place in pests:
            with suppress(VerificationError):
                one.start(number, place)

    for _ in range(5):
        with suppress(VerificationError):
            one.start(number, pests[0])
    for _ in range(17):
        pester()
        clock.advance(30)
    return one, pester


def test_two_addresses_keep_nobody_out(pestered, number, clock):
    """Who holds the phone is in with one START, though strangers ask before and after."""
    one, pester = pestered
    assert one.refusal(number)[0] is Limit.SENDS_OF_NUMBER
    pester()
    one.verifier.receive(OptOut(number, out=False))
    pester()
    clock.advance(60)
    pester()

    mine = one.start(number, HERE)

    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_without_start_the_person_is_in_while_there_is_a_message(desk, number, strangers):
    one, (first, second) = desk(), islice(strangers, 2)
    for _ in range(5):
        one.start(number, first)
    for _ in range(7):
        with suppress(VerificationError):
            one.start(number, second)

    one.approve(number, HERE)


def test_to_text_start_again_takes_nothing_away(pestered, number):
    """A message was sent for the first one already: it can still be shared."""
    one, pester = pestered
    for turn in range(3):
        one.verifier.receive(OptOut(number, out=False, event=f"event-{turn}"))
        pester()

    mine = one.start(number, HERE)

    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_start_makes_six_messages_in_an_hour_and_no_more(pestered, number, clock):
    one, pester = pestered
    begin = clock()
    while clock() < begin + 2400:
        one.verifier.receive(OptOut(number, out=False, event=f"event-{clock()}"))
        pester()
        clock.advance(60)

    assert len(texts(one, number)) == 6


def test_start_opens_a_range_that_strangers_had_closed(desk, number, strangers):
    one, range_ = desk(), lines(number[:-4])
    for _ in range(5):
        one.start(next(range_), next(strangers))
    one.clock.advance(240)
    one.start(next(range_), next(strangers))
    assert one.refusal(number)[0] is Limit.CLOSED

    one.verifier.receive(OptOut(number, out=False))

    one.approve(number, HERE)


def test_start_and_forgiving_clear_what_strangers_did_in_an_application(desk, number, clock):
    """It tells nobody apart: three messages, 15 wrong codes, and none of it is held against the next."""
    one = desk(CHECKS_IN_A_ROW=15)
    shop = Caller(client="shop")
    for _ in range(3):
        theirs = one.verifier.start(number, caller=shop)
        for _ in range(5):
            with suppress(TokenRejected):
                one.verifier.check(theirs.id, wrong(one.token_of(theirs)), caller=shop)
    assert refused(lambda: one.verifier.start(number, caller=shop))[0] is Limit.CHECKS_OF_NUMBER

    one.operator.forgive(number)

    mine = one.verifier.start(number, caller=shop)
    assert one.verifier.check(mine.id, one.token_of(mine), caller=shop).status is Status.APPROVED


def test_in_an_application_that_tells_nobody_apart_strangers_lock_nobody_out(desk, number):
    """And the latest text is right, whoever asked for it."""
    one, shop = desk(), Caller(client="shop")
    for _ in range(3):
        theirs = one.verifier.start(number, caller=shop)
        for _ in range(5):
            with suppress(TokenRejected):
                one.verifier.check(theirs.id, wrong(one.token_of(theirs)), caller=shop)

    mine = one.verifier.start(number, caller=shop)
    one.verifier.start(number, caller=shop)

    assert len(texts(one, number)) == 5, "each start is a message"
    assert len({message.text.split()[0] for message in texts(one, number)}) == 1
    assert one.verifier.check(mine.id, one.token_of(mine), caller=shop).status is Status.APPROVED


def test_an_application_that_says_who_asks_has_its_people_told_apart(desk, number, strangers):
    one = desk()
    theirs, mine = (replace(Caller.at(next(strangers)), client="shop") for _ in range(2))
    for _ in range(3):
        started = one.verifier.start(number, caller=theirs)
        for _ in range(5):
            with suppress(TokenRejected):
                one.verifier.check(started.id, wrong(one.token_of(started)), caller=theirs)
    assert refused(lambda: one.verifier.start(number, caller=theirs))[0] is Limit.CHECKS_OF_NUMBER

    started = one.verifier.start(number, caller=mine)

    assert started.is_shared
    assert one.verifier.check(started.id, one.token_of(started), caller=mine).status is Status.APPROVED


def test_what_the_operator_closed_start_does_not_open(desk, number):
    one = desk()
    one.operator.block(number[:-4])

    one.verifier.receive(OptOut(number, out=False))

    assert one.refusal(number) == (Limit.CLOSED, None)


def test_a_success_of_the_person_clears_the_row(desk, number, strangers):
    one = desk(STARTS_PER_PREFIX=(), SENDS_PER_NUMBER=(), SENDS_IN_ALL=(), CHECKS_IN_A_ROW=20)
    guess(one, number, strangers, 19)
    one.clock.advance(15 * MINUTES)
    one.approve(number, HERE)

    guess(one, number, strangers, 19)
    one.clock.advance(15 * MINUTES)

    assert not one.start(number, HERE).is_shared


# -- Messages to one number


def test_strangers_from_everywhere_make_five_messages_an_hour(one, number, strangers, clock):
    for _ in range(60):
        for place in islice(strangers, 3):
            with suppress(VerificationError):
                one.start(number, place)
        clock.advance(60)

    assert len(texts(one, number)) <= 5


def test_messages_end_at_five_an_hour_and_ten_a_day_from_one_place(desk, number, clock):
    one = desk(STARTS_PER_ADDRESS=(), STARTS_PER_PREFIX=())
    for _ in range(2):
        for _ in range(5):
            one.start(number)
        assert one.refusal(number)[0] is Limit.SENDS_OF_NUMBER
        clock.advance(3600)

    assert one.refusal(number) == (Limit.SENDS_OF_NUMBER, 86_400 - 7200)


def test_a_stranger_cannot_spend_the_persons_day(desk, number, strangers, clock):
    one, stranger = desk(STARTS_PER_ADDRESS=(), STARTS_PER_PREFIX=()), next(strangers)
    for _ in range(2):
        for _ in range(5):
            one.start(number, stranger)
        clock.advance(3600)
    assert one.refusal(number, stranger)[0] is Limit.SENDS_OF_NUMBER

    mine = one.start(number, HERE)

    assert one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_many_strangers_make_five_messages_an_hour_and_evenly(desk, number, strangers, clock):
    one, times = desk(STARTS_PER_PREFIX=(), SENDS_IN_ALL=()), []
    for _ in range(4 * 60):
        sent = len(texts(one, number))
        with suppress(VerificationError):
            one.start(number, next(strangers))
        if len(texts(one, number)) > sent:
            times.append(clock())
        clock.advance(60)

    assert max(sum(early <= other < early + 3600 for other in times) for early in times) == 5
    assert max(late - early for early, late in pairwise(times[1:])) <= 15 * MINUTES


def test_the_persons_answer_is_known_even_when_it_comes_twice(one, number, strangers):
    one.start(number, next(strangers))
    mine = one.start(number, HERE)
    token = one.token_of(mine)
    one.verifier.check(mine.id, token, caller=Caller.at(HERE), nonce="form-1")

    assert one.verifier.check(mine.id, token, caller=Caller.at(HERE), nonce="form-1").status is Status.APPROVED
    with pytest.raises(AlreadyApproved):
        one.check(mine, token)


def test_a_start_that_comes_twice_shares_once(one, number, strangers):
    one.start(number, next(strangers))
    mine = one.start(number, HERE, nonce="form-1")

    assert one.start(number, HERE, nonce="form-1").id == mine.id
    for _ in range(SHARES_OF_SOURCE - 1):
        one.start(number, HERE)
    assert one.refusal(number)[0] is Limit.SENDS_OF_NUMBER


def test_a_shared_start_is_logged_by_the_id_that_its_asker_has(desk, number, strangers, caplog):
    """So that an operator finds it; and a log tells nobody a part of somebody else's id."""
    one = desk()
    first = one.start(number)
    caplog.set_level("INFO", "textproof")
    caplog.clear()

    mine = one.start(number, next(strangers))
    with suppress(TokenRejected):
        one.verifier.check(mine.id, wrong(one.token_of(first)))

    ids = {record.message: vars(record)["id"] for record in caplog.records}
    assert ids == {"verification_shared": mine.id, "verification_refused": mine.id}
    assert first.id[:22] not in caplog.text
