"""Whatever keyboards and spreadsheets make of digits, spaces and dashes, it means the same in both fields."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.verification.normalize import plain
from service.verification.phone import read_number
from service.verification.token import TokenFormat

E164, TOKEN = "+12025550143", "4E1AC0"
OF: dict[str, list[str]] = {"Nd": [], "Zs": [], "Pd": [], "Cf": []}
LETTERS: dict[str, list[str]] = {letter: [] for letter in "ABCDEF+abcdef"}
for point in range(sys.maxunicode + 1):
    OF.get(unicodedata.category(chr(point)), []).append(chr(point))
    LETTERS.get(unicodedata.normalize("NFKC", chr(point)), []).append(chr(point))
BETWEEN = [*OF["Zs"], *OF["Pd"], *OF["Cf"], *"\t\n\r\v\f\x85\u2028\u2029\u2212\u30fc\ufe0e\ufe0f\u20e3\u0301\u034f"]


def number(typed):
    return read_number(typed, home="US", allowed={"US"}).e164


def token(typed):
    return TokenFormat("hex", 6).read(typed).reveal()


def with_mark(text, mark):
    """Return `text` with a mark at each place in turn."""
    return [text[:place] + mark + text[place:] for place in range(len(text) + 1)]


def in_script(text, zero):
    """Return `text` with the digits of the script whose zero this is."""
    return "".join(chr(ord(zero) + int(one)) if one.isdigit() else one for one in text)


@pytest.mark.parametrize("zero", [one for one in OF["Nd"] if unicodedata.decimal(one) == 0], ids=unicodedata.name)
def test_digits_of_every_script_are_digits(zero):
    assert number(in_script(E164, zero)) == number(in_script("2025550143", zero)) == E164
    assert token(in_script(TOKEN, zero)) == TOKEN


def test_every_decimal_digit_is_its_value():
    assert "".join(map(plain, OF["Nd"])) == "".join(str(unicodedata.decimal(one)) for one in OF["Nd"])


@pytest.mark.parametrize("mark", BETWEEN, ids=ascii)
def test_a_mark_between_means_nothing_wherever_it_stands(mark):
    assert {number(typed) for typed in with_mark(E164, mark)} == {E164}
    assert {token(typed) for typed in with_mark(TOKEN, mark)} == {TOKEN}


@pytest.mark.parametrize("letter", LETTERS)
def test_a_letter_or_plus_in_any_form_is_that(letter):
    assert {plain(one) for one in LETTERS[letter]} == {letter}


@given(st.text(st.sampled_from([*BETWEEN, *OF["Nd"], *"+()./-ABCDEFxyz\x00\ud83d"]), max_size=12), st.data())
def test_marks_never_change_what_the_rest_means(typed, data):
    """So that a number that is written otherwise is never another number to the limits."""
    place, mark = data.draw(st.integers(0, len(typed))), data.draw(st.sampled_from(OF["Cf"]))

    assert plain(typed[:place] + mark + typed[place:]) == plain(typed)


@given(st.text())
def test_what_is_plain_stays_as_it_is(typed):
    assert plain(plain(typed)) == plain(typed)


@pytest.mark.parametrize("other", ["³", "₃", "③", "Ⅻ", "½", "O", "Е", "ı", "\x00", "\ud83d", "😀"], ids=ascii)
def test_what_means_something_else_stays_what_it_is(other):
    assert plain(other) == other
