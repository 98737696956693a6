"""Notes and clients: what the web room has remembered."""

import functools
import itertools
from datetime import timedelta

import pytest

from service.store.clients import KNOWN_SECONDS, ClientStore
from service.store.key_names import Names
from service.store.script import Scripts
from service.verification.clients import Client
from service.verification.policy import Window
from tests.store.watching import watched

SHOP = Client(
    name="shop",
    prefix="0a1b2c3d",
    digest="d" * 64,
    created=1_795_348_800,
    regions=("US", "CA"),
    redirect_uris=("https://shop.example.com/phone",),
    quota=(Window(5, timedelta(minutes=1)), Window(1000, timedelta(days=1))),
)
PLAIN = Client(name="plain", prefix="ffffffff", digest="e" * 64, created=1_795_348_801)


@pytest.fixture
def notes(store, keyring):
    """The notes of the store, for whoever has its keyring."""
    return Kept(store.notes, keyring.id)


class Kept:
    """Writes under one keyring."""

    def __init__(self, notes, keyring):
        self.read, self.drop, self.list = notes.read, notes.drop, notes.list
        for how in ("claim", "write", "push"):
            setattr(self, how, functools.partial(getattr(notes, how), keyring=keyring))


def test_the_first_claim_is_ours_and_the_next_is_told_what_was_there(notes):
    assert notes.claim("one", b"first", seconds=60) is None
    assert notes.claim("one", b"second", seconds=60) == b"first"
    assert notes.read("one") == b"first"


def test_the_same_claim_again_is_still_ours(notes):
    """A lost reply: redis-py sends the command again."""
    assert [notes.claim("one", b"first", seconds=60) for _ in range(2)] == [None, None]


def test_a_note_is_written_over_and_dropped(notes):
    notes.claim("one", b"first", seconds=60)
    notes.write("one", b"second", seconds=60)
    assert notes.read("one") == b"second"

    notes.drop("one")
    notes.drop("one")

    assert notes.read("one") is None


def test_a_list_holds_the_newest_notes_in_front(notes):
    assert notes.list("many") == []

    for note in (b"first", b"second", b"third"):
        notes.push("many", note, most=2, seconds=60)

    assert notes.list("many") == [b"third", b"second"]


def test_every_note_ends(engine, notes):
    notes.claim("one", b"", seconds=5)
    notes.write("two", b"", seconds=60)
    notes.push("many", b"", most=2, seconds=60)

    lives = engine.lives()

    assert 0 < lives.pop("{tp}:i:one") <= 5_000
    assert lives.keys() == {"{tp}:i:two", "{tp}:i:many"}
    assert all(5_000 < life <= 60_000 for life in lives.values())


def test_a_note_holds_any_bytes(notes):
    notes.write("one", bytes(range(256)), seconds=60)

    assert notes.read("one") == bytes(range(256))


@pytest.mark.parametrize("client", [SHOP, PLAIN], ids=lambda client: client.name)
def test_a_client_is_found_as_it_was_added(engine, store, client):
    assert store.clients.add(client)

    assert store.clients.find(client.prefix) == client
    assert engine.lives() == {"{tp}:clients": -1}


def test_a_prefix_is_given_once_and_the_same_client_again_is_fine(store):
    other = Client(name="other", prefix=SHOP.prefix, digest="f" * 64, created=0)

    assert [store.clients.add(one) for one in (SHOP, SHOP, other)] == [True, True, False]
    assert store.clients.find(SHOP.prefix) == SHOP


def test_clients_are_listed_by_name_and_gone_when_revoked(store):
    store.clients.add(SHOP)
    store.clients.add(PLAIN)
    assert store.clients.all() == [PLAIN, SHOP]

    store.clients.revoke(SHOP.prefix)
    store.clients.revoke("00000000")

    assert store.clients.all() == [PLAIN]
    assert store.clients.find(SHOP.prefix) is None


@pytest.mark.parametrize(
    ("command", "ask"),
    [
        ("HGET", lambda clients: clients.find(SHOP.prefix)),
        ("HGETALL", lambda clients: next(iter(clients.named(SHOP.name)), None)),
    ],
    ids=["by its key", "by its name"],
)
def test_a_process_asks_for_a_client_once_a_second_and_learns_of_a_revocation_within_it(engine, store, command, ask):
    """An unknown one is asked for each time, so that a new key works at once."""
    (server,) = engine.nodes
    now = itertools.count()  # a tenth of a second further each time that somebody asks
    here = ClientStore(Scripts(engine.client), Names("tp"), clock=lambda: next(now) / 10)
    assert [ask(here) for _ in range(2)] == [None, None]
    store.clients.add(SHOP)

    with watched(server) as commands:
        found = [ask(here) for _ in range(round(KNOWN_SECONDS * 10))]
        asked = commands()
    store.clients.revoke(SHOP.prefix)

    assert found == [SHOP] * len(found)
    assert [words[0] for words in asked] == [command]
    assert ask(here) is None


def test_each_is_one_round_trip(engine, store, notes):
    (server,) = engine.nodes
    notes.claim("zero", b"", seconds=60)  # the script is loaded
    with watched(server) as commands:
        notes.claim("one", b"first", seconds=60)
        notes.claim("one", b"second", seconds=60)
        notes.write("one", b"third", seconds=60)
        notes.read("one")
        store.clients.find(SHOP.prefix)
        assert len(commands()) == 5
