"""What the shared limits owe whoever lost an answer, and a refusal; the limits themselves are in `tests/limits`."""

import itertools
from dataclasses import replace

import pytest

from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.errors import Delivery, Hold, Limit, StoreUnavailable
from service.verification.limits import EVERYBODY, Charge
from service.verification.policy import HOUR, Window
from service.verification.ports import Verdict
from tests.store.attempts import Attempt
from tests.store.engines import KEYRING

MINUTE_MS = 60_000
CALLER = Caller.at("192.0.2.7")
RANGE = "+1415777"  # five of its numbers that come to nothing close it
SPEND = 10.0


def charges(room):
    return (Charge(Limit.SENDS_IN_ALL, EVERYBODY, (Window(room, HOUR),), enforced=True),)


@pytest.fixture
def dear_store(engine, policy):
    """A store with a limit of money and a sender's rate."""
    rules = replace(policy, shared=replace(policy.shared, spend=SPEND))
    return RedisStore(engine.client, rules, messages_per_second=1)


@pytest.fixture
def limited(dear_store, keyring, clock, numbers):
    """`limited(number)`: a verification whose messages spend some of everything; `room` is what one limit has."""

    def make(number=None, *, room=5, price=1.0, **facts):
        facts = {"caller": CALLER, "charges": charges(room), "price": price} | facts
        return Attempt(dear_store, keyring, clock, number or next(numbers), **facts)

    return make


@pytest.mark.parametrize(
    "step",
    [
        lambda one: one.start(),
        lambda one: one.resend("form-1", "caller-1"),
        lambda one: one.check(nonce="form-2"),
        lambda one: one.check(one.wrong, nonce="form-2"),
        lambda one: one.unsend(1),
        lambda one: one.unsend(1, Delivery.LANDLINE, is_refused=True),
    ],
    ids=["start", "resend", "right check", "wrong check", "unsend", "refused"],
)
def test_the_same_step_again_spends_and_gives_back_nothing(engine, limited, clock, step):
    """Its answer was lost, and lost again."""
    one = limited()
    one.start()
    clock.advance(30)
    first = step(one)

    for _ in range(2):
        with engine.unchanged():
            assert replace(step(one), verdict=first.verdict, wait=first.wait, is_trial=False) == first


def test_what_was_not_sent_and_what_was_approved_leave_nothing_counted(engine, limited):
    """But for the message that was sent, and the approval."""
    one, other = limited(), limited(price=0)
    one.start()
    one.unsend(1)
    unsent = {name: value for name, value in engine.deciding().items() if ":v:" not in name and name != KEYRING}

    assert {name.removeprefix("{tp}:")[0] for name in unsent} == set("hfm")
    assert {many for name, tally in unsent.items() if ":h:" in name for many in tally.values()} == {b"0"}
    assert unsent["{tp}:m:" + str(one.now // 86_400_000)] == b"0"

    other.start()
    other.check()

    assert [name for name in engine.names() if name.startswith(("{tp}:u:", "{tp}:t:", "{tp}:c:"))] == []
    assert [name for name in engine.names() if ":l:" in name] == ["{tp}:l:sends_in_all:all"]


def spent(limited):
    return limited(room=1), limited(room=1)


def paused(limited):
    one = limited()
    one._store.verifications.pause(keyring=one.step().keyring, now=one.now, is_trial=False)
    return None, one


def dear(limited):
    return None, limited(price=SPEND + 1)


def closed(limited):
    one = limited()
    one._store.limits.close("range", one.subjects.range, label="sealed")
    return None, one


def queued(limited):
    for place in range(31):
        limited(room=100, price=0, caller=Caller.at(f"203.0.{place}.7")).start()
    return None, limited(room=100, price=0)


REFUSALS = {
    spent: Limit.SENDS_IN_ALL,
    dear: Limit.SPENT_TODAY,
    closed: Limit.CLOSED,
    paused: Hold.PAUSED,
    queued: Hold.SENDER_RATE,
}


@pytest.mark.parametrize("why", REFUSALS, ids=lambda why: why.__name__)
def test_a_refusal_writes_nothing_not_even_what_is_over(engine, limited, clock, why):
    limited(room=100).start()  # what came of it is counted by two minutes, and over after four
    clock.advance(300)
    before, one = why(limited)
    if before:
        before.start()

    with engine.unchanged():
        answer = one.start("form-1")

    assert (answer.limit or answer.hold) == REFUSALS[why]


def test_no_slot_holds_a_start_that_needs_one_and_spends_nothing(engine, limited, clock):
    first = limited()

    with engine.unchanged():
        assert first.start(has_slot=False).hold is Hold.NO_PLACE
    first.start()
    shares = limited(first.number, source="a stranger").start(has_slot=False)
    clock.advance(30)
    with engine.unchanged():
        again = first.resend(has_slot=False)

    assert shares.verdict is Verdict.SHARED
    assert again.hold is Hold.NO_PLACE


def test_a_full_server_refuses_a_start_though_some_of_what_it_holds_is_over(engine, limited, clock):
    """A script that removes something first is not refused when it writes more."""
    (server,) = engine.nodes
    one, later = limited(f"{RANGE}2101"), limited(f"{RANGE}4101")
    one.start()
    clock.advance(300)
    server.config_set("maxmemory", 1024)
    try:
        with engine.unchanged(), pytest.raises(StoreUnavailable):
            later.start()
    finally:
        server.config_set("maxmemory", 0)

    assert later.start().verdict is Verdict.DONE


def test_what_is_over_goes_with_the_next_start(engine, limited, clock):
    attempts = [limited(f"{RANGE}{line}", room=100, price=0) for line in range(2101, 9000, 1000)]
    for one in attempts:
        one.start()
        one.check()
        clock.advance(26 * 3600)

    tally = engine.contents()[f"{{tp}}:h:range:{attempts[0].subjects.range}"]

    assert len(tally) <= 4


@pytest.fixture
def pause(dear_store, keyring, clock):
    return lambda *, is_trial: dear_store.verifications.pause(
        keyring=keyring.id, now=round(clock() * 1000), is_trial=is_trial
    )


def test_each_pause_in_a_row_is_twice_as_long_up_to_a_quarter_of_an_hour(engine, limited, pause, clock):
    lengths = []
    for is_trial in itertools.chain([False], itertools.repeat(True, 5)):
        pause(is_trial=is_trial)
        lengths.append(limited(price=0).start().wait // MINUTE_MS)
        clock.advance(lengths[-1] * 60)
        assert limited(room=100, price=0).start().is_trial

    assert lengths == [1, 2, 4, 8, 15, 15]
    assert engine.immortal() == []


def test_the_same_pause_again_and_sends_that_were_under_way_make_it_no_longer(engine, limited, pause, clock):
    pause(is_trial=False)
    clock.advance(1)
    with engine.unchanged():
        pause(is_trial=False)
    clock.advance(59)
    pause(is_trial=True)

    with engine.unchanged():
        pause(is_trial=True)

    assert limited().start().wait == 2 * MINUTE_MS


def test_a_trial_that_nobody_hears_of_again_is_followed_by_another(limited, pause, clock):
    """Whoever made it was killed."""
    pause(is_trial=False)
    clock.advance(60)
    trials = [limited().start() for _ in range(2)]
    clock.advance(30)

    assert [one.is_trial for one in trials] == [True, False]
    assert (trials[1].hold, trials[1].wait) == (Hold.PAUSED, 30_000)
    assert limited().start().is_trial


def test_after_a_good_trial_everybody_goes_on_and_the_next_pause_is_a_short_one(dear_store, limited, pause):
    pause(is_trial=False)
    pause(is_trial=True)
    dear_store.verifications.resume()
    assert limited().start().verdict is Verdict.DONE

    pause(is_trial=False)

    assert limited().start().wait == MINUTE_MS
