"""An application that speaks OpenID Connect as the specification has it, and the person whom it sends."""

import secrets
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import jwt
from flask.testing import FlaskClient

from service.verification.authorization import challenge_of
from tests.api.application import REDIRECT_URI
from tests.support.http import fields

PUBLIC = "https://verify.example.com"
HOME = {"base_url": PUBLIC}


def came_back(answer) -> tuple[str, dict[str, str]]:
    """Return where an answer leads: the address without its query, and the query."""
    address, _, query = answer.headers["Location"].partition("?")
    return address, dict(parse_qsl(query, strict_parsing=True))


class RelyingParty:
    """One application, over Flask's test client."""

    def __init__(self, client: FlaskClient, name: str, key: str = "", redirect_uri: str = REDIRECT_URI) -> None:
        self.client = client
        self.name = name
        self.key = key
        self.redirect_uri = redirect_uri
        self.verifier = secrets.token_urlsafe(40)

    def asks(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a request; None leaves one out."""
        usual = {
            "client_id": self.name,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid phone",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def sends(self, browser: FlaskClient, **changes: Any) -> Any:
        """Send a browser to us, and return our first answer."""
        return browser.get(f"/authorize?{urlencode(self.asks(**changes), doseq=True)}", **HOME)

    def basic(self, name: str | None = None, key: str | None = None) -> dict[str, str]:
        halves = [quote(half, safe="") for half in (name or self.name, key or self.key)]
        return {"Authorization": "Basic " + b64encode(":".join(halves).encode()).decode()}

    def exchanges(self, code: str, /, *, headers: dict[str, str] | None = None, **changes: Any) -> Any:
        """Ask for tokens; as a confidential application by client_secret_basic."""
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "client_id": self.name,
        }
        form = {name: value for name, value in (usual | changes).items() if value is not None}
        own = self.basic() if self.key else {}
        return self.client.post("/token", data=form, headers=own if headers is None else headers, **HOME)

    def asks_who(self, token: str) -> Any:
        return self.client.get("/userinfo", headers={"Authorization": f"Bearer {token}"}, **HOME)


def asked(browser: FlaskClient, begun: Any, number: str) -> Any:
    """Follow our first answer to the phone form, fill it in, and send it."""
    assert begun.status_code == 303, begun.text
    page = browser.get(begun.headers["Location"], **HOME)
    assert page.status_code == 200, page.text
    return browser.post("/request", data=fields(page.text) | {"phone": number}, **HOME)


def typed(browser: FlaskClient, token: str) -> Any:
    page = browser.get("/verify", **HOME)
    return browser.post("/verify", data=fields(page.text) | {"token": token}, **HOME)


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def read(browser: FlaskClient, token: str, audience: str = "shop") -> dict[str, Any]:
    """Return what an ID token says, as a library of somebody else reads it."""
    published = jwt.PyJWKSet.from_json(browser.get("/.well-known/jwks.json", **HOME).text)
    head = jwt.get_unverified_header(token)
    options: Any = {"verify_exp": False, "verify_iat": False}
    key = published[head["kid"]].key
    return jwt.decode(token, key, algorithms=[head["alg"]], audience=audience, issuer=PUBLIC, options=options)
