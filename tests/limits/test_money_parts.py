"""What a day's money buys has the same parts as SENDS_IN_ALL: few networks cannot spend it for everybody."""

from contextlib import suppress

from service.verification.errors import Limited

PRICES = {"SPEND_PER_DAY": 1.0, "MESSAGE_PRICES": (("US", 0.01),)}  # a hundred messages


def test_a_few_networks_leave_most_of_the_money_to_others(desk, scattered, strangers):
    one = desk(**PRICES)
    places = [next(strangers) for _ in range(5)]
    for number, place in zip(scattered, places * 30, strict=False):
        with suppress(Limited):
            one.start(number, place)

    assert one.sent <= 35, "15 of a hundred, then two of each network"
    assert one.start(next(scattered), "203.0.113.9").sends == 1


def test_without_parts_it_would_be_gone(desk, scattered, strangers, monkeypatch):
    """The control: an address may have ten an hour, and ten of them are a hundred."""
    monkeypatch.setattr("service.verification.limits.PARTS_OF_PAGES", ())
    one = desk(**PRICES)
    places = [next(strangers) for _ in range(12)]
    for number, place in zip(scattered, places * 10, strict=False):
        with suppress(Limited):
            one.start(number, f"{place.rpartition('.')[0]}.{places.index(place) + 1}")

    assert one.sent > 35
