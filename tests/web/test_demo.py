"""The demo: an inbox instead of a carrier, said out loud on every page, and not there in production."""

from itertools import product

import pytest

from tests.web.steps import ask, begin, check, nonce_of

BANNER = "No texts are sent"


@pytest.fixture
def demo(make_app):
    """A browser in front of the demo, with the demo's own sender."""
    return make_app(SENDER="demo", sender=None).test_client()


def inbox(client):
    return client.get("/demo/messages").json


def test_the_whole_flow_works_with_what_the_inbox_shows_newest_first(demo, clock, numbers):
    assert "No texts yet" in demo.get("/demo").text
    first, second = next(numbers), next(numbers)
    ask(demo, first)
    clock.advance(10)
    ask(demo, second)

    messages = inbox(demo)

    assert [message["to"] for message in messages] == [second, first]
    assert [message["sent_at"] for message in messages] == [int(clock()), int(clock()) - 10]
    assert {frozenset(message) for message in messages} == {frozenset({"to", "text", "sent_at"})}
    assert messages[0]["text"].split("\n")[0] in demo.get("/demo").text
    assert check(demo, messages[0]["text"].split()[0]).status_code == 200


def test_every_worker_shows_the_same_inbox(make_app, number):
    one, other = (make_app(SENDER="demo", sender=None).test_client() for _ in range(2))

    ask(one, number)

    assert inbox(other) == inbox(one) != []


def test_the_inbox_forgets_what_is_old(demo, numbers):
    for visitor in range(51):
        from_elsewhere = {"REMOTE_ADDR": f"10.{visitor}.0.1"}
        demo.post("/request", data={"phone": next(numbers)}, environ_overrides=from_elsewhere)

    assert len(inbox(demo)) == 50


def test_what_lies_in_the_store_is_sealed(make_app, make_store, policy, number):
    """The demo keeps the promise too: no token and no number in Redis that anybody can read."""
    store = make_store(policy)
    client = make_app(store=store, SENDER="demo", sender=None).test_client()
    ask(client, number)
    token = inbox(client)[0]["text"].split()[0]

    kept = b"".join(store.notes.list("demo"))

    assert kept
    assert token.encode() not in kept
    assert number.encode() not in kept


def test_every_page_of_the_demo_says_so_and_none_of_production(demo, client, sender, number):
    ask(demo, number)
    pages = [demo.get(path) for path in ("/", "/verify", "/demo", "/nowhere")]
    assert [BANNER in page.text for page in (*pages, ask(demo, "?"))] == [True] * 5

    begin(client, sender, number)
    assert [BANNER in client.get(path).text for path in ("/", "/verify", "/nowhere")] == [False] * 3
    for method, path in product(("GET", "POST", "HEAD"), ("/demo", "/demo/", "/demo/messages")):
        assert client.open(path, method=method).status_code == 404


def test_a_reload_of_the_first_page_of_the_demo_sends_nothing(demo):
    nonce_of(demo.get("/"))
    demo.get("/")

    assert inbox(demo) == []
