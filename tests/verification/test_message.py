"""The text message: one segment, the token first, and a last line that binds it to our site."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.verification.message import BASIC, EXTENDED, SEGMENT, Message, compose, septets
from service.verification.phone import PhoneNumber
from service.verification.token import Token
from tests.verification.steps import promised_seconds

TOKEN = Token("4E1AC0")
LIFE = timedelta(minutes=10)
# WICG, Origin-bound one-time codes: the last line is @, the host, a space, # and the code.
LAST_LINE = re.compile(r"@[a-z0-9.-]+ #[0-9A-F]+")
GSM_NAME = st.text(sorted(BASIC - set("\n\r")), min_size=1, max_size=30)


def text(token=TOKEN, brand="Acme", life=LIFE, host="verify.example.com"):
    return compose(token, brand=brand, life=life, host=host)


def test_the_token_comes_first():
    """So that it can be read on the lock screen."""
    assert text().startswith("4E1AC0 ")


def test_the_message_says_who_sends_it_how_long_it_lives_and_what_not_to_do():
    assert "Acme" in text()
    assert "10 minutes" in text()
    assert "not share" in text()


def test_the_last_line_binds_the_token_to_the_host():
    lines = text().split("\n")

    assert lines[-1] == "@verify.example.com #4E1AC0"
    assert LAST_LINE.fullmatch(lines[-1])


def test_without_a_public_host_there_is_one_line_and_no_empty_binding():
    assert "\n" not in text(host=None)
    assert "@" not in text(host=None)


@given(GSM_NAME, st.integers(60, 600), st.sampled_from([None, "a.io", "verify.example.com"]))
def test_the_message_is_one_segment_without_a_link(brand, seconds, host):
    """Carriers bill two for 161 septets, and distrust links."""
    written = text(token=Token("0" * 10), brand=brand, life=timedelta(seconds=seconds), host=host)

    assert (septets(written) or SEGMENT + 1) <= SEGMENT
    assert "://" not in written.replace(brand, "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(600, "10 minutes"), (300, "5 minutes"), (120, "2 minutes")],
    ids=["most", "five", "two"],
)
def test_the_life_is_told_in_minutes(seconds, words):
    assert f"expires in {words}" in text(life=timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [1, 30, 59, 90, 119, 150, 210, 599])
def test_the_message_never_promises_more_than_the_life(seconds):
    """Who believes it types a token that has expired."""
    assert promised_seconds(text(life=timedelta(seconds=seconds))) <= seconds


@pytest.mark.parametrize(
    ("written", "length"),
    [("abc", 3), ("€", 2), ("[x]", 5), ("Ünø", 3), ("", 0), ("ł", None), ("’", None), ("😀", None), ("`", None)],
    ids=["plain", "euro", "brackets", "umlauts", "nothing", "polish", "typographic", "emoji", "backtick"],
)
def test_the_length_is_counted_as_phones_do(written, length):
    """3GPP TS 23.038: some characters take two septets, others are not there at all."""
    assert septets(written) == length


def test_the_alphabet_is_the_whole_of_gsm_7():
    """128 places, one of them the escape to the others."""
    assert len(BASIC) == 127
    assert len(EXTENDED) == 9
    assert not BASIC & EXTENDED


def test_a_message_shows_neither_its_text_nor_its_number():
    shown = repr(Message(to=PhoneNumber("+12025550143"), text=text(), id="id", send=1))

    assert "4E1AC0" not in shown
    assert "202555" not in shown
    assert "id-1" in shown
