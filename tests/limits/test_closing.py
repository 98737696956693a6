"""What is closed: by the operator, by the limiter when starts do not end well, and what never is."""

import math
from itertools import islice

import pytest

from service.config import Settings
from service.verification.caller import Caller
from service.verification.errors import Limit
from tests.limits.desk import HERE, lines, ranges, refused

TWELVE_HOURS = 43_200
MINUTES = 60
ABROAD = {"ALLOWED_REGIONS": ("US", "GB")}
WIDE = {"STARTS_PER_PREFIX": (), "SENDS_IN_ALL": ()}
FRENCH, BRITISH = "+33612345678", "+447400123456"


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


# -- Starts that do not end in approvals


def pump(one, numbers, strangers, times, *, seconds=1):
    """Ask for so many numbers, each from somewhere else, and answer none."""
    for _ in range(times):
        one.start(next(numbers), next(strangers))
        one.clock.advance(seconds)


def test_a_range_where_five_began_and_nobody_finished_is_closed(desk, strangers, sender, news):
    one, range_ = desk(), lines("+1202777")
    pump(one, range_, strangers, 5)
    one.clock.advance(4 * MINUTES)

    limit, wait = one.refusal(next(range_), next(strangers))

    assert (limit, len(sender.messages)) == (Limit.CLOSED, 5)
    assert TWELVE_HOURS < wait <= 25 * 3600, "until the starts are a day old"
    assert "range_closed" in news()
    assert [(kind, label) for kind, label, _ in one.closed()] == [("range", "+1202777")]


def test_four_mean_nothing_yet(desk, strangers):
    one, range_ = desk(), lines("+1202777")
    pump(one, range_, strangers, 4)
    one.clock.advance(4 * MINUTES)

    assert one.start(next(range_), next(strangers)).sends == 1


def test_one_who_finishes_is_enough(desk, strangers):
    one, range_ = desk(), lines("+1202777")
    pump(one, range_, strangers, 4)
    one.approve(next(range_), next(strangers))
    pump(one, range_, strangers, 4)
    one.clock.advance(4 * MINUTES)

    assert one.start(next(range_), next(strangers)).sends == 1


def test_one_address_cannot_have_a_range_closed(desk, strangers):
    """What it begins there counts once."""
    one, range_ = desk(), lines("+1202777", step=1)
    for _ in range(3):
        for _ in range(10):
            one.start(next(range_), "203.0.113.9")
        one.clock.advance(61 * MINUTES)

    assert one.start(next(range_), next(strangers)).sends == 1
    assert one.closed() == []


def test_one_address_cannot_fill_a_range(desk, strangers):
    """It has half of what the range is allowed."""
    one, range_ = desk(), lines("+1202777")
    for _ in range(10):
        one.start(next(range_), "203.0.113.9")

    for _ in range(5):
        assert one.start(next(range_), next(strangers)).sends == 1
    assert one.refusal(next(range_), next(strangers))[0] is Limit.STARTS_OF_PREFIX


def test_one_number_that_is_bombed_does_not_close_its_range(desk, strangers, clock):
    one, range_ = desk(), lines("+1202777")
    bombed = next(range_)
    for _ in range(8):
        one.start(bombed, next(strangers))
        clock.advance(13 * MINUTES)

    assert one.start(next(range_), next(strangers)).sends == 1


def test_behind_an_application_every_start_counts(desk):
    """It is one caller for all its people, so who they are is not known here."""
    one, range_ = desk(), lines("+1202777")
    for _ in range(5):
        one.verifier.start(next(range_), caller=Caller(client="shop"))
    one.clock.advance(4 * MINUTES)

    assert refused(lambda: one.verifier.start(next(range_), caller=Caller(client="shop")))[0] is Limit.CLOSED


@pytest.mark.parametrize(("approved", "is_closed"), [(3, True), (4, False)])
def test_a_fifth_of_twenty_is_enough(desk, strangers, approved, is_closed):
    one, range_ = desk(**WIDE), lines("+1202777")
    for _ in range(approved):
        one.approve(next(range_), next(strangers))
    pump(one, range_, strangers, 20 - approved)
    one.clock.advance(4 * MINUTES)
    if is_closed:
        assert one.refusal(next(range_), next(strangers))[0] is Limit.CLOSED
    else:
        assert one.start(next(range_), next(strangers)).sends == 1


def test_a_crowd_that_was_just_texted_is_given_time_to_type(desk, strangers, sender, news):
    """A hundred people of one town in two minutes, who all type their code a minute later."""
    one, town = desk(**WIDE), lines("+1202777")
    started = []
    for number in islice(town, 100):
        stranger = next(strangers)
        started.append((one.start(number, stranger), stranger))
        one.clock.advance(1.2)
    for verification, stranger in started:
        one.check(verification, one.token_of(verification), stranger)
    one.clock.advance(10 * MINUTES)

    assert one.start(next(town), next(strangers)).sends == 1
    assert news() == []
    assert one.closed() == []


def test_between_the_two_rates_the_log_warns(desk, strangers, news):
    one, range_ = desk(**WIDE), lines("+1202777")
    for _ in range(11):
        one.approve(next(range_), next(strangers))
    pump(one, range_, strangers, 9)
    one.clock.advance(4 * MINUTES)

    one.start(next(range_), next(strangers))

    assert sorted(news()) == ["country_low_conversion", "range_low_conversion"]


@pytest.mark.parametrize(("hours", "is_closed"), [(23, True), (26, False)])
def test_a_day_later_it_is_forgotten(desk, strangers, hours, is_closed):
    """Whoever pumps slowly does not get away with it."""
    one, range_ = desk(), lines("+1202777")
    pump(one, range_, strangers, 5)
    one.clock.advance(hours * 3600)

    if is_closed:
        assert one.refusal(next(range_), next(strangers))[0] is Limit.CLOSED
    else:
        assert one.start(next(range_), next(strangers)).sends == 1


def test_an_attack_shows_after_a_good_day(desk, strangers):
    """The rate of the last hour or two counts as well as that of the day."""
    one, range_ = desk(**WIDE), lines("+1202777")
    for _ in range(30):
        one.approve(next(range_), next(strangers))
    one.clock.advance(5 * 3600)
    pump(one, range_, strangers, 20)
    one.clock.advance(4 * MINUTES)

    assert one.refusal(next(range_), next(strangers))[0] is Limit.CLOSED


def test_what_the_limiter_closed_opens_by_itself(desk, engine, strangers):
    """The server counts these hours."""
    one, range_ = desk(), lines("+1202777")
    pump(one, range_, strangers, 5)
    one.clock.advance(4 * MINUTES)
    _, wait = one.refusal(next(range_), next(strangers))

    lives = [life for name, life in engine.lives().items() if name.startswith("{tp}:z:")]

    assert [math.ceil(life / 1000) for life in lives] == [pytest.approx(wait, abs=60)]


def test_what_was_lifted_is_not_closed_again_for_the_same_starts(desk, strangers):
    one, range_ = desk(), lines("+1202777")
    pump(one, range_, strangers, 5)
    one.clock.advance(4 * MINUTES)
    one.refusal(next(range_), next(strangers))

    assert one.operator.lift("+1202777")

    assert one.start(next(range_), next(strangers)).sends == 1


def test_abroad_one_who_does_not_finish_is_enough_while_nobody_does(desk, strangers, news):
    """The country itself stays open: ranges where somebody finishes, and those that nobody asked for yet."""
    one = desk(**ABROAD)
    abroad = [lines(f"+4474001{place}") for place in range(10)]
    good = abroad.pop()
    one.approve(next(good), next(strangers))
    for range_ in abroad[:8]:
        pump(one, range_, strangers, 1)
    one.clock.advance(4 * MINUTES)

    assert {one.refusal(next(range_), next(strangers)) for range_ in abroad[:8]} == {(Limit.CLOSED, 3600)}

    assert one.start(next(abroad[8]), next(strangers)).sends == 1
    assert one.start(next(good), next(strangers)).sends == 1
    assert one.closed() == []


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


def test_to_watch_conversion_closes_nothing(desk, strangers, news):
    one, range_ = desk(OBSERVE=("conversion",)), lines("+1202777")
    pump(one, range_, strangers, 5)
    one.clock.advance(4 * MINUTES)

    assert one.start(next(range_), next(strangers)).sends == 1
    assert "range_would_close" in news()
    assert one.closed() == []


def test_to_watch_conversion_refuses_nobody_for_what_was_closed_before(desk, strangers, news):
    one, range_ = desk(), lines("+1202777")
    pump(one, range_, strangers, 5)
    one.clock.advance(4 * MINUTES)
    one.refusal(next(range_), next(strangers))

    assert desk(OBSERVE=("conversion",)).start(next(range_), next(strangers)).sends == 1
    assert "would_refuse closed" in news()


def test_the_rates_are_settings(desk, strangers):
    settings = {"CONVERSION_MIN_SENDS": 4, "CONVERSION_CLOSE_PERCENT": 60, "CLOSED_SECONDS": 200_000}
    one, range_ = desk(**WIDE, **settings), lines("+1202777")
    for _ in range(2):
        one.approve(next(range_), next(strangers))
    pump(one, range_, strangers, 2)
    one.clock.advance(4 * MINUTES)

    assert one.refusal(next(range_), next(strangers)) == (Limit.CLOSED, 200_000)


# -- Numbers one after the other


def test_the_fifth_number_in_a_sequence_closes_the_range(desk, strangers, sender, news):
    one = desk()
    neighbours = lines("+1202777", step=1)
    pump(one, neighbours, strangers, 4)

    assert one.refusal(next(neighbours), next(strangers)) == (Limit.CLOSED, TWELVE_HOURS)

    assert len(sender.messages) == 4
    assert news() == ["range_closed"]


@pytest.mark.parametrize("order", [(5, 1, 3, 4), (4, 3, 2, 1), (1, 2, 4, 5)], ids=["mixed", "down", "gap last"])
def test_the_order_does_not_hide_a_sequence(desk, strangers, order):
    one = desk()
    last = ({1, 2, 3, 4, 5} - set(order)).pop()
    for place in order:
        one.start(f"+120277720{place:02}", next(strangers))

    assert one.refusal(f"+120277720{last:02}", next(strangers))[0] is Limit.CLOSED


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

    assert one.start(next(neighbours), next(strangers)).sends == 1


def test_neighbours_of_different_ranges_are_no_sequence(desk, strangers):
    one = desk()
    for prefix, line in zip(ranges(), range(2000, 2030), strict=False):
        one.start(f"{prefix}{line}", next(strangers))


def test_asking_twice_for_each_number_does_not_hide_a_sequence(desk, strangers):
    """The second start shares the message of the first; the first is still there."""
    one = desk()
    neighbours = lines("+1202777", step=1)
    for number in islice(neighbours, 4):
        one.start(number, next(strangers))
        one.clock.advance(1)
        assert one.start(number, next(strangers)).is_shared
        one.clock.advance(1)

    assert one.refusal(next(neighbours), next(strangers))[0] is Limit.CLOSED


# -- One token on many numbers


def try_each(one, numbers, strangers, times):
    """Start and guess once at each number, as somebody who has many addresses; return these."""
    places = list(islice(strangers, times))
    for place in places:
        one.miss(one.start(next(numbers), place), 1, place)
    return places


def found_out(one, scattered, strangers, times=10):
    """Guess so many times, and return an address that did, when it cannot be typing any more."""
    places = try_each(one, scattered, strangers, times)
    one.clock.advance(4 * MINUTES)
    return places[0]


def test_whoever_guesses_on_many_numbers_gets_no_more_messages(desk, scattered, strangers, sender):
    one = desk(WRONG_CHECKS_IN_ALL=10)
    guesser = found_out(one, scattered, strangers)

    limit, wait = one.refusal(next(scattered), guesser)

    assert (limit, len(sender.messages)) == (Limit.WRONG_CHECKS_IN_ALL, 10)
    assert wait


def test_whoever_ends_what_they_begin_is_let_in(desk, scattered, strangers):
    """Otherwise somebody who guesses stops the service."""
    one = desk(WRONG_CHECKS_IN_ALL=10)
    found_out(one, scattered, strangers)

    one.approve(next(scattered), HERE)
    one.approve(next(scattered), HERE)


def test_guessing_is_over_an_hour_later(desk, scattered, strangers):
    one = desk(WRONG_CHECKS_IN_ALL=10)
    guesser = found_out(one, scattered, strangers)
    one.refusal(next(scattered), guesser)
    one.clock.advance(62 * MINUTES)

    assert one.start(next(scattered), guesser).sends == 1


@pytest.mark.parametrize(("right", "is_held"), [(9, True), (10, False)])
def test_many_wrong_codes_are_fine_while_as_many_are_right(desk, scattered, strangers, right, is_held):
    """A busy hour has many who mistype."""
    one = desk(WRONG_CHECKS_IN_ALL=10)
    for _ in range(right):
        one.approve(next(scattered), next(strangers))
    guesser = found_out(one, scattered, strangers)

    if is_held:
        assert one.refusal(next(scattered), guesser)[0] is Limit.WRONG_CHECKS_IN_ALL
    else:
        assert one.start(next(scattered), guesser).sends == 1


def test_guessing_through_several_replicas_adds_up(desk, scattered, strangers):
    replicas = [desk(WRONG_CHECKS_IN_ALL=12) for _ in range(3)]
    places = [try_each(replicas[turn % 3], scattered, strangers, 1)[0] for turn in range(12)]
    replicas[0].clock.advance(4 * MINUTES)
    for replica in replicas[:2]:
        replica.start(next(scattered), next(strangers))

    assert replicas[2].refusal(next(scattered), places[0])[0] is Limit.WRONG_CHECKS_IN_ALL


def test_guesses_count_also_when_the_start_that_tells_of_them_is_refused(desk, scattered, strangers):
    """Otherwise whoever guesses has a refused start between any two guesses, and is never seen."""
    one = desk(WRONG_CHECKS_IN_ALL=5)
    closed = next(scattered)
    one.operator.block(closed)
    guesser = next(strangers)
    for _ in range(5):
        one.miss(one.start(next(scattered), guesser), 1, guesser)
        one.refusal(closed, next(strangers))
    one.clock.advance(4 * MINUTES)

    assert one.refusal(next(scattered), guesser)[0] is Limit.WRONG_CHECKS_IN_ALL


def test_to_watch_guesses_refuses_nothing(desk, scattered, strangers, news):
    one = desk(WRONG_CHECKS_IN_ALL=10, OBSERVE=("guesses",))
    guesser = found_out(one, scattered, strangers)

    assert one.start(next(scattered), guesser).sends == 1
    assert [line for line in news() if line.startswith("would_refuse")] == ["would_refuse wrong_checks_in_all"]


@pytest.mark.parametrize(("alphabet", "length", "checks"), [("hex", 6, 1677), ("digits", 6, 100), ("digits", 4, 10)])
def test_the_more_codes_there_are_the_more_may_be_wrong(alphabet, length, checks):
    settings = Settings(SENDER="demo", TOKEN_ALPHABET=alphabet, TOKEN_LENGTH=length)

    assert settings.policy.shared.guesses == checks
