"""Telnyx's webhooks at the service: believed when signed, in any order, as often as they come; they approve nobody."""

import http.client
import json

import pytest

from tests.fakes import wrong
from tests.sender.table import RECEIPTS
from tests.stack.people import SAID, SENDS, sends_left, token_in, words
from tests.support.processes import LONG_SECONDS, wait_until
from tests.support.telnyx import accepted_message, delivered, failed, received, sent, unconfirmed
from tests.support.telnyx.webhooks import Signer, post

pytestmark = pytest.mark.slow

PATH = "/webhooks/telnyx"
CAP = 65_536  # bytes


@pytest.fixture
def waiting(stack, telnyx, someone, fresh):
    """Somebody who has asked, and waits."""
    person = someone()
    person.ask(next(fresh))
    return person


@pytest.fixture
def tell(stack, telnyx, waiting):
    """Post news to the address that Telnyx was given, at whichever replica."""

    def telling(news, *, replica=None) -> int | None:
        return telnyx.webhook(address(stack, telnyx, replica), news)

    return telling


def address(stack, telnyx, replica=None) -> str:
    url: str = telnyx.requests[-1].body["webhook_url"]
    return (replica or stack.one).url + url.removeprefix("https://verify.example.com")


# -- What they change


@pytest.mark.parametrize("disorder", [False, True], ids=["in-order", "last-first-and-twice"])
def test_a_delivered_message_is_told(stack, telnyx, someone, fresh, disorder):
    telnyx.webhooks, telnyx.disorder = True, disorder
    person = someone()
    person.ask(next(fresh))

    telnyx.await_webhooks()

    assert person.status()["delivery"] == "delivered"
    assert "The text was delivered to your phone." in person.page()
    assert [one.status for one in telnyx.deliveries] == [204] * (4 if disorder else 2), "each taken at once"


@pytest.mark.parametrize(
    ("news", "delivery", "said"),
    [
        (sent, "sent", "Your mobile network has the text. It should arrive soon."),
        (unconfirmed, "unconfirmed", "has not confirmed delivery. Check your texts: the code may be there."),
    ],
)
def test_news_is_told(waiting, tell, telnyx, news, delivery, said):  # noqa: PLR0917
    assert tell(news(telnyx.messages[0])) == 204

    status = waiting.status()
    assert (status["status"], status["delivery"]) == ("pending", delivery)
    assert said in waiting.page()


@pytest.mark.parametrize("code", ["40001", "40002", "40008", "40020"])
def test_why_a_message_did_not_arrive_is_told_and_logged(stack, waiting, tell, telnyx, code):
    """What each code means is in `tests/sender`."""
    delivery, advice = RECEIPTS[code]

    assert tell(failed(telnyx.messages[0], code)) == 204

    status = waiting.status()
    assert (status["status"], status["delivery"]) == ("pending", delivery.value)
    assert all(phrase in waiting.page() for phrase in SAID[delivery])
    [line] = stack.lines("telnyx_undelivered")
    assert line["code"] == code
    assert advice in line.get("do", "")
    stack.lift_pause()
    assert sends_left(waiting, waiting.asked_for) == SENDS - 1, "it was sent, so it was spent"


def test_a_receipt_finds_its_verification_without_the_answer_to_the_send(stack, telnyx, someone, fresh):
    telnyx.answer("drop")
    person = someone()
    person.ask(next(fresh))
    assert person.status()["delivery"] == "uncertain"

    assert telnyx.webhook(address(stack, telnyx), delivered(telnyx.messages[0])) == 204

    assert person.status()["delivery"] == "delivered"


def test_a_receipt_that_overtakes_the_answer_to_the_send_stays(stack, telnyx, someone, fresh):
    """The answer then says that the message waits behind others: news that is older by then."""
    person = someone(stack.hasty)
    telnyx.answer("accepted", wait_seconds=45)
    telnyx.hold()
    person.ask(next(fresh))
    telnyx.await_held(1)

    telnyx.webhook(address(stack, telnyx), delivered(accepted_message(telnyx.requests[-1].body)))
    telnyx.release()
    stack.await_line("send_accepted", stack.hasty)

    assert person.status()["delivery"] == "delivered"


# -- What they do not change


def test_a_receipt_makes_no_number_verified(waiting, tell, telnyx):
    for news in (sent(telnyx.messages[0]), delivered(telnyx.messages[0])):
        tell(news)

    token = token_in(telnyx.texts_to(waiting.asked_for)[0])
    assert waiting.status()["status"] == "pending"
    assert waiting.type(wrong(token)).status == 422
    assert waiting.type(token).status == 200


def test_a_receipt_for_nobody_is_taken_and_forgotten(stack, telnyx):
    """What is not answered with 2xx is told again and again."""
    before = stack.keys()
    body = json.dumps(received("hello", sender="+12025550143")).encode()

    for query in ("", "?send=", "?send=AAAA", "?send=%FF", "?other=1"):
        assert post(f"{stack.one.url}{PATH}{query}", body, telnyx.sign(body)) == 204
    for nothing in (b"", b"not json", b"[" * 30_000):
        assert post(stack.one.url + PATH, nothing, telnyx.sign(nothing)) == 204

    assert stack.keys() == before


# -- What is believed


def test_what_is_not_proven_is_refused_and_only_the_log_says_why(stack, waiting, telnyx):
    """To whom it is said, that would be help."""
    body, now = json.dumps(delivered(telnyx.messages[0])).encode(), int(telnyx.requests[-1].at)
    url = address(stack, telnyx)
    proofs = [{}, Signer().headers(body), telnyx.sign(body, now - 3600), telnyx.sign(body, now + 3600)]

    assert [post(url, body, proof) for proof in proofs] == [403] * 4

    answer = _posted(stack, b"{}", {"telnyx-timestamp": "1"})
    assert (answer.status, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert waiting.status()["delivery"] == "on_its_way"
    why = " ".join(line["why"] for line in stack.lines("webhook_refused"))
    assert "TELNYX_PUBLIC_KEY" in why
    assert "too old, or a clock is wrong" in why


@pytest.mark.parametrize("chunked", [False, True], ids=["said", "chunked"])
def test_a_body_over_the_cap_is_refused(stack, telnyx, chunked):
    for size, status in ((CAP, 204), (CAP + 1, 413)):
        body = b" " * size

        assert _posted(stack, body, telnyx.sign(body), chunked=chunked).status == status


def test_only_post_is_answered(stack, someone):
    assert someone().get(PATH).status == 405


def _posted(stack, body: bytes, headers: dict[str, str], *, chunked: bool = False) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", stack.one.port, timeout=LONG_SECONDS)
    try:
        pieces = (body[place : place + 8192] for place in range(0, len(body), 8192)) if chunked else body
        connection.request("POST", PATH, pieces, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


# -- STOP and START


@pytest.fixture
def says(stack, telnyx):
    """Somebody answers one of our messages."""

    def saying(number: str, word: str) -> None:
        assert telnyx.webhook(stack.one.url + PATH, received(word, sender=number, autoresponse=word)) == 204

    return saying


def test_who_said_stop_is_not_texted_and_told_how_to_come_back(stack, telnyx, says, someone, fresh):
    number = next(fresh)
    says(number, "STOP")

    answer = someone(stack.other).ask(number)

    assert answer.status == 422
    assert "Reply START to our last text and try again, or use another number." in words(answer.text)
    assert telnyx.requests == []
    assert number[1:] not in stack.one.log()

    says(number, "START")

    assert someone().ask(number).status == 303


# -- A store that does not answer


def test_news_that_cannot_be_noted_are_asked_for_again(stack, telnyx, waiting, tell):
    """Telnyx tells again what is not answered with 2xx within 2 s."""
    news = delivered(telnyx.messages[0])
    stack.store.hang()
    try:
        first = tell(news)
    finally:
        stack.store.resume()

    assert first == 503
    wait_until(lambda: waiting.get("/readyz").status == 200, what="the store answers again")
    assert tell(news) == 204
    assert waiting.status()["delivery"] == "delivered"
