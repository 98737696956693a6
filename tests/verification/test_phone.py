"""Every spelling of a number is one number, and what cannot be texted is refused with its reason."""

import re
import time

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from service.verification.errors import InvalidNumber, NumberFault
from service.verification.phone import PhoneNumber, as_texted, is_region, range_lengths, read_number, region_of
from service.verification.phone import example as hint

ONE = "+12025550143"
EVERYWHERE = phonenumbers.SUPPORTED_REGIONS
MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

SPELLINGS = [
    *("+12025550143", "+1 202 555 0143", "+1 (202) 555-0143", "+1(202)5550143", "+1-202-555-0143", "+1.202.555.0143"),
    *("+1/202/555/0143", "+ 1 202 555 0143", "(+1) 202 555 0143", "+1  202   555   0143", "+1 2 0 2 5 5 5 0 1 4 3"),
    *("12025550143", "1-202-555-0143", "1 (202) 555-0143", "2025550143", "202.555.0143", "202/555/0143"),
    *("(202) 555-0143", "(202)5550143", "(202)555.0143", "  2025550143  ", "011 1 202 555 0143", "01112025550143"),
    *(
        "\u202a+1\u00a0202\u20115550143\u202c\r\n",
        "＋１（２０２）５５５ー０１４３",
        "2️⃣0️⃣2️⃣5550143",
    ),  # more: test_normalize.py
    *("tel:+12025550143", "TEL: 202-555-0143", "sms:+12025550143", "0012025550143", "00 1 202 555 0143"),
]

REFUSED = {
    "nothing": ("", NumberFault.EMPTY),
    "only-spaces": ("   ", NumberFault.EMPTY),
    "only-marks": (MARKS, NumberFault.EMPTY),
    "33-characters": ("+1202555" + " " * 21 + "0143", NumberFault.TOO_LONG),
    "a-megabyte": ("2" * 1_000_000, NumberFault.TOO_LONG),
    "letter-o-for-zero": ("+12O25550143", NumberFault.CHARACTERS),
    "a-link-to-mail": ("mailto:12025550143", NumberFault.CHARACTERS),
    "a-subaddress": ("+12025550143;isub=12345", NumberFault.CHARACTERS),
    "markup": ("<b>2025550143</b>", NumberFault.CHARACTERS),
    "nul-inside": ("+1202555\x000143", NumberFault.CHARACTERS),
    "carriage-return": ("+12025550143\r\nBcc: x", NumberFault.CHARACTERS),
    "two-numbers": ("2025550143, 2025550144", NumberFault.CHARACTERS),
    "superscript-digits": ("202555014³", NumberFault.CHARACTERS),
    "a-surrogate": ("202555014\ud83d", NumberFault.CHARACTERS),
    "extension-x": ("+1 202 555 0143 x5", NumberFault.EXTENSION),
    "extension-word": ("202-555-0143 extension 12", NumberFault.EXTENSION),
    "extension-uri": ("+12025550143;ext=12", NumberFault.EXTENSION),
    "extension-hash": ("202 555 0143 #12", NumberFault.EXTENSION),
    "one-digit-short": ("+1202555014", NumberFault.IMPOSSIBLE),
    "one-digit-long": ("+120255501433", NumberFault.IMPOSSIBLE),
    "no-such-area": ("+11115550143", NumberFault.IMPOSSIBLE),
    "no-such-country": ("+9992025550143", NumberFault.IMPOSSIBLE),
    "an-emergency": ("911", NumberFault.IMPOSSIBLE),
    "only-a-plus": ("+", NumberFault.IMPOSSIBLE),
}

KINDS = {
    "landline-gb": ("+441212345678", "GB", NumberFault.NOT_MOBILE),
    "satellite-called-mobile": ("+881612345678", "US", NumberFault.NOT_A_COUNTRY),
    "international-premium": ("+979123456789", "US", NumberFault.NOT_A_COUNTRY),
    "guernsey-is-not-gb": ("+447911123456", "GB", NumberFault.REGION_NOT_ALLOWED),
    "jamaica-is-not-us": ("+18762101234", "US", NumberFault.REGION_NOT_ALLOWED),
    "canada-is-not-us": ("+15062345678", "US", NumberFault.REGION_NOT_ALLOWED),
    "kazakhstan-is-not-russia": ("+77710009998", "RU", NumberFault.REGION_NOT_ALLOWED),
}


@pytest.mark.parametrize("typed", SPELLINGS, ids=ascii)
def test_every_spelling_is_one_number(typed):
    """Otherwise a limit of a number could be dodged by spelling it differently."""
    assert read_number(typed, home="US", allowed={"US"}) == PhoneNumber(ONE)


@pytest.mark.parametrize(("typed", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_number_is_refused_with_its_reason(typed, reason):
    with pytest.raises(InvalidNumber) as refusal:
        read_number(typed, home="US", allowed={"US"})

    assert refusal.value.reason is reason


@pytest.mark.parametrize(("e164", "allowed", "reason"), KINDS.values(), ids=KINDS)
def test_a_number_that_costs_or_lies_elsewhere_is_refused(e164, allowed, reason):
    """By region and kind, never by calling code: +1 is shared by 25 regions."""
    with pytest.raises(InvalidNumber) as refusal:
        read_number(e164, home="US", allowed={allowed})

    assert refusal.value.reason is reason


@pytest.mark.parametrize(("e164", "region"), [("+447911123456", "GG"), ("+15062345678", "CA"), ("+18762101234", "JM")])
def test_a_region_that_is_allowed_is_texted(e164, region):
    number = read_number(e164, home="US", allowed={region})

    assert (number.e164, number.region) == (e164, region)


DIALLED = {  # at home: each number in the ways that people there write it
    ("GB", "+447400123456"): ["07400 123456", "00 44 7400 123456"],
    ("DE", "+4915123456789"): ["0151 23456789", "4915123456789"],  # without its plus
    ("IT", "+393123456789"): ["312 345 6789"],
    ("AR", "+5491123456789"): ["11 2345-6789", "+54 11 2345-6789", "541123456789", "011 15-2345-6789"],  # without the 9
    ("MX", "+525512345678"): ["+52 1 55 1234 5678", "521 55 1234 5678", "1 55 1234 5678"],  # with the old 1
}


@pytest.mark.parametrize(
    ("typed", "home", "e164"), [(typed, *number) for number, spelt in DIALLED.items() for typed in spelt]
)
def test_a_number_without_plus_is_read_as_dialled_at_home(typed, home, e164):
    assert read_number(typed, home=home, allowed={home}).e164 == e164


def test_a_missing_plus_is_forgiven_at_home_only():
    """Elsewhere the digits are somebody's at home, and the person is asked rather than guessed about."""
    with pytest.raises(InvalidNumber) as refusal:
        read_number("447400123456", home="DE", allowed={"DE", "GB"})

    assert refusal.value.reason is NumberFault.NOT_MOBILE


def test_00_is_a_plus_even_where_it_is_not_dialled():
    assert read_number("0049 151 23456789", home="US", allowed={"US", "DE"}).e164 == "+4915123456789"


@pytest.mark.parametrize(
    ("typed", "odd"), [("+12O25550143", "O"), ("202555014³", "³"), ("<2025550143", "<"), ("\u200b2025550q43", "q")]
)
def test_the_character_that_is_in_no_number_is_named(typed, odd):
    with pytest.raises(InvalidNumber) as refusal:
        read_number(typed, home="US", allowed={"US"})

    assert refusal.value.odd == odd


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        *((ONE, ONE), (ONE[1:], ONE), ("+5215512345678", "+525512345678"), ("5215512345678", "+525512345678")),
        *(("+541123456789", "+5491123456789"), ("+5491123456789", "+5491123456789")),
        *(("72911", "72911"), ("Acme", "Acme"), ("", "")),
    ],
)
def test_a_number_as_a_carrier_writes_it_is_the_one_that_is_texted(theirs, ours):
    assert as_texted(theirs) == ours


def test_a_mobile_number_of_any_region_is_one_number_however_it_is_written():
    styles = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)
    mobiles = {region: phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE) for region in EVERYWHERE}

    read = {
        region: {_read(phonenumbers.format_number(number, style), home=region) for style in styles}
        for region, number in mobiles.items()
        if number
    }

    assert len(read) > 240
    assert {region for region, numbers in read.items() if len(numbers) > 1} == set()


@pytest.mark.parametrize(
    "kind", ["PREMIUM_RATE", "SHARED_COST", "TOLL_FREE", "PAGER", "PERSONAL_NUMBER", "VOIP", "UAN"]
)
def test_a_kind_that_is_never_texted_is_refused_in_every_region(kind):
    examples = [phonenumbers.example_number_for_type(region, getattr(PhoneNumberType, kind)) for region in EVERYWHERE]
    numbers = [phonenumbers.format_number(one, PhoneNumberFormat.E164) for one in examples if one]

    assert {_read(e164) for e164 in numbers} <= {NumberFault.NOT_MOBILE, NumberFault.NOT_A_COUNTRY}
    assert numbers


def _read(typed, *, home="US", allowed=EVERYWHERE):
    """Return the number, or the reason why not."""
    try:
        return read_number(typed, home=home, allowed=allowed)
    except InvalidNumber as refusal:
        return refusal.reason


@given(st.text() | st.text("0123456789+()./ -", max_size=40) | st.text("0123456789", max_size=20).map("+".__add__))
@example("0" * 32)
@example("(" * 32)
@example("+1" + " " * 245 + "2025550143")
def test_any_text_is_a_number_or_refused_in_bounded_time(typed):
    before = time.thread_time()
    read = _read(typed)
    took = time.thread_time() - before

    assert took < 0.05  # seconds; about a hundred times what it takes
    assert isinstance(read, NumberFault) or re.fullmatch(r"\+[1-9][0-9]{6,14}", read.e164)


@given(st.text("0123456789", min_size=7, max_size=7), st.lists(st.sampled_from(["", " ", "-", ".", "/", "\u2011"])))
def test_punctuation_never_makes_another_number(digits, marks):
    plain = f"+1202{digits}"
    padded = "+1202" + "".join(digit + mark for digit, mark in zip(digits, [*marks, *[""] * 7], strict=False))

    assert _read(padded) == _read(plain)


@pytest.mark.parametrize("show", [str, repr, "{}".format, lambda number: f"{number!r:>40}"])
def test_a_number_shows_itself_masked(show):
    shown = show(PhoneNumber(ONE))

    assert "+1••••••0143" in shown
    assert "202555" not in shown


@pytest.mark.parametrize(
    ("e164", "masked"),
    [("+447400123456", "+44••••••3456"), ("+358401234567", "+358••••••567"), ("+69072", "+•••72")],
)
def test_the_mask_keeps_country_and_last_four_digits_where_there_is_room(e164, masked):
    assert PhoneNumber(e164).masked == masked


def test_at_least_half_of_the_digits_of_any_number_are_hidden():
    """Of Tokelau's, which have four after the calling code, as well."""
    for region in EVERYWHERE:
        code = str(phonenumbers.country_code_for_region(region))
        for digits in range(len(code), 16):
            e164 = f"+{code}{'2345678901234'[: digits - len(code)]}"
            shown = PhoneNumber(e164).masked
            assert len(shown) == len(e164)
            assert shown.count("•") >= digits / 2


def test_the_person_who_typed_it_sees_it_readable():
    assert PhoneNumber(ONE).readable == "+1 202-555-0143"


@pytest.mark.parametrize(
    ("code", "region"), [(1, "US"), (44, "GB"), (7, "RU"), (881, None), (999, None), (0, None)], ids=str
)
def test_a_calling_code_has_a_main_region_or_none(code, region):
    assert region_of(code) == region


@pytest.mark.parametrize(
    ("name", "known"), [("US", True), ("GG", True), ("UK", False), ("001", False), ("us", False), ("", False)], ids=str
)
def test_a_region_is_one_that_has_numbers(name, known):
    assert is_region(name) is known


@pytest.mark.parametrize(("region", "start"), [("US", "+1 "), ("GB", "+44 "), ("DE", "+49 ")])
def test_the_hint_beside_the_form_is_a_number_of_the_region(region, start):
    assert hint(region).startswith(start)
    assert isinstance(_read(hint(region), home="FR", allowed={region}), PhoneNumber)


def test_a_region_without_mobile_numbers_has_no_hint():
    assert hint("TA") == ""


@pytest.mark.parametrize(
    ("begin", "lengths"), [("+1415", [7]), ("+44", [8]), ("+49151", [8, 9]), ("+999", [])], ids=str
)
def test_a_range_is_as_long_as_a_number_without_its_last_four_digits(begin, lengths):
    assert range_lengths(begin) == lengths
