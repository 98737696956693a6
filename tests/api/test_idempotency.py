"""`Idempotency-Key`: a request that is sent again, its answer lost, does nothing and is answered the same."""

import threading

import pytest

from service.web import idempotency
from tests.fakes import typed_token, wrong
from tests.support.processes import LONG_SECONDS

HOUR = 3600  # seconds


def test_a_start_sent_again_is_one_message_and_one_answer(shop, sender, number):
    first = shop.post("/v1/verifications", {"to": number}, idempotency="one")
    again = shop.post("/v1/verifications", {"to": number}, idempotency="one")

    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(sender.messages) == 1


def test_the_order_of_fields_makes_no_other_body(shop, number):
    first = shop.raw_named(b'{"to": "%s", "reference": "a"}' % number.encode(), "one")
    again = shop.raw_named(b'{"reference":"a","to":"%s"}' % number.encode(), "one")

    assert again.json == first.json


def test_another_body_with_the_same_key_is_refused(shop, sender, numbers):
    shop.post("/v1/verifications", {"to": next(numbers)}, idempotency="one")

    answer = shop.post("/v1/verifications", {"to": next(numbers)}, idempotency="one")

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_conflict")
    assert len(sender.messages) == 1


def test_a_wrong_check_sent_again_costs_one_try(shop, sender, number):
    id_ = shop.start(number)["id"]
    typo = wrong(typed_token(sender))

    answers = [shop.check(id_, typo, idempotency="check") for _ in range(3)]

    assert [(answer.status_code, answer.json["checks_left"]) for answer in answers] == [(422, 4)] * 3


def test_a_right_check_sent_again_is_right_again(shop, sender, number):
    """A lost answer is not a lost token."""
    id_ = shop.start(number)["id"]

    answers = [shop.check(id_, typed_token(sender), idempotency="check") for _ in range(2)]

    assert [(answer.status_code, answer.json["status"]) for answer in answers] == [(200, "approved")] * 2
    assert shop.check(id_, typed_token(sender), idempotency="another").status_code == 404


def test_what_says_come_back_later_may_come_back_with_its_key(shop, clock, number):
    resend = f"/v1/verifications/{shop.start(number)['id']}/resend"

    early = shop.post(resend, idempotency="resend")
    clock.advance(30)
    late = shop.post(resend, idempotency="resend")

    assert (early.status_code, late.status_code) == (429, 200)


def test_a_key_is_that_of_one_client_and_one_route(shop, rival, sender, numbers):
    first, second = next(numbers), next(numbers)

    mine = shop.post("/v1/verifications", {"to": first}, idempotency="1")
    theirs = rival.post("/v1/verifications", {"to": second}, idempotency="1")
    checked = shop.check(mine.json["id"], "000000", idempotency="1")

    assert (mine.json["to"], theirs.json["to"]) == (first, second)
    assert checked.json["code"] in {"token_rejected", "approved"}
    assert len(sender.messages) == 2


def test_the_same_key_of_two_clients_for_one_number_opens_nothing_of_the_other(shop, rival, number):
    mine = shop.post("/v1/verifications", {"to": number}, idempotency="1").json
    theirs = rival.post("/v1/verifications", {"to": number}, idempotency="1").json

    assert mine["id"] != theirs["id"]
    assert rival.get(f"/v1/verifications/{mine['id']}").status_code == 404


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "tab\there"], ids=["empty", "long", "accent", "tab"])
def test_what_is_no_key_is_refused(shop, sender, number, key):
    answer = shop.post("/v1/verifications", {"to": number}, idempotency=key)

    assert (answer.status_code, answer.json["code"]) == (400, "bad_idempotency_key")
    assert sender.messages == []


def test_what_cannot_be_read_leaves_its_key_free(shop, number):
    assert shop.post("/v1/verifications", {"to": 1}, idempotency="one").status_code == 422
    assert shop.post("/v1/verifications", {"to": number}, idempotency="one").status_code == 201


def test_while_the_first_is_at_work_an_equal_one_is_told_to_wait(app, shop, sender, number):
    """On a thread of its own, held up in the carrier."""
    reached, released = threading.Event(), threading.Event()
    send = sender.send

    def slow(message):
        reached.set()
        assert released.wait(LONG_SECONDS)
        return send(message)

    sender.send = slow
    answers = []
    first = threading.Thread(
        target=lambda: answers.append(shop.post("/v1/verifications", {"to": number}, idempotency="one"))
    )
    first.start()
    assert reached.wait(LONG_SECONDS)
    meanwhile = shop.again().post("/v1/verifications", {"to": number}, idempotency="one")
    released.set()
    first.join()

    assert (meanwhile.status_code, meanwhile.json["code"]) == (409, "in_flight")
    assert meanwhile.headers["Retry-After"] == "1"
    assert answers[0].status_code == 201
    assert len(sender.messages) == 1


def test_after_a_fault_of_ours_the_key_is_free(shop, sender, number, monkeypatch, app):
    app.testing = False
    with monkeypatch.context() as broken:
        broken.setattr("service.web.api.as_json", lambda _: 1 / 0)
        assert shop.post("/v1/verifications", {"to": number}, idempotency="one").status_code == 500

    again = shop.post("/v1/verifications", {"to": number}, idempotency="one")

    assert again.status_code == 201
    assert len(sender.messages) == 1  # the verb knows the request by the same name


def test_what_changed_something_is_kept_sealed_a_start_for_a_day_and_others_for_an_hour(shop, redis, sender, number):
    id_ = shop.post("/v1/verifications", {"to": number, "reference": "order-1001"}, idempotency="one").json["id"]
    shop.check(id_, typed_token(sender), idempotency=f"check {number}")

    names = redis.keys("{tp}:i:*")
    notes = b" ".join(redis.get(name) for name in names)
    lives = sorted(redis.ttl(name) for name in names if redis.strlen(name) > 10)

    assert [-(-life // HOUR) for life in lives] == [1, 24]
    for secret in (number, number[2:], "order-1001", typed_token(sender)):
        assert secret.encode() not in notes
        assert secret.encode() not in b" ".join(names)


def test_a_claim_ends_by_itself():
    """A replica that died at work keeps nobody waiting for longer than a request may take."""
    assert idempotency.AT_WORK_SECONDS <= 60


# -- What is remembered


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/verifications/nothing/check", {"token": "000000"}),
        ("/v1/verifications/nothing/cancel", None),
        ("/v1/verifications", {"to": "no number"}),
        ("/v1/results/redeem", {"result": "none"}),
    ],
    ids=["check", "cancel", "start", "redeem"],
)
def test_what_changed_nothing_is_not_kept(shop, redis, path, body):
    shop.post(path, body, idempotency="first")
    before = len(redis.keys("*"))

    for turn in range(9):
        shop.post(path, body, idempotency=f"again {turn}")

    assert len(redis.keys("*")) == before


def test_an_application_has_only_so_much_remembered(shop, rival, sender, numbers, monkeypatch):
    monkeypatch.setattr(idempotency, "ALLOWANCE", 3)
    for turn in range(3):
        assert shop.post("/v1/verifications", {"to": next(numbers)}, idempotency=str(turn)).status_code == 201

    refused = shop.post("/v1/verifications", {"to": next(numbers)}, idempotency="one more")

    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) <= HOUR
    assert len(sender.messages) == 3
    assert shop.post("/v1/verifications", {"to": next(numbers)}).status_code == 201, "nothing is remembered of it"
    assert rival.post("/v1/verifications", {"to": next(numbers)}, idempotency="1").status_code == 201
