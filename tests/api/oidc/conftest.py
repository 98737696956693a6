"""A service, applications at it, and a browser that walks.

| fixture | is |
|---|---|
| `shop`, `rival`, `spa` | two applications with a key, and a public one, as a `RelyingParty` |
| `browser` | somebody's |
| `walk` | walks the whole way: `walk(shop, scope="openid")` returns what came back |
| `code` | what came back to `shop` |
"""

import pytest

from tests.api.application import REDIRECT_URI, RIVAL_URI
from tests.api.relying_party import PUBLIC, RelyingParty, asked, came_back, typed
from tests.fakes import typed_token


@pytest.fixture
def app(lend_app, settings, store, sender, clock):
    return lend_app(settings(PUBLIC_URL=PUBLIC), store=store, sender=sender, clock=clock)


@pytest.fixture
def browser(app):
    return app.test_client()


@pytest.fixture
def shop(app, add_client):
    return RelyingParty(app.test_client(), "shop", add_client("shop", redirect_uris=(REDIRECT_URI,)))


@pytest.fixture
def rival(app, add_client):
    return RelyingParty(app.test_client(), "rival", add_client("rival", redirect_uris=(RIVAL_URI,)), RIVAL_URI)


@pytest.fixture
def spa(app, add_client):
    address = "https://spa.example.com/"
    add_client("spa", redirect_uris=(address,), is_public=True)
    return RelyingParty(app.test_client(), "spa", "", address)


@pytest.fixture
def walk(browser, sender, numbers):
    def walk(application, *, number="", **changes):
        assert asked(browser, application.sends(browser, **changes), number or next(numbers)).status_code == 303
        back = typed(browser, typed_token(sender))
        assert back.status_code == 303, back.text
        return came_back(back)

    return walk


@pytest.fixture
def code(walk, shop):
    return walk(shop)[1]["code"]
