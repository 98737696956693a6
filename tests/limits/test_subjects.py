"""What is one subject and what is another: numbers however they are spelled, addresses whatever a client says."""

import random
from ipaddress import IPv6Network

import pytest

from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.errors import Limit
from tests.limits.desk import HERE, lines
from tests.web.steps import nonce_of

SLASH_64 = IPv6Network("2001:db8:7:9::/64")
SLASH_48 = IPv6Network("2001:db8:7::/48")

# +1 202 777 0143 as people, contact lists and attackers write it.
SPELLINGS = [
    "+12027770143",
    "+1 202 777 0143",
    "+1-202-777-0143",
    "+1.202.777.0143",
    "+1 (202) 777-0143",
    "+1(202)7770143",
    "+1 (202) 777 0143",
    "+1/202/777/0143",
    "+1 2027770143",
    "+1 20 27 77 01 43",
    "+1-202-7770143",
    "+1 202-777-0143",
    "+1 202.777.0143",
    "+1 202/777-0143",
    "+ 1 202 777 0143",
    "+1  202  777  0143",
    " +12027770143",
    "+12027770143 ",
    "  +1 202 777 0143  ",
    "+1\u00a0202\u00a0777\u00a00143",
    "+1\u202f202\u202f777\u202f0143",
    "+1\u2011202\u2011777\u20110143",
    "+1\u2013202\u2013777\u20130143",
    "+1\u2010202\u2010777\u20100143",
    "\u202a+12027770143\u202c",
    "\u2066+1 202 777 0143\u2069",
    "\u200e+12027770143",
    "+1\u200f2027770143",
    "12027770143",
    "1 202 777 0143",
    "1-202-777-0143",
    "1 (202) 777-0143",
    "1.202.777.0143",
    "2027770143",
    "202 777 0143",
    "202-777-0143",
    "(202) 777-0143",
    "(202)777-0143",
    "202.777.0143",
    "202/777/0143",
]


def test_forty_spellings_of_one_number_share_one_budget(desk, sender):
    one = desk()
    assert len(set(SPELLINGS)) == 40
    for spelling in SPELLINGS[:5]:
        one.start(spelling)

    assert {one.refusal(spelling) for spelling in SPELLINGS} == {(Limit.SENDS_OF_NUMBER, 3600)}
    assert {message.to.e164 for message in sender.messages} == {"+12027770143"}
    (number,) = [held for name, held in one.contents().items() if name.startswith("{tp}:n:")]
    assert len([field for field in number if field.startswith(b"s")]) == 1


# -- Addresses that a client writes itself

HEADERS = {
    "X-Forwarded-For": "{}",
    "X-Forwarded-For, several": "{}",
    "X-Real-IP": "{}",
    "Forwarded": "for={};proto=https",
    "X-Client-IP": "{}",
    "X-Cluster-Client-IP": "{}",
    "True-Client-IP": "{}",
    "CF-Connecting-IP": "{}",
    "Fastly-Client-IP": "{}",
    "X-Original-Forwarded-For": "{}",
    "X-Remote-Addr": "{}",
    "Client-IP": "{}",
}


@pytest.fixture
def budgets(make_app, make_store, desk):
    """Asks over HTTP, and tells how full each address is."""

    def ask(numbers, headers_of, *, peer, times, **settings):
        browser = make_app(**settings).test_client()
        environ = {"REMOTE_ADDR": peer}
        nonce = nonce_of(browser.get("/"))
        for index in range(times):
            form = {"phone": next(numbers), "nonce": f"{nonce}{index}"}
            answer = browser.post("/request", data=form, headers=headers_of(index), environ_overrides=environ)
            assert answer.status_code == 303, answer.text
        return desk().unfinished()

    return ask


@pytest.fixture
def make_store(engine):
    return lambda policy: RedisStore(engine.client, policy)


def written_by_the_client(name, index):
    forged = f"203.0.113.{index}"
    if name.endswith("several"):
        return [("X-Forwarded-For", forged), ("X-Forwarded-For", f"{forged}, 10.0.0.1")]
    return [(name, HEADERS[name].format(forged))]


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_moves_the_address(budgets, scattered, name):
    found = budgets(scattered, lambda index: written_by_the_client(name, index), peer=HERE, times=3)

    assert found == [3]


@pytest.mark.parametrize("name", HEADERS)
def test_behind_a_balancer_only_what_it_wrote_counts(budgets, scattered, name):
    """It appends the address that it was called from; everything before that is the client's."""

    def headers(index):
        written = written_by_the_client(name, index)
        before = ", ".join(value for header, value in written if header == "X-Forwarded-For")
        others = [pair for pair in written if pair[0] != "X-Forwarded-For"]
        return [*others, ("X-Forwarded-For", ", ".join(part for part in (before, "198.51.100.9") if part))]

    found = budgets(scattered, headers, peer="10.0.0.9", times=3, TRUSTED_PROXIES=1)

    assert found == [3]


def test_behind_a_balancer_two_clients_are_two(budgets, scattered):
    found = budgets(
        scattered,
        lambda index: [("X-Forwarded-For", f"203.0.113.1, 198.51.100.{index % 2}")],
        peer="10.0.0.9",
        times=4,
        TRUSTED_PROXIES=1,
    )

    assert found == [2, 2]


@pytest.mark.parametrize("hop", ["", "unknown", "<script>", "999.1.2.3", "_hidden", "1.2.3.4.5"])
def test_what_is_no_address_is_one_subject(budgets, scattered, hop):
    """And not as many as an attacker can think of."""
    found = budgets(
        scattered,
        lambda index: [("X-Forwarded-For", f"{hop}{index}" if hop else "")],
        peer="10.0.0.9",
        times=3,
        TRUSTED_PROXIES=1,
    )

    assert found == [3]


# -- IPv6


def addresses_in(network, count, seed):
    dice = random.Random(seed)
    first, bits = int(network.network_address), 128 - network.prefixlen
    numbers = (f"{first | dice.getrandbits(bits):032x}" for _ in range(count))
    return (":".join(number[place : place + 4] for place in range(0, 32, 4)) for number in numbers)


def test_all_addresses_of_one_64_are_one_subject():
    assert len({Caller.at(address) for address in addresses_in(SLASH_64, 10_000, 1)}) == 1


def test_fresh_addresses_of_one_64_are_one_subject_for_the_service(desk, scattered):
    one = desk()
    for address in addresses_in(SLASH_64, 10, 2):
        one.start(next(scattered), address)

    for address in addresses_in(SLASH_64, 50, 3):
        assert one.refusal(next(scattered), address)[0] is Limit.STARTS_OF_ADDRESS


def test_fresh_64s_of_one_48_are_one_network(desk, scattered):
    one = desk()
    for address in addresses_in(SLASH_48, 40, 4):
        one.start(next(scattered), address)

    for address in addresses_in(SLASH_48, 50, 5):
        assert one.refusal(next(scattered), address)[0] is Limit.STARTS_OF_NETWORK


SAME = {
    "mapped": ("198.51.100.9", "::ffff:198.51.100.9"),
    "mapped, in hexadecimal": ("198.51.100.9", "::ffff:c633:6409"),
    "long": ("2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"),
    "upper case": ("2001:db8::a", "2001:DB8::A"),
    "zone": ("fe80::1", "fe80::1%eth0"),
    "other zone": ("fe80::1%eth1", "fe80::1%" + "x" * 1000),
    "mapped with a zone": ("198.51.100.9", "::ffff:198.51.100.9%3"),
}


@pytest.mark.parametrize("name", SAME)
def test_two_spellings_of_an_address_are_one_subject(name):
    first, second = map(Caller.at, SAME[name])

    assert first == second
    assert first.address != "unknown"


def test_fresh_addresses_of_one_24_are_one_network(desk, scattered):
    one = desk()
    for place in range(40):
        one.start(next(scattered), f"198.51.100.{place}")

    assert one.refusal(next(scattered), "198.51.100.200")[0] is Limit.STARTS_OF_NETWORK
    assert one.start(next(scattered), "198.51.101.200").sends == 1


def test_ranges_are_all_but_the_last_four_digits(desk, strangers):
    one = desk()
    for number in list(lines("+1202777"))[:10]:
        one.start(number, next(strangers))

    assert one.refusal("+12027779999", next(strangers))[0] is Limit.STARTS_OF_PREFIX
    assert one.start("+12027789999", next(strangers)).sends == 1
