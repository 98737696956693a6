"""The same network under a whole service, and people who send the same form again when they are told 503."""

import time
from collections import Counter
from contextlib import ExitStack

import pytest

from tests.races import people
from tests.races.people import Person, texts_to
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


@pytest.fixture
def arrive(replica, numbers):
    """Somebody whose code has just been texted."""
    return lambda: people.arrive(replica, next(numbers))


def surely(step) -> Response:
    """Do the very same again while the answer is 503; each says when to come back."""
    while True:
        answer = step()
        if answer.status != 503:
            return answer
        assert answer.headers["Retry-After"].isdigit()
        time.sleep(0.05)


def visit(replica: ServiceProcess, person: Person) -> Browser:
    browser = Browser(replica.url)
    browser.cookies = dict(person.cookies)
    return browser


def test_the_form_after_a_503_names_the_same_request(replica, network, arrive):
    """People press the button that they see: it must not count again what may have been counted."""
    person = arrive()
    with visit(replica, person) as browser:
        network.drop = 1.0
        refused = browser.post("/verify", {"token": person.wrong, "nonce": "form-1"})
        network.drop = 0
        surely(lambda: browser.get("/verify/status"))  # until the store is asked again
        browser.post("/verify", fields(refused.text) | {"token": person.wrong})
        left = browser.get("/verify/status").json()["checks_left"]

    assert refused.status == 503
    assert left == 4


def test_the_right_code_after_a_503_confirms_the_number(replica, network, arrive):
    """The first answer was lost; the person types the same code into the form that came instead."""
    person = arrive()
    with visit(replica, person) as browser:
        network.drop = 1.0
        refused = browser.post("/verify", {"token": person.token, "nonce": "form-1"})
        network.drop = 0
        surely(lambda: browser.get("/verify/status"))
        accepted = browser.post("/verify", fields(refused.text) | {"token": person.token})

    assert refused.status == 503
    assert accepted.status == 200


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
