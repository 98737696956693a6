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


def test_a_start_sends_one_message_to_the_number(verifier, sender, number):
    verifier.start(number)

    assert [message.to.e164 for message in sender.messages] == [number]


def test_a_start_says_what_may_be_done_next(verifier, clock, number):
    started = verifier.start(number)

    assert started.to.e164 == number
    assert started.status is Status.PENDING
    assert started.delivery is Delivery.ON_ITS_WAY
    assert started.created_at == int(clock())
    assert (started.expires_in, started.next_send_in) == (600, 30)
    assert (started.sends, started.sends_left, started.checks_left) == (1, 4, 5)


def test_the_answer_holds_no_token(verifier, sender, number):
    """What it holds reaches callers and their logs."""
    started, token = begin(verifier, sender, number)

    assert token not in repr(started)


@pytest.mark.parametrize(
    ("changes", "form"),
    [
        ({}, "[0-9A-F]{6}"),
        ({"TOKEN_ALPHABET": "digits"}, "[0-9]{6}"),
        ({"TOKEN_LENGTH": 7}, "[0-9A-F]{7}"),
        ({"TOKEN_ALPHABET": "digits", "TOKEN_LENGTH": 9}, "[0-9]{9}"),
    ],
    ids=["as-shipped", "digits", "odd", "odd-digits"],
)
def test_the_message_carries_a_token_of_the_policy(make_verifier, sender, number, changes, form):
    make_verifier(**changes).start(number)

    assert re.fullmatch(form, typed_token(sender))


def test_the_message_is_named_without_number_and_token(verifier, sender, number):
    """The name goes to the carrier as idempotency key, and into its logs."""
    started, token = begin(verifier, sender, number)

    assert sender.messages[0].key == f"{started.id}-1"
    assert token not in sender.messages[0].key
    assert number[1:] not in sender.messages[0].key


@pytest.mark.parametrize(
    "typed",
    ["", "hello", "+1 900 234 5678", "+44 7400 123456", "+1 202 555 0143 x5", "1" * 5_000, "+1202555\x000143"],
    ids=["nothing", "words", "premium", "not-allowed", "extension", "very-long", "nul"],
)
def test_a_number_that_cannot_be_texted_costs_nothing(verifier, redis, sender, typed):
    with pytest.raises(InvalidNumber):
        verifier.start(typed)

    assert sender.messages == []
    assert set(redis.scan_iter()) <= {b"{tp}:keyring"}


def test_two_starts_have_two_tokens(verifier, sender, number):
    one, its = begin(verifier, sender, number)
    other, others = begin(verifier, sender, number)

    assert one.id != other.id
    assert verifier.check(one.id, its).status is Status.APPROVED
    assert verifier.check(other.id, others).status is Status.APPROVED


# -- The same request again


def test_the_same_request_again_is_the_same_verification_and_one_message(verifier, sender, number):
    """A double click, or a retry after a lost answer."""
    first = verifier.start(number, nonce="click")

    second = verifier.start(number, nonce="click")

    assert second.id == first.id
    assert len(sender.messages) == 1


def test_the_same_request_in_another_spelling_is_the_same(verifier, sender, number):
    first = verifier.start(number, nonce="click")

    second = verifier.start(f"({number[2:5]}) {number[5:8]}-{number[8:]}", nonce="click")

    assert second.id == first.id


def test_the_same_nonce_for_another_number_is_another_request(verifier, sender, numbers):
    first = verifier.start(next(numbers), nonce="click")

    second = verifier.start(next(numbers), nonce="click")

    assert second.id != first.id
    assert len(sender.messages) == 2


def test_requests_without_a_nonce_are_different_requests(verifier, sender, number):
    assert verifier.start(number).id != verifier.start(number).id


def test_the_same_request_after_the_approval_is_answered_with_it(verifier, sender, number):
    first = verifier.start(number, nonce="click")
    verifier.check(first.id, typed_token(sender))

    second = verifier.start(number, nonce="click")

    assert (second.id, second.status) == (first.id, Status.APPROVED)
    assert len(sender.messages) == 1


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_the_same_request_after_the_end_begins_anew(verifier, sender, clock, number, end):
    """Somebody went back to the form, and means it."""
    first = verifier.start(number, nonce="click")
    if end == "cancel":
        verifier.cancel(first.id)
    else:
        clock.advance(600)

    second = verifier.start(number, nonce="click")

    assert second.id != first.id
    assert second.status is Status.PENDING


def test_a_double_click_after_the_end_sends_once(verifier, sender, number):
    """Back to the form after "change it", and an impatient finger."""
    verifier.cancel(verifier.start(number, nonce="click").id)
    sender.messages.clear()

    clicks = [verifier.start(number, nonce="click") for _ in range(2)]

    assert len({verification.id for verification in clicks}) == 1
    assert len(sender.messages) == 1


# -- When something fails


def test_a_refused_send_cancels_the_verification(verifier, sender, number):
    sender.refuse()

    with pytest.raises(SendRefused):
        verifier.start(number, nonce="click")

    id_, token = sender.refused[0].id, sender.refused[0].text.split()[0]
    assert verifier.show(id_).status is Status.CANCELED
    with pytest.raises(UnknownVerification):
        verifier.check(id_, token)


def test_a_refused_send_is_given_back(verifier, sender, number):
    """The carrier's bad day is not the number's."""
    sender.refuse(times=5)
    for _ in range(5):
        with pytest.raises(SendRefused):
            verifier.start(number)

    for _ in range(5):
        verifier.start(number)

    assert len(sender.messages) == 5


def test_a_refused_start_can_be_tried_again_with_the_same_nonce(verifier, sender, number):
    sender.refuse()
    with pytest.raises(SendRefused):
        verifier.start(number, nonce="click")

    again = verifier.start(number, nonce="click")

    assert again.status is Status.PENDING
    assert len(sender.messages) == 1


def test_an_uncertain_send_stays_open_and_says_so(verifier, sender, number):
    """The message may be in somebody's hand: its token has to work."""
    sender.lose()

    started, token = begin(verifier, sender, number)

    assert (started.status, started.delivery) == (Status.PENDING, Delivery.UNCERTAIN)
    assert verifier.show(started.id).delivery is Delivery.UNCERTAIN
    assert verifier.check(started.id, token).status is Status.APPROVED


def test_an_uncertain_send_is_not_given_back(verifier, sender, number):
    sender.lose(times=5)

    started = [verifier.start(number) for _ in range(5)]

    assert {one.sends for one in started} == {1}
    with pytest.raises(Limited):
        verifier.start(number)


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
    assert (refused.getMessage(), refused.verdict, refused.client) == (
        "verification_refused",
        "sends_of_number",
        "shop",
    )
    assert refused.to == started.to
