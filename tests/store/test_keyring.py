"""The keyring in its envelope: all processes of an installation have the same one, whatever happens to Redis."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from service.verification.envelope import CannotRotate, KeyringChanged, Keys
from service.verification.errors import (
    Delivery,
    StoreUnavailable,
    UnknownVerification,
    WrongSecret,
)
from service.verification.keyring import Keyring
from service.verification.verifier import Verifier
from tests.fakes import typed_token
from tests.store.attempts import Attempt
from tests.store.engines import KEYRING

OLD, NEW, FOREIGN = (f"a {name} secret, long enough to be one" for name in ("former", "recent", "foreign"))
PROCESSES, ROUNDS = 6, 30


@pytest.fixture
def process(store):
    """`process(NEW, OLD)`: one that begins with these secrets."""
    return lambda *secrets, prefix="tp": Keys(store.keyring, secrets, prefix=prefix)


@pytest.fixture
def envelope(engine):
    """What lies in Redis, and how to put it back."""
    return Envelope(engine.nodes[0])


class Envelope:
    """The key of the envelope."""

    def __init__(self, node):
        self._node = node

    def read(self):
        return self._node.hgetall(KEYRING)

    def restore(self, backup, **changes):
        self._node.delete(KEYRING)
        self._node.hset(KEYRING, mapping=backup | {name.encode(): value for name, value in changes.items()})

    @property
    def wraps(self):
        return sorted(name for name in self.read() if name != b"id")


# -- One for all


def test_all_that_make_it_at_once_have_the_same(engine, process):
    together = Barrier(PROCESSES)

    def begin(keys):
        together.wait()
        return keys().id

    with ThreadPoolExecutor(PROCESSES) as pool:
        for _ in range(ROUNDS):
            engine.forget()
            ids = set(pool.map(begin, [process(NEW) for _ in range(PROCESSES)]))
            assert ids == {process(NEW)().id}


def test_it_lies_under_one_key_without_an_end_and_sealed(engine, process, envelope):
    keyring = process(NEW, OLD)()

    assert engine.names() == []
    assert engine.nodes[0].pttl(KEYRING) == -1
    assert envelope.read()[b"id"].decode() == keyring.id
    assert len(envelope.wraps) == 2
    parts = [keyring.contents[at : at + 16] for at in range(0, len(keyring.contents), 16)]
    assert not any(part in value for part in parts for value in envelope.read().values())


# -- Secrets


@pytest.mark.parametrize(
    "restarts",
    [
        [(OLD,), (NEW, OLD), (OLD,), (NEW, OLD), (NEW,)],
        [(OLD,), (OLD, NEW), (OLD,), (NEW, OLD), (OLD, NEW), (NEW,)],
    ],
    ids=["the old one as a fallback", "the new one as a fallback first"],
)
def test_a_change_of_the_secret_changes_nothing_in_whatever_order_processes_restart(process, restarts):
    first = process(*restarts[0])()

    assert {process(*secrets)().id for secrets in restarts} == {first.id}
    assert process(NEW)().contents == first.contents


@pytest.mark.parametrize("secrets", [(FOREIGN,), (NEW,), ()], ids=["foreign", "new without fallback", "none"])
def test_another_secret_is_noticed_and_nothing_is_written(engine, process, secrets):
    process(OLD)()

    with engine.unchanged(), pytest.raises(WrongSecret):
        process(*secrets)()


def test_wraps_are_added_by_themselves_and_removed_by_a_command_only(process, envelope):
    first = process(OLD)()
    process(NEW, OLD)()
    process(NEW)()
    assert len(envelope.wraps) == 2

    assert process(NEW).reseal() == 1

    assert len(envelope.wraps) == 1
    assert process(NEW)().id == first.id
    with pytest.raises(WrongSecret):
        process(OLD)()


def test_a_wrap_opens_nothing_in_another_installation(process):
    process(NEW)()

    with pytest.raises(WrongSecret):
        process(NEW, prefix="other")()


def test_a_wrap_opens_nothing_under_another_id(process, envelope):
    """Otherwise a keyring of long ago could be passed off as that of now."""
    process(NEW)()
    before = envelope.read()
    after = process(NEW).rotate()

    envelope.restore(before, id=after.id.encode())

    with pytest.raises(WrongSecret):
        process(NEW)()


def test_what_lies_open_is_sealed_when_a_secret_is_set_and_open_until_it_is_resealed(process, envelope):
    first = process()()
    assert envelope.wraps == [b"open"]

    assert process(NEW)().id == first.id
    assert process()().id == first.id
    process(NEW).reseal()

    assert process(NEW)().id == first.id
    assert b"open" not in envelope.wraps
    with pytest.raises(WrongSecret):
        process()()


def test_what_lies_open_beside_a_seal_is_taken_by_nobody_with_a_secret(process, envelope):
    """Whoever can write to Redis could plant a keyring of their own."""
    process(OLD)()
    planted = Keyring.make()
    envelope.restore(envelope.read(), id=planted.id, open=planted.contents)

    for secret in (OLD, NEW):
        with pytest.raises(WrongSecret):
            process(secret)()


def test_a_rotation_beside_an_open_keyring_says_who_would_be_shut_out(engine, process, envelope):
    process()()
    process(NEW)()
    assert b"open" in envelope.wraps

    with engine.unchanged(), pytest.raises(CannotRotate, match="lies open as well, for replicas without SECRET_KEY"):
        process(NEW).rotate()

    process(NEW).reseal()
    assert process(NEW).rotate().id == process(NEW)().id


def test_a_rotation_beside_the_seal_of_another_secret_says_so(process, envelope):
    process()()
    process(NEW)()

    with pytest.raises(CannotRotate, match="sealed under a secret that is not set here"):
        process().rotate()


# -- A change while processes run


class Service(Verifier):
    """A verifier that shows its keys."""

    @property
    def keys(self):
        return self._keys


@pytest.fixture
def service(store, policy, sender, clock):
    """`service(NEW, OLD)`: a whole one, with `keys`."""

    def make(*secrets):
        keys = Keys(store.keyring, secrets, prefix="tp")
        return Service(policy, store=store.verifications, sender=sender, keys=keys, clock=clock)

    return make


def test_a_rotation_shuts_nobody_out(engine, process):
    """A wrap that cannot be made again would be gone."""
    process(OLD)()
    process(NEW, OLD)()

    with engine.unchanged(), pytest.raises(CannotRotate):
        process(NEW).rotate()


def test_what_an_id_was_sealed_with_may_be_newer_than_what_a_process_has(service, numbers):
    one, other = service(NEW), service(NEW)
    other.keys()
    one.keys.rotate()

    begun = one.start(next(numbers))

    assert other.show(begun.id) == begun


def test_what_cannot_be_an_id_is_no_reason_to_read_the_keyring_again(service):
    one = service(NEW)
    one.keys()
    one.keys._store = None

    for id_ in ("", "x" * 62, "x" * 65, "x" * 91, "x" * 63 + "!", "../" * 21):
        with pytest.raises(UnknownVerification):
            one.show(id_)


def test_a_keyring_that_changes_all_the_time_is_no_keyring(process):
    """Nothing is tried a third time."""
    tries = []

    def step(keyring):
        tries.append(keyring.id)
        raise KeyringChanged

    with pytest.raises(StoreUnavailable):
        process(NEW).using(step)
    assert len(tries) == 2


# -- Redis lost


def test_a_running_process_puts_back_what_redis_lost(engine, service, process, numbers):
    one = service(NEW)
    begun, cookie = one.start(next(numbers)), one.keys.sealed("cookie", b"begun")
    before = one.keys().id
    engine.forget()

    one.start(next(numbers))

    assert one.keys().id == process(NEW)().id == before
    assert one.keys.unsealed("cookie", cookie) == b"begun"
    assert one.keys().opened(begun.id).id == begun.id
    with pytest.raises(UnknownVerification):
        one.show(begun.id)


def test_a_fresh_process_that_comes_first_makes_another_and_all_take_it(engine, service, process, numbers):
    one = service(NEW)
    begun, cookie = one.start(next(numbers)), one.keys.sealed("cookie", b"begun")
    before = one.keys().id
    engine.forget()
    fresh = process(NEW)().id

    one.start(next(numbers))

    assert one.keys().id == fresh != before
    assert one.keys.unsealed("cookie", cookie) is None
    with pytest.raises(UnknownVerification):
        one.show(begun.id)


def test_what_a_wrong_process_made_is_put_right_by_a_command(engine, process):
    right, odd = process(NEW), process(FOREIGN)
    before = right().id
    engine.forget()
    odd()
    with pytest.raises(WrongSecret):
        right.read_again()

    process(NEW).discard()

    assert right.read_again().id == before
    with pytest.raises(WrongSecret):
        odd.read_again()


@pytest.mark.parametrize("first", ["running", "fresh"])
def test_a_backup_older_than_a_rotation_is_made_good(service, process, envelope, numbers, first):
    one = service(NEW)
    one.keys()
    backup = envelope.read()
    after = one.keys.rotate()
    begun = one.start(next(numbers))
    envelope.restore(backup)
    fresh = process(NEW)
    if first == "fresh":
        assert fresh().is_before(after)

    one.start(next(numbers))

    assert one.keys().id == fresh.read_again().id == after.id
    assert fresh().opened(begun.id).id == begun.id


def test_two_rotations_from_one_backup_are_two_keyrings(service, process, envelope, numbers):
    """A count of generations would not tell them apart."""
    one, other = service(NEW), process(NEW)
    before = other().id
    backup = envelope.read()
    mine = one.keys.rotate()
    envelope.restore(backup)
    assert other().id == before

    theirs = other.rotate()
    one.start(next(numbers))

    assert one.keys().id == theirs.id != mine.id
    assert not mine.is_before(theirs)
    assert not theirs.is_before(mine)


# -- A process that was stopped meanwhile


WRITES = {
    "start": lambda one: one.start(),
    "check": lambda one: one.check(),
    "resend": lambda one: one.resend(),
    "cancel": lambda one: one.cancel(),
    "report": lambda one: one.report(Delivery.SENT),
    "unsend": lambda one: one.unsend(1),
    "opt out": lambda one: one.opt_out(),
    "forgive": lambda one: one.forgive(),
    "pause": lambda one: one.pause(),
    "claim": lambda one: one.note("claim"),
    "write": lambda one: one.note("write"),
    "push": lambda one: one.note("push"),
}


class Late(Attempt):
    """Does what is no step of a verification as well."""

    def pause(self):
        self._store.verifications.pause(keyring=self._keyring.id, now=self.now, is_trial=False)

    def note(self, how):
        facts = {"most": 1} if how == "push" else {}
        getattr(self._store.notes, how)("name", b"", keyring=self._keyring.id, seconds=60, **facts)


@pytest.fixture
def slept(make_store, policy, keyring, clock, number):
    """A verification of a process that was stopped while the keyring was changed."""
    store = make_store(replace(policy, shared=replace(policy.shared, spend=1_000)))
    one = Late(store, keyring, clock, number, price=1)
    one.start()
    store.keyring.put({"id": b"another"}, instead_of=keyring.id)
    return one


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_under_another_keyring(engine, slept, write):
    with engine.unchanged(), pytest.raises(KeyringChanged):
        WRITES[write](slept)


# -- A lost answer, and a change before the step is done again


class Lossy:
    """A store whose next `verb` is done, and whose answer is lost; the driver's own try finds another keyring."""

    def __init__(self, verifications, verb):
        self._verifications = verifications
        self._verb = verb

    def __getattr__(self, name):
        return self._lose if name == self._verb else getattr(self._verifications, name)

    def _lose(self, *arguments, **facts):
        verb, self._verb = self._verb, ""
        getattr(self._verifications, verb)(*arguments, **facts)
        raise KeyringChanged


@pytest.mark.parametrize("verb", ["check", "resend", "cancel"])
def test_a_lost_answer_is_no_lost_token_though_the_keyring_changed(service, sender, numbers, clock, verb):
    one = service(NEW)
    begun = one.start(next(numbers))
    token = typed_token(sender)
    clock.advance(30)
    one._store = Lossy(one._store, verb)

    match verb:
        case "check":
            assert one.check(begun.id, token).status == "approved"
        case "resend":
            assert one.resend(begun.id).sends == 2
            assert len(sender.messages) == 2
        case "cancel":
            assert one.cancel(begun.id).status == "canceled"
