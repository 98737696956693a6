"""What is closed: by the operator, by the brake when starts do not end well, and what never is."""

import math
from itertools import islice

import pytest

from service.verification.errors import Limit
from tests.brake.desk import lines, ranges

TWELVE_HOURS = 43_200
MINUTES = 60
ABROAD = {"ALLOWED_REGIONS": ("US", "GB")}
WIDE = {"STARTS_PER_PREFIX": (), "SENDS_IN_ALL": ()}
FRENCH, BRITISH = "+33612345678", "+447400123456"


def digest(one, kind, subject):
    return one.key.number_digest(subject) if kind == "number" else one.key.subject_digest(kind, subject)


# -- By the operator


@pytest.mark.parametrize(
    ("kind", "subject"),
    [("number", "+12027770143"), ("prefix", "+1202777"), ("country", "GB")],
    ids=["number", "range", "country"],
)
def test_what_the_operator_closes_stays_closed_until_it_is_lifted(desk, clock, kind, subject):
    one, other = desk(**ABROAD), desk(**ABROAD)
    closed = BRITISH if kind == "country" else "+12027770143"
    name = subject if kind == "country" else digest(one, kind, subject)

    one.store.close(kind, name, label=subject)

    for hours in (0, 24 * 366):
        clock.advance(hours * 3600)
        assert other.refusal(closed) == (Limit.CLOSED, None), "waiting does not help"
    assert other.start("+12027780143").sends == 1
    assert other.store.closed() == [(kind, subject, None)]
    assert other.store.open(kind, name)
    assert one.start(closed).sends == 1


def test_a_closed_number_spends_nothing(desk, number):
    one = desk()
    one.store.close("number", one.key.number_digest(number), label="a friend")
    before = one.contents()

    one.refusal(number)

    assert one.contents() == before


# -- Starts that do not end in approvals


def pump(one, numbers, strangers, times, *, seconds=1):
    """Ask for so many numbers, each from somewhere else, and answer none."""
    for _ in range(times):
        one.start(next(numbers), next(strangers))
        one.clock.advance(seconds)


def test_a_range_is_closed_when_less_than_a_fifth_of_twenty_starts_ends_well(desk, strangers, sender, news):
    one, range_ = desk(**WIDE), lines("+1202777")
    pump(one, range_, strangers, 20)
    one.clock.advance(4 * MINUTES)

    assert one.refusal(next(range_), next(strangers)) == (Limit.CLOSED, TWELVE_HOURS)

    assert len(sender.messages) == 20
    assert "closed:prefix" in news()
    assert [(kind, label) for kind, label, _ in one.store.closed()] == [("prefix", "+1202777")]


def test_nineteen_starts_mean_nothing_yet(desk, strangers):
    one, range_ = desk(**WIDE), lines("+1202777")
    pump(one, range_, strangers, 19)
    one.clock.advance(4 * MINUTES)

    assert one.start(next(range_), next(strangers)).sends == 1


@pytest.mark.parametrize(("approved", "is_closed"), [(3, True), (4, False)])
def test_a_fifth_is_enough(desk, strangers, approved, is_closed):
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
    assert one.store.closed() == []


def test_between_the_two_rates_the_log_warns(desk, strangers, news):
    one, range_ = desk(**WIDE), lines("+1202777")
    for _ in range(11):
        one.approve(next(range_), next(strangers))
    pump(one, range_, strangers, 9)
    one.clock.advance(4 * MINUTES)

    one.start(next(range_), next(strangers))

    assert sorted(news()) == ["low_conversion:country", "low_conversion:prefix"]


def test_what_happened_an_hour_ago_does_not_count(desk, strangers):
    one, range_ = desk(**WIDE), lines("+1202777")
    pump(one, range_, strangers, 20)
    one.clock.advance(62 * MINUTES)

    assert one.start(next(range_), next(strangers)).sends == 1


def test_what_the_brake_closed_opens_by_itself(desk, engine, strangers):
    """The server counts these twelve hours."""
    one, range_ = desk(**WIDE), lines("+1202777")
    pump(one, range_, strangers, 20)
    one.clock.advance(4 * MINUTES)
    one.refusal(next(range_), next(strangers))

    lives = [life for name, life in engine.lives().items() if name.startswith("z:")]

    assert [math.ceil(life / 1000) for life in lives] == [pytest.approx(TWELVE_HOURS, abs=60)]


def test_what_was_lifted_is_not_closed_again_for_the_same_starts(desk, strangers):
    one, range_ = desk(**WIDE), lines("+1202777")
    pump(one, range_, strangers, 20)
    one.clock.advance(4 * MINUTES)
    one.refusal(next(range_), next(strangers))

    assert one.store.open("prefix", one.key.subject_digest("prefix", "+1202777"))

    assert one.start(next(range_), next(strangers)).sends == 1


def british():
    """Numbers of several British ranges."""
    return (f"+447400{place % 10}{place:05}" for place in range(10_000, 90_000, 7))


def test_a_country_is_closed(desk, strangers, news):
    one, range_ = desk(**WIDE, **ABROAD), british()
    pump(one, range_, strangers, 20)
    one.clock.advance(4 * MINUTES)

    assert one.refusal(next(range_), next(strangers)) == (Limit.CLOSED, TWELVE_HOURS)

    assert "closed:country" in news()
    assert one.start("+12027770143", next(strangers)).sends == 1


def test_the_home_country_is_never_closed(desk, scattered, strangers, news):
    """ADR 8: that would let an attacker stop the service. It is worth an alarm."""
    one = desk(**WIDE)
    pump(one, scattered, strangers, 100)
    one.clock.advance(4 * MINUTES)

    assert one.start(next(scattered), next(strangers)).sends == 1
    assert "low_conversion:country" in news()
    assert one.store.closed() == []


def test_to_watch_conversion_closes_nothing(desk, strangers, news):
    one, range_ = desk(**WIDE, OBSERVE=("conversion",)), lines("+1202777")
    pump(one, range_, strangers, 20)
    one.clock.advance(4 * MINUTES)

    assert one.start(next(range_), next(strangers)).sends == 1
    assert "would_close:prefix" in news()
    assert one.store.closed() == []


def test_the_rates_are_settings(desk, strangers):
    one = desk(**WIDE, CONVERSION_MIN_SENDS=4, CONVERSION_CLOSE_PERCENT=60, CLOSED_SECONDS=90)
    range_ = lines("+1202777")
    for _ in range(2):
        one.approve(next(range_), next(strangers))
    pump(one, range_, strangers, 2)
    one.clock.advance(4 * MINUTES)

    assert one.refusal(next(range_), next(strangers)) == (Limit.CLOSED, 90)


# -- Numbers one after the other


def test_the_fifth_number_in_a_sequence_closes_the_range(desk, strangers, sender, news):
    one = desk()
    neighbours = lines("+1202777", step=1)
    pump(one, neighbours, strangers, 4)

    assert one.refusal(next(neighbours), next(strangers)) == (Limit.CLOSED, TWELVE_HOURS)

    assert len(sender.messages) == 4
    assert news() == ["closed:prefix"]


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
    """The second start shares the message of the first, and is given back; the first is still there."""
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
    """Start and guess once at each number, as somebody who has many addresses."""
    for _ in range(times):
        stranger = next(strangers)
        one.miss(one.start(next(numbers), stranger), 1, stranger)


def test_guessing_on_many_numbers_stops_new_messages(desk, scattered, strangers, sender):
    one = desk(WRONG_CHECKS_IN_ALL=10)
    try_each(one, scattered, strangers, 10)

    limit, wait = one.refusal(next(scattered), next(strangers))

    assert (limit, len(sender.messages)) == (Limit.WRONG_CHECKS_IN_ALL, 10)
    assert wait


def test_guessing_is_over_an_hour_later(desk, scattered, strangers):
    one = desk(WRONG_CHECKS_IN_ALL=10)
    try_each(one, scattered, strangers, 10)
    one.refusal(next(scattered), next(strangers))
    one.clock.advance(62 * MINUTES)

    assert one.start(next(scattered), next(strangers)).sends == 1


@pytest.mark.parametrize(("right", "is_held"), [(9, True), (10, False)])
def test_many_wrong_codes_are_fine_while_as_many_are_right(desk, scattered, strangers, right, is_held):
    """A busy hour has many who mistype."""
    one = desk(WRONG_CHECKS_IN_ALL=10)
    for _ in range(right):
        one.approve(next(scattered), next(strangers))
    try_each(one, scattered, strangers, 9)
    stranger = next(strangers)
    one.miss(one.start(next(scattered), stranger), 1, stranger)

    if is_held:
        assert one.refusal(next(scattered), next(strangers))[0] is Limit.WRONG_CHECKS_IN_ALL
    else:
        assert one.start(next(scattered), next(strangers)).sends == 1


def test_guessing_through_several_replicas_adds_up(desk, scattered, strangers):
    replicas = [desk(WRONG_CHECKS_IN_ALL=12) for _ in range(3)]
    for turn in range(12):
        try_each(replicas[turn % 3], scattered, strangers, 1)
    for replica in replicas[:2]:
        replica.verifier.start(next(scattered))

    assert replicas[2].refusal(next(scattered), next(strangers))[0] is Limit.WRONG_CHECKS_IN_ALL


def test_guesses_count_also_when_the_start_that_tells_of_them_is_refused(desk, scattered, strangers):
    """Otherwise whoever guesses has a refused start between any two guesses, and is never seen."""
    one = desk(WRONG_CHECKS_IN_ALL=5)
    closed = next(scattered)
    one.store.close("number", one.key.number_digest(closed), label="closed")
    for _ in range(5):
        try_each(one, scattered, strangers, 1)
        one.refusal(closed, next(strangers))

    assert one.refusal(next(scattered), next(strangers))[0] is Limit.WRONG_CHECKS_IN_ALL


def test_to_watch_guesses_refuses_nothing(desk, scattered, strangers, news):
    one = desk(WRONG_CHECKS_IN_ALL=10, OBSERVE=("guesses",))
    try_each(one, scattered, strangers, 15)

    assert len([line for line in news() if line.startswith("would_refuse:guessing")]) == 5
