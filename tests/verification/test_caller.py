"""An address is read in every form that proxies write it, and two spellings of one are one caller."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.verification.caller import Caller, read_address

FOUR, SIX = "203.0.113.7", "2001:db8:cafe::17"
PORTS = ["", ":80", ":50123", ":_gazonk", ":_a.b-c"]


@pytest.mark.parametrize("port", PORTS)
def test_a_port_is_no_part_of_the_address(port):
    """AWS and Azure write it; RFC 7239, section 6, allows it, and a name in its place."""
    assert read_address(f"{FOUR}{port}") == IPv4Address(FOUR)
    assert read_address(f"[{SIX}]{port}") == IPv6Address(SIX)


@pytest.mark.parametrize(
    ("written", "is_"),
    [
        (f'"{FOUR}"', FOUR),
        (f'"[{SIX}]"', SIX),
        (f'"[{SIX}]:4711"', SIX),
        (f"\t{FOUR} ", FOUR),
        (SIX, SIX),
        (SIX.upper(), SIX),
        (f"{SIX}%eth0", SIX),
        (f"[{SIX}%25eth0]:99", SIX),
        ("2001:db8:1:2:3:4:5:6:443", "2001:db8:1:2:3:4:5:6"),
        (f"::ffff:{FOUR}", FOUR),
        (f"[::ffff:{FOUR}]:99", FOUR),
        ("::ffff:cb00:7107", FOUR),
    ],
    ids=str,
)
def test_quotes_brackets_zones_and_mapped_addresses_are_read(written, is_):
    assert str(read_address(written)) == is_


@pytest.mark.parametrize(
    "written",
    [
        *("", "unknown", "UNKNOWN", "_hidden", "_1.2.3.4", "example.com", "unix:", "@", "<script>"),
        *("1.2.3", "1.2.3.256", "1.2.3.4:123456", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4 5", "\uff11.2.3.4", "[1.2.3.4"),
        *("[::1", "::1]", ":::", "12345::"),
    ],
)
def test_what_is_no_address_is_nobody_in_particular(written):
    assert read_address(written) is None
    assert Caller.at(written) == Caller(address="unknown", network="unknown")


@given(st.ip_addresses(), st.sampled_from(PORTS), st.sampled_from(["{}", '"{}"', " {}", "{}\t"]))
def test_every_address_is_read_in_every_form(ip, port, around):
    form = f"[{ip}]{port}" if ip.version == 6 else f"{ip}{port}"
    mapped = ip.ipv4_mapped if ip.version == 6 else None

    assert read_address(around.format(form)) == (mapped or ip)


@given(st.text(alphabet='0123456789abcdef:.[]%"_ \t;,xé'))
@example("[" * 4096)
@example(":" * 4096)
@example("1" * 4096)
def test_any_text_is_an_address_or_nobody(written):
    assert Caller.at(written).address
