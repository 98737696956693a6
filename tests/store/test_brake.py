"""allow, give_back, charge, pause and resume: the budgets that many numbers share."""

import dataclasses
import itertools
from datetime import timedelta

import pytest

from service.store.redis import RedisStore
from service.verification.errors import Limit
from service.verification.policy import Window
from service.verification.ports import Ask, Use, Verdict

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
TWO_IN_A_MINUTE = (Window(2, timedelta(minutes=1)),)
FIVE_AN_HOUR = (Window(5, timedelta(hours=1)),)


def use(limit=Limit.STARTS_OF_ADDRESS, subject="digest-of-an-address", windows=TWO_IN_A_MINUTE, *, enforced=True):
    return Use(limit, subject, windows, enforced)


def ask(*budgets, line=None, **facts) -> Ask:
    """A start whose last four digits are far from all others, unless they are given."""
    usual = {
        "number": "digest-of-a-number",
        "prefix": "digest-of-a-prefix",
        "prefix_label": "+120255",
        "line": next(_lines) if line is None else line,
        "country": "US",
        "is_home": True,
        "is_start": True,
        "budgets": budgets,
    }
    return Ask(**{**usual, **facts})


_lines = itertools.count(1000, 7)


@pytest.fixture
def now(clock):
    """The caller's clock in ms."""
    return lambda: round(clock() * 1000)


@pytest.fixture
def make(engine, policy):
    """`make(sequence=3, messages_per_second=2)`: a store whose brake differs from the usual one."""

    def make_one(*, messages_per_second=0.0, **brake):
        rules = dataclasses.replace(policy, brake=dataclasses.replace(policy.brake, **brake))
        return RedisStore(engine.client, rules, messages_per_second=messages_per_second)

    return make_one


@pytest.fixture(autouse=True)
def _every_key_ends(engine):
    yield
    assert engine.immortal() == []


# -- Budgets


def test_a_budget_is_spent_and_comes_back(store, clock, now):
    leaves = []
    for _ in range(3):
        leaves.append(store.allow(ask(use()), now=now()))
        clock.advance(10)

    assert [leave.verdict for leave in leaves] == [Verdict.DONE, Verdict.DONE, Verdict.BUDGET_SPENT]
    assert (leaves[2].wait, leaves[2].limit) == (40_000, Limit.STARTS_OF_ADDRESS)
    clock.advance(30)
    assert store.allow(ask(use()), now=now()).verdict is Verdict.DONE


def test_a_refusal_spends_no_budget(engine, store, now):
    roomy = use(Limit.SENDS_IN_ALL, "all", FIVE_AN_HOUR)
    for _ in range(2):
        store.allow(ask(use(), roomy), now=now())

    with engine.unchanged():
        refused = store.allow(ask(use(), roomy), now=now())

    assert refused.verdict is Verdict.BUDGET_SPENT


def test_a_further_message_of_a_verification_spends_budgets_as_well(engine, store, now):
    def further():
        return ask(use(Limit.SENDS_IN_ALL, "all"), is_start=False)

    for _ in range(2):
        assert store.allow(further(), now=now()).verdict is Verdict.DONE

    with engine.unchanged():
        assert store.allow(further(), now=now()).verdict is Verdict.BUDGET_SPENT


def test_subjects_are_apart(store, now):
    for _ in range(2):
        store.allow(ask(use()), now=now())

    assert store.allow(ask(use(subject="another")), now=now()).verdict is Verdict.DONE
    assert store.allow(ask(use(Limit.STARTS_OF_PREFIX)), now=now()).verdict is Verdict.DONE


def test_a_budget_that_is_only_watched_is_counted_and_told(store, now):
    watched = use(enforced=False)
    leaves = [store.allow(ask(watched), now=now()) for _ in range(3)]

    assert {leave.verdict for leave in leaves} == {Verdict.DONE}
    assert [leave.news for leave in leaves] == [(), (), (f"would_refuse:budget_spent:{watched.limit}",)]
    assert store.allow(ask(use()), now=now()).verdict is Verdict.BUDGET_SPENT


def test_the_same_ask_again_spends_nothing_and_is_answered_the_same(engine, make, now):
    """Its answer may have been lost on the way."""
    store = make(prices={"*": 0.5}, spend=1.0, messages_per_second=2)
    store.allow(ask(), now=now())
    asked = ask(use(), use(Limit.SENDS_IN_ALL, "all"))
    first = store.allow(asked, now=now())

    with engine.unchanged():
        assert store.allow(asked, now=now()) == first


def test_the_same_trial_again_is_the_trial(store, clock, now):
    store.pause(now=now(), is_trial=False)
    clock.advance(60)
    trial = ask()
    assert store.allow(trial, now=now()).is_trial

    again = store.allow(trial, now=now())

    assert (again.verdict, again.is_trial) == (Verdict.DONE, True)


def test_what_was_not_sent_is_given_back_once(engine, make, now):
    """The answer to the first giving back may have been lost as well."""
    store = make(prices={"*": 0.25}, spend=1.0, messages_per_second=2)
    store.allow(ask(use(Limit.SENDS_IN_ALL, "all")), now=now())
    asked = ask(use(Limit.SENDS_IN_ALL, "all"))
    leave = store.allow(asked, now=now())
    store.give_back(asked, stamp=leave.stamp, approved=False)

    with engine.unchanged():
        store.give_back(asked, stamp=leave.stamp, approved=False)


def test_what_was_not_sent_is_given_back(make, now):
    store = make(prices={"*": 0.5}, spend=1.0, messages_per_second=2)
    for _ in range(3):
        asked = ask(use())
        leave = store.allow(asked, now=now())
        assert (leave.verdict, leave.wait) == (Verdict.DONE, 0)
        store.give_back(asked, stamp=leave.stamp, approved=False)


def test_what_was_given_back_leaves_nothing_counted(engine, make, now):
    store = make(prices={"*": 0.5}, spend=1.0, messages_per_second=2)
    store.allow(ask(use(), line=1), now=now())
    before = counted(engine)
    asked = ask(use(), line=2)

    store.give_back(asked, stamp=store.allow(asked, now=now()).stamp, approved=False)

    assert counted(engine) == before


def counted(engine):
    """Return what the store counts, without the decisions that it would answer again."""
    return {name: value for name, value in engine.contents().items() if not name.startswith("e:{limits}")}


def test_an_approval_gives_its_start_back_and_not_its_message(make, now):
    """So that an office or a busy town is not mistaken for an attack. The message has cost its money."""
    store = make(prices={"*": 0.5}, spend=1.0)

    def asked():
        return ask(use(), use(Limit.SENDS_IN_ALL, "all", FIVE_AN_HOUR), line=1)

    for _ in range(2):
        store.give_back(asked(), stamp=store.allow(asked(), now=now()).stamp, approved=True)

    leave = store.allow(asked(), now=now())

    assert leave.verdict is Verdict.MONEY_SPENT


def test_approvals_keep_an_address_open(store, now):
    for _ in range(10):
        leave = store.allow(ask(use()), now=now())
        assert leave.verdict is Verdict.DONE
        store.give_back(ask(use()), stamp=leave.stamp, approved=True)


def test_giving_back_what_has_ended_leaves_nothing(engine, make, now):
    store = make(prices={"*": 0.5}, spend=1.0, messages_per_second=2)

    store.give_back(ask(use()), stamp=now() - 2 * HOUR_MS, approved=False)

    assert counted(engine) == {}


# -- Money


def test_money_is_spent_until_the_day_is_over(make, clock, now):
    store = make(prices={"US": 0.4, "*": 9.0}, spend=1.0)
    assert [store.allow(ask(), now=now()).verdict for _ in range(2)] == [Verdict.DONE] * 2

    refused = store.allow(ask(), now=now())
    clock.advance(refused.wait / 1000)

    assert refused.verdict is Verdict.MONEY_SPENT
    assert now() % (24 * HOUR_MS) == 0
    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_what_a_message_cost_beyond_its_price_is_charged(make, now):
    store = make(prices={"*": 0.4}, spend=1.0)
    store.allow(ask(), now=now())
    store.charge(0.3, now=now())
    assert store.allow(ask(), now=now()).verdict is Verdict.MONEY_SPENT

    store.charge(-0.2, now=now())

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_a_charge_for_a_day_that_is_over_leaves_nothing(engine, make, now):
    make(prices={"*": 0.4}, spend=1.0).charge(0.3, now=now())

    assert engine.names() == []


# -- What looks like an attack


def test_a_prefix_whose_starts_come_to_nothing_is_closed(make, clock, now):
    store = make(conversion_sends=4, conversion_close=50, closed_for=timedelta(hours=12))
    for _ in range(4):
        store.allow(ask(), now=now())
    clock.advance(300)  # time to type

    closing = store.allow(ask(), now=now())
    later = store.allow(ask(), now=now())

    assert (closing.verdict, closing.wait, closing.news) == (Verdict.CLOSED, 12 * HOUR_MS, ("closed:prefix",))
    assert later.verdict is Verdict.CLOSED
    assert store.allow(ask(prefix="another"), now=now()).verdict is Verdict.DONE


def test_whoever_was_texted_a_moment_ago_is_given_time_to_type(make, clock, now):
    store = make(conversion_sends=4, conversion_close=50)
    for _ in range(4):
        store.allow(ask(), now=now())
    clock.advance(60)

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_a_prefix_whose_starts_end_well_stays_open(make, clock, now):
    store = make(conversion_sends=4, conversion_close=50)
    for place in range(4):
        leave = store.allow(ask(), now=now())
        if place % 2:
            store.give_back(ask(), stamp=leave.stamp, approved=True)
    clock.advance(300)

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


@pytest.mark.parametrize(("is_home", "verdict"), [(True, Verdict.DONE), (False, Verdict.CLOSED)], ids=["home", "away"])
def test_a_country_is_closed_unless_it_is_home(make, clock, now, is_home, verdict):
    store = make(conversion_sends=4, conversion_close=50)
    for place in range(4):
        store.allow(ask(prefix=f"prefix {place}", is_home=is_home), now=now())
    clock.advance(300)

    assert store.allow(ask(prefix="another", is_home=is_home), now=now()).verdict is verdict


def test_numbers_asked_for_one_after_the_other_close_their_prefix(make, now):
    store = make(sequence=5)
    for line in (1, 2, 5, 4):
        assert store.allow(ask(line=line), now=now()).verdict is Verdict.DONE

    closing = store.allow(ask(line=3), now=now())

    assert (closing.verdict, closing.news) == (Verdict.CLOSED, ("closed:prefix",))


def test_many_wrong_checks_of_many_numbers_hold_every_start(make, clock, now):
    """Somebody guesses one token on many numbers."""
    store = make(guesses=10)

    guessing = store.allow(ask(checks=12, wrong_checks=10), now=now())
    resend = store.allow(ask(is_start=False), now=now())
    clock.advance(3700)

    assert guessing.verdict is Verdict.GUESSING
    assert resend.verdict is Verdict.DONE
    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_many_checks_that_are_mostly_right_hold_nobody(make, now):
    assert make(guesses=10).allow(ask(checks=30, wrong_checks=11), now=now()).verdict is Verdict.DONE


def test_the_brake_can_be_watched_before_it_is_trusted(make, now):
    store = make(
        guesses=10,
        guesses_enforced=False,
        sequence=1,
        conversion_enforced=False,
        prices={"*": 1.0},
        spend=0.1,
        spend_enforced=False,
    )

    leave = store.allow(ask(checks=12, wrong_checks=10), now=now())

    assert leave.verdict is Verdict.DONE
    assert set(leave.news) == {"would_refuse:money_spent:0", "would_refuse:guessing:0", "would_close:prefix"}


# -- The sender's own rate


def test_each_send_waits_behind_the_ones_before(make, now):
    rated = make(messages_per_second=2)

    assert [rated.allow(ask(), now=now()).wait for _ in range(4)] == [0, 500, 1000, 1500]


def test_a_sender_that_rests_is_free_again(make, clock, now):
    rated = make(messages_per_second=2)
    for _ in range(4):
        rated.allow(ask(), now=now())
    clock.advance(1.75)
    assert rated.allow(ask(), now=now()).wait == 250
    clock.advance(60)

    assert rated.allow(ask(), now=now()).wait == 0


def test_a_queue_longer_than_people_wait_is_full_and_costs_nothing(engine, make, clock, now):
    rated = make(messages_per_second=2)
    leaves = [rated.allow(ask(), now=now()) for _ in range(61)]
    assert leaves[-1].wait == 30_000

    with engine.unchanged():
        refused = rated.allow(ask(), now=now())
    clock.advance(refused.wait / 1000)

    assert (refused.verdict, refused.wait) == (Verdict.SENDER_FULL, 500)
    assert rated.allow(ask(), now=now()).verdict is Verdict.DONE


# -- A pause of all


def test_a_pause_holds_everybody(engine, store, now):
    store.pause(now=now(), is_trial=False)

    with engine.unchanged():
        leave = store.allow(ask(), now=now())

    assert (leave.verdict, leave.wait) == (Verdict.PAUSED, MINUTE_MS)


def test_sends_that_were_under_way_make_no_pause_longer(engine, store, clock, now):
    store.pause(now=now(), is_trial=False)
    clock.advance(1)

    with engine.unchanged():
        store.pause(now=now(), is_trial=False)


def test_when_a_pause_is_over_one_send_finds_out_and_the_others_wait(store, clock, now):
    store.pause(now=now(), is_trial=False)
    clock.advance(60)

    first, second = store.allow(ask(), now=now()), store.allow(ask(), now=now())

    assert (first.verdict, first.is_trial) == (Verdict.DONE, True)
    assert (second.verdict, second.wait) == (Verdict.PAUSED, 30_000)


def test_a_trial_that_nobody_hears_of_again_is_followed_by_another(store, clock, now):
    """Whoever made it was killed."""
    store.pause(now=now(), is_trial=False)
    clock.advance(60)
    store.allow(ask(), now=now())
    clock.advance(30)

    assert store.allow(ask(), now=now()).is_trial


def test_each_pause_in_a_row_is_twice_as_long_up_to_a_quarter_of_an_hour(store, clock, now):
    lengths = []
    for is_trial in itertools.chain([False], itertools.repeat(True, 5)):
        store.pause(now=now(), is_trial=is_trial)
        lengths.append(store.allow(ask(), now=now()).wait // MINUTE_MS)
        clock.advance(lengths[-1] * 60)
        assert store.allow(ask(), now=now()).is_trial

    assert lengths == [1, 2, 4, 8, 15, 15]


def test_after_a_good_trial_everybody_goes_on(store, clock, now):
    store.pause(now=now(), is_trial=False)
    clock.advance(60)
    store.allow(ask(), now=now())
    store.resume()

    leave = store.allow(ask(), now=now())

    assert (leave.verdict, leave.is_trial) == (Verdict.DONE, False)


def test_a_pause_after_a_good_time_is_a_short_one(store, now):
    store.pause(now=now(), is_trial=False)
    store.pause(now=now(), is_trial=True)
    store.resume()
    store.pause(now=now(), is_trial=False)

    assert store.allow(ask(), now=now()).wait == MINUTE_MS


# -- The operator's own


def test_an_operator_closes_and_opens(engine, store, now):
    """What an operator closes stays so: the one further key without an end."""
    store.close("prefix", "digest-of-a-prefix", label="+120255")
    assert store.allow(ask(), now=now()).verdict is Verdict.CLOSED
    assert store.closed() == [("prefix", "+120255", None)]

    assert store.open("prefix", "digest-of-a-prefix")

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE
    assert not store.open("prefix", "digest-of-a-prefix")
