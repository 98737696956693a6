"""What people, operators and budgets see of each kind of answer of Telnyx, in the service as it runs in production.

What each code means is in `tests/sender`.
"""

import pytest

from service.verification.errors import Delivery
from tests.sender.table import REFUSALS
from tests.stack.people import SAID, SENDS, sends_left, token_in, words
from tests.support.processes import wait_until
from tests.support.telnyx import ERRORS

pytestmark = pytest.mark.slow

ON_ITS_WAY = "Your code is on its way."
NOBODY_KNOWS = "We cannot tell yet if the text was sent. If it does not arrive, resend the code."
OURS = {Delivery.FAILED, Delivery.BUSY}  # the person can do nothing: 503, and when to come back


def test_a_message_that_is_taken_can_be_answered(telnyx, someone, fresh):
    person, number = someone(), next(fresh)

    assert person.ask(number).status == 303

    assert person.status()["delivery"] == "on_its_way"
    assert ON_ITS_WAY in person.page()
    [text] = telnyx.texts_to(number)
    assert person.type(token_in(text)).status == 200


@pytest.mark.parametrize("name", {meaning.delivery: name for name, meaning in REFUSALS.items()}.values())
def test_a_refusal_is_told_logged_and_costs_nothing(stack, telnyx, someone, fresh, name):
    expected, person, number = REFUSALS[name], someone(), next(fresh)
    telnyx.answer(name)

    answer = person.ask(number)

    assert len(telnyx.requests) == 1
    assert answer.status == (503 if expected.delivery in OURS else 422)
    assert all(phrase in words(answer.text) for phrase in SAID[expected.delivery])
    retry_after = str(expected.retry_after or 60) if expected.delivery in OURS else None
    assert answer.headers["Retry-After"] == retry_after
    assert answer.headers["Set-Cookie"] is None, "there is no verification to come back to"
    assert [line["code"] for line in stack.lines("telnyx_refused")] == [ERRORS[name].code]
    assert [line["delivery"] for line in stack.lines("send_refused")] == [expected.delivery]

    telnyx.answer("accepted")
    stack.lift_pause()
    assert sends_left(person, number) == SENDS, "nothing was sent, so nothing was spent"


@pytest.mark.parametrize("name", ["500", "drop_before", "garble"])
def test_an_unknown_outcome_is_told_logged_and_stays_open(stack, telnyx, someone, fresh, name):
    person, number = someone(), next(fresh)
    telnyx.answer(name)

    assert person.ask(number).status == 303

    assert len(telnyx.requests) == (0 if name == "drop_before" else 1)
    status = person.status()
    assert (status["status"], status["delivery"], status["message"]) == ("pending", "uncertain", NOBODY_KNOWS)
    assert NOBODY_KNOWS in person.page()
    assert len(stack.lines("telnyx_uncertain")) == len(stack.lines("send_uncertain")) == 1
    telnyx.answer("accepted")
    assert sends_left(person, number) == SENDS - 1, "it may have been sent, so it was spent"


def test_a_token_that_arrived_against_all_odds_works(telnyx, someone, fresh):
    person, number = someone(), next(fresh)
    telnyx.answer("garble")
    person.ask(number)

    [text] = telnyx.texts_to(number)

    assert person.type(token_in(text)).status == 200


def test_the_queue_of_the_sender_is_told(telnyx, someone, fresh):
    person = someone()
    telnyx.answer("accepted", wait_seconds=45)

    person.ask(next(fresh))

    assert person.status()["delivery"] == "busy"
    assert "Yours can take a few minutes" in person.page()


@pytest.mark.parametrize("name", ["40001", "40302"])
def test_a_refusal_that_comes_late_is_told_by_the_status_and_by_a_reload(stack, telnyx, someone, fresh, name):
    """The page is open by then; without JavaScript, people reload it."""
    person, delivery = someone(stack.hasty), REFUSALS[name].delivery
    telnyx.answer(name)
    telnyx.hold()

    assert person.ask(next(fresh)).status == 303

    telnyx.await_held(1)
    telnyx.release()
    status = person.await_delivery(delivery.value)
    assert status["status"] == "canceled"
    assert all(phrase in status["message"] for phrase in SAID[delivery])
    assert all(phrase in person.page() for phrase in SAID[delivery])


def test_a_refused_resend_leaves_the_first_message_standing(stack, telnyx, someone, fresh):
    person, number = someone(), next(fresh)
    person.ask(number)
    [text] = telnyx.texts_to(number)
    stack.end_wait()
    telnyx.answer("40302")

    answer = person.ask_again()

    assert answer.status == 503
    assert all(phrase in words(answer.text) for phrase in SAID[Delivery.FAILED])
    assert person.status()["status"] == "pending"
    assert person.type(token_in(text)).status == 200


# -- A Telnyx that hangs


def test_a_telnyx_that_hangs_takes_nobody_with_it(stack, telnyx, someone, fresh):
    """Sixteen sends wait for it. Checks go on, receipts are taken, and who comes next is told so and loses nothing."""
    telnyx.hold()
    people = [(someone(stack.hasty), next(fresh)) for _ in range(16)]
    for person, number in people:
        # What was sent before may hold a place for a moment yet: whoever is told so asks again.
        wait_until(lambda: person.ask(number).status == 303, what="a place is free")  # noqa: B023
    telnyx.await_held(16)

    late, number = someone(stack.hasty), next(fresh)
    before = stack.keys()
    refused = late.ask(number)
    assert refused.status == 503
    assert 1 <= int(refused.headers["Retry-After"]) <= 6
    assert "We’re sending a lot of codes right now. Try again in" in words(refused.text)
    assert stack.keys() == before, "nothing was spent"
    assert len(telnyx.requests) == 16

    texts = {request.body["to"]: request.body["text"] for request in telnyx.requests}
    for person, known in people[:5]:
        assert person.type(token_in(texts[known])).status == 200, "the message may have arrived all the same"
    assert late.get("/readyz").status == 200

    assert telnyx.held == 16, "and all that time it hung"
    telnyx.release()
    wait_until(lambda: late.ask(number).status == 303, what="a place is free")
    wait_until(lambda: len(telnyx.texts_to(number)) == 1, what="it was sent")
