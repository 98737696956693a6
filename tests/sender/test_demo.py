"""The demo's carrier: an inbox that every worker shows, and that the store cannot read."""

import logging

import pytest
from fakeredis import FakeRedis, FakeServer

from service.sender.demo import MESSAGES, SECONDS, SHELF, DemoSender
from service.store.redis import RedisStore
from service.verification.keys import Keyring
from tests.conftest import OLD_SECRET, SECRET

TOKEN = "CA9A27"


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def make_demo(server, policy, clock, keyring):
    """Every one of them is another worker on the same store."""

    def make(keyring=keyring) -> DemoSender:
        return DemoSender(RedisStore(FakeRedis(server=server), policy), lambda: keyring, clock)

    return make


@pytest.fixture
def demo(make_demo) -> DemoSender:
    return make_demo()


def test_the_newest_message_comes_first(demo, message, clock):
    first, second = message(), message()
    demo.send(first)
    begun = int(clock())
    clock.advance(5)
    demo.send(second)

    assert demo.inbox() == [
        {"to": second.to.e164, "text": second.text, "sent_at": begun + 5},
        {"to": first.to.e164, "text": first.text, "sent_at": begun},
    ]


def test_nothing_waits(demo, message):
    assert demo.send(message()) == 0


def test_every_worker_shows_every_message(make_demo, message):
    one, other = make_demo(), make_demo()
    one.send(message())
    other.send(message())

    assert one.inbox() == other.inbox()
    assert len(one.inbox()) == 2


def test_the_store_holds_neither_token_nor_number(demo, server, message):
    to = message().to.e164
    demo.send(message(to=to, token=TOKEN))

    redis = FakeRedis(server=server)
    kept = repr([redis.keys(), redis.lrange(SHELF, 0, -1)])
    assert SHELF in kept
    assert TOKEN not in kept
    assert to[1:] not in kept


def test_a_new_key_still_opens_what_the_old_one_sealed(make_demo, message):
    make_demo(Keyring([OLD_SECRET.encode()])).send(message())

    assert len(make_demo(Keyring([SECRET.encode(), OLD_SECRET.encode()])).inbox()) == 1


def test_what_cannot_be_opened_any_more_is_left_out_without_a_word(make_demo, message, caplog):
    make_demo(Keyring([OLD_SECRET.encode()])).send(message())
    now = make_demo(Keyring([SECRET.encode()]))
    now.send(message())

    with caplog.at_level(logging.DEBUG):
        letters = now.inbox()

    assert len(letters) == 1
    assert caplog.records == []


def test_the_inbox_holds_so_many(demo, message):
    texts = [f"{place:06} is your Acme code." for place in range(MESSAGES + 5)]
    for text in texts:
        demo.send(message(text=text))

    assert [letter["text"] for letter in demo.inbox()] == texts[: -MESSAGES - 1 : -1]
    assert MESSAGES == 50


def test_the_inbox_empties_itself(demo, server, message):
    demo.send(message())

    assert 0 < FakeRedis(server=server).ttl(SHELF) <= SECONDS
