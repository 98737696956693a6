"""Who asks, behind proxies of ours; and that it is said once in the log when that cannot be found out."""

import logging

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from service.web.address import Callers

ALICE, MALLORY, INNER = "203.0.113.7", "198.51.100.66", "10.0.0.9"


def request(*headers, peer=INNER):
    environ = EnvironBuilder(headers=list(headers)).get_environ()
    return Request(environ | {"REMOTE_ADDR": peer})


def address(*headers, proxies=1):
    return Callers(proxies).of(request(*headers)).address


def for_(value):
    return ("X-Forwarded-For", value)


WRITTEN = {
    "haproxy": [for_(MALLORY), for_(ALICE)],
    "nginx": [for_(f"{MALLORY}, {ALICE}")],
    "envoy": [for_(f"{MALLORY},{ALICE}"), ("X-Envoy-External-Address", ALICE)],
    "aws-alb-with-ports": [for_(f"{MALLORY}:999, {ALICE}:50123")],
    "odd-spaces": [for_(f"  {MALLORY}\t,  \t{ALICE}\t ")],
    "empty-places": [for_(f", ,{MALLORY},, {ALICE} ,")],
    "an-empty-line-before": [for_(""), for_(ALICE)],
    "quoted": [for_(f'"{ALICE}:50123"')],
    "forwarded": [("Forwarded", f"for={MALLORY}, for={ALICE};proto=https;by=203.0.113.43")],
    "forwarded-in-capitals": [("Forwarded", f'proto=http;FOR="{ALICE}:4711"')],
    "forwarded-lines": [("Forwarded", f"for={MALLORY}"), ("Forwarded", f" For = {ALICE} ; host=example.com")],
    "forwarded-escaped": [("Forwarded", f'for="{ALICE[:5]}\\{ALICE[5:]}"')],
    "both": [("Forwarded", f"for={MALLORY}"), for_(ALICE)],
}


@pytest.mark.parametrize("headers", WRITTEN.values(), ids=WRITTEN)
def test_the_caller_is_the_one_that_our_proxy_wrote(headers):
    assert address(*headers) == ALICE


def test_an_ipv6_address_counts_by_its_64():
    """Every form that proxies write it in: `tests/verification/test_caller.py`."""
    assert address(("Forwarded", 'by="[2001:db8::1]:1";for="[2001:db8:cafe::17]:4711"')) == "2001:db8:cafe::/64"


def test_two_proxies_stand_behind_one_another():
    assert address(for_(f"{MALLORY}, {ALICE}:50123, {INNER}:80"), proxies=2) == ALICE


FORGED = {
    "a-quote-that-is-never-closed": [("Forwarded", 'for="x'), ("Forwarded", f'for={ALICE};host="a,for={MALLORY}"')],
    "in-a-host": [("Forwarded", f'host="a;for={MALLORY}";for={ALICE}')],
    "in-a-host-with-a-comma": [("Forwarded", f'for={ALICE};host="a,for={MALLORY}"')],
    "twice": [("Forwarded", f"for={MALLORY};for={ALICE}")],
    "in-forwarded-for": [for_(f'"{MALLORY}, {ALICE}')],
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_nobody_takes_the_place_of_another(headers):
    assert address(*headers) in {ALICE, "unknown"}


@given(st.text(alphabet='for=;,"\\ 198.51.100.66[]:_%', max_size=60))
def test_whatever_the_caller_writes_before_our_proxy_changes_nothing(before):
    assert address(for_(before), for_(ALICE)) == ALICE
    assert address(("Forwarded", before), ("Forwarded", f"for={ALICE};host=example.com")) in {ALICE, "unknown"}


@pytest.mark.parametrize(
    ("headers", "why", "shape"),
    [
        ([], "missing", ""),
        ([for_("unknown")], "hidden", "aaaaaaa"),
        ([for_("_SEVKISEK")], "hidden", "_aaaaaaaa"),
        ([("Forwarded", "for=_hidden")], "hidden", "_aaaaaa"),
        ([("Forwarded", "proto=https")], "hidden", "aaaaaaa"),
        ([for_("203.0.113.7 50123")], "unreadable", "999.9.999.9 99999"),
        ([("Forwarded", 'for="')], "unreadable", '"'),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said_once_with_advice_and_without_the_address(caplog, headers, why, shape):
    callers = Callers(1)

    assert {callers.of(request(*headers)).address for _ in range(3)} == {"unknown"}

    (line,) = caplog.records
    assert (line.msg, line.levelno, line.why, line.shape) == ("caller_unknown", logging.WARNING, why, shape)
    assert line.do.endswith(".")


@pytest.mark.parametrize("header", [for_(ALICE), ("Forwarded", f"for={ALICE}")], ids=str)
@pytest.mark.parametrize("peer", ["10.0.0.9", "172.18.0.2", "127.0.0.1", "::1", "fd00::2", "100.64.0.1", ""])
def test_a_proxy_that_nobody_told_us_of_is_noticed_once(caplog, peer, header):
    callers = Callers(0)

    for _ in range(3):
        callers.of(request(header, peer=peer))

    (line,) = caplog.records
    assert line.msg == "proxy_not_trusted"
    assert "TRUSTED_PROXIES" in line.do


@pytest.mark.parametrize(("peer", "headers"), [("10.0.0.9", []), ("8.8.8.8", [for_(ALICE)])], ids=["probe", "stranger"])
def test_a_probe_and_a_stranger_are_no_proxy(caplog, peer, headers):
    Callers(0).of(request(*headers, peer=peer))

    assert caplog.records == []
