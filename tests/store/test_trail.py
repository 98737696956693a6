"""The trail of a number, and the figures: what a refusal writes, what bounds both, and what they cost nobody."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.store import verifications
from service.store.redis import RedisStore
from service.store.trails import Figure, What
from service.store.verifications import TRAIL_MAX
from service.verification.errors import Delivery, Limit, StoreUnavailable
from service.verification.policy import DAY
from service.verification.ports import Verdict
from tests.store.attempts import Attempt
from tests.store.engines import EVERY, ONE_SERVER, binary_of, engines, opened
from tests.support.servers import StoreServer


@pytest.fixture
def told(store):
    """`told(one)` returns what the trail of its number says."""
    return lambda one: store.trails.events(one.digest_of_number)


@pytest.fixture
def refused(attempt, begun):
    """A number that has had its messages of an hour: an attempt at one more."""

    def make():
        one = begun()
        for _ in range(4):
            begun(one.number)
        return attempt(one.number)

    return make


@pytest.mark.parametrize("engine", engines(*EVERY), indirect=True)
def test_every_engine_tells_the_same(engine, begun, attempt, told, clock):
    one = begun()
    one.miss()
    one.report(Delivery.SENT, "event-1")
    clock.advance(30)
    one.resend()
    one.check()
    one.opt_out()
    attempt(one.number).start()

    assert [event.what for event in told(one)] == [
        *(What.BEGUN, What.WRONG, What.NEWS, What.RESENT, What.APPROVED, What.STOP, What.REFUSED)
    ]


def test_the_same_refusal_again_is_told_together(refused, told, clock):
    """Whoever asks without end pushes nothing out of the trail."""
    one = refused()
    first = round(clock())
    for _ in range(3 * TRAIL_MAX):
        assert one.start().limit is Limit.SENDS_OF_NUMBER
        clock.advance(1)

    *before, last = told(one)

    assert [event.what for event in before] == [What.BEGUN] * 5
    assert last.parts[:4] == ("s", Limit.SENDS_OF_NUMBER, str(3 * TRAIL_MAX), str(first))
    assert last.at == first + 3 * TRAIL_MAX - 1


def test_a_trail_is_capped_and_forgets_what_is_older_than_its_days(begun, told, clock, policy):
    one = begun()
    for _ in range(2 * TRAIL_MAX):
        one.opt_out(out=False)
    assert len(told(one)) == TRAIL_MAX

    clock.advance(policy.trail)
    begun(one.number)

    assert [event.what for event in told(one)] == [What.BEGUN]


def test_a_step_again_is_told_once(begun, told, clock):
    """Its answer was lost."""
    one = begun()
    one.start()
    for _ in range(2):
        one.check(one.wrong, "check-1")
        one.report(Delivery.UNCERTAIN)
    for _ in range(2):
        one.report(Delivery.SENT, "event-1")
    clock.advance(30)
    for _ in range(2):
        one.resend("form-1", "caller-1")
    for _ in range(2):
        one.unsend(2)
        one.cancel()
    for _ in range(2):
        one.opt_out(event="event-2")

    assert [event.what for event in told(one)] == [
        *(What.BEGUN, What.WRONG, What.NEWS, What.NEWS, What.RESENT, What.NOT_SENT, What.CANCELED, What.STOP)
    ]


def test_news_of_a_verification_that_ended_is_told_once_and_counts_nothing(engine, begun, told, store):
    """Its record is gone after a code's life; the carrier may try for days."""
    one = begun()
    engine.age(600)
    for event in ("event-1", "event-1", "event-2"):
        assert one.report(Delivery.DELIVERED, event).verdict is Verdict.GONE

    assert [event.what for event in told(one)] == [What.BEGUN, What.NEWS]
    assert "delivered" not in {figure.name for figure in store.trails.figures(one.now)}


def test_of_numbers_that_were_only_refused_few_are_remembered_and_for_a_day(
    engine, make_store, policy, monkeypatch, attempt
):
    """Somebody may ask for any number of numbers."""
    monkeypatch.setattr(verifications, "TRAILS_OF_REFUSED", 3)
    few = make_store(policy)
    attempts = [attempt(on=few) for _ in range(5)]
    for one in attempts:
        one.start(has_slot=False)
        one.start(has_slot=False)

    lives = {name: life for name, life in engine.lives().items() if ":y:" in name}

    assert len(lives) == 3
    assert all(0 < life <= DAY.total_seconds() * 1000 for life in lives.values())
    (figure,) = few.trails.figures(attempts[0].now)
    assert figure == Figure("refused:no_place", "US", "sms", "", 10), "all are counted"


def test_without_days_nothing_is_kept(engine, make_store, policy, attempt):
    one = attempt(on=make_store(replace(policy, trail=timedelta())))
    one.start()
    one.miss()
    one.resend()
    one.check()
    one.opt_out()

    assert [name for name in engine.names() if ":y:" in name] == []


@pytest.mark.parametrize("name", engines(*ONE_SERVER))
def test_a_full_server_still_says_what_refuses(name, ends, policy, keyring, clock, numbers):  # noqa: PLR0917
    """A refusal that cannot be told is one all the same; what counts is refused whole."""
    server = ends.enter_context(StoreServer(binary_of(name)))
    engine = opened(server.url, [server], ends)
    store = RedisStore(engine.client, policy)
    store.keyring.put({"id": keyring.id.encode()}, instead_of="")
    one = Attempt(store, keyring, clock, next(numbers))
    one.start()
    one.check()
    engine.nodes[0].config_set("maxmemory", "1mb")

    assert one.check().verdict is Verdict.APPROVED
    with pytest.raises(StoreUnavailable):
        Attempt(store, keyring, clock, next(numbers)).start()
    assert [event.what for event in store.trails.events(one.digest_of_number)] == [What.BEGUN, What.APPROVED]
