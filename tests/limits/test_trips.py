"""Limits cost no round trip: each verb is one, with every limit on."""

import pytest

from service.verification.caller import Caller
from tests.limits.everything import EVERYTHING
from tests.store.watching import watched

CALLER = Caller(address="2001:db8:1:2::/64", network="2001:db8:1::/48", client="shop")


def test_each_verb_is_one_round_trip_and_nothing_follows(desk, engine, scattered, clock):
    (server,) = engine.nodes
    one = desk(**EVERYTHING)
    number, closed = next(scattered), next(scattered)
    one.operator.block(closed)
    for shelf in range(2):  # the scripts are loaded, the connection is made
        _walk(one, (next(scattered), closed), clock, f"warm-{shelf}")

    with watched(server) as commands:
        trips = _walk(one, (number, closed), clock, "form", lambda: [words[0].upper() for words in commands()])

    assert trips == {name: ["EVALSHA"] for name in trips}


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
    ask.show(begun.id, caller=CALLER)
    trips["show"] = seen()
    with pytest.raises(Exception, match="closed"):
        ask.start(closed, caller=CALLER)
    trips["start, closed"] = seen()
    return trips
