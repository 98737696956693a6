"""The demo: an inbox instead of a carrier, said out loud on every page, and not there in production."""

import pytest

from tests.web.steps import ask, begin, check, nonce_of

BANNER = "No texts are sent"


@pytest.fixture
def demo(make_app):
    """A browser in front of the demo, with the demo's own sender."""
    return make_app(SENDER="demo", sender=None).test_client()


def inbox(client):
    return client.get("/demo/messages").json


def test_the_whole_flow_works_with_what_the_inbox_shows(demo, number):
    ask(demo, number)

    token = inbox(demo)[0]["text"].split()[0]

    assert check(demo, token).status_code == 200


def test_the_inbox_is_a_list_newest_first(demo, clock, numbers):
    first, second = next(numbers), next(numbers)
    ask(demo, first)
    clock.advance(10)
    ask(demo, second)

    messages = inbox(demo)

    assert [message["to"] for message in messages] == [second, first]
    assert [message["sent_at"] for message in messages] == [int(clock()), int(clock()) - 10]
    assert {frozenset(message) for message in messages} == {frozenset({"to", "text", "sent_at"})}


def test_the_phone_shows_the_messages(demo, number):
    assert "No texts yet" in demo.get("/demo").text

    ask(demo, number)

    assert inbox(demo)[0]["text"].split("\n")[0] in demo.get("/demo").text


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


@pytest.mark.parametrize("path", ["/", "/verify", "/demo", "/nowhere"])
def test_every_page_of_the_demo_says_so(demo, number, path):
    ask(demo, number)

    assert BANNER in demo.get(path).text


def test_a_form_that_is_shown_again_says_so(demo):
    assert BANNER in ask(demo, "?").text


@pytest.mark.parametrize("path", ["/", "/verify", "/nowhere"])
def test_no_page_of_production_says_so(client, sender, number, path):
    begin(client, sender, number)

    assert BANNER not in client.get(path).text


@pytest.mark.parametrize("path", ["/demo", "/demo/", "/demo/messages"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_production_has_no_inbox(client, path, method):
    assert client.open(path, method=method).status_code == 404


def test_a_reload_of_the_first_page_of_the_demo_sends_nothing(demo):
    nonce_of(demo.get("/"))
    demo.get("/")

    assert inbox(demo) == []
