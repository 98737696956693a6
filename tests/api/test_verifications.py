"""The four verbs over JSON: what a program gets that reads the status only, and one that reads all."""

from datetime import UTC, datetime

import pytest

from service.verification.errors import Delivery
from tests.api.application import Application, cookie_of
from tests.fakes import GoneStore, typed_token, wrong
from tests.support.service import ROOT


def code_of(answer):
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == answer.status_code
    assert answer.json["type"] == f"/v1/problems/{answer.json['code']}"
    return answer.json["code"]


def test_a_verification_has_the_fields_of_the_contract(shop, clock, number):
    begun = shop.start(number, reference="order-1001", locale="pt-BR")

    assert begun | {"id": ""} == {
        "id": "",
        "to": number,
        "status": "pending",
        "channel": "sms",
        "reference": "order-1001",
        "created_at": datetime.fromtimestamp(clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "expires_in": 600,
        "next_send_in": 30,
        "sends_left": 4,
        "checks_left": 5,
        "delivery": "on_its_way",
    }


def test_what_is_shown_is_what_was_started(shop, number):
    begun = shop.start(number, reference="order-1001")

    assert shop.get(f"/v1/verifications/{begun['id']}").json == begun


def test_the_right_token_is_a_200_once(shop, sender, number):
    """Used up, it is as if it had never been there."""
    id_ = shop.start(number)["id"]

    first, second = shop.check(id_, typed_token(sender)), shop.check(id_, typed_token(sender))

    assert (first.status_code, first.json["status"], first.json["to"]) == (200, "approved", number)
    assert (second.status_code, code_of(second)) == (404, "not_found")
    assert shop.get(f"/v1/verifications/{id_}").json["status"] == "approved"


def test_a_wrong_token_is_never_a_2xx(shop, sender, number):
    """Five are looked at; after them even the right one is not."""
    id_ = shop.start(number)["id"]

    answers = [shop.check(id_, wrong(typed_token(sender))) for _ in range(5)]
    late = shop.check(id_, typed_token(sender))

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(422, "token_rejected")] * 5
    assert [answer.json["checks_left"] for answer in answers] == [4, 3, 2, 1, 0]
    assert all("wrong" in answer.json["detail"] for answer in answers), "who reads nothing else has to learn it there"
    assert (late.status_code, code_of(late)) == (429, "locked")
    assert "Retry-After" not in late.headers


def test_what_cannot_be_a_token_costs_nothing(shop, sender, number):
    id_ = shop.start(number)["id"]

    answer = shop.check(id_, "12")

    assert (answer.status_code, code_of(answer)) == (422, "malformed_token")
    assert shop.get(f"/v1/verifications/{id_}").json["checks_left"] == 5


def test_a_resend_too_soon_says_when(shop, sender, clock, number):
    begun = shop.start(number)
    resend = f"/v1/verifications/{begun['id']}/resend"

    early = shop.post(resend)
    clock.advance(30)
    late = shop.post(resend, {})

    assert (early.status_code, code_of(early)) == (429, "resend_wait")
    assert early.json["retry_after"] == early.json["next_send_in"] == 30
    assert early.headers["Retry-After"] == "30"
    assert (late.status_code, late.json["sends_left"], late.json["next_send_in"]) == (200, 3, 60)
    assert len(sender.messages) == 2


def test_a_canceled_verification_is_gone_for_checks(shop, sender, number):
    id_ = shop.start(number)["id"]

    canceled = [shop.post(f"/v1/verifications/{id_}/cancel") for _ in range(2)]
    checked = shop.check(id_, typed_token(sender))

    assert [(answer.status_code, answer.json["status"]) for answer in canceled] == [(200, "canceled")] * 2
    assert (checked.status_code, code_of(checked)) == (404, "not_found")


def test_a_confirmed_number_cannot_be_canceled_or_texted_again(shop, sender, number):
    id_ = shop.start(number)["id"]
    shop.check(id_, typed_token(sender))

    answers = [shop.post(f"/v1/verifications/{id_}/{verb}") for verb in ("cancel", "resend")]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(409, "already_approved")] * 2


def test_an_expired_verification_is_shown_as_such_and_checked_as_none(shop, sender, clock, number):
    id_ = shop.start(number)["id"]
    clock.advance(600)

    assert shop.get(f"/v1/verifications/{id_}").json["status"] == "expired"
    assert shop.check(id_, typed_token(sender)).status_code == 404


def test_what_the_carrier_will_not_deliver_is_a_422_with_words_for_the_person(shop, sender, number):
    sender.refuse(delivery=Delivery.LANDLINE)

    answer = shop.post("/v1/verifications", {"to": number})

    assert (answer.status_code, code_of(answer), answer.json["reason"]) == (422, "send_refused", "landline")
    assert "landline" in answer.json["detail"]


def test_what_the_carrier_did_not_answer_is_open_and_says_so(shop, sender, number):
    sender.lose()

    assert shop.start(number)["delivery"] == "uncertain"


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("hello", "characters"),
        ("+442079460000", "not_mobile"),
        ("+12025550143;ext=5", "extension"),
        ("12", "impossible"),
        ("+447400123456", "region_not_allowed"),
    ],
)
def test_a_program_is_told_why_a_number_is_not_taken(shop, sender, to, reason):
    answer = shop.post("/v1/verifications", {"to": to})

    assert (answer.status_code, code_of(answer), answer.json["reason"]) == (422, "invalid_number", reason)
    assert sender.messages == []


# -- Whose it is


@pytest.mark.parametrize("verb", ["check", "resend", "cancel", "show"])
def test_the_verification_of_another_client_is_none(  # noqa: PLR0917
    shop, rival, sender, clock, number, verb
):
    """The same answer as for an id that nobody has, and nothing is counted."""
    id_ = shop.start(number)["id"]
    clock.advance(30)
    none = "A" * 38 + id_[38:]

    def ask(id_):
        path = f"/v1/verifications/{id_}"
        if verb == "show":
            return rival.get(path)
        return rival.post(f"{path}/{verb}", {"token": typed_token(sender)} if verb == "check" else {})

    theirs, nobodys = ask(id_), ask(none)

    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json == nobodys.json
    assert len(sender.messages) == 1
    assert shop.get(f"/v1/verifications/{id_}").json["checks_left"] == 5
    assert shop.check(id_, typed_token(sender)).status_code == 200


def test_a_verification_of_the_pages_is_nobodys(shop, verifier, sender, number):
    id_ = verifier.start(number).id

    assert shop.get(f"/v1/verifications/{id_}").status_code == 404
    assert shop.check(id_, typed_token(sender)).status_code == 404


def test_a_client_sends_only_where_it_may(add_client, make_app, store, number):
    wide = make_app(store=store, ALLOWED_REGIONS=("US", "GB"))
    british = Application(wide.test_client(), add_client("british", regions=["GB"]))

    answer = british.post("/v1/verifications", {"to": number})

    assert (answer.status_code, code_of(answer)) == (422, "invalid_number")
    assert british.post("/v1/verifications", {"to": "+447400123456"}).status_code == 201


def test_a_client_with_a_quota_is_held_to_it_and_no_other_is(app, add_client, shop, numbers):
    small = Application(app.test_client(), add_client("small", quota=["2/3600"]))

    statuses = [small.post("/v1/verifications", {"to": next(numbers)}).status_code for _ in range(2)]
    spent = small.post("/v1/verifications", {"to": next(numbers)})

    assert statuses == [201, 201]
    assert (spent.status_code, code_of(spent)) == (429, "sends_of_client")
    assert 0 < spent.json["retry_after"] <= 3600
    assert shop.post("/v1/verifications", {"to": next(numbers)}).status_code == 201


# -- Pages and API are two ways to one verification; test_replicas.py has a crowd at both


def test_what_is_confirmed_through_one_is_confirmed_for_the_other(shop, app, keys, sender, number):
    id_ = shop.start(number)["id"]
    page = app.test_client()
    page.set_cookie(*cookie_of(keys, id_))

    assert page.post("/verify", data={"token": typed_token(sender)}).status_code == 200
    assert shop.get(f"/v1/verifications/{id_}").json["status"] == "approved"
    assert shop.check(id_, typed_token(sender)).status_code == 404


def test_only_the_verifier_asks_the_store_to_check():
    """A second way in would be a second budget (CVE-2026-9798, and the fix of it that missed one)."""
    callers = [path.name for path in (ROOT / "service").rglob("*.py") if "store.check(" in path.read_text()]

    assert callers == ["verifier.py"]


# -- When something is wrong on our side


def test_without_a_store_nothing_is_accepted_and_it_says_when_to_come_back(make_app, sender, number):
    broken = Application(make_app(store=GoneStore()).test_client(), "tp_00000000_" + "A" * 43)

    answer = broken.post("/v1/verifications", {"to": number})

    assert (answer.status_code, code_of(answer)) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert sender.messages == []


def test_a_fault_of_ours_is_told_in_json_and_shows_nothing(app, shop, monkeypatch):
    monkeypatch.setattr("service.web.api.as_json", lambda _: 1 / 0)
    app.testing = False

    answer = shop.post("/v1/verifications", {"to": "+12025550143"})

    assert (answer.status_code, code_of(answer)) == (500, "internal")
    assert "ZeroDivision" not in answer.text
