"""What is closed: by the operator, by the limiter when starts do not end well, and what never is."""

from collections.abc import Callable
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


# -- Messages that do not end in approvals


class Town:
    """A range of numbers, and people there, each in a network of their own."""

    def __init__(self, one, strangers, *, begin="+1202777", step=7):
        self.one, self.strangers, self.numbers = one, strangers, lines(begin, step)

    def start(self, place=""):
        return self.one.start(next(self.numbers), place or next(self.strangers))

    def pump(self, times, *, seconds=1):
        """Ask for so many numbers, each from another network, and answer none; return the addresses."""
        places = list(islice(self.strangers, times))
        for place in places:
            self.start(place)
            self.one.clock.advance(seconds)
        return places

    def finish(self, times=1):
        for _ in range(times):
            self.one.approve(next(self.numbers), next(self.strangers))

    def wait(self, seconds=4 * MINUTES):
        """Wait, four minutes unless told otherwise: whoever was texted had time to finish."""
        self.one.clock.advance(seconds)

    def shut(self, times=5):
        """Have the range closed, its first trickle included; return the addresses that caused it."""
        places = self.pump(times)
        self.wait()
        self.start()
        assert [(kind, label) for kind, label, _ in self.one.closed()] == [("range", next(self.numbers)[:-4])]
        return places

    def is_open(self):
        """Tell whether two who come at once are let in: one is, even to a closed range."""
        self.start()
        return self.start().sends == 1

    def refusal(self, place=""):
        return self.one.refusal(next(self.numbers), place or next(self.strangers))


@pytest.fixture
def town_of(desk, strangers):
    return lambda **changes: Town(desk(**changes), strangers)


@pytest.fixture
def town(town_of):
    return town_of()


def test_a_range_where_five_networks_began_and_nobody_finished_is_closed(town, news):
    culprits = town.shut()

    assert news() == ["range_closed"]
    assert [left for *_, left in town.one.closed()] == [pytest.approx(TWELVE_HOURS * 1000, abs=60_000)]
    assert town.refusal(culprits[2]) == (Limit.CLOSED, TWELVE_HOURS), "for as long as it says"
    assert town.refusal() == (Limit.CLOSED, FOUR_HOURS), "the next of a trickle"


def bombed(town):
    """Somebody bombs one number, or tries again and again where no message arrives, from a phone on the road."""
    number = next(town.numbers)
    for place in islice(town.strangers, 8):
        town.one.start(number, place)
        town.wait(13 * MINUTES)


def refused_by_the_carrier(town):
    town.one.sender.refuse(10)
    for _ in range(10):
        with suppress(SendRefused):
            town.start()


def typing(town):
    """A hundred people of one town in two minutes, who all type their code a minute later."""
    started = []
    for place in islice(town.strangers, 100):
        started.append((town.start(place), place))
        town.wait(1.2)
    for verification, place in started:
        town.one.check(verification, town.one.token_of(verification), place)


def of_one_application(town):
    """That tells nobody apart."""
    for _ in range(8):
        town.one.verifier.start(next(town.numbers), caller=SHOP)
    town.wait()
    assert town.one.verifier.start(next(town.numbers), caller=SHOP).sends == 1


OPEN: dict[str, tuple[dict, Callable]] = {
    "four networks": ({}, lambda town: town.pump(4)),
    "one who finishes": ({}, lambda town: (town.pump(4), town.finish(), town.pump(4))),
    "one number": ({}, bombed),
    "what the carrier refuses": ({"OBSERVE": ("address",)}, refused_by_the_carrier),
    "an application": ({}, of_one_application),
    "a crowd that was just texted": ({"STARTS_PER_PREFIX": (), "SENDS_IN_ALL": ()}, typing),
    "a fifth of twenty": (
        {"STARTS_PER_PREFIX": (), "SENDS_IN_ALL": ()},
        lambda town: (town.finish(4), town.pump(16)),
    ),
    "26 hours ago": ({}, lambda town: (town.pump(5), town.wait(26 * 3600))),
    "conversion is only watched": ({"OBSERVE": ("conversion",)}, lambda town: town.pump(5)),
}


@pytest.mark.parametrize("why", OPEN)
def test_a_range_stays_open(town_of, why):
    changes, happens = OPEN[why]
    town = town_of(**changes)

    happens(town)
    town.wait()

    assert town.is_open()
    assert town.one.closed() == []


@pytest.mark.parametrize(
    ("changes", "happens"),
    [
        (WIDE, lambda town: (town.finish(3), town.pump(17))),
        ({}, lambda town: (town.pump(5), town.wait(23 * 3600))),
    ],
    ids=["less than a fifth of twenty", "23 hours ago"],
)
def test_a_range_is_closed(town_of, changes, happens):
    """Whoever pumps slowly does not get away with it."""
    town = town_of(**changes)
    happens(town)
    town.wait()

    town.start()

    assert town.one.closed() != []


@pytest.mark.parametrize(
    "places",
    [[f"203.0.113.{place}" for place in range(4)], [f"2001:db8:7:{place}::1" for place in range(4)]],
    ids=["IPv4", "IPv6"],
)
@pytest.mark.parametrize("begin", ["+1202777", "+44740012"], ids=["at home", "abroad"])
def test_one_network_never_closes_a_range(desk, strangers, places, begin):
    """It may be full of addresses and of numbers in sequence, and go on for a day: elsewhere nobody waits."""
    town = Town(desk(**ABROAD, OBSERVE=("address",)), strangers, begin=begin, step=1)
    for _ in range(3):
        for index in range(10):
            town.start(places[index % 4])
        assert town.refusal(places[0]) == (Limit.STARTS_OF_PREFIX, 3600), "and has ten an hour there"
        town.wait(61 * MINUTES)

    assert town.is_open()
    assert town.one.closed() == []


def test_a_number_in_each_of_five_ranges_abroad_from_one_address_stops_nobody(desk, strangers):
    one = desk(**ABROAD)
    towns = [Town(one, strangers, begin=f"+4474001{place}") for place in range(5)]
    for town in towns:
        town.start(HERE)
    one.clock.advance(4 * MINUTES)

    assert all(town.is_open() for town in towns)


def test_a_number_that_the_carrier_refuses_hides_no_evidence(town, sender):
    """Not of the message before it, and not of the one after it."""
    for place in islice(town.strangers, 5):
        town.start(place)
        sender.refuse()
        with suppress(SendRefused):
            town.start(place)
        town.wait(1)
    town.wait()

    town.start()

    assert town.refusal()[0] is Limit.CLOSED


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


def test_ten_networks_fill_a_range_for_an_hour(town_of):
    town = town_of(UNFINISHED_PLACES=1000)
    town.pump(10)

    assert town.refusal() == (Limit.STARTS_OF_PREFIX, 3600 - 10)


def test_an_application_has_tallies_of_its_own(town):
    """What its people do closes a range for it, and for nobody else; and an operator opens both."""
    begin = lambda caller: town.one.verifier.start(next(town.numbers), caller=caller)  # noqa: E731
    *people, late = (replace(Caller.at(place), client="shop") for place in islice(town.strangers, 7))
    for person in people[:5]:
        begin(person)
    town.wait()
    begin(people[5])

    assert refused(lambda: begin(late)) == (Limit.CLOSED, FOUR_HOURS)
    assert town.is_open()
    assert begin(replace(late, client="bank")).sends == 1
    assert town.one.operator.lift("+1202777")
    assert begin(late).sends == 1


# -- While it is closed


def test_a_closed_range_lets_one_message_through_in_each_third_of_the_time(town):
    town.shut()
    texted = 0
    for _ in range(11):
        town.wait(3600)
        for _ in range(2):
            with suppress(Limited):
                town.start()
                texted += 1

    assert texted == 2


def test_a_trickle_is_for_others_than_those_who_caused_it_and_one_approval_opens_it(town):
    culprits = town.shut()
    town.wait(FOUR_HOURS)

    assert all(town.refusal(place)[0] is Limit.CLOSED for place in culprits)
    town.finish()
    assert town.one.closed() == []
    assert town.start(culprits[0]).sends == 1
    assert town.is_open()


def test_it_opens_by_itself(town_of, engine):
    """The server counts these hours. What closed it closes it no more."""
    town = town_of(CLOSED_SECONDS=600)
    town.shut()
    town.wait(600)
    engine.age(600)

    assert town.is_open()


def test_what_was_lifted_is_not_closed_again_for_the_same_messages(town):
    town.shut()

    assert town.one.operator.lift("+1202777")

    assert town.is_open()


def test_what_a_network_began_a_day_ago_is_not_held_against_it(town, engine):
    """Though it never pauses for as long."""
    other = lines("+1212777")
    town.start("203.0.113.9")
    for _ in range(3):
        town.wait(9 * 3600)
        engine.age(9 * 3600)
        town.one.start(next(other), "203.0.113.9")
    town.pump(5)
    town.wait()

    assert town.start("203.0.113.9").sends == 1


def test_between_the_two_rates_the_log_warns(town_of, news):
    town = town_of(**WIDE)
    town.finish(11)
    town.pump(9)
    town.wait()

    town.start()

    assert sorted(news()) == ["country_low_conversion", "range_low_conversion"]


def test_the_rates_are_settings(town_of):
    town = town_of(**WIDE, CONVERSION_MIN_SENDS=4, CONVERSION_CLOSE_PERCENT=60, CLOSED_SECONDS=200_000)
    town.finish(2)
    town.shut(2)

    assert [left for *_, left in town.one.closed()] == [pytest.approx(200_000_000, abs=60_000)]


def test_to_watch_conversion_tells_and_refuses_nobody(town, town_of, news):
    """Not even for what was closed before."""
    town.shut()
    watched = town_of(OBSERVE=("conversion",))
    watched.numbers = town.numbers
    elsewhere = Town(watched.one, town.strangers, begin="+1212777")

    assert watched.start().sends == 1
    elsewhere.pump(5)
    elsewhere.wait()
    elsewhere.start()

    assert {"would_refuse closed", "range_would_close"} <= set(news())


# -- A country


@pytest.fixture
def abroad(desk, strangers):
    """Towns of a country, where five networks began and nobody but one person finished; and who began."""
    one = desk(**ABROAD)
    towns = [Town(one, strangers, begin=f"+4474001{place}") for place in range(10)]
    towns[9].finish()
    culprits = [town.pump(1)[0] for town in towns[:5]]
    one.clock.advance(4 * MINUTES)
    return towns, culprits


def test_abroad_who_does_not_finish_waits_an_hour_while_few_do(abroad):
    towns, culprits = abroad

    assert towns[8].refusal(culprits[4]) == (Limit.CLOSED, 3600 - 4 * MINUTES - 1)
    towns[8].wait(3600 - 4 * MINUTES - 1)
    assert towns[8].start(culprits[4]).sends == 1


def test_abroad_nobody_waits_while_most_finish(desk, strangers):
    towns = [Town(desk(**ABROAD), strangers, begin=f"+4474001{place}") for place in range(10)]
    for town in towns[:8]:
        town.finish()
    (place, _) = [town.pump(1)[0] for town in towns[8:]]
    towns[0].wait()

    assert towns[7].start(place).sends == 1


def test_and_a_range_there_that_nobody_finished_in_lets_a_trickle_through(abroad):
    """Ranges where somebody finishes, and those that nobody asked for yet, stay open."""
    towns, _ = abroad

    limit, wait = towns[0].refusal()

    assert (limit, wait) == (Limit.CLOSED, pytest.approx(FOUR_HOURS - 4 * MINUTES, abs=10))
    assert towns[8].start().sends == 1
    assert towns[9].is_open()
    towns[0].wait(wait)
    towns[0].finish()
    assert towns[0].is_open()


def test_at_home_nobody_has_to_wait_for_that(town_of, scattered, news):
    """ADR 8: it would let an attacker stop the service. It is worth an alarm."""
    everywhere = town_of(**WIDE)
    everywhere.numbers = scattered
    everywhere.pump(100)
    everywhere.wait()

    assert everywhere.one.start("+12022200148", next(everywhere.strangers)).sends == 1
    assert "country_low_conversion" in news()
    assert everywhere.one.closed() == []


# -- Numbers one after the other


@pytest.mark.parametrize(
    "order",
    [(1, 2, 3, 4, 5), (5, 1, 3, 4, 2), (5, 4, 3, 2, 1), (1, 2, 4, 5, 3)],
    ids=["up", "mixed", "down", "gap last"],
)
def test_five_numbers_in_sequence_close_a_range_at_once(town, news, order):
    numbers = [f"+120277720{place:02}" for place in order]
    for number in numbers[:4]:
        town.one.start(number, next(town.strangers))
    assert town.one.closed() == []

    town.one.start(numbers[4], next(town.strangers))

    assert [label for _, label, _ in town.one.closed()] == ["+1202777"]
    assert news() == ["range_closed"]


def test_what_is_no_sequence(desk, strangers):
    """Neighbours that finish (a company gives its phones numbers in a row), of ten minutes ago, of other ranges."""
    one = desk()
    finishing, slow = (Town(one, strangers, begin=begin, step=1) for begin in ("+1202777", "+1212777"))
    finishing.finish(30)
    slow.pump(4, seconds=0)
    slow.wait(10 * MINUTES)
    assert slow.is_open()

    for prefix, line in zip(ranges(), range(2000, 2030), strict=False):
        one.start(f"{prefix}{line}", next(strangers))

    assert one.closed() == []


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


@pytest.mark.parametrize("finish", [0, 11, 12])
def test_many_wrong_codes_are_fine_while_as_many_are_right_and_after_an_hour(
    desk, engine, scattered, strangers, finish
):
    """A busy hour has many who mistype; and who mistypes a whole verification is not guessing."""
    one = desk(WRONG_CHECKS_IN_ALL=12)
    for _ in range(finish):
        one.approve(next(scattered), next(strangers))
    guesser, _ = guess(one, scattered, strangers, 2)
    if finish < 12:
        assert one.refusal(next(scattered), guesser)[0] is Limit.WRONG_CHECKS_IN_ALL
        one.miss(one.start(next(scattered)), 5)
        assert one.start(next(scattered)).sends == 1
        one.clock.advance(3600)
        engine.age(3600)

    assert one.start(next(scattered), guesser).sends == 1


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
