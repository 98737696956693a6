"""`TelnyxSender` with the real SDK over a real socket: what is on the wire, and what each answer means."""

import re

import pytest

from service.verification.errors import Delivery, SendRefused, SendUncertain
from service.verification.message import SEGMENT, WIDE_SEGMENT
from tests.sender.conftest import FROM
from tests.sender.table import LOST, REFUSALS, UNCERTAIN
from tests.sender.trickle import Trickle, saying
from tests.support.http import burst
from tests.support.processes import free_port
from tests.support.telnyx import ERRORS, FAULTS, TelnyxError

PROFILE = "83d2343b-553f-4c5f-b8c8-fd27004f94bf"
TELNYX_KEY = re.compile(r"[A-Za-z0-9_-]{1,255}")  # Telnyx, "Idempotency", in its stricter form

# -- What is on the wire


def test_a_message_is_one_post(carrier, telnyx, message):
    accepted = carrier.send(message())

    assert [request.path for request in telnyx.requests] == ["/v2/messages"]
    assert accepted.message_id == telnyx.messages[0]["id"]


@pytest.mark.parametrize(
    ("parts", "on_the_wire"),
    [
        ({"from_number": FROM}, {"from": FROM}),
        ({"from_number": FROM, "profile": PROFILE}, {"from": FROM, "messaging_profile_id": PROFILE}),
        ({"from_number": "Acme", "profile": PROFILE}, {"from": "Acme", "messaging_profile_id": PROFILE}),
        ({"from_number": "", "profile": PROFILE}, {"messaging_profile_id": PROFILE}),
    ],
    ids=["number", "number-of-a-profile", "name", "pool"],
)
def test_each_kind_of_sender_says_who_sends_and_nothing_else(make_sender, telnyx, message, parts, on_the_wire):
    one = message()

    make_sender(**parts).send(one)

    assert telnyx.requests[0].body == {"to": one.to.e164, "text": one.text, "encoding": "gsm7", **on_the_wire}


def test_the_address_for_receipts_is_on_the_wire(make_sender, telnyx, message):
    one = message()

    make_sender(webhook_url=lambda id_: f"https://verify.example.com/webhooks/telnyx?send=sealed-{id_}").send(one)

    assert telnyx.requests[0].body["webhook_url"] == f"https://verify.example.com/webhooks/telnyx?send=sealed-{one.id}"


def test_the_key_names_the_send(carrier, telnyx, message):
    """So that a send that reached Telnyx twice would be made once."""
    one = message(send=3)

    carrier.send(one)

    assert telnyx.requests[0].idempotency_key == f"{one.id}-3"
    assert TELNYX_KEY.fullmatch(telnyx.requests[0].idempotency_key)


def test_neither_number_nor_token_is_outside_the_body(make_sender, telnyx, message):
    """What is not the body ends up in the logs of proxies."""
    one = message(token="CA9A27")

    make_sender(webhook_url=lambda id_: f"https://verify.example.com/?send={id_}").send(one)

    head = f"{telnyx.requests[0].path} {dict(telnyx.requests[0].headers)}"
    assert one.to.e164[1:] not in head
    assert "CA9A27" not in head


def test_other_scripts_are_asked_for_by_name(carrier, telnyx, message):
    carrier.send(message(text="4E1AC0\nرمزك"))

    assert telnyx.requests[0].body["encoding"] == "ucs2"


@pytest.mark.parametrize(
    "text",
    ["x" * (SEGMENT + 1), "€" * (SEGMENT // 2 + 1), "’" + "x" * WIDE_SEGMENT, "😀" * (WIDE_SEGMENT // 2 + 1)],
    ids=["one-too-many", "two-septets-each", "typographic-quote", "two-units-each"],
)
def test_a_text_of_more_than_one_segment_is_refused_and_not_posted(carrier, telnyx, message, journal, text):
    with pytest.raises(SendRefused) as refusal:
        carrier.send(message(text=text))

    assert (refusal.value.delivery, refusal.value.pause) == (Delivery.FAILED, False)
    assert telnyx.requests == []
    assert [line["level"] for line in journal.lines("text_too_long")] == ["error"]
    assert text not in journal.facts()


def test_a_text_of_exactly_one_segment_is_posted(carrier, telnyx, message):
    carrier.send(message(text="x" * SEGMENT))

    assert telnyx.messages[0]["parts"] == 1


# -- What the answers mean


def test_every_answer_of_the_fake_is_in_the_table():
    assert REFUSALS.keys() | UNCERTAIN == ERRORS.keys()
    assert REFUSALS.keys().isdisjoint(UNCERTAIN)
    assert LOST | {"hang", "drip", "slow"} == FAULTS.keys()


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_understood_by_its_code(carrier, telnyx, message, journal, name):
    expected = REFUSALS[name]
    telnyx.answer(name)

    with pytest.raises(SendRefused) as refusal:
        carrier.send(message())

    error = refusal.value
    assert (error.delivery, error.pause, error.retry_after) == (
        expected.delivery,
        expected.pause,
        expected.retry_after,
    )
    assert len(telnyx.requests) == 1
    assert telnyx.messages == []
    [line] = journal.lines()
    assert (line["event"], line["code"]) == ("telnyx_refused", ERRORS[name].code)
    assert line["status"] == ERRORS[name].status
    assert expected.advice in line.get("do", "")
    assert line["level"] == ("error" if expected.advice else "info"), "an operator is woken for what operators can mend"


@pytest.mark.parametrize("name", sorted(UNCERTAIN))
def test_trouble_at_telnyx_leaves_the_outcome_open(carrier, telnyx, message, journal, name):
    telnyx.answer(name)

    with pytest.raises(SendUncertain):
        carrier.send(message())

    assert len(telnyx.requests) == 1
    [line] = journal.lines()
    assert (line["event"], line["level"], line["code"]) == ("telnyx_uncertain", "error", ERRORS[name].code)
    assert line["status"] == ERRORS[name].status


@pytest.mark.parametrize("name", sorted(LOST))
def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(carrier, telnyx, message, journal, name):
    telnyx.answer(name)

    with pytest.raises(SendUncertain):
        carrier.send(message())

    assert len(telnyx.requests) == (0 if name == "drop_before" else 1), "posted once, whatever became of it"
    [line] = journal.lines()
    assert (line["event"], line["level"]) == ("telnyx_uncertain", "error")
    assert line.get("cause") or line["status"] == 502


def test_a_slow_answer_is_an_answer(carrier, telnyx, message, journal):
    telnyx.answer("slow", seconds=0.5)

    assert carrier.send(message()).queued == 0

    assert len(telnyx.requests) == 1
    assert journal.lines() == []


@pytest.mark.parametrize("status", [400, 403, 422, 429])
def test_the_status_does_not_change_what_a_code_means(carrier, telnyx, message, status):
    """Telnyx publishes no status for a code: 40333, the spend limit, comes as 429."""
    telnyx.answer(TelnyxError(status, "40333", "A title", "A detail."))

    with pytest.raises(SendRefused) as refusal:
        carrier.send(message())

    assert (refusal.value.delivery, refusal.value.pause) == (Delivery.FAILED, True)


@pytest.mark.parametrize(
    "words",
    [
        ("Blocked due to STOP message", "Messages cannot be sent."),
        ("Blocked", "... due to an existing block rule."),
        ("Opt-out", "The recipient said so."),
        ("Blocked", "The recipient has opted out."),
    ],
    ids=["stop", "block-rule", "opt-out", "opted-out"],
)
def test_40300_is_an_opt_out_when_its_words_say_so(carrier, telnyx, message, words):
    """Telnyx's own pages give the code two meanings."""
    telnyx.answer(TelnyxError(403, "40300", *words))

    with pytest.raises(SendRefused) as refusal:
        carrier.send(message())

    assert refusal.value.delivery is Delivery.OPTED_OUT


@pytest.mark.parametrize(
    "words",
    [("Invalid from", "The number is not associated with a messaging profile."), ("", "")],
    ids=["other-meaning", "no-words"],
)
def test_40300_is_a_wrong_sender_otherwise(carrier, telnyx, message, words):
    telnyx.answer(TelnyxError(422, "40300", *words))

    with pytest.raises(SendRefused) as refusal:
        carrier.send(message())

    assert refusal.value.delivery is Delivery.FAILED


@pytest.mark.parametrize(
    ("said", "understood"),
    [("3", 3), ("0", None), ("-5", None), ("soon", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("inf", None)],
)
def test_only_an_honest_wait_is_passed_on(carrier, telnyx, message, said, understood):
    telnyx.answer(TelnyxError(429, "10011", "Too many requests", "", headers=(("Retry-After", said),)))

    with pytest.raises(SendRefused) as refusal:
        carrier.send(message())

    assert refusal.value.retry_after == understood


@pytest.mark.parametrize(("said", "understood"), [(0.0, 0), (12.4, 12), (3600, 3600)])
def test_the_queue_of_the_sender_is_told(carrier, telnyx, message, said, understood):
    telnyx.answer("accepted", wait_seconds=said)

    assert carrier.send(message()).queued == understood


def test_connection_refused_means_that_nothing_was_sent(make_sender, message, journal):
    nobody = f"http://127.0.0.1:{free_port()}/v2"

    with pytest.raises(SendRefused) as refusal:
        make_sender(base_url=nobody).send(message())

    assert (refusal.value.delivery, refusal.value.pause) == (Delivery.FAILED, False)
    assert [line["event"] for line in journal.lines()] == ["telnyx_unreachable"]


def test_an_unknown_host_means_that_nothing_was_sent(make_sender, message, journal):
    with pytest.raises(SendRefused):
        make_sender(base_url="http://telnyx.invalid/v2").send(message())

    assert [line["event"] for line in journal.lines()] == ["telnyx_unreachable"]


def test_a_wrong_key_pauses_sending(make_sender, telnyx, message):
    with pytest.raises(SendRefused) as refusal:
        make_sender(api_key="KEY_of_somebody_else").send(message())

    assert refusal.value.pause


# -- One POST, whatever Telnyx says


def test_a_request_to_try_again_is_not_followed(carrier, telnyx, message):
    """The SDK knows a header by which a server makes it repeat."""
    telnyx.answer(TelnyxError(400, "40310", "Invalid", "", headers=(("X-Should-Retry", "true"),)))

    with pytest.raises(SendRefused):
        carrier.send(message())

    assert len(telnyx.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(make_sender, message, status):
    """The text would be posted again, to whatever host the answer names."""
    answer = f"HTTP/1.1 {status} -\r\nLocation: /v2/messages\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    with Trickle(saying(answer.encode())) as server, pytest.raises(SendUncertain):
        make_sender(base_url=f"http://127.0.0.1:{server.port}/v2").send(message())

    assert server.taken == 1


def test_a_kept_connection_that_telnyx_closed_costs_no_message(carrier, telnyx, message):
    carrier.send(message())
    telnyx._server.cut_all()

    carrier.send(message())

    assert len(telnyx.messages) == 2


def test_the_connection_is_kept_for_the_next_message(carrier, telnyx, message):
    """A new one would cost a TLS handshake each time."""
    for _ in range(5):
        carrier.send(message())

    [connection] = carrier._client._client._transport._pool.connections
    assert "Request Count: 5" in connection.info()


def test_many_sends_at_once_are_all_made(carrier, telnyx, message):
    messages = [message() for _ in range(64)]

    results = burst(64, lambda place: carrier.send(messages[place]), threads=16)

    answered = {one.message_id for one in results if not isinstance(one, Exception)}
    assert answered == {one["id"] for one in telnyx.messages}
    assert sorted(one["to"][0]["phone_number"] for one in telnyx.messages) == sorted(one.to.e164 for one in messages)
