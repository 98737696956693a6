"""Notes and clients: what the web room has remembered, on every engine."""

from datetime import timedelta

import pytest

from service.store.clients import CLIENTS
from service.verification.clients import Client
from service.verification.policy import Window
from tests.store.engines import ONE_SERVER, engines
from tests.store.watching import watched

SHOP = Client(
    name="shop",
    prefix="0a1b2c3d",
    digest="d" * 64,
    created=1_795_348_800,
    regions=("US", "CA"),
    return_urls=("https://shop.example.com/phone",),
    quota=(Window(5, timedelta(minutes=1)), Window(1000, timedelta(days=1))),
)
PLAIN = Client(name="plain", prefix="ffffffff", digest="e" * 64, created=1_795_348_801)


def test_the_first_claim_is_ours_and_the_next_is_told_what_was_there(engine, store):
    assert store.claim("one", b"first", seconds=60) is None
    assert store.claim("one", b"second", seconds=60) == b"first"
    assert store.read("one") == b"first"


def test_the_same_claim_again_is_still_ours(engine, store):
    """A lost reply: redis-py sends the command again."""
    assert [store.claim("one", b"first", seconds=60) for _ in range(2)] == [None, None]


def test_a_note_is_written_over_and_dropped(engine, store):
    store.claim("one", b"first", seconds=60)
    store.write("one", b"second", seconds=60)
    assert store.read("one") == b"second"

    store.drop("one")
    store.drop("one")

    assert store.read("one") is None


def test_every_note_ends(engine, store):
    store.claim("one", b"", seconds=5)
    store.write("two", b"", seconds=60)

    lives = engine.lives()

    assert 0 < lives["i:one"] <= 5_000
    assert 5_000 < lives["i:two"] <= 60_000


def test_a_note_holds_any_bytes(engine, store):
    store.write("one", bytes(range(256)), seconds=60)

    assert store.read("one") == bytes(range(256))


@pytest.mark.parametrize("client", [SHOP, PLAIN], ids=lambda client: client.name)
def test_a_client_is_found_as_it_was_added(engine, store, client):
    assert store.add_client(client)

    assert store.client(client.prefix) == client
    assert engine.lives() == {CLIENTS: -1}


def test_a_prefix_is_given_once_and_the_same_client_again_is_fine(engine, store):
    other = Client(name="other", prefix=SHOP.prefix, digest="f" * 64, created=0)

    assert [store.add_client(SHOP), store.add_client(SHOP), store.add_client(other)] == [True, True, False]
    assert store.client(SHOP.prefix) == SHOP


def test_clients_are_listed_by_name_and_gone_when_revoked(engine, store):
    store.add_client(SHOP)
    store.add_client(PLAIN)
    assert store.clients() == [PLAIN, SHOP]

    store.revoke_client(SHOP.prefix)
    store.revoke_client("00000000")

    assert store.clients() == [PLAIN]
    assert store.client(SHOP.prefix) is None


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_each_is_one_round_trip(engine, store):
    (server,) = engine.nodes
    with watched(server) as commands:
        store.claim("one", b"first", seconds=60)
        store.claim("one", b"second", seconds=60)
        store.write("one", b"third", seconds=60)
        store.read("one")
        store.client(SHOP.prefix)
        assert len(commands()) == 5
