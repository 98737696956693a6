"""The outbox: so many sends at once and no queue, so that a slow carrier slows nobody but its own messages."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from service.verification import outbox as outbox_module
from service.verification.errors import Delivery, Hold, SendingHeld, SendRefused
from service.verification.message import Message
from service.verification.outbox import Outbox
from service.verification.policy import Policy
from service.verification.ports import Accepted, Status
from service.verification.verifier import Verifier
from tests.support.http import burst
from tests.support.processes import LONG_SECONDS, wait_until

SLOTS = 4


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

    def send(self, message: Message) -> Accepted:
        """See `Sender`."""
        with self._lock:
            self.waiting += 1
        assert self._open.wait(LONG_SECONDS), "nobody opened"
        with self._lock:
            self.waiting -= 1
        if self.answer is not None:
            raise self.answer
        return Accepted()

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
    return Outbox(SLOTS)


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
def verifier(policy, store, carrier, keys, clock) -> Verifier:
    return Verifier(policy, store=store.verifications, sender=carrier, keys=keys, clock=clock, sends_at_once=SLOTS)


def send(outbox: Outbox, made: Callable[[], object]) -> object:
    with outbox.slot() as slot:
        return "no slot" if slot is None else slot.run(made)


def free(outbox: Outbox) -> int:
    """Return how many slots can be taken now."""
    if outbox._taken >= SLOTS:
        return 0
    with outbox.slot():
        return 1 + free(outbox)


def raising(error: Exception) -> Callable[[], None]:
    def made() -> None:
        raise error

    return made


# -- Slots


def test_there_are_never_more_sends_at_once_than_slots(outbox, gate):
    """However many ask at the same moment."""
    results = burst(64, lambda _: send(outbox, gate.wait))

    assert results.count("no slot") == 64 - SLOTS


@pytest.mark.parametrize(
    "made",
    [lambda: 0, raising(SendRefused(Delivery.LANDLINE)), raising(RuntimeError("a bug"))],
    ids=["success", "refusal", "crash"],
)
def test_a_slot_comes_back_when_the_send_has_ended(outbox, made):
    for _ in range(3 * SLOTS):
        try:
            send(outbox, made)
        except (SendRefused, RuntimeError):
            continue

    wait_until(lambda: free(outbox) == SLOTS, what="all slots are free")


def test_a_slot_that_is_not_used_comes_back(outbox):
    def leave() -> None:
        with outbox.slot():
            raise SendRefused(Delivery.OPTED_OUT)

    for _ in range(3 * SLOTS):
        with pytest.raises(SendRefused):
            leave()

    assert free(outbox) == SLOTS


def test_a_slot_is_taken_for_as_long_as_the_send_lasts(outbox, gate):
    """Not only for as long as somebody waits for it."""
    for _ in range(SLOTS):
        send(outbox, gate.wait)
    assert free(outbox) == 0

    gate.set()

    wait_until(lambda: free(outbox) == SLOTS, what="all slots are free")


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


def test_people_wait_only_while_most_slots_are_free(outbox, gate, monkeypatch):
    """They wait on threads that checks may need."""
    waits = []

    class Watched(Future):
        def result(self, timeout: float | None = None) -> object:
            waits.append(timeout)
            raise TimeoutError

    monkeypatch.setattr(outbox, "submit", lambda _send: Watched())
    for _ in range(SLOTS):
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
    wait_until(lambda: free(outbox) == SLOTS, what="all slots are free")

    assert journal.lines("send_broken") == []


# -- The four verbs over it


def test_a_start_does_not_wait_for_a_slow_carrier(verifier, carrier, number):
    started = verifier.start(number)

    assert (started.status, started.delivery) == (Status.PENDING, Delivery.ON_ITS_WAY)
    wait_until(lambda: carrier.waiting == 1, what="the carrier has the message")


def test_a_full_outbox_refuses_before_anything_is_spent(verifier, carrier, redis, numbers):
    for _ in range(SLOTS):
        verifier.start(next(numbers))
    wait_until(lambda: carrier.waiting == SLOTS, what="every slot is taken")
    deciding = lambda: {name for name in redis.scan_iter() if b":y:" not in name}  # noqa: E731 - all but trails
    before = deciding()

    with pytest.raises(SendingHeld) as held:
        verifier.start(next(numbers))

    assert held.value.hold is Hold.NO_PLACE
    assert 1 <= held.value.retry_after <= 6
    assert deciding() == before


def test_checks_go_on_while_every_slot_is_taken(verifier, carrier, keyring, numbers, policy):
    started = [verifier.start(next(numbers)) for _ in range(SLOTS)]

    for one in started:
        token = keyring.token(keyring.opened(one.id), policy.token_format).reveal()
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
        wait_until(lambda: verifier._outbox._taken == 0, what="the slot is free")
        carrier._open.clear()


def test_the_same_request_again_needs_no_slot(policy, store, carrier, keys, clock, number):  # noqa: PLR0917
    """A double click, while the first click's message holds the last slot: it is on its way, and nothing is wrong."""
    verifier = Verifier(policy, store=store.verifications, sender=carrier, keys=keys, clock=clock, sends_at_once=1)
    started = verifier.start(number, nonce="one click")

    assert verifier.start(number, nonce="one click").id == started.id


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

    assert send(outbox, lambda: "sent") == "sent"
