"""report and unsend: what became of a send."""

import pytest

from service.verification.errors import Delivery, Limit
from service.verification.ports import Status, Verdict


@pytest.mark.parametrize("delivery", list(Delivery))
def test_news_is_remembered_and_decides_nothing(engine, begun, delivery):
    """Receipts change what a page says, never what may be done."""
    one = begun()

    answer = one.report(delivery)

    assert answer.verdict is Verdict.DONE
    assert answer.record == one.record
    assert (answer.record.status, answer.record.delivery) == (Status.PENDING, delivery)
    assert one.check().verdict is Verdict.DONE


@pytest.mark.parametrize("first", list(Delivery))
def test_news_replaces_what_says_less_and_nothing_else(begun, clock, first):
    """Receipts overtake each other; the first of two failures stands, and gives way to a message that arrived."""
    kept = {}
    for second in Delivery:
        one = begun()
        one.report(first)
        kept[second] = one.report(second).record.delivery

    says_more = {second: second.rank > first.rank or second.rank == first.rank < 3 for second in Delivery}
    assert kept == {second: second if says_more[second] else first for second in Delivery}


def test_the_same_news_again_changes_nothing(engine, begun):
    """Carriers tell the same more than once, and old news after new."""
    one = begun()
    one.report(Delivery.SENT, "event-1")
    one.report(Delivery.UNCONFIRMED, "event-2")

    with engine.unchanged():
        again = one.report(Delivery.SENT, "event-1")

    assert (again.verdict, again.record.delivery) == (Verdict.REPEATED, Delivery.UNCONFIRMED)


def test_news_after_a_resend_is_news(begun, clock):
    one = begun()
    one.report(Delivery.FAILED)
    clock.advance(30)
    assert one.resend().record.delivery is Delivery.ON_ITS_WAY

    assert one.report(Delivery.SENT).record.delivery is Delivery.SENT


def test_news_takes_no_approval_back(begun):
    """The text arrived and was typed before the carrier's answer did."""
    one = begun()
    one.check()

    assert one.report(Delivery.FAILED).record.status is Status.APPROVED


def test_news_of_what_is_unknown_leaves_nothing(engine, attempt):
    with engine.unchanged():
        answer = attempt().report(Delivery.UNCERTAIN, "event-1")

    assert (answer.verdict, answer.record) == (Verdict.GONE, None)


def test_a_verification_whose_only_send_was_not_made_is_canceled(engine, begun):
    one = begun()

    answer = one.unsend(1)

    assert answer.verdict is Verdict.DONE
    assert answer.record == one.record
    assert (answer.record.status, answer.record.delivery) == (Status.CANCELED, Delivery.FAILED)
    assert not any(one.digest in name for name in engine.names())
    assert one.check().verdict is Verdict.GONE


def test_what_was_not_sent_is_given_back_to_the_number(begun, attempt):
    number = begun().number
    for _ in range(3):
        begun(number)
    begun(number).unsend(1)

    assert attempt(number).start().verdict is Verdict.DONE
    assert attempt(number).start().limit is Limit.SENDS_OF_NUMBER


def test_what_was_not_sent_is_given_back_once(engine, begun, attempt):
    """The answer to the first may have been lost."""
    number = begun().number
    for _ in range(3):
        begun(number)
    not_sent = begun(number)
    first = not_sent.unsend(1)

    with engine.unchanged():
        assert not_sent.unsend(1) == first
    begun(number)

    assert attempt(number).start().limit is Limit.SENDS_OF_NUMBER


def test_a_resend_that_was_not_made_leaves_the_earlier_message_standing(begun, clock):
    one = begun()
    clock.advance(30)
    one.resend()

    answer = one.unsend(2)

    assert (answer.record.status, answer.record.delivery) == (Status.PENDING, Delivery.FAILED)
    assert one.check().verdict is Verdict.DONE


def test_a_resend_that_was_not_made_is_given_back_to_the_number(begun, attempt, clock):
    one = begun()
    for _ in range(3):
        begun(one.number)
    clock.advance(30)
    one.resend()
    one.unsend(2)

    assert attempt(one.number).start().verdict is Verdict.DONE
    assert attempt(one.number).start().limit is Limit.SENDS_OF_NUMBER


def test_an_earlier_send_cannot_be_given_back_late(engine, begun, clock):
    one = begun()
    clock.advance(30)
    one.resend()

    with engine.unchanged():
        assert one.unsend(1).verdict is Verdict.DONE


def test_giving_a_send_back_takes_no_approval_back(begun):
    one = begun()
    one.check()

    assert one.unsend(1).record.status is Status.APPROVED


def test_what_was_never_started_cannot_be_given_back(engine, attempt):
    with engine.unchanged():
        answer = attempt().unsend(1)

    assert (answer.verdict, answer.record) == (Verdict.GONE, None)
