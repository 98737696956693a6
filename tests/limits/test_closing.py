"""What is closed: by the operator, by the limiter when starts do not end well, and what never is."""

from contextlib import suppress
from dataclasses import replace
from itertools import islice

import pytest

from service.config import Settings
from service.verification.caller import Caller
from service.verification.errors import Limit, Limited, SendRefused, TokenRejected
from tests.fakes import wrong
from tests.limits.desk import HERE, lines, ranges, refused

TWELVE_HOURS, FOUR_HOURS = 43_200, 14_400
MINUTES = 60
ABROAD = {"ALLOWED_REGIONS": ("US", "GB")}
WIDE = {"STARTS_PER_PREFIX": (), "SENDS_IN_ALL": ()}
BRITISH = "+447400123456"
SHOP = Caller(client="shop")


# -- By the operator


@pytest.mark.parametrize(
    ("kind", "subject"),
    [("number", "+12027770143"), ("range", "+1202777"), ("country", "GB")],
    ids=["number", "range", "country"],
)
def test_what_the_operator_closes_stays_closed_until_it_is_lifted(desk, clock, kind, subject):
    one, other = desk(**ABROAD), desk(**ABROAD)
    closed = BRITISH if kind == "country" else "+12027770143"

    assert one.operator.block(subject) == kind

    for hours in (0, 24 * 366):
        clock.advance(hours * 3600)
        assert other.refusal(closed) == (Limit.CLOSED, None), "waiting does not help"
    assert other.start("+12027780143").sends == 1
    assert [(kind_, left) for kind_, _label, left in other.closed()] == [(kind, None)]
    assert other.operator.lift(subject)
    assert one.start(closed).sends == 1


def test_a_closed_number_spends_nothing(desk, number):
    one = desk()
    one.operator.block(number)
    before = one.contents()

    one.refusal(number)

    assert one.contents() == before


# -- Messages that do not end in approvals


def pump(one, numbers, strangers, times, *, seconds=1):
    """Ask for so many numbers, each from another network, and answer none; return the addresses."""
    places = list(islice(strangers, times))
    for place in places:
        one.start(next(numbers), place)
        one.clock.advance(seconds)
    return places


def shut(one, numbers, strangers, times=5):
    """Have a range closed, its first trickle included; return the addresses that caused it."""
    places = pump(one, numbers, strangers, times)
    one.clock.advance(4 * MINUTES)
    one.start(next(numbers), next(strangers))
    assert [(kind, label) for kind, label, _ in one.closed()] == [("range", next(numbers)[:-4])]
    return places


def is_open(one, numbers, strangers):
    """Tell whether two who come at once are let in: one is, even to a closed range."""
    one.start(next(numbers), next(strangers))
    return one.start(next(numbers), next(strangers)).sends == 1


@pytest.fixture
def town():
    return lines("+1202777")


def test_a_range_where_five_networks_began_and_nobody_finished_is_closed(desk, town, strangers, news):
    one = desk()

    culprits = shut(one, town, strangers)

    assert news() == ["range_closed"]
    assert [left for *_, left in one.closed()] == [pytest.approx(TWELVE_HOURS * 1000, abs=60_000)]
    assert one.refusal(next(town), culprits[2]) == (Limit.CLOSED, TWELVE_HOURS), "for as long as it says"
    assert one.refusal(next(town), next(strangers)) == (Limit.CLOSED, FOUR_HOURS), "the next of a trickle"


def test_four_mean_nothing_yet(desk, town, strangers):
    one = desk()
    pump(one, town, strangers, 4)
    one.clock.advance(4 * MINUTES)

    assert is_open(one, town, strangers)


def test_one_who_finishes_is_enough(desk, town, strangers):
    one = desk()
    pump(one, town, strangers, 4)
    one.approve(next(town), next(strangers))
    pump(one, town, strangers, 4)
    one.clock.advance(4 * MINUTES)

    assert is_open(one, town, strangers)


@pytest.mark.parametrize(
    "places",
    [[f"203.0.113.{place}" for place in range(4)], [f"2001:db8:7:{place}::1" for place in range(4)]],
    ids=["IPv4", "IPv6"],
)
@pytest.mark.parametrize("begin", ["+1202777", "+44740012"], ids=["at home", "abroad"])
def test_one_network_never_closes_a_range(desk, strangers, places, begin):
    """It may be full of addresses and of numbers in sequence, and go on for a day: elsewhere nobody waits."""
    one, range_ = desk(**ABROAD, OBSERVE=("address",)), lines(begin, step=1)
    for _ in range(3):
        for index in range(10):
            one.start(next(range_), places[index % 4])
        assert one.refusal(next(range_), places[0]) == (Limit.STARTS_OF_PREFIX, 3600), "and has ten an hour there"
        one.clock.advance(61 * MINUTES)

    assert is_open(one, range_, strangers)
    assert one.closed() == []


def test_five_numbers_in_each_of_five_ranges_abroad_from_one_address_stop_nobody(desk, strangers):
    one = desk(**ABROAD)
    abroad = [lines(f"+4474001{place}") for place in range(5)]
    for range_ in abroad:
        one.start(next(range_))
    one.clock.advance(4 * MINUTES)

    assert all(is_open(one, range_, strangers) for range_ in abroad)


def test_numbers_that_the_carrier_refuses_are_no_evidence(desk, town, strangers, sender):
    one = desk(OBSERVE=("address",))
    for place in islice(strangers, 10):
        sender.refuse()
        with suppress(SendRefused):
            one.start(next(town), place)
    one.clock.advance(4 * MINUTES)

    assert is_open(one, town, strangers)


def test_a_number_that_the_carrier_refuses_hides_no_evidence(desk, town, strangers, sender):
    """Not of the message before it, and not of the one after it."""
    one, places = desk(), list(islice(strangers, 5))
    for place in places:
        one.start(next(town), place)
        sender.refuse()
        with suppress(SendRefused):
            one.start(next(town), place)
        one.clock.advance(1)
    one.clock.advance(4 * MINUTES)

    one.start(next(town), next(strangers))

    assert one.refusal(next(town), next(strangers))[0] is Limit.CLOSED


@pytest.mark.parametrize("order", ["refused first", "refused last"])
def test_it_hides_none_of_a_country_either(desk, strangers, sender, order):
    one = desk(**ABROAD)
    abroad = [lines(f"+4474001{place}") for place in range(10)]
    places = list(islice(strangers, 5))
    for place, range_ in zip(places, abroad, strict=False):
        for turn in range(2):
            if (turn == 0) == (order == "refused first"):
                sender.refuse()
            with suppress(SendRefused):
                one.start(next(abroad[9] if sender._script else range_), place)
    one.clock.advance(4 * MINUTES)

    assert one.refusal(next(abroad[8]), places[0])[0] is Limit.CLOSED


def test_one_number_does_not_close_its_range(desk, town, strangers):
    """Somebody bombs it, or somebody tries again and again whom no message reaches, from a phone on the road."""
    one = desk()
    bombed = next(town)
    for place in islice(strangers, 8):
        one.start(bombed, place)
        one.clock.advance(13 * MINUTES)

    assert is_open(one, town, strangers)


def test_ten_networks_fill_a_range_for_an_hour(desk, town, strangers):
    one = desk(UNFINISHED_PLACES=1000)
    pump(one, town, strangers, 10)

    assert one.refusal(next(town), next(strangers)) == (Limit.STARTS_OF_PREFIX, 3600 - 10)


def test_people_of_an_application_that_names_nobody_close_nothing(desk, town, strangers):
    one = desk()
    for _ in range(8):
        one.verifier.start(next(town), caller=SHOP)
    one.clock.advance(4 * MINUTES)

    assert one.verifier.start(next(town), caller=SHOP).sends == 1
    assert is_open(one, town, strangers)


def test_an_application_has_tallies_of_its_own(desk, town, strangers):
    """What its people do closes a range for it, and for nobody else; and an operator opens both."""
    one = desk()
    begin = lambda caller: one.verifier.start(next(town), caller=caller)  # noqa: E731
    for place in islice(strangers, 5):
        begin(replace(Caller.at(place), client="shop"))
    one.clock.advance(4 * MINUTES)
    begin(replace(Caller.at(next(strangers)), client="shop"))
    late = replace(Caller.at(next(strangers)), client="shop")

    assert refused(lambda: begin(late)) == (Limit.CLOSED, FOUR_HOURS)
    assert is_open(one, town, strangers)
    assert begin(replace(late, client="bank")).sends == 1
    assert one.operator.lift("+1202777")
    assert begin(late).sends == 1


# -- While it is closed


def test_a_closed_range_lets_one_message_through_in_each_third_of_the_time(desk, town, strangers):
    one = desk()
    shut(one, town, strangers)
    texted = 0
    for _ in range(11):
        one.clock.advance(3600)
        with suppress(Limited):
            one.start(next(town), next(strangers))
            texted += 1
        with suppress(Limited):
            one.start(next(town), next(strangers))
            texted += 1

    assert texted == 2


def test_a_trickle_is_for_others_than_those_who_caused_it(desk, town, strangers):
    one = desk()
    culprits = shut(one, town, strangers)
    one.clock.advance(FOUR_HOURS)

    assert all(one.refusal(next(town), place)[0] is Limit.CLOSED for place in culprits)
    assert one.start(next(town), next(strangers)).sends == 1


def test_one_approval_opens_it(desk, town, strangers):
    one = desk()
    culprits = shut(one, town, strangers)
    one.clock.advance(FOUR_HOURS)
    one.approve(next(town), next(strangers))

    assert one.closed() == []
    assert one.start(next(town), culprits[0]).sends == 1
    assert is_open(one, town, strangers)


def test_it_opens_by_itself(desk, engine, town, strangers):
    """The server counts these hours. What closed it closes it no more."""
    one = desk(CLOSED_SECONDS=600)
    shut(one, town, strangers)
    one.clock.advance(600)
    engine.age(600)

    assert is_open(one, town, strangers)


def test_what_was_lifted_is_not_closed_again_for_the_same_messages(desk, town, strangers):
    one = desk()
    shut(one, town, strangers)

    assert one.operator.lift("+1202777")

    assert is_open(one, town, strangers)


def test_what_a_network_began_a_day_ago_is_not_held_against_it(desk, engine, strangers):
    """Though it never pauses for as long."""
    one, range_, other = desk(), lines("+1202777"), lines("+1212777")
    one.start(next(range_), "203.0.113.9")
    for _ in range(3):
        one.clock.advance(9 * 3600)
        engine.age(9 * 3600)
        one.start(next(other), "203.0.113.9")
    pump(one, range_, strangers, 5)
    one.clock.advance(4 * MINUTES)

    assert one.start(next(range_), "203.0.113.9").sends == 1


# -- Rates


@pytest.mark.parametrize(("approved", "is_closed"), [(3, True), (4, False)])
def test_a_fifth_of_twenty_is_enough(desk, town, strangers, approved, is_closed):
    one = desk(**WIDE)
    for _ in range(approved):
        one.approve(next(town), next(strangers))
    pump(one, town, strangers, 20 - approved)
    one.clock.advance(4 * MINUTES)
    one.start(next(town), next(strangers))

    assert bool(one.closed()) is is_closed


def test_a_crowd_that_was_just_texted_is_given_time_to_type(desk, town, strangers, news):
    """A hundred people of one town in two minutes, who all type their code a minute later."""
    one = desk(**WIDE)
    started = []
    for number, place in zip(islice(town, 100), strangers, strict=False):
        started.append((one.start(number, place), place))
        one.clock.advance(1.2)
    for verification, place in started:
        one.check(verification, one.token_of(verification), place)
    one.clock.advance(10 * MINUTES)

    assert is_open(one, town, strangers)
    assert news() == []


def test_between_the_two_rates_the_log_warns(desk, town, strangers, news):
    one = desk(**WIDE)
    for _ in range(11):
        one.approve(next(town), next(strangers))
    pump(one, town, strangers, 9)
    one.clock.advance(4 * MINUTES)

    one.start(next(town), next(strangers))

    assert sorted(news()) == ["country_low_conversion", "range_low_conversion"]


@pytest.mark.parametrize(("hours", "is_closed"), [(23, True), (26, False)])
def test_a_day_later_it_is_forgotten(desk, town, strangers, hours, is_closed):
    """Whoever pumps slowly does not get away with it."""
    one = desk()
    pump(one, town, strangers, 5)
    one.clock.advance(hours * 3600)
    one.start(next(town), next(strangers))

    assert bool(one.closed()) is is_closed


def test_the_rates_are_settings(desk, town, strangers):
    settings = {"CONVERSION_MIN_SENDS": 4, "CONVERSION_CLOSE_PERCENT": 60, "CLOSED_SECONDS": 200_000}
    one = desk(**WIDE, **settings)
    for _ in range(2):
        one.approve(next(town), next(strangers))
    shut(one, town, strangers, 2)

    assert [left for *_, left in one.closed()] == [pytest.approx(200_000_000, abs=60_000)]


def test_to_watch_conversion_closes_nothing(desk, town, strangers, news):
    one = desk(OBSERVE=("conversion",))
    pump(one, town, strangers, 5)
    one.clock.advance(4 * MINUTES)

    assert is_open(one, town, strangers)
    assert "range_would_close" in news()
    assert one.closed() == []


def test_to_watch_conversion_refuses_nobody_for_what_was_closed_before(desk, town, strangers, news):
    shut(desk(), town, strangers)

    assert desk(OBSERVE=("conversion",)).start(next(town), next(strangers)).sends == 1
    assert "would_refuse closed" in news()


# -- A country


@pytest.fixture
def abroad(desk, strangers):
    """A service, and ranges of a country where five networks began and nobody but one person finished."""
    one = desk(**ABROAD)
    ranges_ = [lines(f"+4474001{place}") for place in range(10)]
    one.approve(next(ranges_[9]), next(strangers))
    culprits = [pump(one, range_, strangers, 1)[0] for range_ in ranges_[:5]]
    one.clock.advance(4 * MINUTES)
    return one, ranges_, culprits


def test_abroad_who_does_not_finish_waits_an_hour_while_few_do(abroad):
    one, ranges_, culprits = abroad

    assert one.refusal(next(ranges_[8]), culprits[4]) == (Limit.CLOSED, 3600 - 4 * MINUTES - 1)
    one.clock.advance(3600 - 4 * MINUTES - 1)
    assert one.start(next(ranges_[8]), culprits[4]).sends == 1


def test_and_a_range_there_that_nobody_finished_in_lets_a_trickle_through(abroad, strangers):
    """Ranges where somebody finishes, and those that nobody asked for yet, stay open."""
    one, ranges_, _ = abroad

    limit, wait = one.refusal(next(ranges_[0]), next(strangers))

    assert (limit, wait) == (Limit.CLOSED, pytest.approx(FOUR_HOURS - 4 * MINUTES, abs=10))
    assert one.start(next(ranges_[8]), next(strangers)).sends == 1
    assert is_open(one, ranges_[9], strangers)
    one.clock.advance(wait)
    one.approve(next(ranges_[0]), next(strangers))
    assert is_open(one, ranges_[0], strangers)


def test_at_home_nobody_has_to_wait_for_that(desk, scattered, strangers, news):
    """ADR 8: it would let an attacker stop the service. It is worth an alarm."""
    one = desk(**WIDE)
    asked = list(islice(scattered, 100))
    pump(one, iter(asked), strangers, 100)
    one.clock.advance(4 * MINUTES)

    neighbour = f"{asked[0][:-1]}{(int(asked[0][-1]) + 5) % 10}"
    assert one.start(neighbour, next(strangers)).sends == 1
    assert "country_low_conversion" in news()
    assert one.closed() == []


# -- Numbers one after the other


@pytest.mark.parametrize(
    "order",
    [(1, 2, 3, 4, 5), (5, 1, 3, 4, 2), (5, 4, 3, 2, 1), (1, 2, 4, 5, 3)],
    ids=["up", "mixed", "down", "gap last"],
)
def test_five_numbers_in_sequence_close_a_range_at_once(desk, strangers, news, order):
    one = desk()
    for place in order[:4]:
        one.start(f"+120277720{place:02}", next(strangers))
    assert one.closed() == []

    one.start(f"+120277720{order[4]:02}", next(strangers))

    assert [label for _, label, _ in one.closed()] == ["+1202777"]
    assert news() == ["range_closed"]


def test_neighbours_that_finish_are_no_sequence(desk, strangers):
    """A company gives its phones numbers in a row."""
    one = desk()
    for number in islice(lines("+1202777", step=1), 30):
        one.approve(number, next(strangers))


def test_ten_minutes_later_it_is_no_sequence_any_more(desk, strangers):
    one = desk()
    neighbours = lines("+1202777", step=1)
    pump(one, neighbours, strangers, 4, seconds=0)
    one.clock.advance(10 * MINUTES)

    assert is_open(one, neighbours, strangers)


def test_neighbours_of_different_ranges_are_no_sequence(desk, strangers):
    one = desk()
    for prefix, line in zip(ranges(), range(2000, 2030), strict=False):
        one.start(f"{prefix}{line}", next(strangers))


# -- One token on many numbers


def guess(one, numbers, strangers, sources, each=6):
    """Guess at so many numbers from each of so many networks; return these."""
    places = list(islice(strangers, sources))
    for place in places:
        for _ in range(each // 2):
            one.miss(one.start(next(numbers), place), 2, place)
    return places


def test_whoever_guesses_on_many_numbers_gets_no_more_messages(desk, scattered, strangers):
    one = desk(WRONG_CHECKS_IN_ALL=12)
    guessers = guess(one, scattered, strangers, 2)

    assert {one.refusal(next(scattered), place) for place in guessers} == {(Limit.WRONG_CHECKS_IN_ALL, 3600)}
    assert one.start(next(scattered), HERE).sends == 1, "who has typed a few wrong is not guessing"


def test_who_mistypes_a_whole_verification_is_not_guessing(desk, scattered, strangers):
    one = desk(WRONG_CHECKS_IN_ALL=12)
    guess(one, scattered, strangers, 2)
    one.miss(one.start(next(scattered)), 5)

    assert one.start(next(scattered)).sends == 1


def test_guessing_is_over_an_hour_later(desk, engine, scattered, strangers):
    one = desk(WRONG_CHECKS_IN_ALL=12)
    guesser, _ = guess(one, scattered, strangers, 2)
    one.clock.advance(3600)
    engine.age(3600)

    assert one.start(next(scattered), guesser).sends == 1


@pytest.mark.parametrize(("right", "is_held"), [(11, True), (12, False)])
def test_many_wrong_codes_are_fine_while_as_many_are_right(desk, scattered, strangers, right, is_held):
    """A busy hour has many who mistype."""
    one = desk(WRONG_CHECKS_IN_ALL=12)
    for _ in range(right):
        one.approve(next(scattered), next(strangers))
    guesser, _ = guess(one, scattered, strangers, 2)

    if is_held:
        assert one.refusal(next(scattered), guesser)[0] is Limit.WRONG_CHECKS_IN_ALL
    else:
        assert one.start(next(scattered), guesser).sends == 1


def test_guessing_through_several_replicas_adds_up(desk, scattered, strangers):
    replicas = [desk(WRONG_CHECKS_IN_ALL=18) for _ in range(3)]
    places = [guess(replica, scattered, strangers, 1)[0] for replica in replicas]

    assert replicas[2].refusal(next(scattered), places[0])[0] is Limit.WRONG_CHECKS_IN_ALL


def test_one_network_adds_fifteen_an_hour(desk, scattered, strangers):
    """However many of its addresses guess: by itself it cannot raise the alarm."""
    one = desk(WRONG_CHECKS_IN_ALL=16)
    for place in range(8):
        one.miss(one.start(next(scattered), f"203.0.113.{place}"), 5, f"203.0.113.{place}")
    assert one.start(next(scattered), "203.0.113.9").sends == 1

    other = next(strangers)
    one.miss(one.start(next(scattered), other), 1, other)

    assert one.refusal(next(scattered), "203.0.113.9")[0] is Limit.WRONG_CHECKS_IN_ALL


def test_the_same_wrong_code_a_thousand_times_is_one(desk, scattered, strangers):
    """With the name that its form has; then applications, and people who mistyped, go on."""
    one = desk(WRONG_CHECKS_IN_ALL=10)
    theirs = one.start(next(scattered))
    for _ in range(1_000):
        with suppress(TokenRejected):
            one.verifier.check(theirs.id, wrong(one.token_of(theirs)), caller=Caller.at(HERE), nonce="form-1")
    guess(one, scattered, strangers, 1, each=8)

    assert one.start(next(scattered)).sends == 1
    assert one.contents()["{tp}:g"].popitem()[1] == b"9"


def test_an_application_is_never_refused_for_guesses(desk, scattered, strangers):
    """Its people may have guessed as well: who they are is not known here."""
    one = desk(WRONG_CHECKS_IN_ALL=10)
    for _ in range(2):
        theirs = one.verifier.start(next(scattered), caller=SHOP)
        for _ in range(5):
            with suppress(TokenRejected):
                one.verifier.check(theirs.id, wrong(one.token_of(theirs)), caller=SHOP)
    guesser = guess(one, scattered, strangers, 2)[0]
    assert one.refusal(next(scattered), guesser)[0] is Limit.WRONG_CHECKS_IN_ALL

    assert one.verifier.start(next(scattered), caller=SHOP).sends == 1


def test_to_watch_guesses_refuses_nothing(desk, scattered, strangers, news):
    one = desk(WRONG_CHECKS_IN_ALL=12, OBSERVE=("guesses",))
    guesser, _ = guess(one, scattered, strangers, 2)

    assert one.start(next(scattered), guesser).sends == 1
    assert news() == ["would_refuse wrong_checks_in_all"]


@pytest.mark.parametrize(("alphabet", "length", "checks"), [("hex", 6, 1677), ("digits", 6, 100), ("digits", 4, 10)])
def test_the_more_codes_there_are_the_more_may_be_wrong(alphabet, length, checks):
    settings = Settings(SENDER="demo", TOKEN_ALPHABET=alphabet, TOKEN_LENGTH=length)

    assert settings.policy.shared.guesses == checks
