"""allow, give_back, charge, pause and resume: the budgets that many numbers share."""

import dataclasses
import itertools
from datetime import timedelta

import pytest

from service.store.redis import RedisStore
from service.verification.budgets import messages_of
from service.verification.errors import Limit
from service.verification.policy import Window
from service.verification.ports import Ask, Start, Use, Verdict

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
TWO_IN_A_MINUTE = (Window(2, timedelta(minutes=1)),)
DAY_MS = 24 * HOUR_MS
FIVE_AN_HOUR = (Window(5, timedelta(hours=1)),)


def use(limit=Limit.STARTS_OF_ADDRESS, subject="digest-of-an-address", windows=TWO_IN_A_MINUTE, *, enforced=True):
    return Use(limit, subject, windows, enforced)


def ask(*budgets, line=None, **facts) -> Ask:
    """A start whose last four digits are far from all others, unless they are given; it counts for no place."""
    usual = {
        "number": "digest-of-a-number",
        "prefix": "digest-of-a-prefix",
        "prefix_label": "+120255",
        "line": next(_lines) if line is None else line,
        "country": "US",
        "is_home": True,
        "place": "",
        "is_start": True,
        "budgets": budgets,
    }
    return Ask(**{**usual, **facts})


_lines = itertools.count(1000, 7)


def settle(store, asked, stamp):
    """End well what was begun by an ask."""
    spent = {use.limit: use.subject for use in asked.budgets}
    start = Start(
        stamp=stamp,
        address=spent.get(Limit.STARTS_OF_ADDRESS, ""),
        network=spent.get(Limit.STARTS_OF_NETWORK, ""),
        prefix=asked.prefix,
        line=asked.line,
        country=asked.country,
        place=asked.place,
    )
    store.settle([start])


def finish(store, asked, now):
    """Begin what is asked for and end it well."""
    leave = store.allow(asked, now=now())
    assert leave.verdict is Verdict.DONE
    settle(store, asked, stamp=leave.stamp)


def counted_starts(engine, kind="prefix", subject="digest-of-a-prefix"):
    """Return how many starts a range or country is taken to have had."""
    tally = engine.contents().get(f"h:{{limits}}:{kind}:{subject}", {})
    return sum(int(many) for field, many in tally.items() if field.startswith(b"s"))


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
    store.give_back(asked, stamp=leave.stamp)

    with engine.unchanged():
        store.give_back(asked, stamp=leave.stamp)


def test_what_was_not_sent_is_given_back(make, now):
    store = make(prices={"*": 0.5}, spend=1.0, messages_per_second=2)
    for _ in range(3):
        asked = ask(use())
        leave = store.allow(asked, now=now())
        assert (leave.verdict, leave.wait) == (Verdict.DONE, 0)
        store.give_back(asked, stamp=leave.stamp)


def test_what_was_given_back_leaves_nothing_counted(engine, make, now):
    store = make(prices={"*": 0.5}, spend=1.0, messages_per_second=2)
    budgets = use(), use(Limit.STARTS_OF_PREFIX), use(Limit.SENDS_IN_ALL)
    store.allow(ask(*budgets, line=1), now=now())
    before = counted(engine)
    asked = ask(*budgets, line=2, place="a place")

    store.give_back(asked, stamp=store.allow(asked, now=now()).stamp)

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
        settle(store, asked(), stamp=store.allow(asked(), now=now()).stamp)

    leave = store.allow(asked(), now=now())

    assert leave.verdict is Verdict.MONEY_SPENT


def test_approvals_keep_an_address_open(store, now):
    for _ in range(10):
        leave = store.allow(ask(use()), now=now())
        assert leave.verdict is Verdict.DONE
        settle(store, ask(use()), stamp=leave.stamp)


def test_giving_back_what_has_ended_leaves_nothing(engine, make, now):
    store = make(prices={"*": 0.5}, spend=1.0, messages_per_second=2)

    store.give_back(ask(use()), stamp=now() - 2 * HOUR_MS)

    assert counted(engine) == {}


def test_an_approval_leaves_nothing_counted_of_a_place(engine, store, now):
    finish(store, ask(use(), use(Limit.STARTS_OF_PREFIX, "digest-of-a-prefix"), place="a place"), now)

    assert [name for name in engine.names() if name[:2] in {"k:", "l:", "q:"}] == []


def test_a_start_whose_message_was_refused_spends_its_budget_all_the_same(engine, store, now):
    """Otherwise numbers that the carrier refuses could be tried without end."""
    budgets = use(), use(Limit.STARTS_OF_PREFIX), use(Limit.SENDS_IN_ALL, "all")
    asked = ask(*budgets, place="a place")
    leave = store.allow(asked, now=now())

    store.give_back(messages_of(asked), stamp=leave.stamp)

    left = {name[:2] + name.split(":")[2] for name in engine.names()}
    assert {f"l:{Limit.STARTS_OF_ADDRESS}", f"l:{Limit.STARTS_OF_PREFIX}", "k:a place"} <= left
    assert f"l:{Limit.SENDS_IN_ALL}" not in left


def test_a_start_whose_message_was_refused_is_counted_as_one_that_came_to_nothing(engine, store, now):
    """Its place is: if the range forgot it, this place would never count there again."""
    asked = ask(place="a place")
    leave = store.allow(asked, now=now())

    store.give_back(messages_of(asked), stamp=leave.stamp)

    assert counted_starts(engine) == 1


# -- What one place may spend of a range

SIX_AN_HOUR = use(Limit.STARTS_OF_PREFIX, "digest-of-a-prefix", (Window(6, timedelta(hours=1)),))


def test_one_place_spends_five_of_what_a_prefix_may(store, now):
    for _ in range(8):
        assert store.allow(ask(SIX_AN_HOUR, place="one"), now=now()).verdict is Verdict.DONE

    second = store.allow(ask(SIX_AN_HOUR, place="another"), now=now())
    third = store.allow(ask(SIX_AN_HOUR, place="a third"), now=now())

    assert second.verdict is Verdict.DONE
    assert (third.verdict, third.limit) == (Verdict.BUDGET_SPENT, Limit.STARTS_OF_PREFIX)


def test_the_share_of_a_place_is_that_of_an_hour(store, clock, now):
    """It spends five in the next hour as well."""
    for _ in range(7):
        store.allow(ask(SIX_AN_HOUR, place="one"), now=now())
    clock.advance(3600)

    for _ in range(5):
        assert store.allow(ask(SIX_AN_HOUR, place="one"), now=now()).verdict is Verdict.DONE
    assert store.allow(ask(SIX_AN_HOUR, place="another"), now=now()).verdict is Verdict.DONE
    assert store.allow(ask(SIX_AN_HOUR, place="a third"), now=now()).verdict is Verdict.BUDGET_SPENT


def test_what_ends_well_is_no_part_of_a_share(store, now):
    for _ in range(6):
        finish(store, ask(SIX_AN_HOUR, place="one"), now)
    for _ in range(5):
        store.allow(ask(SIX_AN_HOUR, place="one"), now=now())

    assert store.allow(ask(SIX_AN_HOUR, place="another"), now=now()).verdict is Verdict.DONE
    assert store.allow(ask(SIX_AN_HOUR, place="a third"), now=now()).verdict is Verdict.BUDGET_SPENT


def test_who_asks_from_no_place_has_no_share(store, now):
    for _ in range(6):
        store.allow(ask(SIX_AN_HOUR), now=now())

    assert store.allow(ask(SIX_AN_HOUR), now=now()).verdict is Verdict.BUDGET_SPENT


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


# -- What came of starts to a range


@pytest.fixture
def fail(clock, now):
    """`fail(store, 3, place=…)`: begin so many, each from a place of its own, and let nobody type in time."""

    def begin(store, times, *, in_time=False, **facts):
        for _ in range(times):
            leave = store.allow(ask(**({"place": f"place {next(_lines)}"} | facts)), now=now())
            assert leave.verdict is Verdict.DONE
        if not in_time:
            clock.advance(240)

    return begin


def test_a_range_that_five_places_began_in_and_nobody_finished_is_closed(engine, store, fail, now):
    fail(store, 5)

    closing = store.allow(ask(), now=now())

    assert (closing.verdict, closing.news) == (Verdict.CLOSED, ("closed:prefix",))
    assert store.closed() == [("prefix", "+120255", pytest.approx(closing.wait, abs=60_000))]
    with engine.unchanged():
        later = store.allow(ask(), now=now())
    assert (later.verdict, later.news) == (Verdict.CLOSED, ())
    assert store.allow(ask(prefix="another"), now=now()).verdict is Verdict.DONE


def test_a_range_that_four_places_began_in_stays_open(store, fail, now):
    fail(store, 4)

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_a_range_in_which_somebody_finished_is_not_closed_for_five(store, fail, now):
    finish(store, ask(place="a place"), now)
    fail(store, 5)

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_whoever_was_texted_a_moment_ago_is_given_time_to_type(store, fail, clock, now):
    """Two minutes at least, and four at most."""
    fail(store, 5, in_time=True)
    clock.advance(119)

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


@pytest.mark.parametrize(("closed_for", "at_least"), [(12, 0), (48, 48)], ids=["a day", "as long as is set"])
def test_a_range_is_closed_until_what_closed_it_is_forgotten(make, fail, now, closed_for, at_least):
    store = make(closed_for=timedelta(hours=closed_for))
    forgotten = (now() // HOUR_MS + 25) * HOUR_MS
    fail(store, 5)

    closing = store.allow(ask(), now=now())

    assert closing.wait == max(forgotten - now(), at_least * HOUR_MS)


def test_what_a_place_begins_in_a_range_counts_once(engine, store, fail, now):
    """One address cannot have a range closed for everybody."""
    fail(store, 9, place="one")

    assert counted_starts(engine) == counted_starts(engine, "country", "US") == 1
    assert store.allow(ask(place="another"), now=now()).verdict is Verdict.DONE


def test_a_number_counts_once_whoever_asks_for_it(engine, store, fail, now):
    """Whoever bombs a number cannot have its range closed."""
    fail(store, 9, line=4711)

    assert counted_starts(engine) == 1
    assert store.allow(ask(place="another"), now=now()).verdict is Verdict.DONE


def test_a_number_counts_again_on_another_day(engine, store, fail, clock, now):
    fail(store, 1, line=4711)
    clock.advance(26 * 3600)
    fail(store, 1, line=4711)
    clock.advance(26 * 3600)
    fail(store, 4)

    assert store.allow(ask(line=4711, place="another"), now=now()).verdict is Verdict.DONE
    assert counted_starts(engine) == 5


def test_of_no_place_every_start_counts(engine, store, now):
    for _ in range(3):
        store.allow(ask(), now=now())

    assert counted_starts(engine) == 3


def test_a_place_and_a_number_that_ended_well_count_anew(engine, store, now):
    for _ in range(3):
        finish(store, ask(line=4711, place="one"), now)

    assert counted_starts(engine) == 3


def test_a_number_that_a_stranger_asked_for_counts_anew_when_its_person_finished(engine, store, fail, now):
    fail(store, 1, line=4711, place="stranger")
    finish(store, ask(line=4711, place="person"), now)

    store.allow(ask(line=4711, place="another"), now=now())

    assert counted_starts(engine) == 2


def test_a_further_message_counts_as_no_start(engine, store, now):
    store.allow(ask(place="one", is_start=False), now=now())

    assert engine.contents().keys() & {"k:{limits}:one", "h:{limits}:prefix:digest-of-a-prefix"} == set()


def test_a_place_that_goes_on_day_after_day_goes_on_counting(store, engine, clock, now):
    """What came of starts is forgotten after a day."""
    for _ in range(6):
        clock.advance(12 * 3600)
        engine.age(12 * 3600)
        store.allow(ask(place="one"), now=now())

    assert counted_starts(engine) >= 1


def test_a_place_counts_again_on_another_day(store, engine, fail, clock, now):
    fail(store, 1, place="one")
    clock.advance(26 * 3600)
    engine.age(26 * 3600)
    fail(store, 1, place="one")

    assert counted_starts(engine) == 1


@pytest.mark.parametrize(("well", "verdict"), [(3, Verdict.CLOSED), (4, Verdict.DONE)], ids=["15 %", "20 %"])
def test_a_range_in_which_less_than_a_fifth_finish_is_closed(store, fail, now, well, verdict):
    for _ in range(well):
        finish(store, ask(), now)
    fail(store, 20 - well)

    leave = store.allow(ask(), now=now())

    assert leave.verdict is verdict
    assert "low_conversion:country" in leave.news


def test_fewer_than_twenty_starts_are_no_rate(store, fail, now):
    finish(store, ask(), now)
    fail(store, 18)

    leave = store.allow(ask(), now=now())

    assert (leave.verdict, leave.news) == (Verdict.DONE, ())


@pytest.mark.parametrize(
    ("well", "news"),
    [(11, ("low_conversion:country", "low_conversion:prefix")), (12, ())],
    ids=["55 %", "60 %"],
)
def test_a_range_in_which_less_than_three_fifths_finish_is_told(store, fail, now, well, news):
    for _ in range(well):
        finish(store, ask(), now)
    fail(store, 20 - well)

    leave = store.allow(ask(), now=now())

    assert (leave.verdict, leave.news) == (Verdict.DONE, news)


def test_a_good_morning_does_not_outweigh_a_bad_hour(store, fail, clock, now):
    for _ in range(40):
        finish(store, ask(), now)
    clock.advance(5 * 3600)
    fail(store, 20)

    assert store.allow(ask(), now=now()).verdict is Verdict.CLOSED


def test_starts_that_come_to_nothing_slowly_are_counted_over_a_day(store, fail, clock, now):
    finish(store, ask(), now)
    for _ in range(19):
        fail(store, 1)
        clock.advance(3600)

    assert store.allow(ask(), now=now()).verdict is Verdict.CLOSED


def test_what_came_of_starts_is_forgotten_after_a_day(store, fail, clock, now):
    fail(store, 4)
    clock.advance(25 * 3600)
    fail(store, 1)

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_what_a_range_is_remembered_by_lives_for_a_day(engine, store, fail):
    fail(store, 1)

    lives = {name[0]: life for name, life in engine.lives().items() if name[0] in "hkq"}
    assert lives.keys() == set("hkq")
    assert all(20 * HOUR_MS < life <= 25 * HOUR_MS for life in lives.values())


def test_numbers_asked_for_one_after_the_other_close_their_prefix(make, now):
    store = make(sequence=5)
    for line in (1, 2, 5, 4):
        assert store.allow(ask(line=line, place=f"place {line}"), now=now()).verdict is Verdict.DONE

    closing = store.allow(ask(line=3), now=now())

    assert (closing.verdict, closing.wait, closing.news) == (Verdict.CLOSED, 12 * HOUR_MS, ("closed:prefix",))


def test_numbers_asked_for_slowly_are_no_sequence(make, clock, now):
    """Though they are remembered for a day."""
    store = make(sequence=3)
    for line in range(1, 5):
        assert store.allow(ask(line=line), now=now()).verdict is Verdict.DONE
        clock.advance(300)


def test_one_place_makes_no_sequence(make, now):
    """It could have a range closed for everybody; its own budget holds it."""
    store = make(sequence=3)

    for line in range(1, 9):
        assert store.allow(ask(line=line, place="one"), now=now()).verdict is Verdict.DONE


# -- What came of starts to a country


@pytest.fixture
def low(store, fail):
    """A store where five starts to a country abroad came to nothing, one in each of the ranges "0" to "4"."""
    for place in range(5):
        fail(store, 1, in_time=place < 4, prefix=str(place), is_home=False)
    return store


def test_a_country_is_never_closed(make, fail, now):
    store = make(unfinished=2)
    for place in range(30):
        store.allow(ask(prefix=f"range {place}", is_home=False), now=now())
    fail(store, 0)

    assert store.allow(ask(prefix="another", is_home=False), now=now()).verdict is Verdict.DONE
    assert store.closed() == []


def test_while_a_country_ends_badly_a_range_in_which_somebody_did_not_finish_has_to_wait(low, now):
    leave = low.allow(ask(prefix="0", is_home=False), now=now())

    assert (leave.verdict, leave.wait, leave.news) == (Verdict.CLOSED, HOUR_MS, ())
    assert low.closed() == []


def test_while_a_country_ends_badly_somebody_may_have_begun_a_moment_ago(low, now):
    """One at a time, in a range of which nothing is known yet."""
    first = low.allow(ask(prefix="untouched", is_home=False), now=now())
    second = low.allow(ask(prefix="untouched", is_home=False), now=now())

    assert first.verdict is Verdict.DONE
    assert (second.verdict, second.wait) == (Verdict.CLOSED, 4 * MINUTE_MS)


def test_while_a_country_ends_badly_a_range_in_which_somebody_finished_stays_open(low, now):
    finish(low, ask(prefix="good", is_home=False), now)
    low.allow(ask(prefix="good", is_home=False), now=now())

    assert low.allow(ask(prefix="good", is_home=False), now=now()).verdict is Verdict.DONE


def test_a_message_of_what_has_begun_does_not_wait_for_its_country(low, now):
    assert low.allow(ask(prefix="0", is_home=False, is_start=False), now=now()).verdict is Verdict.DONE


def test_another_country_has_its_own(low, now):
    low.allow(ask(prefix="range", country="CA", is_home=False), now=now())

    assert low.allow(ask(prefix="range", country="CA", is_home=False), now=now()).verdict is Verdict.DONE


def test_at_home_no_range_has_to_wait_for_the_country(store, fail, now):
    """A few strangers could stop everybody."""
    for place in range(5):
        fail(store, 1, prefix=str(place))

    assert store.allow(ask(prefix="0"), now=now()).verdict is Verdict.DONE


@pytest.mark.parametrize(("well", "verdict"), [(5, Verdict.CLOSED), (6, Verdict.DONE)], ids=["5 of 9", "6 of 10"])
def test_a_country_ends_badly_while_less_than_three_fifths_finish(store, fail, now, well, verdict):
    for place in range(well):
        finish(store, ask(prefix=f"good {place}", is_home=False), now)
    for place in range(4):
        fail(store, 1, in_time=place < 3, prefix=str(place), is_home=False)

    assert store.allow(ask(prefix="0", is_home=False), now=now()).verdict is verdict


def test_four_starts_to_a_country_are_no_rate(store, fail, now):
    for place in range(4):
        fail(store, 1, in_time=place < 3, prefix=str(place), is_home=False)

    assert store.allow(ask(prefix="0", is_home=False), now=now()).verdict is Verdict.DONE


def test_the_same_refused_ask_again_counts_nothing(engine, low, now):
    """Its answer may have been lost on the way."""
    asked = ask(prefix="0", is_home=False, place="one")
    low.allow(asked, now=now())

    with engine.unchanged():
        assert low.allow(asked, now=now()).verdict is Verdict.CLOSED


def test_what_is_refused_to_one_place_counts_once(low, now):
    """Otherwise one address, asking on, holds a whole country down."""
    for _ in range(100):
        assert low.allow(ask(prefix="0", is_home=False, place="one"), now=now()).verdict is Verdict.CLOSED
    for place in range(50):
        finish(low, ask(prefix=f"good {place}", is_home=False, place=f"{place}"), now)

    assert low.allow(ask(prefix="0", is_home=False, place="another"), now=now()).verdict is Verdict.DONE


# -- Guesses


def test_many_wrong_checks_of_many_numbers_hold_every_start(make, clock, now):
    """Somebody guesses one token on many numbers; and nobody counts who does not finish."""
    store = make(guesses=10)

    guessing = store.allow(ask(checks=12, wrong_checks=10), now=now())
    resend = store.allow(ask(is_start=False), now=now())
    clock.advance(3700)

    assert guessing.verdict is Verdict.GUESSING
    assert resend.verdict is Verdict.DONE
    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_many_checks_that_are_mostly_right_hold_nobody(make, now):
    assert make(guesses=10).allow(ask(checks=30, wrong_checks=11), now=now()).verdict is Verdict.DONE


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, Verdict.DONE), (239, Verdict.DONE), (240, Verdict.GUESSING), (3599, Verdict.GUESSING), (3600, Verdict.DONE)],
)
def test_while_somebody_guesses_who_began_and_did_not_finish_has_to_wait(make, clock, now, seconds, verdict):
    """From four minutes on, for an hour."""
    store = make(guesses=10)
    address = use(windows=FIVE_AN_HOUR)
    store.allow(ask(address), now=now())
    clock.advance(seconds)

    leave = store.allow(ask(address, checks=12, wrong_checks=10), now=now())

    assert leave.verdict is verdict
    assert leave.wait == (2 * MINUTE_MS if verdict is Verdict.GUESSING else 0)


def test_while_somebody_guesses_others_are_let_in(make, clock, now):
    store = make(guesses=10)
    guesser, finisher, new = (use(subject=name, windows=FIVE_AN_HOUR) for name in ("guesser", "finisher", "new"))
    finish(store, ask(finisher), now)
    store.allow(ask(guesser), now=now())
    clock.advance(300)

    assert store.allow(ask(guesser, checks=12, wrong_checks=10), now=now()).verdict is Verdict.GUESSING
    assert store.allow(ask(finisher), now=now()).verdict is Verdict.DONE
    assert store.allow(ask(new), now=now()).verdict is Verdict.DONE


def test_while_somebody_guesses_whoever_finishes_after_all_is_let_in(make, clock, now):
    store = make(guesses=10)
    address = use(windows=FIVE_AN_HOUR)
    asked = ask(address)
    leave = store.allow(asked, now=now())
    clock.advance(300)
    assert store.allow(ask(address, checks=12, wrong_checks=10), now=now()).verdict is Verdict.GUESSING

    settle(store, asked, stamp=leave.stamp)

    assert store.allow(ask(address), now=now()).verdict is Verdict.DONE


# -- Watched only


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


def test_a_watched_range_is_not_closed(make, fail, now):
    store = make(conversion_enforced=False)
    fail(store, 5)

    leave = store.allow(ask(), now=now())

    assert (leave.verdict, leave.news) == (Verdict.DONE, ("would_close:prefix",))
    assert store.closed() == []


def test_a_watched_country_has_nobody_wait(make, low, now):
    store = make(conversion_enforced=False)

    leave = store.allow(ask(prefix="0", is_home=False), now=now())

    assert (leave.verdict, leave.news) == (Verdict.DONE, ("would_refuse:closed:0",))


def test_what_the_brake_closed_is_open_when_it_is_only_watched(make, store, fail, now):
    fail(store, 5)
    assert store.allow(ask(), now=now()).verdict is Verdict.CLOSED
    watched = make(conversion_enforced=False)

    leave = watched.allow(ask(), now=now())

    assert (leave.verdict, leave.news[0]) == (Verdict.DONE, "would_refuse:closed:0")


def test_what_an_operator_closed_is_closed_when_the_brake_is_only_watched(make, now):
    watched = make(conversion_enforced=False)
    watched.close("country", "US", label="US")

    leave = watched.allow(ask(), now=now())

    assert (leave.verdict, leave.wait) == (Verdict.CLOSED, 0)
    watched.open("country", "US")


# -- A phone that asked for a message itself


@pytest.fixture
def welcome(store):
    """A store that a phone has just told that it wants messages."""
    store.welcome("digest-of-a-number")
    return store


def test_a_phone_that_asked_is_texted_though_its_range_is_closed(store, fail, now):
    fail(store, 5)
    assert store.allow(ask(), now=now()).verdict is Verdict.CLOSED

    store.welcome("digest-of-a-number")

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE
    assert store.allow(ask(is_start=False), now=now()).verdict is Verdict.DONE
    assert store.allow(ask(number="another"), now=now()).verdict is Verdict.CLOSED


def test_a_phone_that_asked_has_no_range_closed(welcome, fail, now):
    fail(welcome, 5)

    assert welcome.allow(ask(), now=now()).verdict is Verdict.DONE
    assert welcome.closed() == []


def test_a_phone_that_asked_does_not_wait_for_its_country(welcome, low, now):
    assert low.allow(ask(prefix="0", is_home=False), now=now()).verdict is Verdict.DONE
    assert low.allow(ask(prefix="0", is_home=False, number="another"), now=now()).verdict is Verdict.CLOSED


def test_a_phone_that_asked_is_texted_though_the_budget_of_its_prefix_is_spent(welcome, now):
    prefix = use(Limit.STARTS_OF_PREFIX)
    for _ in range(2):
        welcome.allow(ask(prefix, number="another"), now=now())

    assert welcome.allow(ask(prefix), now=now()).verdict is Verdict.DONE
    assert welcome.allow(ask(prefix, number="another"), now=now()).verdict is Verdict.BUDGET_SPENT


def test_a_phone_that_asked_spends_every_other_budget(welcome, now):
    for _ in range(2):
        welcome.allow(ask(use()), now=now())

    assert welcome.allow(ask(use()), now=now()).verdict is Verdict.BUDGET_SPENT


@pytest.mark.parametrize(
    ("kind", "subject"), [("number", "digest-of-a-number"), ("prefix", "digest-of-a-prefix"), ("country", "US")]
)
def test_a_phone_that_asked_is_not_texted_when_the_operator_closed_it(welcome, now, kind, subject):
    welcome.close(kind, subject, label="closed")

    assert welcome.allow(ask(), now=now()).verdict is Verdict.CLOSED
    welcome.open(kind, subject)


def test_a_number_that_the_caller_vouches_for_is_as_welcome(store, fail, now):
    fail(store, 5)
    assert store.allow(ask(), now=now()).verdict is Verdict.CLOSED
    prefix = use(Limit.STARTS_OF_PREFIX)
    for _ in range(3):
        assert store.allow(ask(prefix, is_known=True), now=now()).verdict is Verdict.DONE
    store.close("country", "US", label="US")

    assert store.allow(ask(is_known=True), now=now()).verdict is Verdict.CLOSED
    store.open("country", "US")


def test_a_phone_that_asked_is_held_by_a_pause(welcome, now):
    welcome.pause(now=now(), is_trial=False)

    assert welcome.allow(ask(), now=now()).verdict is Verdict.PAUSED


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
        lengths.append(store.allow(ask(line=4711), now=now()).wait // MINUTE_MS)
        clock.advance(lengths[-1] * 60)
        assert store.allow(ask(line=4711), now=now()).is_trial

    assert lengths == [1, 2, 4, 8, 15, 15]


def test_a_trial_that_tells_the_same_again_makes_no_pause_longer(engine, store, clock, now):
    """Its answer was lost. What the next one finds counts anew."""
    store.pause(now=now(), is_trial=False)
    clock.advance(60)
    store.pause(now=now(), is_trial=True)

    with engine.unchanged():
        store.pause(now=now(), is_trial=True)
    clock.advance(120)
    store.pause(now=now(), is_trial=True)

    assert store.allow(ask(), now=now()).wait == 4 * MINUTE_MS


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


def test_an_operator_opens_what_the_brake_closed_and_it_starts_anew(store, fail, now):
    fail(store, 5)
    assert store.allow(ask(), now=now()).verdict is Verdict.CLOSED

    assert store.open("prefix", "digest-of-a-prefix")
    fail(store, 4)

    assert store.allow(ask(), now=now()).verdict is Verdict.DONE


def test_a_range_that_was_opened_is_closed_again_by_the_same_places(store, fail, now):
    places = [f"address {number}:digest-of-a-prefix" for number in range(5)]
    for _ in range(2):
        for place in places:
            fail(store, 1, place=place, in_time=place != places[-1])
        assert store.allow(ask(), now=now()).verdict is Verdict.CLOSED
        store.open("prefix", "digest-of-a-prefix")


def test_an_operator_s_closing_stands_over_one_of_the_brake(store, fail, now):
    fail(store, 5)
    assert store.allow(ask(), now=now()).wait > 0
    store.close("country", "US", label="US")

    leave = store.allow(ask(), now=now())

    assert (leave.verdict, leave.wait) == (Verdict.CLOSED, 0)
    store.open("country", "US")
