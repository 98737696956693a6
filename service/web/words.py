"""What people read. Facts become words here, and nowhere else."""

from datetime import UTC, datetime

from ..verification.errors import Delivery, Hold, Limit, MalformedToken, NumberFault

NUMBERS = {
    NumberFault.EMPTY: "Enter your mobile number.",
    NumberFault.TOO_LONG: "That is too long for a phone number. Enter the number only.",
    NumberFault.CHARACTERS: "A phone number has only digits, spaces and + ( ) - . Check what you typed.",
    NumberFault.EXTENSION: "We cannot text an extension. Enter a number without one.",
    NumberFault.IMPOSSIBLE: (
        "That is not a phone number we know. Check the digits; a number of another country starts with + and its code."
    ),
    NumberFault.NOT_A_COUNTRY: "We cannot text numbers that belong to no country. Enter a mobile number.",
    NumberFault.NOT_MOBILE: "We cannot text that kind of number. Enter a mobile number.",
    NumberFault.TEST_ENDED: "This test number is not in use any more.",
    NumberFault.REGION_NOT_ALLOWED: "We do not send codes to numbers of that country. Enter another number.",
}
LIMITS = {
    Limit.RESEND_WAIT: "The text may still be on its way. You can ask for it again in {wait}.",
    Limit.SENDS_OF_VERIFICATION: "We sent this code as often as we can. Check your messages, or start again.",
    Limit.SENDS_OF_NUMBER: "Too many codes were asked for with this number. Try again in {wait}.",
    Limit.STARTS_OF_ADDRESS: "Too many codes were asked for from your network. Try again in {wait}.",
    Limit.STARTS_OF_NETWORK: "Too many codes were asked for from your network. Try again in {wait}.",
    Limit.STARTS_OF_PREFIX: "Too many codes were asked for with numbers like this one. Try again in {wait}.",
    Limit.SENDS_OF_COUNTRY: "Many codes are being sent to that country. Try again in {wait}.",
    Limit.SENDS_OF_CLIENT: "Many codes are being sent right now. Try again in {wait}.",
    Limit.SENDS_IN_ALL: "Many codes are being sent right now. Try again in {wait}.",
    Limit.SPENT_TODAY: "We have sent as many codes as we can for today. Try again in {wait}.",
    Limit.WRONG_CHECKS_IN_ALL: "We are sending no codes for a moment. Try again in {wait}.",
    Limit.CLOSED: "We do not send codes to numbers like this one at the moment. Try again in {wait}.",
    Limit.CHECKS_OF_NUMBER: "Too many wrong codes were entered for this number. Try again in {wait}.",
}
CLOSED = "We do not send codes to numbers like this one. Use another number."
HOLDS = {
    Hold.NO_PLACE: "Many codes are being sent right now. Try again in {wait}.",
    Hold.PAUSED: "This is our fault, and we are on it. Try again in {wait}.",
    Hold.SENDER_RATE: "Many codes are being sent right now. Try again in {wait}.",
}
DELIVERIES = {
    Delivery.ON_ITS_WAY: "Your message is on its way. It can take a minute.",
    Delivery.BUSY: "Many messages are being sent right now. Yours waits its turn: it can take a few minutes.",
    Delivery.UNCERTAIN: "We do not know yet whether your message went out. If it does not come, send it again.",
    Delivery.SENT: "Your phone's network has the message.",
    Delivery.UNCONFIRMED: "Your phone's network has not confirmed the message. Often it is there all the same.",
    Delivery.DELIVERED: "The message was delivered to your phone.",
    Delivery.INVALID_NUMBER: "This number does not exist. Check it, or use another number.",
    Delivery.LANDLINE: "This is a landline, which gets no text messages. Use a mobile number.",
    Delivery.OPTED_OUT: (
        "This number asked to get no more texts from us. Answer our last message with START, then try again; "
        "or use another number."
    ),
    Delivery.COUNTRY: "We cannot send codes to numbers of that country. Use another number.",
    Delivery.BLOCKED: "A filter of the phone network held the message back. Use another number.",
    Delivery.UNREACHABLE: (
        "The message could not be delivered. See that the phone is on and has signal, then send it again; "
        "or use another number."
    ),
    Delivery.FAILED: "The message could not be sent. This is our fault. Try again in a few minutes.",
}


def in_words(seconds: int) -> str:
    """Return a duration as people say it: "43 seconds", "6 minutes", "2 hours". Rounded up."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds > size:
            return f"{-(-seconds // size)} {unit}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def moment(at: float) -> datetime:
    """Return a moment, in seconds since 1970, for a page that a script may not put into the reader's own time."""
    return datetime.fromtimestamp(int(at), UTC)


def malformed(error: MalformedToken) -> str:
    """Say what a code looks like."""
    if error.got is None:
        if error.alphabet == "digits":
            return "The code in our message has only digits. Check what you typed."
        return "The code in our message has only the characters 0 to 9 and A to F. Check what you typed."
    if not error.got:
        return f"Enter the {error.length} characters of the code."
    return f"The code has {error.length} characters. You have entered {error.got}."


def rejected(checks_left: int) -> str:
    """Say how many tries are left."""
    if not checks_left:
        return "That was the last try for this code. Start again to get a new one."
    return f"Check the latest text from us. {checks_left} {'try' if checks_left == 1 else 'tries'} left."
