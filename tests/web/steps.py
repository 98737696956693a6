"""What a visitor does again and again."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes import RecordingSender, typed_token, wrong
from tests.support.http import fields


def nonce_of(page: TestResponse) -> str:
    """Return the name that the page gives to the next request."""
    return fields(page.text)["nonce"]


def title_of(page: TestResponse) -> str:
    """Return what the browser's tab says."""
    found = re.search("<title>(.*?)</title>", page.text)
    assert found is not None
    return found[1]


def ask(client: FlaskClient, phone: str) -> TestResponse:
    """Fill in the first form and send it."""
    return client.post("/request", data={"phone": phone, "nonce": nonce_of(client.get("/"))})


def begin(client: FlaskClient, sender: RecordingSender, number: str) -> str:
    """Ask for a code and return it, as read from the phone."""
    assert ask(client, number).status_code == 303
    return typed_token(sender)


def check(client: FlaskClient, token: str) -> TestResponse:
    """Fill in the second form and send it."""
    return client.post("/verify", data={"token": token, "nonce": nonce_of(client.get("/verify"))})


def fail_checks(client: FlaskClient, token: str, times: int) -> None:
    """Type a wrong code so many times."""
    for _ in range(times):
        assert check(client, wrong(token)).status_code == 422


def resend(client: FlaskClient) -> TestResponse:
    """Press "Resend code"."""
    return client.post("/resend", data={"nonce": nonce_of(client.get("/verify"))})
