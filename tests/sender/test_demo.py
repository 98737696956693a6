"""The demo's carrier: an inbox that every worker shows, and that the store cannot read."""

import logging

import pytest

from service.sender.demo import MESSAGES, SECONDS, DemoSender
from service.verification.envelope import Keys
from tests.conftest import SECRET

TOKEN = "CA9A27"
INBOX = "{tp}:i:demo"


@pytest.fixture
def make_demo(make_store, policy, clock):
    """Every one of them is another worker on the same store."""

    def make() -> DemoSender:
        store = make_store(policy)
        return DemoSender(store.notes, Keys(store.keyring, [SECRET], prefix="tp"), clock)

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
    assert demo.send(message()).queued == 0


def test_every_worker_shows_every_message(make_demo, message):
    one, other = make_demo(), make_demo()
    one.send(message())
    other.send(message())

    assert one.inbox() == other.inbox()
    assert len(one.inbox()) == 2


def test_the_store_holds_neither_token_nor_number(demo, redis, message):
    to = message().to.e164
    demo.send(message(to=to, token=TOKEN))

    kept = repr([redis.keys(), redis.lrange(INBOX, 0, -1)])
    assert INBOX in kept
    assert TOKEN not in kept
    assert to[1:] not in kept


def test_a_new_generation_still_opens_what_an_earlier_one_sealed(make_demo, keys, message):
    make_demo().send(message())
    keys.rotate()

    assert len(make_demo().inbox()) == 1


def test_what_cannot_be_opened_any_more_is_left_out_without_a_word(make_demo, keys, message, caplog):
    make_demo().send(message())
    keys.discard()
    now = make_demo()
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


def test_the_inbox_empties_itself(demo, redis, message):
    demo.send(message())

    assert 0 < redis.ttl(INBOX) <= SECONDS
