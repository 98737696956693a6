"""The text message: one segment, the token first, and a last line that binds it to our site."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.languages import NAMES, language
from service.verification.message import BASIC, EXTENDED, SEGMENT, Message, compose, is_one_segment, septets
from service.verification.phone import PhoneNumber
from service.verification.token import Token
from tests.verification.steps import promised_seconds

TOKEN = Token("4E1AC0")
LIFE = timedelta(minutes=10)
# WICG, Origin-bound one-time codes: the last line is @, the host, a space, # and the code.
LAST_LINE = re.compile(r"@[a-z0-9.-]+ #[0-9A-F]+")
GSM_NAME = st.text(sorted(BASIC - set("\n\r")), min_size=1, max_size=30)


def text(token=TOKEN, brand="Acme", life=LIFE, host="verify.example.com", tag="en"):
    return compose(token, brand=brand, life=life, host=host, language=language(tag))


def test_the_message_says_who_sends_it_how_long_it_lives_and_what_not_to_do_and_binds_the_token_to_the_host():
    """The token comes first, so that it can be read on the lock screen."""
    first, *_, last = text().split("\n")

    assert first.startswith("4E1AC0 ")
    assert all(words in first for words in ("Acme", "10 minutes", "not share"))
    assert last == "@verify.example.com #4E1AC0"
    assert LAST_LINE.fullmatch(last)


def test_without_a_public_host_there_is_one_line_and_no_empty_binding():
    assert not {"\n", "@"} & set(text(host=None))


@given(GSM_NAME, st.integers(60, 600), st.sampled_from([None, "a.io", "verify.example.com"]))
def test_the_message_is_one_segment_without_a_link(brand, seconds, host):
    """Carriers bill two for 161 septets, and distrust links."""
    written = text(token=Token("0" * 10), brand=brand, life=timedelta(seconds=seconds), host=host)

    assert (septets(written) or SEGMENT + 1) <= SEGMENT
    assert "://" not in written.replace(brand, "")


# -- In every language

GSM = sorted(set(NAMES) - {"ar"})


@pytest.mark.parametrize("tag", NAMES)
@pytest.mark.parametrize("seconds", [600, 120, 119, 60, 1])
@pytest.mark.parametrize("host", [None, "a.io", "verify.example.com", "a" * 32 + ".io"], ids=str)
def test_every_language_takes_one_segment_and_keeps_the_token_and_the_last_line(tag, seconds, host):
    """With the longest token and the longest brand; that one is left out before the last line suffers."""
    written = text(Token("0" * 9 + "A"), brand="x" * 30, life=timedelta(seconds=seconds), host=host, tag=tag)

    assert is_one_segment(written)
    assert written.split()[0] == "000000000A"
    assert not host or written.endswith(f"\n\n@{host} #000000000A")


@pytest.mark.parametrize("tag", GSM)
def test_where_160_characters_are_to_be_had_nothing_is_left_out(tag):
    """One á, and there would be 70."""
    written = text(Token("0" * 10), brand="x" * 30, life=timedelta(seconds=119), host="a" * 43 + ".io", tag=tag)

    assert (septets(written) or SEGMENT + 1) <= SEGMENT
    assert "119" in written
    assert written.index("x" * 30) < written.index("119")
    assert re.search(r"compartas|partagez|weitergeben|share", written)


def test_the_warning_goes_first_when_70_characters_are_too_few():
    short, long, longer = (text(brand=brand, tag="ar") for brand in ("Acme", "Textproof", "A rather long name"))

    assert "تشارك" in text(brand="Acme", host=None, tag="ar")
    assert [("تشارك" in one, "10" in one) for one in (short, long, longer)] == [
        (False, True),
        (False, True),
        (False, False),
    ]
    assert "A rather long name" in longer


def test_a_message_from_right_to_left_begins_a_line_of_its_own():
    """Otherwise the Latin token would turn the whole line around."""
    assert re.match("4E1AC0\n[\u0600-\u06ff]", text(tag="ar"))


@pytest.mark.parametrize(
    ("written", "is_one"),
    [("x" * 160, True), ("x" * 161, False), ("م" * 70, True), ("م" * 71, False), ("😀" * 35, True), ("😀" * 36, False)],
)
def test_a_segment_is_what_phones_take_for_one(written, is_one):
    assert is_one_segment(written) == is_one


# -- In English


@pytest.mark.parametrize(
    ("seconds", "promised"), [(1, 1), (59, 59), (90, 90), (119, 119), (120, 120), (150, 120), (599, 540), (600, 600)]
)
def test_the_life_is_told_in_minutes_and_never_more_than_it_is(seconds, promised):
    """Who believes it types a token that has expired."""
    assert promised_seconds(text(life=timedelta(seconds=seconds))) == promised


@pytest.mark.parametrize(
    ("written", "length"),
    [("abc", 3), ("€", 2), ("[x]", 5), ("Ünø", 3), ("", 0), ("ł", None), ("’", None), ("😀", None), ("`", None)],
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
