"""What lies in Redis, and what it is told: no token, no number in a key name, one slot a script."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from redis.crc import key_slot

from service.sender.demo import DemoSender
from service.verification.caller import Caller
from service.verification.errors import VerificationError
from service.verification.verifier import Verifier
from tests.fakes import wrong
from tests.store.engines import ONE_SERVER, engines
from tests.store.watching import watched

# Ten characters, so that none of them is found by chance in a digest or in a time.
LENGTH = 10
ADDRESSES = ("203.0.113.7", "2001:db8::7", "198.51.100.1")


class Carbon:
    """The demo's sender, with a copy of every text."""

    def __init__(self, sender):
        self._sender = sender
        self.texts = {}

    def send(self, message):
        self.texts[message.id] = message.text
        return self._sender.send(message)


@pytest.fixture
def crowd(make_store, settings, keyring, clock, numbers):
    """A hundred verifications, at every stage that there is; the tokens and the numbers of all."""
    callers = [Caller.at(address) for address in ADDRESSES]
    rules = settings(TOKEN_LENGTH=LENGTH, LIMITS_MODE="observe").policy
    store = make_store(rules)
    sender = Carbon(DemoSender(store, lambda: keyring, clock))
    verifier = Verifier(rules, store=store, sender=sender, keyring=lambda: keyring, clock=clock)

    def gather():
        store.secret()
        store.pause(now=0, is_trial=False)
        store.resume()
        used = [next(numbers) for _ in range(60)]
        made = [_start(verifier, number, callers[place % 3], "form-1") for place, number in enumerate(used)]
        clock.advance(timedelta(minutes=1))
        made += [_start(verifier, number, callers[place % 3], "form-2") for place, number in enumerate(used[:30])]
        made += [_start(verifier, number, callers[2], "form-3") for number in used[30:40]]  # strangers: some share
        tokens = {one.id: sender.texts[one.id].split()[0] for one in made if one.id in sender.texts}
        for place, one in enumerate(made):
            _bring_on(verifier, place % 6, one.id, tokens.get(one.id, "0" * LENGTH))
        verifier.settled()
        store.opt_out(keyring.current.number_digest(used[0]), out=True)
        store.opt_out(keyring.current.number_digest(used[1]), out=False)
        store.forgive(keyring.current.number_digest(used[2]))
        return list(tokens.values()), used

    return gather


def _start(verifier, number, caller, nonce):
    return verifier.start(number, caller=caller, nonce=nonce)


def _bring_on(verifier, stage, id_, token):
    for step in (
        lambda: verifier.check(id_, wrong(token), nonce="check-1"),
        lambda: verifier.resend(id_, nonce="resend-1"),
        lambda: verifier.check(id_, token.lower(), nonce="check-2"),
        lambda: verifier.cancel(id_),
        lambda: verifier.show(id_),
    )[stage:]:
        with suppress(VerificationError):  # some come too late
            step()


def test_no_token_lies_in_the_store(engine, crowd):
    tokens, _ = crowd()

    kept = repr(engine.contents())

    assert len(tokens) == len(set(tokens)) > 90
    assert len(engine.names()) > 200
    assert [token for token in tokens if token in kept or token.lower() in kept] == []


def test_no_key_name_holds_a_number(engine, crowd):
    _, numbers = crowd()

    names = " ".join(engine.names())

    assert [number for number in numbers if number.removeprefix("+1") in names] == []
    assert engine.immortal() == []


def test_no_address_lies_in_the_store(engine, crowd):
    crowd()

    kept = repr(engine.contents())

    assert any(name.startswith("k:{limits}:") for name in engine.names())
    assert [address for address in (*ADDRESSES, "2001:db8:") if address in kept] == []


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_no_command_holds_a_token(engine, crowd):
    """Neither MONITOR nor the slow log of a server tells one."""
    (server,) = engine.nodes
    with watched(server) as commands:
        tokens, _ = crowd()
        told = " ".join(word for command in commands() for word in command)

    assert "EVALSHA" in told.upper()
    assert [token for token in tokens if token in told or token.lower() in told] == []


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_all_keys_of_a_script_lie_in_one_slot(engine, crowd):
    (server,) = engine.nodes
    with watched(server) as commands:
        crowd()
        scripts = [words for words in commands() if words[0].upper() == "EVALSHA"]

    slots = [{key_slot(name.encode()) for name in words[3 : 3 + int(words[2])]} for words in scripts]

    assert Counter(len(of_one) for of_one in slots) == {1: len(scripts)}
    assert len({slot for of_one in slots for slot in of_one}) > 50
