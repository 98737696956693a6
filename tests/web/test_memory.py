"""The last tenth of Redis's memory: nothing begins in it, and who has a code gets in."""

import pytest

from service.commands.keys import ClientKeys
from tests.api.application import Application
from tests.web.steps import ask, begin, check, resend


class Short:
    """A store whose memory can run short."""

    def __init__(self, store):
        self._store = store
        self.used = 0.0

    def memory_used(self):
        return self.used

    def ready(self):
        return []

    def __getattr__(self, port):
        return getattr(self._store, port)


@pytest.fixture
def short(store):
    return Short(store)


@pytest.fixture
def client(make_app, short):
    return make_app(store=short).test_client()


@pytest.fixture
def fill(client, short):
    """Memory is used to this share, and the balancer has asked."""

    def fill(share):
        short.used = share
        assert client.get("/readyz").status_code == 200

    return fill


def test_who_has_a_code_gets_in_and_nobody_begins_until_there_is_room_again(client, fill, sender, clock, numbers):
    token = begin(client, sender, next(numbers))
    clock.advance(31)
    other = client.application.test_client()

    fill(0.9)
    assert resend(client).status_code == 503
    assert ask(other, next(numbers)).status_code == 503
    assert len(sender.messages) == 1
    assert check(client, token).status_code == 200

    fill(0.89)
    assert ask(other, next(numbers)).status_code == 303


def test_an_application_begins_nothing_either(make_app, short, store, clock, number):
    app = make_app(store=short, PUBLIC_URL="https://verify.example.com")
    shop = Application(app.test_client(), ClientKeys(store).add("shop", now=clock()))
    started = shop.start(number)
    short.used = 0.95
    app.test_client().get("/readyz")

    assert shop.post("/v1/verifications", {"to": number}).json["code"] == "unavailable"
    assert shop.post(f"/v1/verifications/{started['id']}/resend").json["code"] == "unavailable"
    assert shop.check(started["id"], "000000").status_code == 422
