"""What is spent for nothing comes back; and only once."""

from contextlib import suppress
from itertools import islice
from threading import Event

import pytest

from service.verification.errors import (
    Delivery,
    Hold,
    Limit,
    Limited,
    SendingHeld,
    SendRefused,
    SendUncertain,
    StoreUnavailable,
    VerificationError,
)
from service.verification.outbox import Slot
from service.verification.ports import Status
from tests.fakes import typed_token
from tests.limits.desk import HERE, lines, ranges
from tests.limits.everything import EVERYTHING
from tests.support.processes import wait_until

PRICED = {"SPEND_PER_DAY": 50.0, "MESSAGE_PRICES": (("*", 0.05),)}
SLOWLY = EVERYTHING | {"SENDER_RATE_PER_SECOND": 0.05}  # so slow that its slot outlives the test
OF_MESSAGES = {"l:sends_in_all", "l:sends_of_country", "f", "m"}
OF_UNFINISHED = {"l:unfinished", "u", "h"}


def shared(contents):
    """Return what belongs to everybody."""
    return {name: value for name, value in contents.items() if name.split(":")[1] in {*"pfmghualzw"}}


def spent(one):
    """Return what the shared limits say has been spent, in a form that is the same for never and not any more."""
    found = {}
    for name, value in shared(one.contents()).items():
        match value:
            case bytes():
                found[name] = max(0, int(value) - (one.clock() * 1000 if name == "{tp}:f" else 0))
            case dict():
                found |= {
                    f"{name} {slot.decode()}": 1 if b" " in count else int(count)
                    for slot, count in value.items()
                    if slot != b"l"  # its name
                }
            case _:
                found[name] = len(value)
    return {name: count for name, count in found.items() if count}


def kinds(found):
    """Return what kinds of limits are among what was spent."""
    parts = [name.split()[0].split(":") for name in found]
    return {":".join(part[1:3]) if part[1] == "l" else part[1] for part in parts}


def test_when_the_number_itself_refuses_everybody_gets_theirs_back(desk, number):
    one = desk(SENDS_PER_COUNTRY=(), **PRICED)
    for _ in range(5):
        one.start(number)
    before = one.contents()
    one.clock.advance(0.001)

    assert one.refusal(number) == (Limit.SENDS_OF_NUMBER, 3600)

    assert one.contents() == before


def test_a_number_that_wants_no_messages_costs_nothing(desk, number):
    one = desk(**PRICED)
    one.store.verifications.opt_out(one.keyring.number_digest(number), keyring=one.keyring.id, out=True)

    with pytest.raises(SendRefused):
        one.start(number)

    assert spent(one) == {}


def test_a_click_that_comes_twice_is_spent_once(desk, number):
    one = desk(**PRICED)
    first = one.start(number, nonce="form-1")
    before = spent(one)
    one.clock.advance(0.001)

    assert one.start(number, nonce="form-1") == first

    assert spent(one) == before


def test_a_start_that_shares_a_message_costs_nobody_anything(desk, number, strangers):
    one = desk(**PRICED)
    one.start(number)
    before = spent(one)
    one.clock.advance(0.001)

    assert one.start(number, next(strangers)).is_shared

    assert spent(one) == before


def test_a_shared_start_takes_nothing_of_the_first(desk, number, strangers):
    """The first start's line and count stay: asking twice for each number would hide a sequence."""
    one = desk()
    one.start(number)
    before = shared(one.contents())

    one.clock.advance(1)
    one.start(number, next(strangers))

    assert shared(one.contents()) == before


def test_a_resend_that_comes_too_soon_costs_nothing(desk, number):
    one = desk(**PRICED)
    started = one.start(number)
    before = spent(one)
    one.clock.advance(0.001)

    with pytest.raises(Limited):
        one.verifier.resend(started.id)

    assert spent(one) == before


def test_a_message_that_the_carrier_refuses_counts_against_its_network_alone(desk, number, sender):
    """A landline costs the operator nothing, and so it takes nothing of what others may still send. That somebody asked
    for it counts: otherwise numbers that the carrier refuses could be tried without end.
    """
    one = desk(**SLOWLY)
    sender.refuse(delivery=Delivery.LANDLINE)

    with pytest.raises(SendRefused):
        one.start(number, "2001:db8::7")

    assert kinds(spent(one)) == {"u"}
    assert [field for field in one.number(number) if field.startswith(b"s")] == []


def test_a_message_that_found_no_thread_gives_back_everything(desk, number, monkeypatch):
    one = desk(**SLOWLY)

    def refuse(_slot, _send):
        assert kinds(spent(one)) == OF_MESSAGES | OF_UNFINISHED
        raise SendingHeld(Hold.NO_PLACE, 1)

    monkeypatch.setattr(Slot, "run", refuse)
    with pytest.raises(SendingHeld):
        one.start(number, "2001:db8::7")

    assert spent(one) == {}
    assert [field for field in one.number(number) if field.startswith(b"s")] == []


def test_a_start_whose_answer_was_lost_gives_back_everything(desk, number, sender, monkeypatch, caplog):
    """Nobody will send its message."""
    one = desk(**SLOWLY)
    start = one.verifier._store.start

    def lost(*arguments, **options):
        start(*arguments, **options)
        raise StoreUnavailable

    monkeypatch.setattr(one.verifier._store, "start", lost)
    with pytest.raises(StoreUnavailable):
        one.start(number, "2001:db8::7")

    wait_until(lambda: "start_undone" in caplog.messages, seconds=10, what="it is undone")
    assert spent(one) == {}
    assert sender.messages == []
    assert [field for field in one.number(number) if field.startswith(b"s")] == []


def test_a_start_whose_answer_was_lost_is_sent_once_the_same_request_was_told_of_it(desk, number, sender, monkeypatch):
    """It came again before the first could be taken back: whoever was told that a message comes gets one."""
    one = desk(**SLOWLY)
    store, is_asked = one.verifier._store, Event()
    start, unsend = store.start, store.unsend

    def lost(*arguments, **options):
        start(*arguments, **options)
        raise StoreUnavailable

    def late(*arguments, **options):
        is_asked.wait()
        return unsend(*arguments, **options)

    monkeypatch.setattr(store, "unsend", late)
    with monkeypatch.context() as patched:
        patched.setattr(store, "start", lost)
        with pytest.raises(StoreUnavailable):
            one.verifier.start(number, nonce="form-1")
    told = one.verifier.start(number, nonce="form-1")
    assert sender.messages == []
    is_asked.set()

    wait_until(lambda: sender.messages, seconds=10, what="it is sent")
    assert [message.id for message in sender.messages] == [told.id]
    assert one.verifier.show(told.id).status is Status.PENDING
    assert one.verifier.check(told.id, typed_token(sender)).status is Status.APPROVED


def test_another_message_that_the_carrier_refuses_comes_back_once(desk, number, sender):
    one = desk(**SLOWLY)
    started = one.start(number, "2001:db8::7")
    one.clock.advance(30)
    before = spent(one)
    sender.refuse()

    with pytest.raises(SendRefused):
        one.verifier.resend(started.id)

    (network,) = [name for name in before if ":u:" in name]
    assert spent(one) == before | {network: 2}


def test_a_message_whose_fate_is_unknown_stays_spent(desk, number, sender):
    one = desk(**PRICED)
    sender.lose()

    with suppress(SendUncertain):
        one.start(number)

    assert one.budget(Limit.SENDS_IN_ALL) == one.unfinished() == [1]


def test_an_approval_gives_back_once(desk, scattered):
    one = desk()
    for number in islice(scattered, 9):
        one.start(number)
    last = next(scattered)
    started = one.start(last)
    token = one.token_of(started)

    one.verifier.check(started.id, token, nonce="form-1")
    for _ in range(5):
        with suppress(VerificationError):
            one.verifier.check(started.id, token, nonce="form-1")

    assert one.unfinished() == [9]


def test_an_approval_gives_back_all_messages_of_its_verification(desk, number, sender):
    """Those that were sent again, and those that the carrier refused."""
    one = desk(SENDS_IN_ALL=())
    started = one.start(number)
    one.resend(started)
    sender.refuse()
    with suppress(SendRefused):
        one.resend(started, wait=60)
    assert one.unfinished() == [3]

    one.check(started, one.token_of(started))

    assert one.unfinished() == []
    assert kinds(spent(one)) == {"a", "g", "h"}, "the approval, and nothing else"
    assert [name.split()[1][0] for name in spent(one) if ":h:range" in name] == ["a"]


def test_an_office_of_forty_is_let_in_one_after_the_other(desk, sender):
    """All behind one address, all into one town: what pumping never does is finish."""
    one = desk(SENDS_IN_ALL=())
    town = lines(next(ranges()))

    for number in islice(town, 40):
        one.approve(number, HERE)
        one.clock.advance(5)

    assert len(sender.messages) == 40


def test_the_last_click_that_fits_may_come_twice(desk, scattered):
    """A double click never shows an error for it, not even where the budget is spent by now."""
    one = desk()
    for number in islice(scattered, 9):
        one.start(number)
    last = next(scattered)
    first = one.start(last, nonce="form-1")

    again = one.start(last, nonce="form-1")

    assert again == first
