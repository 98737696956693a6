"""Sending is paused for everybody: all replicas know at once, one message at a time finds out whether it is over.

How long a pause is, and what it spends, is in `tests/store/test_limits.py`.
"""

import pytest

from tests.stack.people import words
from tests.stack.stack import PAUSE
from tests.support.http import burst
from tests.support.processes import wait_until
from tests.support.telnyx import failed

pytestmark = pytest.mark.slow

MINUTE = 60  # seconds


@pytest.fixture
def paused(stack, telnyx, someone, fresh):
    """Run out of money."""
    telnyx.answer("20100")
    someone().ask(next(fresh))
    assert stack.store.ask("EXISTS", PAUSE) == 1
    return stack


def test_every_replica_knows_at_once(paused, telnyx, someone, fresh):
    for replica in (paused.one, paused.other):
        answer = someone(replica).ask(next(fresh))

        assert answer.status == 503
        assert 1 <= int(answer.headers["Retry-After"]) <= MINUTE
        assert "The problem is on our side and we’re fixing it. Try again in" in words(answer.text)
    assert len(telnyx.requests) == 1, "only the one that found out"
    [line] = paused.lines("telnyx_refused")
    assert (line["level"], line["code"]) == ("error", "20100")
    assert "balance" in line["do"]


def test_a_pause_holds_a_resend_too_and_spends_nothing(stack, telnyx, someone, fresh):
    person = someone()
    person.ask(next(fresh))
    stack.end_wait()
    before = person.status()["sends_left"]
    telnyx.answer("20100")
    someone().ask(next(fresh))

    answer = person.ask_again()

    assert answer.status == 503
    assert "The problem is on our side" in words(answer.text)
    assert person.status()["sends_left"] == before


def test_checks_go_on_during_a_pause(stack, telnyx, someone, fresh):
    person, number = someone(), next(fresh)
    person.ask(number)
    telnyx.answer("20100")
    someone().ask(next(fresh))

    assert person.type(telnyx.texts_to(number)[0].split()[0]).status == 200


def test_one_message_finds_out_whether_it_is_over(paused, telnyx, someone, fresh):
    """Of all that come at the same moment, at whichever replica."""
    paused.end_pause()
    telnyx.clear()
    telnyx.hold()
    people = [(someone(replica), next(fresh)) for replica in (paused.one, paused.other) for _ in range(6)]
    told = []

    def ask(place: int) -> None:
        person, number = people[place]
        told.append(person.ask(number).status)
        if len(told) == 11:
            telnyx.release()

    burst(12, ask)

    assert (told.count(303), told.count(503)) == (1, 11)
    assert len(telnyx.requests) == 1


def test_blocked_traffic_pauses_everybody(stack, telnyx, someone, fresh):
    """40020 comes with a receipt: Telnyx blocks codes for 24 hours because it suspects pumping."""
    telnyx.webhooks, telnyx.receipt = True, "40020"
    person = someone()
    person.ask(next(fresh))
    telnyx.await_webhooks()

    assert person.status()["delivery"] == "failed"
    assert someone(stack.other).ask(next(fresh)).status == 503
    assert "pumping" in stack.lines("telnyx_undelivered")[0]["do"]
    assert stack.lines("sending_paused")


def test_the_same_bad_news_again_does_not_pause_again(stack, telnyx, someone, fresh):
    """Telnyx tells things more than once, also when the pause is over already."""
    person = someone()
    person.ask(next(fresh))
    url = where_to_tell(stack, telnyx)
    bad = failed(telnyx.messages[0], "40020")
    assert telnyx.webhook(url, bad) == 204
    stack.end_pause()
    assert someone().ask(next(fresh)).status == 303

    assert telnyx.webhook(url, bad) == 204

    assert someone().ask(next(fresh)).status == 303


def where_to_tell(stack, telnyx) -> str:
    """Return the address that the first message was sent with, at a replica."""
    wait_until(lambda: telnyx.messages, what="a message is taken")
    url: str = telnyx.messages[0]["webhook_url"]
    return stack.one.url + url.removeprefix("https://verify.example.com")
