"""The store is killed, hangs, or is full: everything is refused in time, nothing is sent, nothing is accepted.

Forty people at once, on one replica. The carrier is counted at its own socket.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from tests.races.people import Person, ask_for_code, token_in
from tests.support.http import Browser, burst
from tests.support.processes import free_port, wait_until
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess
from tests.support.telnyx import FakeTelnyx

pytestmark = pytest.mark.slow

AT_ONCE = 40
IN_TIME = (
    20.0  # seconds for a refusal: ten times what is promised, and measured by `make faults`; a machine may be busy
)
MEGABYTE = 1 << 20
FORMS = ("/request", "/verify", "/resend", "/cancel")


@dataclass(frozen=True)
class Stack:
    """A replica, its store, and its carrier."""

    store: StoreServer
    carrier: FakeTelnyx
    replica: ServiceProcess

    def visit(self, person: Person | None = None) -> Browser:
        """Return a browser: that of somebody who has asked for a code, or a new one."""
        browser = Browser(self.replica.url)
        browser.cookies = dict(person.cookies) if person else {}
        return browser

    def arrive(self, number: str) -> Person:
        """Return somebody whose code was just texted; the outage before this test may be just over."""
        with self.visit() as browser:
            wait_until(lambda: ask_for_code(browser, number).status == 303, what="a code is sent")
            wait_until(lambda: self.carrier.texts_to(number), what="a code arrives")
            (text,) = self.carrier.texts_to(number)
            return Person(number, token_in(text), dict(browser.cookies))

    def health(self) -> dict[str, int]:
        """Return how a balancer sees it."""
        return {path: self.status(path) for path in ("/livez", "/readyz")}

    def status(self, path: str) -> int:
        """Ask with a connection of its own, as a balancer does."""
        with self.visit() as browser:
            return browser.get(path).status


@pytest.fixture(scope="module")
def stack():
    with ExitStack() as ends:
        store = ends.enter_context(StoreServer(appendonly=True))
        carrier = ends.enter_context(FakeTelnyx())
        settings = {
            "TEXTPROOF_REDIS_URL": store.url,
            "TEXTPROOF_SENDER": "telnyx",
            "TEXTPROOF_API_KEY": carrier.api_key,
            "TEXTPROOF_FROM_NUMBER": "+12025550100",
            "TEXTPROOF_TELNYX_BASE_URL": carrier.base_url,
            "TEXTPROOF_SECRET_KEY": "0123456789abcdef0123456789abcdef",
            "TEXTPROOF_LIMITS_MODE": "observe",
            "TEXTPROOF_RESEND_WAITS_SECONDS": "1",
        }
        replica = ends.enter_context(ServiceProcess(settings, workers=2))
        ends.callback(replica.kill)  # in no order: who is killed need not be waited for
        yield Stack(store, carrier, replica)


@contextmanager
def killed(store: StoreServer):
    """End the server; it comes back with what it has written down."""
    store.kill()
    yield
    store.start()


@contextmanager
def hung(store: StoreServer):
    """It accepts connections and answers nothing; what it was sent meanwhile it carries out late."""
    store.hang()
    yield
    store.resume()


@contextmanager
def full(store: StoreServer):
    """It refuses to remember more, until somebody makes room."""
    with store.client() as client:
        client.config_set("maxmemory", 0)
        junk = [f"junk-{number}" for number in range(4)]
        for name in junk:
            client.set(name, b"x" * MEGABYTE, ex=600)
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) - 2 * MEGABYTE)
        yield
        client.delete(*junk)
        assert client.info("memory")["used_memory"] < client.info("memory")["maxmemory"]


OUTAGES = {"killed": killed, "hung": hung, "full": full}


@dataclass(frozen=True)
class Refusal:
    """How one form was answered."""

    path: str
    status: int
    retry_after: str | None
    seconds: float


@pytest.fixture(params=OUTAGES)
def outage(request, stack) -> Callable:
    return lambda: OUTAGES[request.param](stack.store)


def test_every_form_is_refused_in_time_and_the_same_form_is_good_afterwards(stack, outage, numbers):
    checking = [stack.arrive(next(numbers)) for _ in range(10)]
    resending, canceling = stack.arrive(next(numbers)), stack.arrive(next(numbers))
    with stack.visit(resending) as browser:
        wait_until(lambda: browser.get("/verify/status").json()["next_send_in"] == 0, what="the wait of 1 s ends")
    unknown = [next(numbers) for _ in range(AT_ONCE)]
    sent = len(stack.carrier.requests)

    def fill_in_all(place: int) -> list[Refusal]:
        person = checking[place % len(checking)]
        forms = {
            "/request": (None, {"phone": unknown[place], "nonce": "form-1"}),
            "/verify": (person, {"token": person.token, "nonce": "form-1"}),
            "/resend": (resending, {"nonce": f"form-{place}"}),
            "/cancel": (canceling, {}),
        }
        order = FORMS[place % 4 :] + FORMS[: place % 4]
        return [fill_in(path, *forms[path]) for path in order]

    def fill_in(path: str, person: Person | None, form: dict[str, str]) -> Refusal:
        with stack.visit(person) as browser:
            began = time.monotonic()
            answer = browser.post(path, form)
            return Refusal(path, answer.status, answer.headers["Retry-After"], time.monotonic() - began)

    def is_accepted(person: Person) -> bool:
        with stack.visit(person) as browser:
            answer = browser.post("/verify", {"token": person.token, "nonce": "form-1"})
        assert answer.status in (200, 503), answer.text
        return answer.status == 200

    with outage():
        health = [stack.health()]
        answers = burst(AT_ONCE, fill_in_all, AT_ONCE)
        health.append(stack.health())

    for person in checking:
        wait_until(lambda: is_accepted(person), what="back again")  # noqa: B023
    wait_until(lambda: stack.status("/readyz") == 200, what="ready again")

    refusals = [refusal for each in answers if isinstance(each, list) for refusal in each]
    assert Counter((refusal.path, refusal.status) for refusal in refusals) == {(path, 503): AT_ONCE for path in FORMS}
    assert all((refusal.retry_after or "").isdigit() for refusal in refusals)
    assert max(refusal.seconds for refusal in refusals) < IN_TIME
    assert health == [{"/livez": 200, "/readyz": 503}] * 2
    assert len(stack.carrier.requests) == sent


def test_the_pages_are_shown_all_the_same(stack, outage, numbers):
    """Somebody who looks at the form is told what to do, and not that all is lost."""
    person = stack.arrive(next(numbers))

    with outage(), stack.visit(person) as browser:
        start = browser.get("/")
        began = time.monotonic()
        form = browser.get("/verify")
        seconds = time.monotonic() - began

    assert start.status == 200
    assert form.status in (200, 503)
    assert 'name="token"' in form.text
    assert seconds < IN_TIME


def test_a_service_that_starts_before_its_store_waits_for_it(ends, numbers):
    """It has not even the secret that the replicas agree on."""
    store = StoreServer()
    ends.callback(store.close)
    replica = ends.enter_context(ServiceProcess({"TEXTPROOF_REDIS_URL": store.url, "TEXTPROOF_SENDER": "demo"}))
    with Browser(replica.url) as browser:
        early = browser.post("/request", {"phone": next(numbers)})
        health = browser.get("/livez").status, browser.get("/readyz").status
        store.start()
        wait_until(lambda: browser.get("/readyz").status == 200, what="ready")
        late = browser.post("/request", {"phone": next(numbers)})

    assert (early.status, early.headers["Retry-After"].isdigit()) == (503, True)
    assert health == (200, 503)
    assert late.status == 303


def test_a_replica_starts_without_its_store():
    settings = {"TEXTPROOF_REDIS_URL": f"redis://127.0.0.1:{free_port()}", "TEXTPROOF_SENDER": "demo"}

    with ServiceProcess(settings) as replica, Browser(replica.url) as browser:
        assert browser.get("/readyz").status == 503


def test_a_replica_is_not_ready_while_its_store_may_forget(stack):
    """Counters that are evicted are fresh guesses. A change is noticed at once, and so is its end."""
    wait_until(lambda: stack.status("/readyz") == 200, what="ready")
    stack.store.ask("CONFIG SET", "maxmemory-policy", "allkeys-lru")
    try:
        with stack.visit() as browser:
            # Until a worker has noticed that an outage is over, it names the outage instead.
            def says_why():
                answer = browser.get("/readyz")
                return answer.status == 503 and "allkeys-lru" in answer.text

            wait_until(says_why, what="it says why it is not ready")
    finally:
        stack.store.ask("CONFIG SET", "maxmemory-policy", "noeviction")
    wait_until(lambda: stack.status("/readyz") == 200, what="ready again")
