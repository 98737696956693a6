"""Sending is paused for everybody: all replicas know at once, one message at a time finds out whether it is over."""

import pytest

from tests.stack.people import words
from tests.stack.stack import PAUSE
from tests.support.http import burst
from tests.support.processes import wait_until
from tests.support.telnyx import delivered, failed

pytestmark = pytest.mark.slow

MINUTE, LONGEST = 60, 15 * 60  # seconds


@pytest.fixture
def paused(stack, telnyx, someone, fresh):
    """Run out of money."""
    telnyx.answer("20100")
    someone().ask(next(fresh))
    assert stack.store.ask("EXISTS", PAUSE) == 1
    return stack


def asked(person, number: str) -> tuple[int, int]:
    """Ask, and return the status and the wait."""
    answer = person.ask(number)
    return answer.status, int(answer.headers["Retry-After"] or 0)


def test_every_replica_knows_at_once(paused, telnyx, someone, fresh):
    for replica in (paused.one, paused.other):
        answer = someone(replica).ask(next(fresh))

        assert answer.status == 503
        assert 1 <= int(answer.headers["Retry-After"]) <= MINUTE
        assert "The problem is on our side and we’re fixing it. Try again in" in words(answer.text)
    assert len(telnyx.requests) == 1, "only the one that found out"


def test_the_operator_is_told_what_to_mend(paused):
    [line] = paused.lines("telnyx_refused")

    assert (line["level"], line["code"]) == ("error", "20100")
    assert "balance" in line["do"]


def test_a_pause_spends_nothing(paused, telnyx, someone, fresh):
    number, before = next(fresh), paused.keys()
    for _ in range(6):
        assert someone().ask(number).status == 503

    assert paused.keys() == before


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


def test_when_it_was_taken_everybody_is_texted_again(paused, telnyx, someone, fresh):
    paused.end_pause()
    telnyx.clear()

    assert someone(paused.other).ask(next(fresh)).status == 303

    assert [someone(replica).ask(next(fresh)).status for replica in (paused.one, paused.other)] == [303, 303]
    assert paused.store.ask("EXISTS", PAUSE) == 0


def test_each_time_in_a_row_the_pause_is_twice_as_long(paused, someone, fresh):
    for length in (2 * MINUTE, 4 * MINUTE, 8 * MINUTE, LONGEST, LONGEST):
        paused.end_pause()

        before = now_of(paused.store)
        someone(paused.other).ask(next(fresh))
        after = now_of(paused.store)

        until = int(paused.store.ask("HGET", PAUSE, "u"))
        assert before <= until - length * 1000 <= after


def now_of(store) -> int:
    """Return the time of a store in ms, as its scripts read it."""
    seconds, micros = store.ask("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def test_a_pause_forgets_itself(paused):
    """Every key has an end."""
    assert 0 < paused.store.ask("TTL", PAUSE) <= MINUTE + LONGEST


def test_sends_that_were_under_way_make_the_pause_no_longer(stack, telnyx, someone, fresh):
    """They are refused as well, and say nothing new."""
    telnyx.answer("20100")
    telnyx.hold()
    for _ in range(6):
        assert someone(stack.hasty).ask(next(fresh)).status == 303
    telnyx.await_held(6)

    telnyx.release()
    wait_until(lambda: len(stack.lines("telnyx_refused", stack.hasty)) == 6, what="all are refused")

    assert asked(someone(), next(fresh))[1] <= MINUTE


def test_a_trial_that_was_not_made_is_left_to_the_next(paused, telnyx, someone, fresh):
    """Somebody whose own budget is spent comes first: nothing is sent, so nothing was found out."""
    number = next(fresh)
    paused.lift_pause()
    telnyx.clear()
    for _ in range(5):
        assert someone().ask(number).status == 303
    telnyx.answer("20100")
    someone().ask(next(fresh))
    paused.end_pause()
    telnyx.clear()
    assert someone().ask(number).status == 429

    assert someone().ask(next(fresh)).status == 303


def test_blocked_traffic_pauses_everybody(stack, telnyx, someone, fresh):
    """40020 comes with a receipt: Telnyx blocks codes for 24 hours because it suspects pumping."""
    telnyx.webhooks, telnyx.receipt = True, "40020"
    person = someone()
    person.ask(next(fresh))
    telnyx.await_webhooks()

    assert person.status()["delivery"] == "failed"
    assert asked(someone(stack.other), next(fresh))[0] == 503
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


def test_other_news_pauses_nobody(stack, telnyx, someone, fresh):
    someone().ask(next(fresh))
    url = where_to_tell(stack, telnyx)

    for told in (failed(telnyx.messages[0], "40002"), delivered(telnyx.messages[0])):
        assert telnyx.webhook(url, told) == 204

    assert stack.store.ask("EXISTS", PAUSE) == 0


def where_to_tell(stack, telnyx) -> str:
    """Return the address that the first message was sent with, at a replica."""
    wait_until(lambda: telnyx.messages, what="a message is taken")
    url: str = telnyx.messages[0]["webhook_url"]
    return stack.one.url + url.removeprefix("https://verify.example.com")
