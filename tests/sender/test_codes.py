"""The table of Telnyx's codes: complete, and each row of use to somebody."""

import pytest

from service.sender.codes import CODES, UNKNOWN, error_in, meaning_of
from service.verification.errors import Delivery
from tests.sender.table import DOCUMENTED, RECEIPTS, REFUSALS, SENDING
from tests.support.telnyx import ERRORS, RECEIPT_ERRORS

# What the person can do something about, or nobody can: the operator is not told to do anything.
PERSONAL = {
    Delivery.INVALID_NUMBER,
    Delivery.LANDLINE,
    Delivery.OPTED_OUT,
    Delivery.UNREACHABLE,
}


@pytest.mark.parametrize("code", sorted(DOCUMENTED))
def test_every_documented_code_has_a_meaning(code):
    assert meaning_of(code, "") is not UNKNOWN


def test_the_table_invents_no_code():
    assert set(CODES) | {"40300"} == DOCUMENTED


def test_the_fake_knows_every_code_too():
    """So that no row is left untried. 40308 is for pictures, which we never send."""
    assert {error.code for error in ERRORS.values()} | {"40308"} == set(SENDING.split())
    assert {error.code for error in ERRORS.values()} | {"40308"} | set(RECEIPT_ERRORS) == DOCUMENTED


@pytest.mark.parametrize("code", sorted(RECEIPT_ERRORS))
def test_a_code_of_a_receipt_means_what_it_should(code):
    delivery, advice = RECEIPTS[code]
    meaning = meaning_of(code, "")

    assert meaning.delivery is delivery
    assert advice in meaning.operator
    assert meaning.pause is (code == "40020")


@pytest.mark.parametrize("code", sorted(CODES))
def test_who_cannot_help_is_not_asked_and_who_can_is_told_what_to_do(code):
    meaning = CODES[code]

    assert bool(meaning.operator) is (meaning.delivery not in PERSONAL or "SENDER_RATE" in meaning.operator)
    assert not meaning.operator or meaning.operator.endswith(".")


@pytest.mark.parametrize("code", sorted(CODES))
def test_only_what_refuses_everybody_pauses_everybody(code):
    """A pause holds every person's message: a landline must not be a reason."""
    meaning = CODES[code]

    assert not meaning.pause or meaning.delivery is Delivery.FAILED


def test_what_is_uncertain_never_pauses():
    assert not any(meaning.pause and meaning.uncertain for meaning in CODES.values())


def test_what_pauses_is_what_the_table_of_issue_3_says():
    """Key and rights, no funds, a profile that is off, the spend limit, traffic blocked for 24 hours."""
    paused = {code for code, meaning in CODES.items() if meaning.pause}

    assert paused == {name for name, meaning in REFUSALS.items() if meaning.pause} | {"40020"}


@pytest.mark.parametrize("code", ["", "0", "4030", "403000", "49999", "None", "40310 "])
def test_everything_else_is_unknown(code):
    assert meaning_of(code, "") is UNKNOWN
    assert UNKNOWN.uncertain
    assert not UNKNOWN.pause


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"errors": [{"code": "40310", "title": "t", "detail": "d"}]}, "40310"),
        ({"errors": [{"code": 40310}]}, "40310"),
        ({"errors": [{"code": "40310"}, {"code": "10009"}]}, "40310"),
        ({"errors": [{"code": None}]}, ""),
        ({"errors": [{}]}, ""),
        ({"errors": []}, ""),
        ({"errors": None}, ""),
        ({"errors": {"0": {"code": "40310"}}}, ""),
        ({"errors": "40310"}, ""),
        ({"errors": [["40310"]]}, ""),
        ({"errors": ["40310"]}, ""),
        ({}, ""),
        ([], ""),
        ("<!doctype html>", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_the_code_is_read_from_whatever_came(body, code):
    assert error_in(body)[0] == code
