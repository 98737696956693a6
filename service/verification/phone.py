"""Phone numbers: every spelling of a number becomes one E.164 number, or a reason why not.

Numbers are parsed by libphonenumber, never matched by a pattern of ours, and allowed by
region, never by calling code: `+1` is shared by 25 regions and `+44 7911` can be Guernsey.
"""

import functools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import PhoneNumberType

from .errors import InvalidNumber, NumberFault
from .normalize import meaning, plain

TYPED_MAX = 32  # characters; ours: the longest E.164 number has 15 digits, the rest is punctuation
E164_MAX = 15  # digits (ITU-T E.164, 6.2.1)
LINE_DIGITS = 4  # of a number, that differ within its range
TYPEABLE = re.compile(r"[0-9+()./ \-]*")
# A link to a number, copied with its scheme (RFC 3966, RFC 5724), means the number: phones and browsers copy it so.
LINK = re.compile("(tel|sms):", re.IGNORECASE)
# How the mobile numbers of a region were once written, or are by mistake, and how they are written now; only what is no
# mobile number as it stands is read so. Argentina: from abroad a 9 stands before them, which many leave out; a number
# is either a landline or a mobile one there, never both. Mexico: the 1 before them ended in 2020.
REWRITTEN = {"AR": ("", "9"), "MX": ("1", "")}
NO_REGION = "001"  # libphonenumber's name for numbers that belong to no country
REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
CALLING_CODES = frozenset(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)  # of one to three digits; none begins another
TEXTABLE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number that can be texted. `str()` and `repr()` show it masked."""

    e164: str
    known_region: str = field(default="", compare=False)
    """Where it is known already, to find it out once."""

    @property
    def region(self) -> str:
        """ISO 3166 region (`US`), for logs and counts."""
        return self.known_region or _region(self.e164)

    @property
    def masked(self) -> str:
        """The calling code and some of the last digits, for logs."""
        return masked(self.e164)

    @property
    def readable(self) -> str:
        """The number in international spelling, for the person who typed it."""
        return phonenumbers.format_number(phonenumbers.parse(self.e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL)

    @property
    def range(self) -> str:
        """All but the last four digits: the range that pumping buys, and a block that carriers hand out."""
        return self.e164[:-4]

    @property
    def line(self) -> int:
        """The last four digits."""
        return int(self.e164[-4:])

    def __repr__(self) -> str:
        return f"PhoneNumber({self.masked})"

    __str__ = __repr__


def region_of(calling_code: int) -> str | None:
    """Return the main region of a calling code (`1` is `US`), or None when it has none."""
    region = phonenumbers.region_code_for_country_code(calling_code)
    return None if region in ("ZZ", NO_REGION) else region


def calling_code(region: str) -> str:
    """Return the calling code of a region (`GB` has `+44`)."""
    return f"+{phonenumbers.country_code_for_region(region)}"


def range_lengths(begin: str) -> list[int]:
    """Return how many digits a range of mobile numbers may have that begins so: 7 for `+1202`, none for `+999`."""
    code = _calling_code(begin[:4])[1:]
    if not code:
        return []
    return [
        len(code) + length - LINE_DIGITS
        for length in range(LINE_DIGITS + 1, E164_MAX)
        if phonenumbers.is_possible_number_for_type_with_reason(
            phonenumbers.PhoneNumber(country_code=int(code), national_number=int("2" * length)), PhoneNumberType.MOBILE
        )
        == phonenumbers.ValidationResult.IS_POSSIBLE
    ]


def is_region(name: str) -> bool:
    """Tell whether `name` is a region that has phone numbers of its own (`US`, `GG`)."""
    return name in REGIONS


@functools.cache  # the form of each country has one
def example(region: str) -> str:
    """Return a mobile number of a region as people write it, for a hint; it is nobody's."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL) if number else ""


def read_number(typed: str, *, home: str, allowed: Collection[str]) -> PhoneNumber:
    """Return the number that somebody typed.

    Args:
        typed: Any spelling; a number without `+` is read as dialled in `home`.
        home: ISO 3166 region of numbers without a calling code.
        allowed: ISO 3166 regions that may be texted.

    Raises:
        InvalidNumber: With the reason.
    """
    typed = _typeable(typed)
    fault = None
    for reading in _readings(typed, home):
        try:
            return _textable(reading, allowed)
        except InvalidNumber as error:
            fault = fault or error  # the first reading is what people mean most often
    raise fault or InvalidNumber(NumberFault.IMPOSSIBLE)


def as_texted(e164: str) -> str:
    """Return a number of a phone, as a carrier writes it, in the one spelling that we text; what is none, as it is.

    Carriers tell who answered STOP in spellings of their own, without `+` or with what `REWRITTEN` changes, and a STOP
    that is not understood is a person who is texted against the law.
    """
    try:
        number = phonenumbers.parse("+" + plain(e164).strip(" +"))
    except phonenumbers.NumberParseException:
        return e164
    for reading in (number, *_rewritten(number)):
        if phonenumbers.number_type(reading) in TEXTABLE:
            return phonenumbers.format_number(reading, phonenumbers.PhoneNumberFormat.E164)
    return e164


def masked(e164: str) -> str:
    """Return a number for logs: at least half of its digits are hidden, and its calling code shows if there is room."""
    digits = len(e164) - 1
    code = _calling_code(e164[:4])
    room = digits // 2 - (len(code) - 1)
    if room < 0:
        code, room = "+", digits // 2
    shown = min(room, 4)
    return f"{code}{'•' * (len(e164) - len(code) - shown)}{e164[len(e164) - shown :]}"


def _readings(typed: str, home: str) -> Iterator[phonenumbers.PhoneNumber]:
    """Yield the numbers that may be meant, likeliest first."""
    spellings = [typed]
    digits = re.sub("[^0-9]", "", typed)
    is_abroad = digits.startswith("00")
    if is_abroad:
        # Most of the world dials 00 before a calling code (ITU-T E.164), and types it where that is not dialled too.
        spellings.append("+" + digits[2:])
    elif "+" not in typed:
        spellings.append("+" + digits)
    for spelling in spellings:
        try:
            number = phonenumbers.parse(spelling, home)
        except phonenumbers.NumberParseException:
            continue
        for reading in (number, *_rewritten(number)):
            # A number without + is dialled at home, so it has to be a number there.
            if spelling == typed or is_abroad or phonenumbers.region_code_for_number(reading) == home:
                yield reading


def _rewritten(number: phonenumbers.PhoneNumber) -> Iterator[phonenumbers.PhoneNumber]:
    """Yield the number as its region writes mobile numbers now, where that is another."""
    for region, (old, new) in REWRITTEN.items():
        national = str(number.national_number)
        if number.country_code == phonenumbers.country_code_for_region(region) and national.startswith(old):
            yield phonenumbers.PhoneNumber(number.country_code, int(new + national[len(old) :] or "0"))


def _textable(number: phonenumbers.PhoneNumber, allowed: Collection[str]) -> PhoneNumber:
    region, kind = phonenumbers.region_code_for_number(number), phonenumbers.number_type(number)
    if region is None or kind == PhoneNumberType.UNKNOWN:  # of no kind is what is no valid number of its region
        raise InvalidNumber(NumberFault.IMPOSSIBLE)
    if region == NO_REGION:
        raise InvalidNumber(NumberFault.NOT_A_COUNTRY)
    if kind not in TEXTABLE:
        raise InvalidNumber(NumberFault.NOT_MOBILE)
    if region not in allowed:
        raise InvalidNumber(NumberFault.REGION_NOT_ALLOWED)
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), region)


@functools.cache  # there are a thousand
def _calling_code(begin: str) -> str:
    """Return the calling code that a number begins with, with the `+`."""
    return next((begin[:end] for end in (2, 3, 4) if int(begin[1:end]) in CALLING_CODES), "+")


@functools.lru_cache(maxsize=64)  # a request asks three times; the next one is about somebody else
def _region(e164: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or NO_REGION


def _typeable(typed: str) -> str:
    """Return what was typed in ASCII. Refuse what libphonenumber would read too kindly: letters, extensions."""
    spelled = plain(typed).strip(" ")
    if link := LINK.match(spelled):
        spelled = spelled[link.end() :].strip(" ")
    if not spelled:
        raise InvalidNumber(NumberFault.EMPTY)
    if len(spelled) > TYPED_MAX:
        raise InvalidNumber(NumberFault.TOO_LONG)
    if re.search(r"[0-9] *(x|ext|extension|;ext=|#)[. ]*[0-9]", spelled, re.IGNORECASE | re.ASCII):
        raise InvalidNumber(NumberFault.EXTENSION)
    if not TYPEABLE.fullmatch(spelled):
        odd = next(character for character in typed if not TYPEABLE.fullmatch(meaning(character)))
        raise InvalidNumber(NumberFault.CHARACTERS, odd)
    return spelled
