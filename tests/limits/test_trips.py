"""The brake costs no round trip of its own: a start with every limit on is two, as without."""

import pytest

from service.verification.caller import Caller
from tests.limits.desk import lines
from tests.limits.everything import EVERYTHING
from tests.store.watching import watched

CALLER = Caller(address="2001:db8:1:2::/64", network="2001:db8:1::/48", client="shop")
TRIPS = {
    "start": 2,
    "resend": 3,
    "check, wrong": 1,
    "check, right": 1,
    "settled": 1,
    "start, closed": 1,
    "start, shared": 3,
}


def test_every_limit_together_is_two_round_trips(desk, engine, scattered, clock):
    """A check is one, and what an approval gives back comes after its answer; what shares a message gives back; a
    resend asks first whose it is.
    """
    (server,) = engine.nodes
    one = desk(**EVERYTHING)
    number, closed = next(scattered), next(scattered)
    one.store.close("number", one.key.number_digest(closed), label="closed")
    for shelf in range(2):  # the scripts are loaded, the connection is made
        _walk(one, (next(scattered), closed), clock, f"warm-{shelf}")

    with watched(server) as commands:
        trips = _walk(one, (number, closed), clock, "form", lambda: [words[0].upper() for words in commands()])

    assert {name: len(seen) for name, seen in trips.items()} == TRIPS
    assert {word for seen in trips.values() for word in seen} == {"EVALSHA"}


def _walk(one, numbers, clock, name, seen=list):
    (number, closed), ask = numbers, one.verifier
    trips = {}
    begun = ask.start(number, caller=CALLER, nonce=f"{name}-1")
    trips["start"] = seen()
    ask.start(number, caller=Caller.at("192.0.2.99"))
    trips["start, shared"] = seen()
    clock.advance(30)
    ask.resend(begun.id, caller=CALLER)
    trips["resend"] = seen()
    with pytest.raises(Exception, match="4 checks left"):
        ask.check(begun.id, "0FFFFF" if one.token_of(begun) != "0FFFFF" else "1FFFFF", caller=CALLER)
    trips["check, wrong"] = seen()
    ask.check(begun.id, one.token_of(begun), caller=CALLER)
    trips["check, right"] = seen()
    ask.settled()
    trips["settled"] = seen()
    with pytest.raises(Exception, match="closed"):
        ask.start(closed, caller=CALLER)
    trips["start, closed"] = seen()
    return trips


def test_a_refusal_is_one_round_trip(desk, engine, strangers):
    """A refused request costs less than one that passes."""
    (server,) = engine.nodes
    one, range_ = desk(**EVERYTHING), lines("+1202777")
    for _ in range(10):
        one.start(next(range_), next(strangers))
    one.refusal(next(range_), next(strangers))

    with watched(server) as commands:
        one.refusal(next(range_), next(strangers))
        seen = [words[0].upper() for words in commands()]

    assert seen == ["EVALSHA"]
