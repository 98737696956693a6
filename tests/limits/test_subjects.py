"""What is one subject and what is another. How numbers and addresses are read is in `tests/verification`."""

import random
from ipaddress import IPv6Address, IPv6Network

import pytest

from service.store.redis import RedisStore
from service.verification.errors import Limit
from tests.limits.desk import HERE, lines
from tests.web.steps import nonce_of

FORGED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")


@pytest.fixture
def make_store(engine):
    return lambda policy: RedisStore(engine.client, policy)


def ask(browser, number, headers, *, peer):
    form = {"phone": number, "nonce": f"{nonce_of(browser.get('/'))}{number}"}
    answer = browser.post("/request", data=form, headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    assert answer.status_code == 303, answer.text


def written_by_the_client(index):
    return [(name, f"{'for=' if name == 'Forwarded' else ''}203.0.113.{index}") for name in FORGED]


def test_no_header_moves_the_address(make_app, desk, scattered):
    browser = make_app().test_client()
    for index in range(3):
        ask(browser, next(scattered), written_by_the_client(index), peer=HERE)

    assert desk().unfinished() == [3]


def test_behind_a_balancer_only_what_it_wrote_counts(make_app, desk, scattered):
    """It appends the address that it was called from; everything before that is the client's."""
    browser = make_app(TRUSTED_PROXIES=1).test_client()
    for index in range(6):
        own = ("X-Forwarded-For", f"198.51.100.{index % 2}")
        ask(browser, next(scattered), [*written_by_the_client(index), own], peer="10.0.0.9")

    assert desk().unfinished() == [3, 3], "two clients"


def test_what_is_no_address_is_one_subject(make_app, desk, scattered):
    """And not as many as an attacker can think of."""
    browser = make_app(TRUSTED_PROXIES=1).test_client()
    for index in range(3):
        ask(browser, next(scattered), [("X-Forwarded-For", f"unknown{index}")], peer="10.0.0.9")

    assert desk().unfinished() == [3]


def addresses_in(network, count):
    dice = random.Random(1)
    first, bits = int(network.network_address), 128 - network.prefixlen
    return [str(IPv6Address(first | dice.getrandbits(bits))) for _ in range(count)]


NETWORKS = {
    "a /64": (addresses_in(IPv6Network("2001:db8:7:9::/64"), 11), Limit.STARTS_OF_ADDRESS, "2001:db8:7:a::1"),
    "a /48": (addresses_in(IPv6Network("2001:db8:7::/48"), 41), Limit.STARTS_OF_NETWORK, "2001:db8:8::1"),
    "a /24": ([f"198.51.100.{place}" for place in range(41)], Limit.STARTS_OF_NETWORK, "198.51.101.200"),
}


@pytest.mark.parametrize(("addresses", "limit", "outside"), NETWORKS.values(), ids=NETWORKS)
def test_fresh_addresses_of_one_network_are_one_subject(desk, scattered, addresses, limit, outside):
    one, (*first, last) = desk(), addresses
    for address in first:
        one.start(next(scattered), address)

    assert one.refusal(next(scattered), last)[0] is limit
    assert one.start(next(scattered), outside).sends == 1


def test_ranges_are_all_but_the_last_four_digits(desk, strangers):
    one = desk()
    for number in list(lines("+1202777"))[:10]:
        one.start(number, next(strangers))

    assert one.refusal("+1 (202) 777-9999", next(strangers))[0] is Limit.STARTS_OF_PREFIX
    assert one.start("+12027789999", next(strangers)).sends == 1
