"""What people read about numbers, codes, messages and waits. `refusals.py` has the rest."""

from datetime import UTC, datetime

from ..languages import marked
from ..verification.errors import Delivery, InvalidNumber, MalformedToken, NumberFault
from .locale import gettext, language, ngettext

NUMBERS = {
    NumberFault.EMPTY: marked("Enter your mobile number."),
    NumberFault.TOO_LONG: marked("That number is too long. Enter only the phone number."),
    NumberFault.CHARACTERS: marked("Use only digits, spaces and + - ( ) in the number."),
    NumberFault.EXTENSION: marked("We cannot text extensions. Enter the number without it."),
    NumberFault.IMPOSSIBLE: marked(
        "That is not a valid phone number. Check the digits. For another country, start with + and the country code."
    ),
    NumberFault.NOT_A_COUNTRY: marked("We cannot text international service numbers. Enter a mobile number."),
    NumberFault.NOT_MOBILE: marked("We cannot text that kind of number. Enter a mobile number."),
    NumberFault.TEST_ENDED: marked("This test number no longer works. Enter another number."),
    NumberFault.REGION_NOT_ALLOWED: marked("We do not text numbers in that country. Enter another number."),
}
START = marked("If this is your phone, text START from it to {number}, then try again.")
DELIVERIES = {
    Delivery.ON_ITS_WAY: marked("Your code is on its way. It can take a minute."),
    Delivery.BUSY: marked("We’re sending a lot of texts right now. Yours can take a few minutes."),
    Delivery.UNCERTAIN: marked("We cannot tell yet if the text was sent. If it does not arrive, resend the code."),
    Delivery.SENT: marked("Your mobile network has the text. It should arrive soon."),
    Delivery.UNCONFIRMED: marked(
        "Your mobile network has not confirmed delivery. Check your texts: the code may be there."
    ),
    Delivery.DELIVERED: marked("The text was delivered to your phone."),
    Delivery.INVALID_NUMBER: marked("This number is not in service. Check it, or use another number."),
    Delivery.LANDLINE: marked("This is a landline, so it cannot get texts. Use a mobile number."),
    Delivery.OPTED_OUT: marked(
        "This number has opted out of our texts. Reply START to our last text and try again, or use another number."
    ),
    Delivery.COUNTRY: marked("We cannot text numbers in that country. Use another number."),
    Delivery.BLOCKED: marked("The mobile network blocked the text. Use another number."),
    Delivery.UNREACHABLE: marked(
        "We could not deliver the text. Check that the phone is on and has signal, then resend the code, "
        "or use another number."
    ),
    Delivery.FAILED: marked("We could not send the text. The problem is on our side. Try again in a few minutes."),
}


def longest_delivery() -> str:
    """Return the longest news of a message in the visitor's language: the page keeps room for it."""
    return max((gettext(text) for text in DELIVERIES.values()), key=len)


def in_words(seconds: int) -> str:
    """Return a duration as people say it: "43 seconds", "6 minutes", "2 hours". Rounded up."""
    days, hours, minutes = (-(-seconds // size) for size in (86400, 3600, 60))
    if days > 1:
        return ngettext("{count} day", "{count} days", days).format(count=days)
    if hours > 1:
        return ngettext("{count} hour", "{count} hours", hours).format(count=hours)
    if minutes > 1:
        return ngettext("{count} minute", "{count} minutes", minutes).format(count=minutes)
    return ngettext("{count} second", "{count} seconds", seconds).format(count=seconds)


def moment(at: float) -> datetime:
    """Return a moment, in seconds since 1970, for a page that a script may not put into the reader's own time."""
    return datetime.fromtimestamp(int(at), UTC)


def invalid(error: InvalidNumber) -> str:
    """Say what is wrong with a number, and which character of it is not understood."""
    if error.odd.isprintable() and error.odd:
        return gettext("“{odd}” cannot be in a phone number. Enter digits only, with + before a country code.").format(
            odd=alone(error.odd)
        )
    return gettext(NUMBERS[error.reason])


def alone(text: str) -> str:
    """Return `text` kept in one piece, and in its own direction, where the words around it run from right to left."""
    return f"\u2068{text}\u2069" if language().direction == "rtl" else text


def malformed(error: MalformedToken) -> str:
    """Say what a code looks like, and which character of it is not understood."""
    if error.odd.isprintable() and error.odd:
        words = (
            gettext("“{odd}” cannot be in the code. The code has digits only.")
            if error.alphabet == "digits"
            else gettext("“{odd}” cannot be in the code. The code has only 0 to 9 and A to F.")
        )
        return words.format(odd=alone(error.odd))
    if error.got is None:
        if error.alphabet == "digits":
            return gettext("The code has digits only. Check our text and enter the code again.")
        return gettext("The code has only 0 to 9 and A to F. Check our text and enter the code again.")
    if not error.got:
        return ngettext(
            "Enter the {count} character of the code.", "Enter the {count} characters of the code.", error.length
        ).format(count=error.length)
    whole = ngettext("The code has {count} character.", "The code has {count} characters.", error.length)
    typed = ngettext("You entered {count}.", "You entered {count}.", error.got)
    return f"{whole.format(count=error.length)} {typed.format(count=error.got)}"


def rejected(checks_left: int) -> str:
    """Say how many tries are left."""
    if not checks_left:
        return gettext("That code is wrong. That was the last try. Get a new code.")
    tries = ngettext("You have {count} try left.", "You have {count} tries left.", checks_left).format(
        count=checks_left
    )
    return gettext("That code is wrong. Check our latest text.") + " " + tries
