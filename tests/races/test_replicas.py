"""Three replicas and one store: any of them can serve any step, and together they keep every promise.

`RACE_ROUNDS=100` looks longer.
"""

import itertools
import os
from collections import Counter

import pytest

from tests.races.crowd import Crowd, post
from tests.races.people import texts_to, token_in
from tests.support.http import Browser, fields
from tests.support.processes import wait_until

pytestmark = pytest.mark.slow

AT_ONCE = 1_000
ROUNDS = int(os.environ.get("RACE_ROUNDS", "2"))


@pytest.fixture(scope="module")
def crowd(replicas):
    with Crowd([replica.port for replica in replicas], AT_ONCE) as gathered:
        yield gathered


def test_each_step_may_be_served_by_another_replica(replicas, person):
    first, second, third = replicas
    somebody = person(first)

    with Browser(second.url) as browser:
        browser.cookies = dict(somebody.cookies)
        wait_until(
            lambda: browser.get("/verify/status").json()["next_send_in"] == 0, seconds=5, what="the wait of 1 s ends"
        )
        assert browser.post("/resend", {"nonce": "resend-1"}).status == 303
    wait_until(lambda: len(texts_to(third, somebody.number)) == 2, seconds=5, what="two messages")
    texts = texts_to(third, somebody.number)
    with Browser(third.url) as browser:
        browser.cookies = dict(somebody.cookies)
        form = fields(browser.get("/verify").text)
        done = browser.post("/verify", form | {"token": somebody.token.lower()})

    assert [token_in(text) for text in texts] == [somebody.token] * 2
    assert done.status == 200
    assert "confirmed" in done.text


@pytest.mark.timeout(180)
def test_one_of_a_thousand_right_checks_is_accepted_in_each_round(replicas, person, crowd):
    rounds = []
    for turn in range(ROUNDS):
        somebody = person(replicas[turn % 3])
        checks = [
            post("/verify", {"token": somebody.token, "nonce": f"form-{number}"}, somebody.cookies)
            for number in range(AT_ONCE)
        ]
        rounds.append(Counter(crowd.ask_until_answered(checks)))

    assert rounds == [{200: 1, 409: AT_ONCE - 1}] * ROUNDS


@pytest.mark.timeout(180)
def test_five_of_three_thousand_wrong_checks_are_compared(replicas, person, crowd):
    somebody = person(replicas[0])
    checks = [
        post("/verify", {"token": somebody.wrong, "nonce": f"form-{number}"}, somebody.cookies)
        for number in range(3_000)
    ]

    statuses = Counter(crowd.ask_until_answered(checks))

    assert statuses == {422: 5, 429: 2_995}


@pytest.mark.timeout(180)
def test_a_double_click_counts_once_on_whichever_replica_it_lands(replicas, person, crowd):
    """A thousand of each of five forms, all wrong; the sixth form finds the door locked."""
    somebody = person(replicas[0])
    forms = [
        post("/verify", {"token": somebody.wrong, "nonce": f"form-{number}"}, somebody.cookies) for number in range(4)
    ]

    statuses = Counter(crowd.ask_until_answered(list(itertools.islice(itertools.cycle(forms), AT_ONCE))))
    with Browser(replicas[1].url) as browser:
        browser.cookies = dict(somebody.cookies)
        last = browser.post("/verify", {"token": somebody.token, "nonce": "form-5"})

    assert statuses == {422: AT_ONCE}
    assert last.status == 200
