"""What everybody may send in an hour, and how much of it few can take: see `PARTS_OF_PAGES`."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest

from service.verification.caller import Caller
from service.verification.errors import Limit, Limited, VerificationError
from service.verification.policy import Window
from service.verification.ports import OptOut
from tests.limits.desk import HERE, refused

SHOP = Caller(client="shop")


def every(count):
    return (Window(count, timedelta(hours=1)),)


def take(one, numbers, place, most=100):
    """Ask from one place until it is refused, finish nothing, and return how many messages it got."""
    for taken in range(most):
        with suppress(Limited):
            one.start(next(numbers), place)
            continue
        return taken
    return most


def test_ten_addresses_with_five_messages_each_to_ten_numbers_stop_nobody(desk, scattered, strangers):
    one = desk()
    begun = []
    for place in islice(strangers, 10):
        for number in islice(scattered, 10):
            with suppress(Limited):
                begun.append((one.start(number, place), place))
    for wait in (30, 60, 90, 120):
        one.clock.advance(wait)
        for verification, place in begun:
            with suppress(VerificationError):
                one.verifier.resend(verification.id, caller=Caller.at(place))

    assert one.sent <= 100
    one.approve(next(scattered), HERE)
    assert one.verifier.start(next(scattered), caller=SHOP).sends == 1


def test_to_keep_others_from_their_first_message_takes_three_hundred_networks(desk, scattered):
    """The first of them take all they may, four addresses each; those that come later find less and less."""
    one, networks = desk(), 0
    while one.sent < 425:
        taken = [take(one, scattered, f"100.{64 + networks // 256}.{networks % 256}.{place}") for place in range(4)]
        assert sum(taken), networks
        networks += 1

    assert networks >= 300
    assert one.refusal(next(scattered), HERE)[0] is Limit.SENDS_IN_ALL


# -- Of a hundred messages an hour


@pytest.fixture
def one(desk):
    return desk(SENDS_IN_ALL=every(100))


@pytest.mark.parametrize(
    ("unfinished", "before"),
    [(85, 0), (30, 1), (15, 2)],
    ids=["the first message", "the second", "the third"],
)
def test_the_more_a_network_left_unfinished_the_less_of_all_it_finds(one, scattered, strangers, unfinished, before):
    for _ in range(before):
        one.start(next(scattered))
    *places, last = islice(strangers, unfinished - before)
    for place in places:
        one.start(next(scattered), place)
    also = one.start(next(scattered), last)

    assert one.refusal(next(scattered)) == (Limit.SENDS_IN_ALL, 3600)
    one.check(also, one.token_of(also), last)
    assert one.start(next(scattered)).sends == 1


@pytest.fixture
def scarce(one, scattered, strangers):
    """Of the hundred, 85 were sent to somebody who did not finish."""
    for place in islice(strangers, 85):
        one.start(next(scattered), place)
    return one


def test_who_finishes_makes_room(scarce, scattered, strangers):
    last = next(scattered)
    scarce.clock.advance(3600)
    started = [(scarce.start(number, place), place) for number, place in zip(islice(scattered, 85), strangers)]  # noqa: B905
    assert scarce.refusal(last)[0] is Limit.SENDS_IN_ALL

    verification, place = started[7]
    scarce.check(verification, scarce.token_of(verification), place)

    assert scarce.start(last).sends == 1


def test_the_last_part_is_for_networks_that_finish(desk, scattered, strangers):
    """As many messages as they have finished in the hour, and one more."""
    one = desk(SENDS_IN_ALL=every(100))
    for _ in range(2):
        one.approve(next(scattered), HERE)
    for place in islice(strangers, 85):
        one.start(next(scattered), place)

    for _ in range(3):
        one.start(next(scattered), HERE)
    assert one.refusal(next(scattered), HERE)[0] is Limit.SENDS_IN_ALL


def test_the_last_part_is_for_phones_that_texted_start(scarce, number):
    assert scarce.refusal(number)[0] is Limit.SENDS_IN_ALL

    scarce.verifier.receive(OptOut(number, out=False))

    assert scarce.start(number).sends == 1


def test_the_last_part_is_for_applications_and_numbers_that_they_vouch_for(scarce, scattered, strangers):
    person = Caller.at(next(strangers))

    assert scarce.verifier.start(next(scattered), caller=SHOP).sends == 1
    assert scarce.verifier.start(next(scattered), caller=replace(person, client="shop")).sends == 1
    assert scarce.verifier.start(next(scattered), caller=replace(person, client="shop", vouches=True)).sends == 1


def test_an_application_leaves_most_of_it_to_others(one, scattered):
    """Where nobody is told apart 30 % of it may be unfinished; a second application has its own part."""
    for _ in range(30):
        one.verifier.start(next(scattered), caller=SHOP)

    assert refused(lambda: one.verifier.start(next(scattered), caller=SHOP))[0] is Limit.SENDS_IN_ALL
    assert one.verifier.start(next(scattered), caller=Caller(client="bank")).sends == 1
    assert one.start(next(scattered)).sends == 1


def test_what_a_network_left_unfinished_counts_at_every_door(one, scattered, strangers):
    """Of pages and of applications alike."""
    for place in islice(strangers, 28):
        one.start(next(scattered), place)
    for client in ("shop", "bank"):
        one.verifier.start(next(scattered), caller=replace(Caller.at(HERE), client=client))

    assert take(one, scattered, HERE) == 0


def test_to_watch_it_refuses_nothing(desk, scattered, strangers, news):
    one = desk(SENDS_IN_ALL=every(100), OBSERVE=("everything",))
    for place in islice(strangers, 86):
        one.start(next(scattered), place)

    assert news() == ["would_refuse sends_in_all"]
