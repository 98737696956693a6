"""What the brake leaves in the store: nothing for good, nothing that tells who; and what it does without a store."""

import pytest

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.errors import Limited, StoreUnavailable, VerificationError
from service.verification.ports import OptOut
from service.web.logs import JsonFormatter
from tests.limits.desk import HERE, lines
from tests.limits.everything import EVERYTHING
from tests.fakes import GoneStore
from tests.support.servers import StoreServer


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
                one.start(number, f"2001:db8:1:{home}::3")
            except Limited:
                break
        one.store.pause(now=int(clock() * 1000), is_trial=False)
        one.verifier.receive(OptOut(told[0], out=True))
        return one, told

    return fill


def test_every_key_ends_but_for_what_the_operator_closed(busy, engine):
    one, told = busy()
    names = engine.lives()
    kinds = {name[0] for name in names}
    assert kinds >= set("pmzhkqglvcno"), "something of everything is there"
    assert engine.immortal() == []

    one.store.close("number", one.key.number_digest(told[0]), label="a friend")

    assert engine.immortal() == [f"z:{{limits}}:number:{one.key.number_digest(told[0])}"]


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


def test_the_shared_budgets_lie_in_one_slot(busy, engine):
    busy()

    assert all("{limits}" in name for name in engine.lives() if name[0] in "pbmzhqgl")


# -- Without a store


def test_with_the_store_gone_nothing_is_sent(desk, scattered, sender):
    one = desk()
    started = one.start(next(scattered))
    token = one.token_of(started)
    sender.messages.clear()
    one.verifier._store = GoneStore()

    for step in (
        lambda: one.start(next(scattered)),
        lambda: one.verifier.resend(started.id),
        lambda: one.check(started, token),
    ):
        with pytest.raises(StoreUnavailable):
            step()
    assert sender.messages == []


@pytest.mark.slow
def test_a_store_that_dies_between_the_two_trips_sends_nothing(make_app, settings, sender, scattered):
    """The real one, killed."""

    class Mortal(RedisStore):
        lives = 2

        def allow(self, ask, *, now):
            leave = super().allow(ask, now=now)
            self.lives -= 1
            if not self.lives:
                server.kill()
            return leave

    with StoreServer() as server, connect(server.url) as client:
        browser = make_app(store=Mortal(client, settings().policy)).test_client()
        assert browser.post("/request", data={"phone": next(scattered)}).status_code == 303
        answer = browser.post("/request", data={"phone": next(scattered)})

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert len(sender.messages) == 1
