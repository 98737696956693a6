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
)
from service.verification.outbox import Slot
from service.verification.ports import OptOut, Status
from tests.fakes import typed_token
from tests.limits.desk import HERE, every, lines, ranges
from tests.support.processes import wait_until

PRICED = {"SPEND_PER_DAY": 50.0, "MESSAGE_PRICES": (("*", 0.05),)}
SLOWLY = PRICED | {  # every limit, and a sender so slow that its slot outlives the test
    "SENDS_PER_COUNTRY": (*every(1000, 3600), *every(5000, 86_400)),
    "SENDS_PER_CLIENT": every(1000, 3600),
    "SENDER_RATE_PER_SECOND": 0.05,
}
OF_MESSAGES = {"l:sends_in_all", "l:sends_of_country", "f", "m"}
OF_UNFINISHED = {"l:unfinished", "u", "h"}
HOME = "2001:db8::7"


def spent(one):
    """Return what the shared limits say has been spent, in a form that is the same for never and not any more."""
    found = {}
    for name, value in one.contents().items():
        if name.split(":")[1] not in {*"pfmghualzw"}:
            continue
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


def of_number(one, number):
    """Return when the number was texted, by source."""
    return [field for field in one.number(number) if field.startswith(b"s")]


def full_for(one, number, _):
    for _ in range(4):
        one.start(number)
    return lambda: one.refusal(number)


COST_NOTHING = {
    "the number itself refuses": full_for,
    "a number that wants no messages": lambda one, number, _: (
        one.verifier.receive(OptOut(number, out=True)) or (lambda: one.start(number))
    ),
    "a stranger shares the message": lambda one, number, stranger: lambda: one.start(number, stranger),
    "a resend comes too soon": lambda one, number, _: lambda: one.resend(one.start(number, nonce="form-1"), wait=0),
    "a click comes twice": lambda one, number, _: lambda: one.start(number, nonce="form-1"),
}


@pytest.mark.parametrize("why", COST_NOTHING)
def test_where_no_message_goes_out_nobody_pays(desk, number, strangers, why):
    one = desk(SENDS_PER_COUNTRY=(), **PRICED)
    one.start(number, nonce="form-1")
    step = COST_NOTHING[why](one, number, next(strangers))
    before = spent(one)
    one.clock.advance(0.001)

    with suppress(Limited, SendRefused):
        step()

    assert spent(one) == before


def test_a_message_that_the_carrier_refuses_counts_against_its_network_alone(desk, number, sender):
    """A landline costs the operator nothing, and so it takes nothing of what others may still send. That somebody asked
    for it counts: otherwise numbers that the carrier refuses could be tried without end.
    """
    one = desk(**SLOWLY)
    sender.refuse(delivery=Delivery.LANDLINE)

    with pytest.raises(SendRefused):
        one.start(number, HOME)

    assert kinds(spent(one)) == {"u"}
    assert of_number(one, number) == []


def test_a_message_that_found_no_thread_gives_back_everything(desk, number, monkeypatch):
    one = desk(**SLOWLY)

    def refuse(_slot, _send):
        assert kinds(spent(one)) == OF_MESSAGES | OF_UNFINISHED
        raise SendingHeld(Hold.NO_PLACE, 1)

    monkeypatch.setattr(Slot, "run", refuse)
    with pytest.raises(SendingHeld):
        one.start(number, HOME)

    assert spent(one) == {}
    assert of_number(one, number) == []


def losing(start):
    """Return a start whose answer is lost."""

    def lost(*arguments, **options):
        start(*arguments, **options)
        raise StoreUnavailable

    return lost


def test_a_start_whose_answer_was_lost_gives_back_everything(desk, number, sender, monkeypatch, caplog):
    """Nobody will send its message."""
    one = desk(**SLOWLY)
    store = one.verifier._store

    monkeypatch.setattr(store, "start", losing(store.start))
    with pytest.raises(StoreUnavailable):
        one.start(number, HOME)

    wait_until(lambda: "start_undone" in caplog.messages, what="it is undone")
    assert spent(one) == {}
    assert sender.messages == []
    assert of_number(one, number) == []


def test_a_start_whose_answer_was_lost_is_sent_once_the_same_request_was_told_of_it(desk, number, sender, monkeypatch):
    """It came again before the first could be taken back: whoever was told that a message comes gets one."""
    one = desk(**SLOWLY)
    store, is_asked = one.verifier._store, Event()
    unsend = store.unsend

    def late(*arguments, **options):
        is_asked.wait()
        return unsend(*arguments, **options)

    monkeypatch.setattr(store, "unsend", late)
    with monkeypatch.context() as patched:
        patched.setattr(store, "start", losing(store.start))
        with pytest.raises(StoreUnavailable):
            one.verifier.start(number, nonce="form-1")
    told = one.verifier.start(number, nonce="form-1")
    assert sender.messages == []
    is_asked.set()

    wait_until(lambda: sender.messages, what="it is sent")
    assert [message.id for message in sender.messages] == [told.id]
    assert one.verifier.show(told.id).status is Status.PENDING
    assert one.verifier.check(told.id, typed_token(sender)).status is Status.APPROVED


def test_another_message_that_the_carrier_refuses_comes_back_once(desk, number, sender):
    one = desk(**SLOWLY)
    started = one.start(number, HOME)
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

    for number in islice(lines(next(ranges())), 40):
        one.approve(number, HERE)
        one.clock.advance(5)

    assert len(sender.messages) == 40
