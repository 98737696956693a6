"""What lies in Redis, and what it is told: no token, no number, no address; and every key is declared."""

import re
from contextlib import suppress
from datetime import timedelta

import pytest
from redis.crc import key_slot

from service.sender.demo import DemoSender
from service.store.redis import RedisStore
from service.store.script import OTHERS, VERBS, source
from service.verification.caller import Caller
from service.verification.envelope import Keys
from service.verification.errors import Limited, VerificationError
from service.verification.phone import PhoneNumber
from service.verification.ports import OptOut
from service.verification.verifier import Verifier
from tests.conftest import SECRET
from tests.fakes import wrong
from tests.store.engines import ONE_SERVER, binary_of, engines, opened
from tests.store.watching import watched, watched_scripts
from tests.support.servers import StoreServer

# Ten characters, so that none of them is found by chance in a digest or in a time.
LENGTH = 10
RANGE = "+1415777"  # whose numbers strangers ask for, one after the other
PRIVATE = "2001:db8:"


class Carbon:
    """The demo's sender, with a copy of every text."""

    def __init__(self, sender):
        self._sender = sender
        self.texts = {}

    def send(self, message):
        self.texts[message.id] = message.text
        return self._sender.send(message)


class Crowd:
    """A hundred verifications, at every stage that there is.

    Attributes:
        tokens: All that were texted.
        numbers: All that were asked for.
        addresses: Of all who asked.
    """

    def __init__(self, store, keys, rules, clock, numbers):
        self._store = store
        self._keys = keys
        self._clock = clock
        self._sender = Carbon(DemoSender(store.notes, keys, clock))
        self._verifier = Verifier(rules, store=store.verifications, sender=self._sender, keys=keys, clock=clock)
        self._started = []
        self.numbers = [next(numbers) for _ in range(60)]
        self.addresses = [f"198.51.{place}.7" for place in range(60)]

    @property
    def tokens(self):
        return [text.split()[0] for text in self._sender.texts.values()]

    def gather(self):
        self._store.verifications.pause(keyring=self._keys().id, now=0, is_trial=False)
        self._store.verifications.resume()
        for number, address in zip(self.numbers, self.addresses, strict=True):
            self._start(number, address, "form-1")
        self._clock.advance(timedelta(minutes=1))
        for number, address in zip(self.numbers[:30], self.addresses, strict=False):
            self._start(number, address, "form-2")
        for number in self.numbers[30:40]:  # a stranger: some share
            self._start(number, "203.0.113.7", "form-3")
        for place, one in enumerate(self._started):
            text = self._sender.texts.get(one.id)
            self._bring_on(place % 6, one.id, text.split()[0] if text else "0" * LENGTH)
        self._be_refused()
        for number, out in zip(self.numbers, (True, False), strict=False):
            self._verifier.receive(OptOut(number, out=out, event="event-1"))
        self._operate()

    def _start(self, number, address, nonce):
        one = self._verifier.start(number, caller=Caller.at(address), nonce=nonce)
        self._started.append(one)

    def _bring_on(self, stage, id_, token):
        for step in (
            lambda: self._verifier.check(id_, wrong(token), nonce="check-1"),
            lambda: self._verifier.resend(id_, nonce="resend-1"),
            lambda: self._verifier.check(id_, token.lower(), nonce="check-2"),
            lambda: self._verifier.cancel(id_),
            lambda: self._verifier.show(id_),
        )[stage:]:
            with suppress(VerificationError):  # some come too late
                step()

    def _be_refused(self):
        """Have a range closed by the conversion limit, as its numbers are asked for one after the other."""
        for place in range(12):
            self.numbers.append(f"{RANGE}{place + 2100}")
            self.addresses.append(f"{PRIVATE}{place + 1}::1")
            with suppress(Limited):
                self._start(self.numbers[-1], self.addresses[-1], "form-4")

    def _operate(self):
        keyring, number = self._keys(), PhoneNumber(self.numbers[2], "US")
        self._store.limits.forgive(keyring.number_digest(number.e164), keyring=keyring.id)
        for kind, subject, label in (
            ("number", keyring.number_digest(number.e164), number.e164),
            ("range", keyring.range_digest(number)[0], number.range),
        ):
            self._store.limits.close(kind, subject, label=keyring.sealed_label(label))


@pytest.fixture
def crowd(store, settings, keys, clock, numbers):
    return Crowd(store, keys, settings(TOKEN_LENGTH=LENGTH).policy, clock, numbers)


def found(crowd, text):
    """Return what a text tells of tokens, numbers, their ranges and addresses."""
    text = text.lower()
    secrets = [token.lower() for token in crowd.tokens]
    secrets += [number.removeprefix("+1") for number in crowd.numbers]
    secrets += [number[:-4] for number in crowd.numbers]
    secrets += [*crowd.addresses, PRIVATE, "203.0.113.7", "198.51."]
    return [secret for secret in secrets if secret in text]


def test_nothing_in_the_store_tells_a_token_a_number_or_an_address(engine, crowd, keyring):
    crowd.gather()

    contents = engine.contents()
    kinds = {name.removeprefix("{tp}:")[0] for name in contents}

    assert len(crowd.tokens) > 90
    assert kinds >= set("vtncoeghzulwaiyd")
    assert found(crowd, repr(contents)) == []
    assert {name.removeprefix("{tp}:")[0] for name in engine.immortal()} == {"z"}, "what the operator closed"
    # A line is no last four digits either: with the range of another key they would make a number.
    entries = [entry for name, members in contents.items() if ":u:" in name for entry in members]
    assert {len(entry) for entry in entries} == {31}, "six characters of a range's digest are no name of a key"
    latest = [value for name, tally in contents.items() if ":h:range" in name for value in tally.values()]
    lines = {value.split()[1].zfill(4) for value in latest if b" " in value} | {entry[21:25] for entry in entries}
    assert sum(number[-4:].encode() in lines for number in crowd.numbers) <= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", engines(*ONE_SERVER))
def test_no_file_of_a_server_and_no_command_tells_one(name, ends, settings, clock, numbers):
    """The memory dump, the append-only file, MONITOR and the slow log."""
    server = ends.enter_context(StoreServer(binary_of(name), appendonly=True))
    engine = opened(server.url, [server], ends)
    (node,) = engine.nodes
    node.config_set("rdbcompression", "no")
    node.config_set("slowlog-log-slower-than", 0)
    node.config_set("slowlog-max-len", 10_000)
    rules = settings(TOKEN_LENGTH=LENGTH).policy
    store = RedisStore(engine.client, rules)
    crowd = Crowd(store, Keys(store.keyring, [SECRET], prefix="tp"), rules, clock, numbers)
    with watched(node) as commands:
        crowd.gather()
        told = " ".join(word for command in commands() for word in command)
    slow = repr(node.slowlog_get(10_000))
    node.save()

    kept = {path: path.read_bytes() for path in server.directory.rglob("*") if path.is_file()}

    assert sum(path.suffix == ".rdb" for path in kept) >= 1
    assert sum(path.suffix == ".aof" for path in kept) >= 1
    assert all(b"keyring" in b"".join(kept[path] for path in kept if path.suffix == end) for end in (".rdb", ".aof"))
    assert found(crowd, b" ".join(kept.values()).decode("latin-1")) == []
    assert "EVALSHA" in told.upper()
    assert "EVALSHA" in slow.upper()
    assert found(crowd, told + slow) == []


# -- Keys


def test_every_key_that_a_script_uses_is_declared_and_all_lie_in_one_slot(engine, crowd):
    """Otherwise it fails after its first write, in the middle of a migration."""
    (server,) = engine.nodes
    with watched_scripts(server) as scripts:
        crowd.gather()
        seen = scripts()

    declared = [set(words[3 : 3 + int(words[2])]) for words, _ in seen]
    undeclared = {
        key
        for names, (_, commands) in zip(declared, seen, strict=True)
        for command in commands
        for key in _keys_of(command) - names
    }

    assert len(seen) > 300
    assert undeclared == set()
    assert {key_slot(name.encode()) for names in declared for name in names} == {key_slot(b"{tp}")}


def _keys_of(command):
    match command[0].upper():
        case "TIME":
            return set()
        case "DEL" | "EXISTS":
            return set(command[1:])
    return {command[1]}


PARAMETERS = {"list", "key", "spent", "tally", "one[1]"}  # keys that a loop or a caller hands on


@pytest.mark.parametrize("name", VERBS + OTHERS)
def test_a_script_makes_no_name_of_a_key(name):
    """Not from an argument, and not from what a record says."""
    text = source(name)
    bound = set(re.findall(r"[A-Z_]+", " ".join(re.findall(r"local ([A-Z_,\s]+?)=\s*unpack\(KEYS", text))))
    bound |= set(re.findall(r"local ([A-Z_]+) = KEYS", text))

    used = re.findall(r"redis\.call\('[A-Z]+', ([^,)]+(?:\[[^,]+\])?)", text)

    assert [key for key in used if key not in bound | PARAMETERS and not key.startswith("KEYS[")] == []
