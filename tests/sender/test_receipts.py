"""Telnyx's webhooks: what proves them, and what they tell."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from service.sender.receipts import TelnyxReceipts
from service.verification.envelope import Keys
from service.verification.errors import Delivery, ForgedReceipt
from service.verification.ports import OptOut, Receipt
from tests.fakes import KeyringInMemory
from tests.sender.table import RECEIPTS
from tests.support.telnyx import accepted_message, delivered, event, failed, received, sent, unconfirmed
from tests.support.telnyx.webhooks import Signer

ADDRESS = "https://verify.example.com/webhooks/telnyx"
ID = f"{'4D7e-_':x<90}"  # the longest there is
NUMBER = "+12025550143"
SMALL = b'{"data":{"id":"e","event_type":"message.sent","payload":{"to":[{"status":"sent"}]}}}'


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def make_receipts(signer, keys, clock):
    def make(*, public_key=signer.public_key, keys=keys) -> TelnyxReceipts:
        return TelnyxReceipts.with_key(public_key, address=ADDRESS, keys=keys, clock=clock)

    return make


@pytest.fixture
def receipts(make_receipts) -> TelnyxReceipts:
    return make_receipts()


@pytest.fixture
def read(receipts, signer, clock):
    """Read an event, or a body as it is, that was signed as Telnyx signs."""

    def reading(body, send: str = "", *, age: float = 0, by: TelnyxReceipts = receipts):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature, timestamp = signer.headers(raw, int(clock() - age)).values()
        return by.read(raw, signature, timestamp, send)

    return reading


@pytest.fixture
def message() -> dict:
    return accepted_message({"to": NUMBER, "text": "4E1AC0 is your Acme code."})


def sealed(receipts: TelnyxReceipts, id_: str = ID) -> str:
    """Return the `send` of an address for receipts."""
    return parse_qs(urlsplit(receipts.url(id_)).query)["send"][0]


def flips(data: bytes) -> list[bytes]:
    """Return `data` with each of its bits flipped in turn."""
    return [
        data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
        for place in range(len(data))
        for bit in range(8)
    ]


def refused(receipts: TelnyxReceipts, raw: bytes, signature: str, timestamp: str) -> bool:
    try:
        receipts.read(raw, signature, timestamp, "")
    except ForgedReceipt:
        return True
    return False


# -- What proves a webhook


def test_what_telnyx_signed_is_believed(read):
    assert read(SMALL) == Receipt(id="", event="e", delivery=Delivery.SENT)


def test_every_flipped_bit_of_body_timestamp_and_signature_is_refused(receipts, signer, clock):
    signature, timestamp = signer.headers(SMALL, int(clock())).values()
    stamps = [text.decode("latin-1") for text in flips(timestamp.encode())]
    signatures = [base64.b64encode(raw).decode() for raw in flips(base64.b64decode(signature))]

    assert all(refused(receipts, raw, signature, timestamp) for raw in flips(SMALL))
    assert all(refused(receipts, SMALL, signature, stamp) for stamp in stamps)
    assert all(refused(receipts, SMALL, changed, timestamp) for changed in signatures)


def test_every_flipped_bit_of_the_signature_as_it_is_written_is_refused(receipts, signer, clock):
    """Apart from the four bits of base64 that carry nothing: with those, it is the same signature."""
    signature, timestamp = signer.headers(SMALL, int(clock())).values()
    changed = [text.decode("latin-1") for text in flips(signature.encode())]

    accepted = [text for text in changed if not refused(receipts, SMALL, text, timestamp)]

    assert all(base64.b64decode(text) == base64.b64decode(signature) for text in accepted)
    assert len(accepted) < 16


@pytest.mark.parametrize("age", [0, 299, -299])
def test_five_minutes_are_forgiven(read, age):
    assert read(SMALL, age=age) is not None


@pytest.mark.parametrize("age", [301, -301, 3600, 10**9])
def test_what_is_older_or_from_the_future_is_refused(read, age):
    with pytest.raises(ForgedReceipt, match="too old, or a clock is wrong"):
        read(SMALL, age=age)


@pytest.mark.parametrize("timestamp", ["", " ", "0x10", "1.5", "-1", "+1", "٣", "1e9", "9" * 4000, "1 ", "NaN", "soon"])
def test_a_timestamp_that_is_none_is_refused(receipts, signer, timestamp):
    signature, _ = signer.headers(SMALL, timestamp).values()

    with pytest.raises(ForgedReceipt):
        receipts.read(SMALL, signature, timestamp, "")


@pytest.mark.parametrize("signature", ["", "!", "=", "A" * 88, "AAAA", "é", "A" * 10_000, "\n", "null"])
def test_a_signature_that_is_none_is_refused(receipts, clock, signature):
    with pytest.raises(ForgedReceipt, match="TELNYX_PUBLIC_KEY"):
        receipts.read(SMALL, signature, str(int(clock())), "")


def test_another_key_is_refused_and_the_operator_told_which(make_receipts, read):
    with pytest.raises(ForgedReceipt, match="check TELNYX_PUBLIC_KEY"):
        read(SMALL, by=make_receipts(public_key=Signer().public_key))


def test_the_signature_covers_the_bytes_as_they_came(receipts, signer, clock):
    """The same JSON, written differently, is another body."""
    signature, timestamp = signer.headers(SMALL, int(clock())).values()
    rewritten = json.dumps(json.loads(SMALL)).encode()

    with pytest.raises(ForgedReceipt):
        receipts.read(rewritten, signature, timestamp, "")


@pytest.mark.parametrize(
    "key", ["", "x", "AAAA", "é" * 44, "A" * 43], ids=["none", "short", "3-bytes", "odd", "unpadded"]
)
def test_a_key_that_is_none_is_not_taken(make_receipts, key):
    with pytest.raises((ValueError, TypeError)):
        make_receipts(public_key=key)


# -- What a webhook tells


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("sent", Delivery.SENT),
        ("delivered", Delivery.DELIVERED),
        ("read", Delivery.DELIVERED),
        ("delivery_unconfirmed", Delivery.UNCONFIRMED),
        ("expired", Delivery.UNREACHABLE),
        ("sending_failed", Delivery.UNREACHABLE),
        ("delivery_failed", Delivery.UNREACHABLE),
    ],
)
def test_each_status_is_understood(read, message, status, delivery):
    payload = {**message, "to": [{"phone_number": NUMBER, "status": status}]}

    assert read(event("message.finalized", payload)).delivery is delivery


@pytest.mark.parametrize("status", ["queued", "sending", "webhook_delivered", "", None, 5, [], {}])
def test_other_statuses_are_no_news(read, message, status):
    payload = {**message, "to": [{"phone_number": NUMBER, "status": status}]}

    assert read(event("message.finalized", payload)) is None


@pytest.mark.parametrize("code", sorted(RECEIPTS))
def test_the_reason_of_a_failure_is_told_and_the_operator_advised(receipts, read, message, journal, code):
    delivery, advice = RECEIPTS[code]

    receipt = read(failed(message, code), sealed(receipts))

    assert (receipt.delivery, receipt.pause) == (delivery, code == "40020")
    [line] = journal.lines()
    assert (line["event"], line["code"], line["id"]) == ("telnyx_undelivered", code, ID)
    assert line["do"] if advice else "do" not in line
    assert advice in line.get("do", "")
    assert line["level"] == ("error" if advice else "info")


def test_a_failure_without_a_reason_is_logged_as_well(read, message, journal):
    told = failed(message, "40008")
    told["data"]["payload"]["errors"] = []

    assert read(told).delivery is Delivery.UNREACHABLE

    [line] = journal.lines()
    assert (line["event"], line["status"]) == ("telnyx_undelivered", "delivery_failed")
    assert {"code", "do"}.isdisjoint(line)


def test_an_unknown_reason_is_a_failure_and_is_logged_with_its_code(read, message, journal):
    assert read(failed(message, "49999")).delivery is Delivery.UNREACHABLE

    [line] = journal.lines()
    assert (line["level"], line["code"]) == ("error", "49999")
    assert "report" in line["do"]


def test_a_message_that_was_delivered_did_not_fail_whatever_errors_it_lists(read, message):
    told = delivered(message)
    told["data"]["payload"]["errors"] = [{"code": "40020", "title": "2FA traffic blocked", "detail": ""}]

    receipt = read(told)

    assert (receipt.delivery, receipt.pause) == (Delivery.DELIVERED, False)


@pytest.mark.parametrize(
    "cost",
    [None, {}, {"amount": None}, {"amount": "free"}, {"amount": "NaN"}, {"amount": []}, "0.01", ["0.01"], 5],
    ids=str,
)
def test_a_price_that_cannot_be_read_takes_nothing_from_the_news(read, message, cost):
    told = delivered({**message, "cost": cost})

    assert read(told).delivery is Delivery.DELIVERED


def test_unconfirmed_is_no_failure(read, message):
    """Telnyx: often it was delivered."""
    assert read(unconfirmed(message)).delivery is Delivery.UNCONFIRMED


def test_news_has_a_name(read, message):
    """By which the same news is recognised when it comes again."""
    told = sent(message)

    assert read(told).event == told["data"]["id"]


@pytest.mark.parametrize(
    ("answer", "out"),
    [("STOP", True), ("START", False)],
)
def test_answers_of_people_are_understood(read, answer, out):
    news = read(received("whatever they wrote", sender=NUMBER, autoresponse=answer))

    assert isinstance(news, OptOut)
    assert (news.e164, news.out) == (NUMBER, out)


@pytest.mark.parametrize("answer", ["HELP", None])
def test_other_answers_are_nothing(read, answer):
    assert read(received("whatever they wrote", sender=NUMBER, autoresponse=answer)) is None


def test_a_text_that_only_says_stop_is_not_one(read):
    """Telnyx decides what is a STOP, and blocks; we only remember."""
    assert read(received("please stop by tomorrow", sender=NUMBER)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"not json",
        b'{"data": null}',
        b'{"data": {}}',
        b'{"data": {"event_type": "message.sent"}}',
        b'{"data": {"event_type": "message.sent", "payload": null}}',
        b'{"data": {"event_type": "message.sent", "payload": {}}}',
        b'{"data": {"event_type": "message.sent", "payload": {"to": []}}}',
        b'{"data": {"event_type": "message.sent", "payload": {"to": [null]}}}',
        b'{"data": {"event_type": "message.sent", "payload": {"to": "sent"}}}',
        b'{"data": {"event_type": "message.sent", "payload": {"to": [{"status": "sent"}]}}}',
        b'{"data": {"event_type": "message.received", "payload": null}}',
        b'{"data": {"event_type": "message.received", "payload": {"autoresponse_type": "STOP"}}}',
        b'{"data": {"event_type": "message.received", "payload": {"autoresponse_type": "STOP", "from": null}}}',
        b'{"data": {"event_type": "message.received", "payload": {"autoresponse_type": ["STOP"]}}}',
        b"[" * 50_000,
    ],
    ids=lambda body: body[:60].decode("latin-1"),
)
def test_what_is_signed_and_cannot_be_read_is_nothing(read, body):
    """An answer of 500 would have it told again, for ever no better. What is no JSON: `tests/test_strict_json.py`."""
    assert read(body) is None


@pytest.mark.parametrize(
    "kind", ["call.initiated", "verify.delivered", "messaging-profile.spend-limit-reached", "message.replaced"]
)
def test_events_about_other_things_are_nothing(read, kind):
    assert read(event(kind, {"id": "x"})) is None


def test_nothing_of_a_webhook_gets_into_the_log(read, message, journal):
    """It quotes the text, and so the token."""
    for told in (sent(message), delivered(message), failed(message, "40008"), failed(message, "49999")):
        read(told)
    read(b"[]")

    assert "4E1AC0" not in journal.facts()
    assert NUMBER[1:] not in journal.facts()


@pytest.mark.parametrize(
    ("sender", "number"),
    [("+5215512345678", "+525512345678"), ("12025550143", NUMBER), ("+541123456789", "+5491123456789")],
    ids=["old-mexican", "without-plus", "argentine-without-9"],
)
def test_stop_is_of_the_number_that_we_text_however_the_carrier_spells_it(read, sender, number):
    assert read(received("STOP", sender=sender, autoresponse="STOP")).e164 == number


# -- The address, which carries the verification's id


def test_a_receipt_finds_its_verification(receipts, read, message):
    """Also when the answer to its send was lost, so that nobody knows the message's id."""
    assert read(delivered(message), sealed(receipts)).id == ID


def test_the_address_tells_nobody_the_id(receipts):
    assert receipts.url(ID).startswith(f"{ADDRESS}?send=")
    assert ID not in receipts.url(ID)
    assert len(receipts.url(ID)) < 512


def test_an_address_survives_a_new_generation(receipts, keys, read, message):
    send = sealed(receipts)
    keys.rotate()

    assert read(delivered(message), send).id == ID


def test_an_address_under_a_keyring_that_is_gone_names_nobody(make_receipts, read, message):
    gone = make_receipts(keys=Keys(KeyringInMemory(), [], prefix="tp"))

    assert read(delivered(message), sealed(gone)).id == ""


def test_a_changed_address_names_nobody(receipts, read, message):
    send = sealed(receipts)
    changed = [send[:place] + ("A" if send[place] != "A" else "B") + send[place + 1 :] for place in range(len(send))]

    named = {read(delivered(message), one).id for one in changed}

    assert named <= {"", ID}, "the last characters of base64 may carry nothing: then it is the same seal"
    assert sum(read(delivered(message), one).id == ID for one in changed) <= 1


@pytest.mark.parametrize("send", ["", "x", "é", "A" * 5000, "gAAAAA=="])
def test_an_address_of_somebody_elses_making_names_nobody(read, message, send):
    assert read(delivered(message), send).id == ""
