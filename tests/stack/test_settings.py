"""One more replica, with what operators turn on: a rate for the sender, and every log there is."""

import json
from collections.abc import Iterator

import pytest

from tests.stack.people import token_in, words
from tests.stack.stack import PATIENT, RECORDS, SENDER, Stack
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.slow

TURNED_ON = {
    "TEXTPROOF_SENDER_RATE_PER_SECOND": "0.1",  # a long code outside the US (Telnyx, "Rate limiting")
    "TEXTPROOF_DEBUG": "True",
    "TELNYX_LOG": "debug",
}


@pytest.fixture(scope="module")
def third(running_stack: Stack) -> Iterator[ServiceProcess]:
    with ServiceProcess({**running_stack.settings, **TURNED_ON}, seconds=PATIENT) as service:
        yield service


def test_whoever_would_wait_too_long_is_told_and_loses_nothing(third, stack, telnyx, someone, fresh):
    """A token that waits in a queue dies there."""
    people = [someone(third) for _ in range(4)]
    answers = [person.ask(next(fresh)).status for person in people]

    assert answers == [303] * 4, "up to 30 s ahead of them"
    assert [person.status()["delivery"] for person in people] == ["on_its_way", "busy", "busy", "busy"]

    late, number, before = someone(third), next(fresh), stack.keys()
    refused = late.ask(number)
    assert refused.status == 503
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert "We’re sending a lot of codes right now. Try again in" in words(refused.text)
    assert stack.keys() == before, "nothing was spent"
    assert len(telnyx.requests) == 4

    stack.store.ask("DECRBY", SENDER, 20_000)  # as if 20 s had passed
    assert late.ask(number).status == 303


def test_the_log_tells_a_stranger_nothing(third, stack, telnyx, someone, fresh):
    """Neither the token, nor the number, nor the key. The store does not know the token."""
    numbers = []
    for name in ("accepted", "40300-stop", "drop", "garble"):
        numbers.append(next(fresh))
        telnyx.answer(name)
        someone(third).ask(numbers[-1])
    tokens = [token_in(request.body["text"]) for request in telnyx.requests]
    told = third.log()

    assert len(set(tokens)) == len(numbers)
    assert not [token for token in tokens if token in told]
    assert not [number for number in numbers if number[1:] in told]
    assert telnyx.api_key not in told
    kept = json.dumps([stack.keys(), *(stack.store.ask("HGETALL", key) for key in stack.keys(RECORDS))])
    assert not [token for token in tokens if token in kept]
