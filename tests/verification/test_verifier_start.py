"""Start: a number gets one message, and the caller learns what may be done next."""

import logging
import re

import pytest

from service.verification.caller import Caller
from service.verification.envelope import Keys
from service.verification.errors import (
    Delivery,
    InvalidNumber,
    Limited,
    SendRefused,
    StoreUnavailable,
    UnknownVerification,
)
from service.verification.ports import About, Status
from service.verification.verifier import Verifier
from tests.conftest import SECRET
from tests.fakes import GoneStore, typed_token
from tests.verification.steps import begin


def test_a_start_sends_one_message_and_says_what_may_be_done_next(verifier, sender, clock, number):
    started = verifier.start(number)

    assert [message.to.e164 for message in sender.messages] == [started.to.e164] == [number]
    assert (started.status, started.delivery) == (Status.PENDING, Delivery.ON_ITS_WAY)
    assert started.created_at == int(clock())
    assert (started.expires_in, started.next_send_in) == (600, 30)
    assert (started.sends, started.sends_left, started.checks_left) == (1, 4, 5)


def test_neither_the_answer_nor_the_name_of_the_message_holds_the_token(verifier, sender, number):
    """What callers get lands in their logs, and the name in those of the carrier, so it has no number either."""
    started, token = begin(verifier, sender, number)

    assert sender.messages[0].key == f"{started.id}-1"
    assert token not in f"{started!r}{sender.messages[0].key}"
    assert number[1:] not in sender.messages[0].key


def test_the_message_carries_a_token_of_the_policy(make_verifier, sender, number):
    make_verifier(TOKEN_ALPHABET="digits", TOKEN_LENGTH=9).start(number)

    assert re.fullmatch("[0-9]{9}", typed_token(sender))


def test_a_number_that_cannot_be_texted_costs_nothing(verifier, redis, sender):
    with pytest.raises(InvalidNumber):
        verifier.start("+44 7400 123456")

    assert sender.messages == []
    assert set(redis.scan_iter()) <= {b"{tp}:keyring"}


# -- The same request again


@pytest.mark.parametrize(
    ("nonces", "spelling", "is_same"),
    [
        (("click", "click"), "{0}", True),
        (("click", "click"), "({0[2]}{0[3]}{0[4]}) {0[5]}{0[6]}{0[7]}-{0[8]}{0[9]}{0[10]}{0[11]}", True),
        (("click", "click"), "+12025550143", False),
        (("click", "other"), "{0}", False),
        (("", ""), "{0}", False),
    ],
    ids=["a double click", "another spelling", "another number", "another request", "without a name"],
)
def test_the_same_request_again_is_the_same_verification_and_one_message(  # noqa: PLR0917
    verifier, sender, number, nonces, spelling, is_same
):
    first = verifier.start(number, nonce=nonces[0])
    second = verifier.start(spelling.format(number), nonce=nonces[1])

    assert (first.id == second.id) == is_same
    assert len(sender.messages) == (1 if is_same else 2)


@pytest.mark.parametrize("end", ["approved", "canceled", "expired"])
def test_the_same_request_after_the_end_is_told_of_an_approval_and_begins_anew_otherwise(
    verifier, sender, clock, number, end
):
    """Somebody went back to the form, and means it; an impatient finger after that sends once."""
    first = verifier.start(number, nonce="click")
    if end == "approved":
        verifier.check(first.id, typed_token(sender))
    elif end == "canceled":
        verifier.cancel(first.id)
    else:
        clock.advance(600)

    again = [verifier.start(number, nonce="click") for _ in range(2)]

    assert {one.status for one in again} == {Status.APPROVED if end == "approved" else Status.PENDING}
    assert {one.id == first.id for one in again} == {end == "approved"}
    assert again[0].id == again[1].id
    assert len(sender.messages) == (1 if end == "approved" else 2)


# -- When something fails


def test_a_refused_send_cancels_the_verification_and_leaves_its_request_free(verifier, sender, number):
    sender.refuse()

    with pytest.raises(SendRefused):
        verifier.start(number, nonce="click")

    id_, token = sender.refused[0].id, sender.refused[0].text.split()[0]
    assert verifier.show(id_).status is Status.CANCELED
    with pytest.raises(UnknownVerification):
        verifier.check(id_, token)
    assert verifier.start(number, nonce="click").status is Status.PENDING
    assert len(sender.messages) == 1


@pytest.mark.parametrize("is_lost", [False, True], ids=["refused", "uncertain"])
def test_a_refused_send_is_given_back_and_an_uncertain_one_is_not(verifier, sender, number, is_lost):
    """The carrier's bad day is not the number's. What may be in somebody's hand counts."""
    (sender.lose if is_lost else sender.refuse)(times=5)
    for _ in range(5):
        try:
            assert verifier.start(number).sends == 1
        except SendRefused:
            assert not is_lost

    if is_lost:
        with pytest.raises(Limited):
            verifier.start(number)
    else:
        assert [verifier.start(number).sends for _ in range(5)] == [1] * 5


def test_an_uncertain_send_stays_open_and_says_so(verifier, sender, number):
    """The message may be in somebody's hand: its token has to work."""
    sender.lose()

    started, token = begin(verifier, sender, number)

    assert (started.status, started.delivery) == (Status.PENDING, Delivery.UNCERTAIN)
    assert verifier.show(started.id).delivery is Delivery.UNCERTAIN
    assert verifier.check(started.id, token).status is Status.APPROVED


@pytest.mark.parametrize("is_known", [True, False], ids=["its keyring is known", "fresh process"])
def test_without_the_store_nothing_is_sent(  # noqa: PLR0917 - fixtures
    policy, store, sender, clock, number, is_known
):
    """No counter, no message: otherwise an outage would be free texting."""
    gone = GoneStore()
    keys = Keys((store if is_known else gone).keyring, [SECRET], prefix="tp")
    verifier = Verifier(policy, store=gone.verifications, sender=sender, keys=keys, clock=clock)

    with pytest.raises(StoreUnavailable):
        verifier.start(number)

    assert sender.messages == []


def test_each_line_of_a_refusal_says_of_whom(verifier, caplog, number):
    """Support searches by id, masked number, application and reference; a refused start is found as well."""
    caplog.set_level(logging.INFO, logger="textproof")
    shop = Caller(address="192.0.2.7", client="shop")
    for _ in range(5):
        verifier.start(number, caller=shop, about=About(reference="order-7"))
    with pytest.raises(Limited):
        verifier.start(number, caller=shop)
    started, refused = caplog.records[0], caplog.records[-1]

    assert (started.getMessage(), started.client, started.reference) == ("verification_started", "shop", "order-7")
    assert (refused.getMessage(), refused.verdict, refused.client, refused.to) == (
        *("verification_refused", "sends_of_number", "shop"),
        started.to,
    )
