"""The table of Telnyx's codes: complete, and each row of use to somebody."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sender.error_codes import CODES, UNKNOWN, error_in, meaning_of
from service.verification.errors import Delivery
from tests.sender.table import DOCUMENTED, REFUSALS, SENDING
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


@pytest.mark.parametrize("code", sorted(CODES))
def test_who_cannot_help_is_not_asked_and_who_can_is_told_what_to_do(code):
    meaning = CODES[code]

    assert bool(meaning.operator) is (meaning.delivery not in PERSONAL)
    assert not meaning.operator or meaning.operator.endswith(".")


def test_what_is_uncertain_never_pauses():
    assert not any(meaning.pause and meaning.uncertain for meaning in CODES.values())


def test_what_pauses_is_what_the_table_says():
    """Key and rights, no funds, a profile that is off, the spend limit, traffic blocked for 24 hours."""
    paused = {code for code, meaning in CODES.items() if meaning.pause}

    assert paused == {name for name, meaning in REFUSALS.items() if meaning.pause} | {"40020"}


# What Telnyx's own words say, and what they have to come to: for the person, and whether an operator is told
# to do something. The first that is found in a code's title and detail counts.
WORDS = {
    "STOP message": ("opted_out", False),
    "landline": ("landline", False),
    "content|body of the message|body breaks": ("failed", True),
    "(?i)spam filter|spam message|flagged": ("blocked", True),
    "destination region|whitelisted destinations|message type for": ("country", True),
    "queue is full|allowed requests": ("busy", True),
    "(?i)limit|before it could be sent|suspected": ("failed", True),
    "'from'|sender|sending number|toll-free": ("failed", True),
    "(?i)rejected the destination|phone number is invalid|E.164|'to' address": ("invalid_number", False),
    "recipient|in time|loop": ("unreachable", False),
    "carrier": ("blocked", True),
}


def published():
    """Every title and detail that Telnyx has for a code, by the code."""
    sending = {error.code: f"{error.title}. {error.detail}" for error in ERRORS.values()}
    return sending | {code: ". ".join(words) for code, words in RECEIPT_ERRORS.items()}


@pytest.mark.parametrize(("code", "said"), published().items(), ids=published())
def test_what_we_make_of_a_code_fits_what_telnyx_says_of_it(code, said):
    """By the words and not by the neighbours: 40003 stands between what is the person's, and is the operator's."""
    meaning = meaning_of(code, said)
    delivery, advised = next((ours for words, ours in WORDS.items() if re.search(words, said)), ("failed", True))

    assert meaning.delivery == delivery, said
    assert bool(meaning.operator) is advised, said


@pytest.mark.parametrize("code", ["10012", "10099", "19999"])
@pytest.mark.parametrize("status", [400, 403, 422, 429])
def test_a_code_of_the_request_was_never_sent(code, status):
    """Telnyx: what has a code of 1xxxx does not leave its platform."""
    meaning = meaning_of(code, "", status=status)

    assert (meaning.delivery, meaning.uncertain) == (Delivery.FAILED, False)
    assert "report" in meaning.operator


@given(st.sampled_from(["", "49999", "10099", "20099", "7"]), st.integers(300, 599))
def test_what_nobody_has_seen_is_decided_by_the_class_of_its_status(code, status):
    """A 4xx has sent nothing, but for three that do not say so; of a 3xx or 5xx nobody knows what became."""
    meaning = meaning_of(code, "", status=status)

    assert meaning.uncertain is (not 400 <= status < 500 or status in {408, 409, 425})
    assert meaning.operator
    assert ("new to us" in meaning.operator) <= bool(code), "what has no code is not a new one"


@pytest.mark.parametrize(
    ("status", "advice", "pause"),
    [
        (301, "TELNYX_BASE_URL", False),
        (401, "API_KEY", True),
        (402, "balance", True),
        (403, "TELNYX_BASE_URL", False),
        (404, "TELNYX_BASE_URL", True),
        (429, "SENDER_RATE", False),
        (502, "status page", False),
    ],
)
def test_a_status_without_a_code_has_advice_of_its_own(status, advice, pause):
    meaning = meaning_of("", "", status=status)

    assert advice in meaning.operator
    assert meaning.pause is pause


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
