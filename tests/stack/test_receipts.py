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


def test_handed_on_is_told(waiting, tell, telnyx):
    assert tell(sent(telnyx.messages[0])) == 204

    assert waiting.status()["delivery"] == "sent"
    assert "Your mobile network has the text. It should arrive soon." in waiting.page()


def test_unconfirmed_is_not_told_as_failure(waiting, tell, telnyx):
    tell(unconfirmed(telnyx.messages[0]))

    assert waiting.status()["status"] == "pending"
    assert "has not confirmed delivery. Check your texts: the code may be there." in waiting.page()


@pytest.mark.parametrize("code", sorted(RECEIPTS))
def test_why_a_message_did_not_arrive_is_told_and_logged(stack, waiting, tell, telnyx, code):
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


def test_a_final_word_is_not_taken_back_by_an_earlier_one(waiting, tell, telnyx):
    tell(failed(telnyx.messages[0], "40001"))
    tell(sent(telnyx.messages[0]))

    assert waiting.status()["delivery"] == "landline"


def test_the_same_news_again_changes_nothing(stack, waiting, tell, telnyx):
    """Telnyx delivers more than once, and to whichever replica."""
    news = sent(telnyx.messages[0])

    assert [tell(news), tell(news, replica=stack.other), tell(news)] == [204] * 3

    verdicts = [line["verdict"] for line in stack.lines("receipt") + stack.lines("receipt", stack.other)]
    assert sorted(verdicts) == ["done", "repeated", "repeated"]


def test_what_arrived_after_all_is_not_called_lost(stack, waiting, tell, telnyx):
    """The first message failed, they sent it again, and that one arrived: with whichever news first."""
    first = telnyx.messages[0]
    stack.end_wait()
    assert waiting.ask_again().status == 303

    tell(failed(first, "40008"))
    tell(delivered(telnyx.messages[1]))

    assert waiting.status()["delivery"] == "delivered"


@pytest.mark.parametrize("outcome", ["drop", "garble", "empty"])
def test_a_receipt_finds_its_verification_without_the_answer_to_the_send(stack, telnyx, someone, fresh, outcome):
    telnyx.answer(outcome)
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


def test_a_receipt_changes_no_approval(waiting, tell, telnyx):
    waiting.type(token_in(telnyx.texts_to(waiting.asked_for)[0]))

    assert tell(failed(telnyx.messages[0], "40008")) == 204

    assert waiting.status()["status"] == "approved"


def test_a_receipt_for_nobody_is_taken_and_forgotten(stack, telnyx):
    """What is not answered with 2xx is told again and again."""
    before = stack.keys()
    body = json.dumps(received("hello", sender="+12025550143")).encode()

    for query in ("", "?send=", "?send=AAAA", "?send=%FF", "?other=1"):
        assert post(f"{stack.one.url}{PATH}{query}", body, telnyx.sign(body)) == 204

    assert stack.keys() == before


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'{"data": null}', b"[" * 30_000])
def test_what_is_signed_and_means_nothing_is_taken(stack, telnyx, body):
    assert post(stack.one.url + PATH, body, telnyx.sign(body)) == 204


# -- What is believed


def test_what_is_not_signed_is_refused(stack, waiting, telnyx):
    body = json.dumps(delivered(telnyx.messages[0])).encode()

    assert post(address(stack, telnyx), body, {}) == 403

    assert waiting.status()["delivery"] == "on_its_way"


def test_another_key_is_refused_and_the_log_says_which_to_check(stack, waiting, telnyx):
    body = json.dumps(delivered(telnyx.messages[0])).encode()

    assert post(address(stack, telnyx), body, Signer().headers(body)) == 403

    assert waiting.status()["delivery"] == "on_its_way"
    assert "TELNYX_PUBLIC_KEY" in stack.await_line("webhook_refused")["why"]


def test_what_was_signed_too_long_ago_is_refused(stack, waiting, telnyx):
    body = json.dumps(delivered(telnyx.messages[0])).encode()

    for age in (3600, -3600):
        stamp = int(telnyx.requests[-1].at) - age
        assert post(address(stack, telnyx), body, telnyx.sign(body, stamp)) == 403
    assert "too old, or a clock is wrong" in stack.await_line("webhook_refused")["why"]


def test_a_refusal_says_nothing_about_why(stack, telnyx):
    """To whom it is said, that would be help."""
    answer = _posted(stack, b"{}", {"telnyx-timestamp": "1"})

    assert answer.status == 403
    assert answer.headers["Content-Type"] == "application/problem+json"


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

    def saying(number: str, word: str) -> dict:
        news = received(word, sender=number, autoresponse=word)
        assert telnyx.webhook(stack.one.url + PATH, news) == 204
        return news

    return saying


def test_who_said_stop_is_not_texted_and_told_how_to_come_back(stack, telnyx, says, someone, fresh):
    number = next(fresh)
    says(number, "STOP")

    answer = someone(stack.other).ask(number)

    assert answer.status == 422
    assert "Reply START to our last text and try again, or use another number." in words(answer.text)
    assert telnyx.requests == []
    assert number[1:] not in stack.one.log()


def test_who_said_stop_is_not_texted_by_a_resend_either(stack, telnyx, waiting, says):
    says(waiting.asked_for, "STOP")
    stack.end_wait()

    waiting.ask_again()

    assert len(telnyx.requests) == 1


def test_who_said_start_is_texted_again(telnyx, says, someone, fresh):
    number = next(fresh)
    says(number, "STOP")
    says(number, "START")

    assert someone().ask(number).status == 303


def test_a_stop_that_is_told_again_after_start_changes_nothing(stack, telnyx, says, someone, fresh):
    number = next(fresh)
    stop = says(number, "STOP")
    says(number, "START")

    assert telnyx.webhook(stack.other.url + PATH, stop) == 204

    assert someone().ask(number).status == 303


def test_help_changes_nothing(says, someone, fresh):
    number = next(fresh)
    says(number, "HELP")

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
