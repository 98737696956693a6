"""The outbox: so many sends at once and no queue, so that a slow carrier slows nobody but its own messages."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest
from fakeredis import FakeRedis, FakeServer

from service.store.redis import RedisStore
from service.verification import outbox as outbox_module
from service.verification.errors import Delivery, Hold, SendingHeld, SendRefused
from service.verification.message import Message
from service.verification.outbox import Outbox
from service.verification.policy import Policy
from service.verification.ports import Status
from service.verification.verifier import Verifier
from tests.support.http import burst
from tests.support.processes import LONG_SECONDS, wait_until

PLACES = 4


class SlowCarrier:
    """A carrier that takes a message and answers when it is told to.

    Attributes:
        waiting: How many messages wait for their answer.
        answer: What it raises then; None when it takes the message.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self.answer: Exception | None = None
        self._lock = threading.Lock()
        self._open = threading.Event()

    def send(self, message: Message) -> int:
        """See `Sender`."""
        with self._lock:
            self.waiting += 1
        assert self._open.wait(LONG_SECONDS), "nobody opened"
        with self._lock:
            self.waiting -= 1
        if self.answer is not None:
            raise self.answer
        return 0

    def open(self, answer: Exception | None = None) -> None:
        """Answer everything that waits, and all that comes."""
        self.answer = answer
        self._open.set()


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    """A request waits for a fiftieth of what it usually does."""
    monkeypatch.setattr(outbox_module, "PATIENCE_SECONDS", 0.03)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox(PLACES)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds every send until it is set."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def carrier() -> Iterator[SlowCarrier]:
    carrier = SlowCarrier()
    yield carrier
    carrier.open()


@pytest.fixture
def policy(settings) -> Policy:
    """Many numbers are asked for from one place here: that is not the subject."""
    return settings(LIMITS_MODE="observe").policy


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def verifier(policy, server, carrier, keyring, clock) -> Verifier:
    store = RedisStore(FakeRedis(server=server), policy)
    return Verifier(policy, store=store, sender=carrier, keyring=lambda: keyring, clock=clock, sends_at_once=PLACES)


def send(outbox: Outbox, made: Callable[[], object]) -> object:
    with outbox.place() as place:
        return place.run(made)


def free(outbox: Outbox) -> int:
    """Return how many places can be taken now."""
    if outbox._taken >= PLACES:
        return 0
    with outbox.place():
        return 1 + free(outbox)


def raising(error: Exception) -> Callable[[], None]:
    def made() -> None:
        raise error

    return made


# -- Places


def test_who_finds_no_place_is_told_when_to_come_back(outbox, gate):
    for _ in range(PLACES):
        send(outbox, gate.wait)

    with pytest.raises(SendingHeld) as held:
        send(outbox, gate.wait)

    assert held.value.hold is Hold.NO_PLACE
    assert 1 <= held.value.retry_after <= 6


def test_there_are_never_more_sends_at_once_than_places(outbox, gate):
    """However many ask at the same moment."""
    results = burst(64, lambda _: send(outbox, gate.wait))

    assert sum(isinstance(result, SendingHeld) for result in results) == 64 - PLACES


@pytest.mark.parametrize(
    "made",
    [lambda: 0, raising(SendRefused(Delivery.LANDLINE)), raising(RuntimeError("a bug"))],
    ids=["success", "refusal", "crash"],
)
def test_a_place_comes_back_when_the_send_has_ended(outbox, made):
    for _ in range(3 * PLACES):
        try:
            send(outbox, made)
        except (SendRefused, RuntimeError):
            continue

    wait_until(lambda: free(outbox) == PLACES, what="all places are free")


def test_a_place_that_is_not_used_comes_back(outbox):
    def leave() -> None:
        with outbox.place():
            raise SendRefused(Delivery.OPTED_OUT)

    for _ in range(3 * PLACES):
        with pytest.raises(SendRefused):
            leave()

    assert free(outbox) == PLACES


def test_a_place_is_taken_for_as_long_as_the_send_lasts(outbox, gate):
    """Not only for as long as somebody waits for it."""
    for _ in range(PLACES):
        send(outbox, gate.wait)
    assert free(outbox) == 0

    gate.set()

    wait_until(lambda: free(outbox) == PLACES, what="all places are free")


# -- Answers


@pytest.fixture
def patient(monkeypatch) -> None:
    """A request waits for an answer that comes."""
    monkeypatch.setattr(outbox_module, "PATIENCE_SECONDS", LONG_SECONDS)


def test_an_answer_that_comes_soon_is_returned(outbox, patient):
    assert send(outbox, lambda: "taken") == "taken"


def test_a_refusal_that_comes_soon_is_raised(outbox, patient):
    with pytest.raises(SendRefused):
        send(outbox, raising(SendRefused(Delivery.LANDLINE)))


def test_nobody_waits_longer_than_patience(outbox, gate):
    assert send(outbox, gate.wait) is None


def test_people_wait_only_while_most_places_are_free(outbox, gate, monkeypatch):
    """They wait on threads that checks may need."""
    waits = []

    class Watched(Future):
        def result(self, timeout: float | None = None) -> object:
            waits.append(timeout)
            raise TimeoutError

    monkeypatch.setattr(outbox, "submit", lambda _send: Watched())
    for _ in range(PLACES):
        send(outbox, gate.wait)

    assert waits == [outbox_module.PATIENCE_SECONDS] * 2 + [0, 0]


def test_a_crash_that_nobody_waits_for_is_logged(outbox, gate, journal):
    def crash() -> None:
        gate.wait()
        raise RuntimeError("a bug")

    send(outbox, crash)
    gate.set()

    wait_until(lambda: journal.lines("send_broken"), what="the crash is logged")


def test_a_refusal_that_nobody_waits_for_is_no_crash(outbox, gate, journal):
    def refuse() -> None:
        gate.wait()
        raise SendRefused(Delivery.LANDLINE)

    send(outbox, refuse)
    gate.set()
    wait_until(lambda: free(outbox) == PLACES, what="all places are free")

    assert journal.lines("send_broken") == []


# -- The four verbs over it


def test_a_start_does_not_wait_for_a_slow_carrier(verifier, carrier, number):
    started = verifier.start(number)

    assert (started.status, started.delivery) == (Status.PENDING, Delivery.ON_ITS_WAY)
    wait_until(lambda: carrier.waiting == 1, what="the carrier has the message")


def test_a_full_outbox_refuses_before_anything_is_spent(verifier, carrier, server, numbers):
    for _ in range(PLACES):
        verifier.start(next(numbers))
    wait_until(lambda: carrier.waiting == PLACES, what="every place is taken")
    before = sorted(FakeRedis(server=server).keys())

    with pytest.raises(SendingHeld) as held:
        verifier.start(next(numbers))

    assert held.value.hold is Hold.NO_PLACE
    assert sorted(FakeRedis(server=server).keys()) == before


def test_a_full_outbox_refuses_a_resend_before_anything_is_spent(verifier, carrier, clock, numbers):
    started = [verifier.start(next(numbers)) for _ in range(PLACES)]
    clock.advance(30)
    before = verifier.show(started[0].id)

    with pytest.raises(SendingHeld):
        verifier.resend(started[0].id)

    assert verifier.show(started[0].id) == before


def test_checks_go_on_while_every_place_is_taken(verifier, carrier, keyring, numbers, policy):
    started = [verifier.start(next(numbers)) for _ in range(PLACES)]

    for one in started:
        handle = keyring.new_handle("").parse(one.id)
        token = keyring.of(handle).token(handle, policy.token_format).reveal()
        assert verifier.check(one.id, token).status is Status.APPROVED


def test_a_refusal_that_comes_late_is_noted(verifier, carrier, number):
    """The page, which is open by then, learns it from the status."""
    started = verifier.start(number)
    carrier.open(SendRefused(Delivery.LANDLINE))

    def shown() -> tuple[Status, Delivery]:
        now = verifier.show(started.id)
        return now.status, now.delivery

    wait_until(lambda: shown() == (Status.CANCELED, Delivery.LANDLINE), what="the refusal is noted")


def test_a_refusal_that_comes_late_gives_the_send_back(verifier, carrier, number, policy):
    for _ in range(3 * policy.sends_of_number[0].limit):
        verifier.start(number)
        carrier.open(SendRefused(Delivery.FAILED))
        wait_until(lambda: carrier.waiting == 0, what="the carrier has answered")
        wait_until(lambda: verifier._outbox._taken == 0, what="the place is free")
        carrier._open.clear()


def test_the_same_request_again_needs_no_place(make_one_place, carrier, number):
    """A double click, while the first click's message holds the last place: it is on its way, and nothing is wrong."""
    verifier = make_one_place()
    started = verifier.start(number, nonce="one click")

    assert verifier.start(number, nonce="one click").id == started.id


@pytest.fixture
def make_one_place(policy, server, carrier, keyring, clock) -> Callable[[], Verifier]:
    def make() -> Verifier:
        store = RedisStore(FakeRedis(server=server), policy)
        return Verifier(policy, store=store, sender=carrier, keyring=lambda: keyring, clock=clock, sends_at_once=1)

    return make


class LastMoment(Future[str]):
    """A send that ends just when its caller has waited long enough."""

    def result(self, timeout: float | None = None) -> str:
        """Return what it is, or have waited too long."""
        if timeout is None:
            return super().result()
        self.set_result("sent")
        raise TimeoutError


def test_a_send_that_ends_while_its_time_runs_out_has_ended(outbox, monkeypatch):
    monkeypatch.setattr(outbox, "submit", lambda _send: LastMoment())

    with outbox.place() as place:
        assert place.run(lambda: "sent") == "sent"
