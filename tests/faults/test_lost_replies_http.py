"""The same network under a whole service, and people who send the same form again when they are told 503."""

import time
from collections import Counter
from contextlib import ExitStack

import pytest

from tests.races.people import arrive, texts_to
from tests.support.http import Browser, Response, burst, fields
from tests.support.processes import wait_until
from tests.support.proxy import DroppingProxy
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.slow

AT_ONCE = 8
DROP = 0.2


@pytest.fixture(scope="module")
def stack():
    """A replica, and the network between it and its store."""
    with ExitStack() as ends:
        server = ends.enter_context(StoreServer())
        network = ends.enter_context(DroppingProxy(server.port, drop=0))
        settings = {
            "TEXTPROOF_REDIS_URL": network.url,
            "TEXTPROOF_SENDER": "demo",
            "TEXTPROOF_LIMITS_MODE": "observe",
        }
        replica = ends.enter_context(ServiceProcess(settings))
        ends.callback(replica.kill)  # in no order: who is killed need not be waited for
        yield replica, network


@pytest.fixture
def replica(stack):
    replica, network = stack
    network.drop = 0
    return replica


@pytest.fixture
def network(stack):
    return stack[1]


def surely(step) -> Response:
    """Do the very same again while the answer is 503; each says when to come back."""
    while True:
        answer = step()
        if answer.status != 503:
            return answer
        assert answer.headers["Retry-After"].isdigit()
        time.sleep(0.05)


@pytest.mark.parametrize(("is_right", "status", "left"), [(False, 422, 4), (True, 200, 0)], ids=["wrong", "right"])
def test_the_form_after_a_503_names_the_same_request(replica, network, numbers, is_right, status, left):  # noqa: PLR0917
    """People press the button that they see: what may have been counted does not count again, and what may have
    confirmed the number confirms it.
    """
    person = arrive(replica, next(numbers))
    form = {"token": person.token if is_right else person.wrong}
    with Browser(replica.url) as browser:
        browser.cookies = dict(person.cookies)
        network.drop = 1.0
        refused = browser.post("/verify", form | {"nonce": "form-1"})
        network.drop = 0
        surely(lambda: browser.get("/verify/status"))  # until the store is asked again
        answer = browser.post("/verify", fields(refused.text) | form)
        known = browser.get("/verify/status").json()

    assert (refused.status, answer.status) == (503, status)
    assert known["checks_left"] == left


def test_a_request_that_is_repeated_until_it_is_answered_brings_one_message(replica, network, numbers):
    """However often, and wherever, an answer was lost. A message that nobody sent is a lost token."""
    wanted = [next(numbers) for _ in range(45)]  # the demo's inbox holds 50

    def go(place):
        with Browser(replica.url) as browser:
            return surely(lambda: browser.post("/request", {"phone": wanted[place], "nonce": "form-1"})).status

    network.drop = DROP
    statuses = burst(len(wanted), go, AT_ONCE)
    network.drop = 0

    assert Counter(statuses) == {303: len(wanted)}
    wait_until(lambda: all(texts_to(replica, number) for number in wanted), what="messages arrive")
    assert Counter(len(texts_to(replica, number)) for number in wanted) == {1: len(wanted)}
