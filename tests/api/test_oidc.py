"""The OpenID Connect provider: out to our pages and back, with a code that is good once, for one application."""

from typing import Any

import jwt
import pytest

from tests.api.application import REDIRECT_URI, RIVAL_URI
from tests.api.relying_party import HOME, PUBLIC, RelyingParty, asked, came_back, typed
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
def walk(browser, sender, number):
    """Walks the whole way, and returns what came back."""

    def walk(application, **changes):
        assert asked(browser, application.sends(browser, **changes), number).status_code == 303
        back = typed(browser, typed_token(sender))
        assert back.status_code == 303, back.text
        return came_back(back)

    return walk


def read(browser, token, audience="shop"):
    """Return what an ID token says, as a library of somebody else reads it."""
    published = jwt.PyJWKSet.from_dict(browser.get("/.well-known/jwks.json", **HOME).json)
    head = jwt.get_unverified_header(token)
    options: Any = {"verify_exp": False, "verify_iat": False}
    key = published[head["kid"]].key
    return jwt.decode(token, key, algorithms=[head["alg"]], audience=audience, issuer=PUBLIC, options=options)


def test_the_way_out_and_back(shop, browser, walk, number, clock):
    address, facts = walk(shop, reference="order-1001", acr_values="sms")

    given = shop.exchanges(facts["code"])

    assert (address, facts["state"], facts["iss"]) == (REDIRECT_URI, "state-1", PUBLIC)
    assert given.status_code == 200, given.text
    assert given.headers["Cache-Control"] == "no-store"
    assert {name: given.json[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "openid phone",
    }
    claims = read(browser, given.json["id_token"])
    assert claims | {"sub": "", "at_hash": ""} == {
        "iss": PUBLIC,
        "aud": "shop",
        "sub": "",
        "iat": int(clock()),
        "exp": int(clock()) + 300,
        "auth_time": int(clock()),
        "nonce": "nonce-1",
        "amr": ["sms"],
        "acr": "sms",
        "at_hash": "",
        "reference": "order-1001",
        "phone_number": number,
        "phone_number_verified": True,
    }
    assert shop.asks_who(given.json["access_token"]).json == {
        name: claims[name] for name in ("sub", "phone_number", "phone_number_verified")
    }
