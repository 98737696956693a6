"""What people read. Facts become words here, and nowhere else."""

from datetime import UTC, datetime

from ..languages import marked
from ..verification.errors import Delivery, Hold, InvalidNumber, Limit, MalformedToken, NumberFault
from .speech import gettext, language, ngettext

NUMBERS = {
    NumberFault.EMPTY: marked("Enter your mobile number."),
    NumberFault.TOO_LONG: marked("That is too long for a phone number. Enter the number only."),
    NumberFault.CHARACTERS: marked("A phone number has only digits, spaces and + ( ) - . Check what you typed."),
    NumberFault.EXTENSION: marked("We cannot text an extension. Enter a number without one."),
    NumberFault.IMPOSSIBLE: marked(
        "That is not a phone number we know. Check the digits; a number of another country starts with + and its code."
    ),
    NumberFault.NOT_A_COUNTRY: marked("We cannot text numbers that belong to no country. Enter a mobile number."),
    NumberFault.NOT_MOBILE: marked("We cannot text that kind of number. Enter a mobile number."),
    NumberFault.TEST_ENDED: marked("This test number is not in use any more."),
    NumberFault.REGION_NOT_ALLOWED: marked("We do not send codes to numbers of that country. Enter another number."),
}
LIMITS = {
    Limit.RESEND_WAIT: marked("The text may still be on its way. You can ask for it again in {wait}."),
    Limit.SENDS_OF_VERIFICATION: marked("We sent this code as often as we can. Check your messages, or start again."),
    Limit.SENDS_OF_NUMBER: marked("Too many codes were asked for with this number. Try again in {wait}."),
    Limit.STARTS_OF_ADDRESS: marked("Too many codes were asked for from your network. Try again in {wait}."),
    Limit.STARTS_OF_NETWORK: marked("Too many codes were asked for from your network. Try again in {wait}."),
    Limit.STARTS_OF_PREFIX: marked("Too many codes were asked for with numbers like this one. Try again in {wait}."),
    Limit.SENDS_OF_COUNTRY: marked("Many codes are being sent to that country. Try again in {wait}."),
    Limit.SENDS_OF_CLIENT: marked("Many codes are being sent right now. Try again in {wait}."),
    Limit.SENDS_IN_ALL: marked("Many codes are being sent right now. Try again in {wait}."),
    Limit.SPENT_TODAY: marked("We have sent as many codes as we can for today. Try again in {wait}."),
    Limit.WRONG_CHECKS_IN_ALL: marked("We are sending no codes for a moment. Try again in {wait}."),
    Limit.CLOSED: marked("We do not send codes to numbers like this one at the moment. Try again in {wait}."),
    Limit.CHECKS_OF_NUMBER: marked("Too many wrong codes were entered for this number. Try again in {wait}."),
}
START_HELPS = frozenset(
    {Limit.SENDS_OF_NUMBER, Limit.CHECKS_OF_NUMBER, Limit.STARTS_OF_PREFIX, Limit.CLOSED, Limit.SENDS_IN_ALL}
)
"""What others can do to somebody's number, and its own phone can undo."""
START = marked("If it is your phone, text START to {number} from it, and try again right away.")
CLOSED = marked("We do not send codes to numbers like this one. Use another number.")
HOLDS = {
    Hold.NO_PLACE: marked("Many codes are being sent right now. Try again in {wait}."),
    Hold.PAUSED: marked("This is our fault, and we are on it. Try again in {wait}."),
    Hold.SENDER_RATE: marked("Many codes are being sent right now. Try again in {wait}."),
}
DELIVERIES = {
    Delivery.ON_ITS_WAY: marked("Your message is on its way. It can take a minute."),
    Delivery.BUSY: marked("Many messages are being sent right now. Yours waits its turn: it can take a few minutes."),
    Delivery.UNCERTAIN: marked("We do not know yet whether your message went out. If it does not come, send it again."),
    Delivery.SENT: marked("Your phone's network has the message."),
    Delivery.UNCONFIRMED: marked("Your phone's network has not confirmed the message. Often it is there all the same."),
    Delivery.DELIVERED: marked("The message was delivered to your phone."),
    Delivery.INVALID_NUMBER: marked("This number does not exist. Check it, or use another number."),
    Delivery.LANDLINE: marked("This is a landline, which gets no text messages. Use a mobile number."),
    Delivery.OPTED_OUT: marked(
        "This number asked to get no more texts from us. Answer our last message with START, then try again; "
        "or use another number."
    ),
    Delivery.COUNTRY: marked("We cannot send codes to numbers of that country. Use another number."),
    Delivery.BLOCKED: marked("A filter of the phone network held the message back. Use another number."),
    Delivery.UNREACHABLE: marked(
        "The message could not be delivered. See that the phone is on and has signal, then send it again; "
        "or use another number."
    ),
    Delivery.FAILED: marked("The message could not be sent. This is our fault. Try again in a few minutes."),
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
        return gettext("“{odd}” is in no phone number. Enter only its digits, and + before a country code.").format(
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
            gettext("“{odd}” is in none of our codes: they have only digits.")
            if error.alphabet == "digits"
            else gettext("“{odd}” is in none of our codes: they have only the characters 0 to 9 and A to F.")
        )
        return words.format(odd=alone(error.odd))
    if error.got is None:
        if error.alphabet == "digits":
            return gettext("The code in our message has only digits. Check what you typed.")
        return gettext("The code in our message has only the characters 0 to 9 and A to F. Check what you typed.")
    if not error.got:
        return ngettext(
            "Enter the {count} character of the code.", "Enter the {count} characters of the code.", error.length
        ).format(count=error.length)
    whole = ngettext("The code has {count} character.", "The code has {count} characters.", error.length)
    typed = ngettext("You have entered {count}.", "You have entered {count}.", error.got)
    return f"{whole.format(count=error.length)} {typed.format(count=error.got)}"


def rejected(checks_left: int) -> str:
    """Say how many tries are left."""
    if not checks_left:
        return gettext("That code is wrong, and it was the last try. Start again to get a new one.")
    tries = ngettext("{count} try left.", "{count} tries left.", checks_left).format(count=checks_left)
    return gettext("That code is wrong. Check the latest text from us.") + " " + tries
