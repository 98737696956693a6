"""What limits leave in the store: nothing for good, nothing that tells who; and what it does without a store."""

import pytest

from service.verification.caller import Caller
from service.verification.errors import Limited, StoreUnavailable, VerificationError
from service.verification.ports import OptOut
from service.web.logs import JsonFormatter
from tests.fakes import GoneStore
from tests.limits.desk import HERE, lines
from tests.limits.everything import EVERYTHING


@pytest.fixture
def busy(desk, scattered, strangers, clock, sender):
    """Lets everything happen that leaves something behind, and returns what must not be found."""

    def fill():
        one = desk(**EVERYTHING)
        told = []
        for index, stranger in zip(range(30), strangers, strict=False):
            number = next(scattered)
            told += [number, stranger]
            try:
                begun = one.verifier.start(number, caller=Caller.at(stranger), nonce=f"form-{index}")
                if index % 3:
                    one.miss(begun, 1, stranger)
                if index % 2:
                    one.check(begun, one.token_of(begun), stranger)
                if index % 5 == 0:
                    one.start(number, HERE)
                clock.advance(30)
                one.verifier.resend(begun.id, caller=Caller.at(stranger))
            except VerificationError:
                pass
        for number, home in zip(lines("+1202777", step=1), range(2, 10), strict=False):
            try:
                one.start(number, f"2001:db8:{home}::3")
            except Limited:
                break
        one.store.verifications.pause(keyring=one.keyring.id, now=int(clock() * 1000), is_trial=False)
        one.verifier.receive(OptOut(told[0], out=True))
        return one, told

    return fill


def test_every_key_ends_but_for_what_the_operator_closed(busy, engine):
    one, told = busy()
    names = engine.lives()
    kinds = {name.removeprefix("{tp}:").split(":")[0] for name in names}
    assert kinds >= set("pmfzhuawglvtcnoyd"), "something of everything is there"
    assert engine.immortal() == []

    one.operator.block(told[0])

    assert engine.immortal() == [f"{{tp}}:z:number:{one.keyring.number_digest(told[0])}"]


def test_no_key_name_holds_a_number_or_an_address(busy, engine):
    _, told = busy()
    names = " ".join(engine.lives())

    assert [one for one in told if one.removeprefix("+1") in names] == []
    assert "198.18." not in names
    assert "2001:db8" not in names
    assert "+1202777" not in names


def test_the_log_holds_no_number_and_no_address(busy, caplog):
    caplog.set_level("DEBUG", logger="textproof")
    _, told = busy()

    text = "\n".join(JsonFormatter().format(record) for record in caplog.records)

    assert "send_not_allowed" in text
    assert [one for one in told if one in text] == []


# -- Without a store


def test_with_the_store_gone_nothing_is_sent(desk, scattered, sender):
    one = desk()
    started = one.start(next(scattered))
    token = one.token_of(started)
    sender.messages.clear()
    one.verifier._store = GoneStore().verifications

    for step in (
        lambda: one.start(next(scattered)),
        lambda: one.verifier.resend(started.id),
        lambda: one.check(started, token),
    ):
        with pytest.raises(StoreUnavailable):
            step()
    assert sender.messages == []
