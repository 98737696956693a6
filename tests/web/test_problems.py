"""The one table: everything that can be said no to has words, a stable code and a status that is meant."""

import pytest
from flask import Flask
from werkzeug import exceptions

from service.verification.errors import (
    AlreadyApproved,
    Delivery,
    ForgedReceipt,
    Hold,
    InvalidNumber,
    Limit,
    Limited,
    MalformedToken,
    NumberFault,
    SendingHeld,
    SendRefused,
    SendUncertain,
    StoreUnavailable,
    TokenRejected,
    UnknownVerification,
    VerificationError,
    VerificationLocked,
    WrongSecret,
)
from service.web.problems import problem_of
from service.web.words import DELIVERIES, NUMBERS, in_words

TABLE = [
    *[(InvalidNumber(fault), 422, "invalid_number", None) for fault in NumberFault],
    (MalformedToken(6, 5), 422, "malformed_token", None),
    (MalformedToken(6, 0), 422, "malformed_token", None),
    (MalformedToken(6), 422, "malformed_token", None),
    *[(TokenRejected(left), 422, "token_rejected", None) for left in (4, 1, 0)],
    (VerificationLocked(), 429, "locked", None),
    *[(Limited(limit, 600), 429, limit.value, 600) for limit in Limit],
    (Limited(Limit.SENDS_OF_VERIFICATION, None), 429, "sends_of_verification", None),
    (AlreadyApproved(), 409, "already_approved", None),
    (UnknownVerification(), 404, "not_found", None),
    *[
        (SendRefused(delivery), 422, "send_refused", None)
        for delivery in Delivery
        if delivery not in {Delivery.FAILED, Delivery.BUSY}
    ],
    (SendRefused(Delivery.FAILED), 503, "send_failed", 60),
    (SendRefused(Delivery.FAILED, retry_after=7), 503, "send_failed", 7),
    *[(SendingHeld(hold, 9), 503, hold.value, 9) for hold in Hold],
    (ForgedReceipt("why"), 403, "forged", None),
    (StoreUnavailable(), 503, "unavailable", 2),
    (WrongSecret(), 503, "unavailable", 2),
]


def name(value):
    return f"{type(value).__name__}-{value}" if isinstance(value, Exception) else ""


def every(error):
    return {error}.union(*(every(narrower) for narrower in error.__subclasses__()))


@pytest.mark.parametrize(("error", "status", "code", "retry_after"), TABLE, ids=name)
def test_every_refusal_has_its_status_and_code_a_time_where_waiting_helps_and_words(error, status, code, retry_after):
    problem = problem_of(error)

    assert (problem.status, problem.code, problem.retry_after) == (status, code, retry_after)
    assert problem.title
    assert problem.detail.endswith(".")
    assert "{" not in problem.detail
    assert "None" not in problem.detail


def test_the_table_above_is_complete():
    """A new error without words would be a 500 by accident. An unknown outcome is no refusal: it stays open."""
    assert every(VerificationError) - {VerificationError} - {type(row[0]) for row in TABLE} == {SendUncertain}


@pytest.mark.parametrize(("words", "facts"), [(NUMBERS, NumberFault), (DELIVERIES, Delivery)])
def test_every_fact_has_words(words, facts):
    assert set(words) == set(facts)


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 406, 408, 410, 411, 412, 413, 414, 415, 416, 417, 418, 422, 428, 429, 431]
)
def test_what_werkzeug_says_no_to_keeps_its_status(status):
    problem = problem_of(exceptions.default_exceptions[status]())

    assert problem.status == status
    assert problem.title
    assert problem.detail.endswith(".")


@pytest.mark.parametrize(
    "error", [RuntimeError("hunter2"), KeyError("hunter2"), exceptions.NotImplemented("hunter2"), VerificationError()],
    ids=name,
)  # fmt: skip
def test_what_nobody_expected_is_our_fault_and_shows_nothing(error):
    problem = problem_of(error)

    assert (problem.status, problem.code) == (500, "internal")
    assert "hunter2" not in f"{problem.title}{problem.detail}"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0 seconds"), (1, "1 second"), (60, "60 seconds"), (61, "2 minutes"), (120, "2 minutes")),
        *((3_600, "60 minutes"), (3_601, "2 hours"), (86_400, "24 hours"), (86_401, "2 days")),
    ],
)
def test_a_duration_is_told_as_people_say_it_and_never_too_short(seconds, words):
    assert in_words(seconds) == words


# -- What the phone itself can undo


@pytest.fixture
def hears():
    def app(number):
        made = Flask("test")
        made.config["HEARS_AT"] = number
        return made.app_context()

    return app


@pytest.mark.parametrize("limit", [Limit.SENDS_OF_NUMBER, Limit.CHECKS_OF_NUMBER, Limit.CLOSED, Limit.STARTS_OF_PREFIX])
def test_who_is_kept_out_by_others_is_told_what_the_phone_can_do(hears, limit):
    with hears("+1 202-555-0100"):
        assert "text START from it to \u2066+1 202-555-0100\u2069" in problem_of(Limited(limit, 3600)).detail


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("", Limited(Limit.CLOSED, 3600)),
        ("+1 202-555-0100", Limited(Limit.CLOSED, None)),
        ("+1 202-555-0100", Limited(Limit.SENDS_OF_NUMBER, 120)),
        ("+1 202-555-0100", Limited(Limit.STARTS_OF_ADDRESS, 3600)),
    ],
    ids=["nobody hears it", "the operator closed it", "it is over soon", "it is about the address"],
)
def test_nobody_is_told_what_would_not_help(hears, number, error):
    with hears(number):
        assert "START" not in problem_of(error).detail
