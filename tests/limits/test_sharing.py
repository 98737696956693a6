"""One live token for all strangers (ADR 7): nobody is bombed, and nobody is locked out.

A stranger is whoever asks for the person's number from somewhere else. The person holds the phone. The exact
counts and waits of one number are tested in `tests/store/test_rules.py`.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import islice, pairwise

import pytest

from service.verification.caller import Caller
from service.verification.errors import Limit, TokenRejected, VerificationError, VerificationLocked
from service.verification.ports import OptOut, Status
from tests.fakes import wrong
from tests.limits.desk import HERE, lines, refused
from tests.support.http import burst

SHARERS = 20
MINUTES = 60
SHOP = Caller(client="shop")


@pytest.fixture
def one(desk):
    return desk(STARTS_PER_PREFIX=())


def texts(one, number):
    return [message for message in one.sender.messages if message.to.e164 == number]


def gets_in(one, mine):
    return one.check(mine, one.token_of(mine)).status is Status.APPROVED


def test_many_strangers_are_one_message_and_one_approval(one, number, strangers):
    """The person gets in with it."""
    places = list(islice(strangers, SHARERS + 1))
    first, *others = [one.start(number, place) for place in places]
    mine = one.start(number, HERE)

    assert not first.is_shared
    assert all(other.is_shared and other.status is Status.PENDING for other in others)
    assert len({other.id for other in (first, *others, mine)}) == SHARERS + 2
    assert len(texts(one, number)) == 1
    token = one.token_of(mine)
    assert gets_in(one, mine)
    for other, place in zip((first, *others), places, strict=True):
        with pytest.raises(TokenRejected):
            one.check(other, token, place)


def test_a_crowd_at_once_is_one_message(desk, number, strangers):
    replicas = [desk(STARTS_PER_PREFIX=()) for _ in range(3)]
    places = list(islice(strangers, 150))

    shared = burst(150, lambda place: replicas[place % 3].start(number, places[place]).is_shared, threads=16)

    assert Counter(shared) == {False: 1, True: 149}


def test_whoever_has_it_sent_again_sends_the_same_token(one, number, strangers, clock):
    stranger = next(strangers)
    theirs = one.start(number, stranger)
    mine = one.start(number, HERE)
    clock.advance(30)
    one.verifier.resend(theirs.id, caller=Caller.at(stranger))
    clock.advance(30)
    one.verifier.resend(mine.id, caller=Caller.at(HERE))

    assert len(texts(one, number)) == 3
    assert len({message.text.split()[0] for message in texts(one, number)}) == 1
    assert gets_in(one, mine)


def test_a_stranger_s_wrong_codes_do_not_stop_the_person(one, number, strangers, clock):
    """Neither those for the message that they share, nor those of a day."""
    stranger = next(strangers)
    for _ in range(3):
        one.miss(one.start(number, stranger), 5, stranger)
        clock.advance(11 * MINUTES)
    assert one.refusal(number, stranger)[0] is Limit.CHECKS_OF_NUMBER
    another = next(strangers)
    theirs = one.start(number, another)
    mine = one.start(number, HERE)
    one.miss(theirs, 5, another)
    with pytest.raises(VerificationLocked):
        one.check(theirs, one.token_of(theirs), another)

    assert gets_in(one, mine)


def test_who_shares_has_two_wrong_checks_a_day_and_shares_three_times(one, number, strangers):
    """And takes it from nobody: a token that somebody else asked for is no help to guess."""
    one.start(number, next(strangers))
    greedy = next(strangers)
    assert [one.start(number, greedy).is_shared for _ in range(3)] == [True] * 3
    assert one.refusal(number, greedy) == (Limit.SENDS_OF_NUMBER, 600)

    mine = one.start(number, HERE)

    assert (mine.is_shared, mine.checks_left) == (True, 2)
    one.miss(mine, 2)
    assert one.refusal(number, HERE) == (Limit.CHECKS_OF_NUMBER, 86_400)


def test_a_message_is_shared_until_two_minutes_before_its_end(one, number, strangers, clock):
    one.start(number, next(strangers))
    clock.advance(480)
    late = one.start(number, next(strangers))
    assert (late.is_shared, late.expires_in) == (True, 120)
    clock.advance(1)

    assert not one.start(number, HERE).is_shared


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


# -- The phone itself asks, or the operator forgives


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

    assert gets_in(one, one.start(number, HERE))


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


def test_what_the_operator_closed_start_does_not_open(desk, number):
    one = desk()
    one.operator.block(number[:-4])

    one.verifier.receive(OptOut(number, out=False))

    assert one.refusal(number) == (Limit.CLOSED, None)


# -- Applications


def miss(one, number, caller, times):
    """Start so often, and type five wrong codes each time."""
    for _ in range(times):
        theirs = one.verifier.start(number, caller=caller)
        for _ in range(5):
            with suppress(TokenRejected):
                one.verifier.check(theirs.id, wrong(one.token_of(theirs)), caller=caller)


def test_in_an_application_that_tells_nobody_apart_strangers_lock_nobody_out(desk, number):
    """And the latest text is right, whoever asked for it."""
    one = desk()
    miss(one, number, SHOP, 3)

    mine = one.verifier.start(number, caller=SHOP)
    one.verifier.start(number, caller=SHOP)

    assert len(texts(one, number)) == 5, "each start is a message"
    assert len({message.text.split()[0] for message in texts(one, number)}) == 1
    assert one.verifier.check(mine.id, one.token_of(mine), caller=SHOP).status is Status.APPROVED


def test_but_for_those_in_a_row_which_the_operator_forgives(desk, number):
    one = desk(CHECKS_IN_A_ROW=15)
    miss(one, number, SHOP, 3)
    assert refused(lambda: one.verifier.start(number, caller=SHOP))[0] is Limit.CHECKS_OF_NUMBER

    one.operator.forgive(number)

    mine = one.verifier.start(number, caller=SHOP)
    assert one.verifier.check(mine.id, one.token_of(mine), caller=SHOP).status is Status.APPROVED


def test_an_application_that_says_who_asks_has_its_people_told_apart(desk, number, strangers):
    one = desk()
    theirs, mine = (replace(Caller.at(next(strangers)), client="shop") for _ in range(2))
    miss(one, number, theirs, 3)
    assert refused(lambda: one.verifier.start(number, caller=theirs))[0] is Limit.CHECKS_OF_NUMBER

    started = one.verifier.start(number, caller=mine)

    assert started.is_shared
    assert one.verifier.check(started.id, one.token_of(started), caller=mine).status is Status.APPROVED


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
