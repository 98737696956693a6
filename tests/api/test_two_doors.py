"""Pages and API are two doors to one verification: a check through either is a check, and there are five.

`test_replicas.py` has a crowd at both doors of three replicas.
"""

import pytest

from tests.api.application import cookie_of
from tests.fakes import typed_token, wrong
from tests.support.service import ROOT


@pytest.fixture
def browser(app, keys):
    """A browser that is bound to a verification, as if it had started it."""

    def bind(id_):
        client = app.test_client()
        client.set_cookie(*cookie_of(keys, id_))
        return client

    return bind


def test_checks_through_both_doors_are_five_in_all(shop, sender, browser, number):
    id_ = shop.start(number)["id"]
    page, typo = browser(id_), wrong(typed_token(sender))

    statuses = []
    for turn in range(8):
        answer = shop.check(id_, typo) if turn % 2 else page.post("/verify", data={"token": typo, "nonce": str(turn)})
        statuses.append(answer.status_code)

    assert statuses == [422] * 5 + [429] * 3
    assert shop.check(id_, typed_token(sender)).status_code == 429
    assert page.post("/verify", data={"token": typed_token(sender)}).status_code == 429


def test_what_is_confirmed_through_one_door_is_confirmed_for_the_other(shop, sender, browser, number):
    id_ = shop.start(number)["id"]
    page = browser(id_)

    assert page.post("/verify", data={"token": typed_token(sender)}).status_code == 200
    assert shop.get(f"/v1/verifications/{id_}").json["status"] == "approved"
    assert shop.check(id_, typed_token(sender)).status_code == 404


def test_only_the_verifier_asks_the_store_to_check():
    """A second way in would be a second budget (CVE-2026-9798, and the fix of it that missed one)."""
    callers = [path.name for path in (ROOT / "service").rglob("*.py") if "store.check(" in path.read_text()]

    assert callers == ["verifier.py"]
