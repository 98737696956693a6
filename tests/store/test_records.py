"""What steps leave in the store, for how long, and by whose clock; what they answer is in `test_rules.py`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.verification.caller import Caller
from service.verification.errors import Delivery
from service.verification.policy import Window
from service.verification.ports import Kind, Status, Verdict
from tests.store.engines import KEYRING

HOUR = 3600
DAY = 24 * HOUR
STRANGER = "a stranger"


def test_nothing_is_kept_for_longer_than_it_is_needed(engine, attempt, policy):
    one = attempt(caller=Caller.at("192.0.2.7"))
    one.start("form-1")
    life = round(policy.token_life.total_seconds() * 1000)

    lives = {name.removeprefix("{tp}:")[0]: left for name, left in engine.lives().items()}

    most = {"v": life, "t": life, "n": DAY * 1000, "u": DAY * 1000, "l": DAY * 1000, "h": (DAY + HOUR) * 1000}
    most |= {"y": 3 * DAY * 1000, "d": 400 * DAY * 1000}
    assert lives.keys() == most.keys()
    assert all(0 < lives[kind] <= most[kind] for kind in most)


def test_what_shares_a_message_is_forgotten_with_it(engine, begun, attempt, clock):
    first = begun()
    clock.advance(100)
    second = attempt(first.number, source=STRANGER)
    left = second.start().record.expires - second.now

    assert left == 500_000
    assert 0 < engine.lives()[f"{{tp}}:v:{second.handle.random}"] <= left


def held_of(engine, one):
    return engine.contents()[f"{{tp}}:n:{one.digest_of_number}"]


def test_what_is_counted_for_a_number_does_not_grow_for_ever(engine, begun, clock):
    one = begun()
    for _ in range(30):
        clock.advance(3 * HOUR)
        begun(one.number)

    clock.advance(600)
    begun(one.number, source="another")

    times = [times for field, times in held_of(engine, one).items() if field[:1] == b"s"]
    assert sorted(len(each.split()) for each in times) == [1, 8]


@pytest.mark.parametrize("kind", [Kind.USUAL, Kind.TEST])
def test_requests_are_forgotten_with_the_next_start_after_their_token(engine, attempt, clock, kind):
    one = attempt()
    for place in range(10):
        clock.advance(3 * HOUR)
        one = attempt(one.number, kind=kind)
        assert one.start(f"form-{place}").verdict is Verdict.DONE

    assert len([field for field in held_of(engine, one) if field[:1] == b"q"]) == 1


def test_a_spent_token_is_no_key_any_more(engine, begun):
    checked, unsent = begun(), begun()
    names = engine.names()
    assert all(any(one.digest in name for name in names) for one in (checked, unsent))

    checked.check()
    unsent.unsend(1)

    names = engine.names()
    assert not any(one.digest in name for name in names for one in (checked, unsent))


@pytest.mark.parametrize("how", ["opt in", "forgive"])
def test_who_shows_up_is_welcome_for_ten_minutes_and_leaves_nothing_else(engine, attempt, how):
    one = attempt()

    if how == "opt in":
        one.opt_out(out=False)
    else:
        one.forgive()

    welcome = f"{{tp}}:n:{one.digest_of_number}"
    assert set(engine.deciding()) == {KEYRING, welcome}
    assert 590_000 < engine.lives()[welcome] <= 600_000
    engine.age(600)
    assert set(engine.deciding()) == {KEYRING}


def test_of_a_number_that_wants_no_messages_nothing_else_is_kept_for_a_year(engine, attempt):
    one = attempt()

    one.opt_out()

    opted_out = f"{{tp}}:o:{one.digest_of_number}"
    assert set(engine.deciding()) == {KEYRING, opted_out}
    assert 364 * DAY * 1000 < engine.lives()[opted_out] <= 365 * DAY * 1000


# -- Two clocks


def test_a_caller_whose_clock_is_slow_gets_the_time_of_the_store(attempt, clock):
    """It begins now, not an hour ago, and lives no longer for it."""
    clock.advance(-2 * HOUR)
    one = attempt()

    record = one.start().record

    assert record.begun == record.now
    assert record.begun - one.now == pytest.approx(HOUR * 1000, abs=120 * 1000)


def test_a_check_with_a_slow_clock_has_the_time_of_the_store(begun, clock):
    """The later of two clocks counts, and the store has seen a later one."""
    one = begun()
    clock.advance(-DAY)

    assert one.check().verdict is Verdict.DONE
    assert one.record.now > one.now


def test_a_caller_whose_clock_is_fast_shortens_the_life_for_itself_alone(begun, clock):
    one = begun()
    clock.advance(600)
    far = one.record.status
    clock.advance(-600)

    assert (far, one.record.status) == (Status.EXPIRED, Status.PENDING)


# -- Tokens


def test_nothing_is_sent_whose_token_is_not_the_one_that_was_sent(engine, begun, clock):
    """The length or the key was changed in the meantime: what would be sent now would not be accepted."""
    one = begun()
    clock.advance(30)

    with engine.unchanged():
        assert one.resend(digest="another").verdict is Verdict.GONE


@pytest.mark.parametrize(
    "step",
    [lambda one: one.report(Delivery.UNCERTAIN, "event-1"), lambda one: one.unsend(1)],
    ids=["report", "unsend"],
)
def test_news_of_what_is_unknown_leaves_nothing(engine, attempt, step):
    with engine.unchanged():
        answer = step(attempt())

    assert (answer.verdict, answer.record) == (Verdict.GONE, None)


def test_what_a_policy_with_few_waits_says_last_repeats(make_store, policy, begun, clock):
    one = begun(on=make_store(replace(policy, resend_waits=policy.resend_waits[:2])))
    waits = [one.record.wait]
    for _ in range(3):
        clock.advance(waits[-1] / 1000)
        waits.append(one.resend().record.wait)

    assert waits == [30_000, 60_000, 60_000, 60_000]


@pytest.mark.slow
def test_a_token_opens_no_other_verification(make_store, policy, begun):
    """Pairs of the same number and of different ones; and at the end each opens its own."""
    roomy = (Window(20_000, timedelta(days=1)),)
    rules = replace(
        policy,
        max_checks=20_000,
        checks_of_number=roomy,
        checks_in_a_row=roomy,
        sends_of_number=roomy,
        sends_an_hour=0,
    )
    store = make_store(rules)
    first = [begun(on=store, watched=False) for _ in range(5)]
    attempts = first + [begun(one.number, on=store, watched=False) for one in first for _ in range(5)]
    pairs = [(one, other) for one in attempts for other in attempts if one.token.reveal() != other.token.reveal()]

    verdicts = {one.check(other.token).verdict for one, other in pairs}

    assert len(pairs) >= 800
    assert verdicts == {Verdict.REJECTED}
    assert {one.check().record.status for one in attempts} == {Status.APPROVED}
