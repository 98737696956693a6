"""The token: fair, repeatable, hard to misread, and shown only when asked for."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.verification.errors import MalformedToken
from service.verification.token import ALPHABETS, Token, TokenFormat

KEY = b"k" * 32
HEX = TokenFormat("hex", 6)
DIGITS = TokenFormat("digits", 6)
FORMATS = [TokenFormat(alphabet, length) for alphabet in ALPHABETS for length in range(4, 11)]
FEW, MANY = 10_000, 100_000  # draws; `make check` has time for few
# What one fair draw in a few million is above, by degrees of freedom.
CHI_SQUARE_MAX = {15: 60, 9: 46}


@pytest.fixture(scope="module", params=[FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
def drawn(request):
    """The seeds are fixed, so that the tests that count are about the code and never about luck."""
    return [HEX.draw(KEY, str(seed).encode()).reveal() for seed in range(request.param)]


def name(form):
    return f"{form.alphabet}-{form.length}"


# -- Drawing


@pytest.mark.parametrize("form", FORMATS, ids=name)
def test_a_token_has_the_length_and_the_characters_of_its_format(form):
    """Odd lengths included: the tutorial lost one character of them."""
    tokens = [form.draw(KEY, str(seed).encode()).reveal() for seed in range(200)]

    assert {len(token) for token in tokens} == {form.length}
    assert set("".join(tokens)) == set(form.characters)


@pytest.mark.parametrize("form", [TokenFormat("hex", 4), HEX, TokenFormat("hex", 5)], ids=name)
def test_every_token_has_a_digit(form):
    """Phones offer a code for filling in only where they see a digit."""
    tokens = [form.draw(KEY, str(seed).encode()).reveal() for seed in range(5_000)]

    assert [token for token in tokens if token.isalpha()] == []


def test_every_position_is_fair(drawn):
    """Chi-square of each position. Drawing again what had no digit makes letters a little rarer, and no other."""
    none_is_digit = (6 / 16) ** HEX.length
    letter = (1 - (6 / 16) ** (HEX.length - 1)) / 16 / (1 - none_is_digit)
    digit = (1 - 6 * letter) / 10
    expected = {character: len(drawn) * (letter if character.isalpha() else digit) for character in HEX.characters}

    for position in range(HEX.length):
        counted = Counter(token[position] for token in drawn)
        assert sum((counted[each] - hoped) ** 2 / hoped for each, hoped in expected.items()) < CHI_SQUARE_MAX[15]


def test_digits_are_fair():
    """256 is no multiple of 10: taking bytes as they come would favour 0 to 5."""
    counted = Counter("".join(DIGITS.draw(KEY, str(seed).encode()).reveal() for seed in range(20_000)))

    hoped = 20_000 * DIGITS.length / 10
    assert sum((counted[each] - hoped) ** 2 / hoped for each in DIGITS.characters) < CHI_SQUARE_MAX[9]


def test_tokens_do_not_repeat_more_than_chance_has_it(drawn):
    """100,000 of 16.7 million: about 299 pairs meet by chance."""
    by_chance = len(drawn) ** 2 / 2 / 16**HEX.length

    assert len(drawn) - len(set(drawn)) < by_chance + 6 * by_chance**0.5


@given(st.binary(), st.sampled_from(FORMATS))
def test_the_same_seed_gives_the_same_token(seed, form):
    """A resend repeats the token without anybody having kept it."""
    assert form.draw(KEY, seed).reveal() == form.draw(KEY, seed).reveal()


def test_another_seed_or_another_key_gives_another_token():
    longest = TokenFormat("hex", 10)

    tokens = {longest.draw(key, seed).reveal() for key in (KEY, b"K" * 32) for seed in (b"a", b"b", b"")}

    assert len(tokens) == 6


@pytest.mark.parametrize(
    ("alphabet", "length", "weak"),
    [("hex", 4, True), ("hex", 5, False), ("digits", 4, True), ("digits", 5, True), ("digits", 6, False)],
)
def test_a_format_below_twenty_bits_is_weak(alphabet, length, weak):
    """SP 800-63B-4, 3.1.3.2: 20 bits, six decimal digits being enough."""
    assert TokenFormat(alphabet, length).is_weak is weak


# -- Reading. Of every space, dash, mark and script: test_normalize.py

READ = {  # l, I and i are 1, O and o are 0: hex has none of these letters
    "4E1AC0": [
        *("4E1AC0", "4e1 ac0", " 4E1AC0\t", "4E-1A-C0", "4E1\u2011AC0", "４Ｅ１ａｃ０", "٤E1AC०", "4E1\u200bAC0\n"),
        *("4ElACO", "4EIACo", "4EiAC0"),
    ],
    "000111": ["0OoIl1", "000 111", "ＯｏＯＩｌi"],
}
NO_TOKEN = ["4E¹AC0", "4Eı AC0", "4Eıac0", "4EſAC0", "4EЕAC0", "4E1АC0", "4E1AC0\x00", "4E1AC\ud83d", "4E1ACG"]
NO_TOKEN += ["4E1_AC0", "+4E1AC0"]


@pytest.mark.parametrize(
    ("token", "typed"), [(one, typed) for one, spelt in READ.items() for typed in spelt], ids=ascii
)
def test_what_people_do_to_codes_is_forgiven(token, typed):
    assert (DIGITS if token.isdigit() else HEX).read(typed).reveal() == token


@pytest.mark.parametrize("typed", NO_TOKEN, ids=ascii)
def test_characters_that_no_token_has_are_told_from_a_wrong_length(typed):
    with pytest.raises(MalformedToken) as refusal:
        HEX.read(typed)

    assert (refusal.value.length, refusal.value.got) == (6, None)
    assert refusal.value.odd in typed


@pytest.mark.parametrize(("typed", "got"), [("", 0), (" - ", 0), ("4E1AC", 5), ("4E1AC00", 7), ("0" * 10**5, 10**5)])
def test_a_wrong_length_is_told_with_what_was_typed(typed, got):
    with pytest.raises(MalformedToken) as refusal:
        HEX.read(typed)

    assert (refusal.value.length, refusal.value.got) == (6, got)


@given(st.text() | st.text("0123456789abcdefABCDEFOoIil -", max_size=10), st.sampled_from(FORMATS))
@example("aıſ1", TokenFormat("hex", 4))
def test_any_text_is_a_token_or_malformed(typed, form):
    try:
        read = form.read(typed).reveal()
    except MalformedToken:
        return

    assert len(read) == form.length
    assert set(read) <= set(form.characters)


@given(
    st.binary(), st.sampled_from(FORMATS), st.lists(st.sampled_from(["", " ", "-", "\u00a0", "\u2011"]), min_size=10)
)
def test_every_token_is_read_back_however_it_is_spaced(seed, form, marks):
    token = form.draw(KEY, seed).reveal()

    typed = "".join(character + mark for character, mark in zip(token, marks, strict=False)).lower()

    assert form.read(typed).reveal() == token


# -- Showing


@pytest.mark.parametrize("show", [str, repr, "{}".format, lambda token: f"{token!r}", lambda token: str([token])])
def test_a_token_shows_itself_to_nobody(show):
    assert "4E1AC0" not in show(Token("4E1AC0"))
