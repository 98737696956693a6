"""Telnyx's error codes: what each means for the person, the operator, and everybody else's messages.

Telnyx does not publish which HTTP status comes with a code, and 40333 ("spend limit") comes as 429: the code decides.
The class of the status decides where there is no code, or one that nobody has seen: a 4xx has sent nothing.
"""

import re
from dataclasses import dataclass

from ..verification.errors import Delivery

STOP = re.compile("stop|block rule|opt(ed)?.?out", re.IGNORECASE)
CODE = re.compile("[0-9]{1,8}")
KIND_OF_REQUEST = re.compile("1[0-9]{4}")  # Telnyx: what has such a code never leaves its platform
REFUSALS, FAULTS = 400, 500  # HTTP's own borders: between them, the request was not carried out


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table."""

    delivery: Delivery
    """What the person learns."""
    operator: str
    """What to do about it; empty when there is nothing to do."""
    pause: bool = False
    """Whether every other message would be refused as well."""
    uncertain: bool = False
    """Whether it may have been sent all the same."""


KEY = Meaning(Delivery.FAILED, "Check API_KEY: Telnyx does not accept it.", pause=True)
RIGHTS = Meaning(
    Delivery.FAILED, "Check in Telnyx's portal what the account and API_KEY may do: its level, messaging.", pause=True
)
ADDRESS = Meaning(Delivery.FAILED, "Check TELNYX_BASE_URL and API_KEY: Telnyx finds nothing there.", pause=True)
PROFILE_ID = Meaning(
    Delivery.FAILED, "Check MESSAGING_PROFILE_ID, and what API_KEY may do: Telnyx knows no such id.", pause=True
)
FUNDS = Meaning(Delivery.FAILED, "Check the balance and the state of the Telnyx account.", pause=True)
SENDER = Meaning(
    Delivery.FAILED,
    "Check FROM_NUMBER and its messaging profile in the Telnyx portal; `textproof doctor` looks closer.",
)
PROFILE = Meaning(Delivery.FAILED, "Check the messaging profile: it is disabled, or asks for a secret.", pause=True)
REGISTRATION = Meaning(Delivery.FAILED, "The sender is not registered (10DLC, toll-free verification). Register it.")
SPEND = Meaning(
    Delivery.FAILED, "The daily spend limit is reached. See whether it is pumping before you raise it.", pause=True
)
INFLATION = Meaning(
    Delivery.FAILED, "Telnyx blocks codes for 24 hours because it suspects pumping. Talk to Telnyx.", pause=True
)
TEXT = Meaning(Delivery.FAILED, "Telnyx does not accept the text of the message. Check BRAND and PUBLIC_URL.")
REQUEST = Meaning(Delivery.FAILED, "Telnyx does not accept our request. This is a bug: please report it.")
WEBHOOK = Meaning(Delivery.FAILED, "Telnyx does not accept the address of our webhook. Check PUBLIC_URL.")
RATE = Meaning(
    Delivery.BUSY, "More messages than the sender may send. Set SENDER_RATE_PER_SECOND, or use a faster sender."
)
NUMBER = Meaning(Delivery.INVALID_NUMBER, "")
LANDLINE = Meaning(Delivery.LANDLINE, "")
COUNTRY = Meaning(
    Delivery.COUNTRY, "The messaging profile does not allow this country. Make ALLOWED_REGIONS say the same."
)
FOREIGN = Meaning(Delivery.COUNTRY, "This kind of sender cannot text this country.")
OPTED_OUT = Meaning(Delivery.OPTED_OUT, "")
SPAM = Meaning(Delivery.BLOCKED, "A filter took the message for spam. Check BRAND, and the sender's reputation.")
BANNED = Meaning(
    Delivery.BLOCKED, "A carrier has blocked the sender for good. Use another FROM_NUMBER, and appeal with Telnyx."
)
UNREACHABLE = Meaning(Delivery.UNREACHABLE, "")
LATE = Meaning(
    Delivery.FAILED,
    "More messages than carriers take from the sender. Set SENDER_RATE_PER_SECOND, or use a faster one.",
)
TROUBLE = Meaning(Delivery.FAILED, "Telnyx has trouble. See its status page.", uncertain=True)
ELSEWHERE = Meaning(
    Delivery.UNCERTAIN, "That is not Telnyx's API, or it has moved. Check TELNYX_BASE_URL.", uncertain=True
)
REFUSED = Meaning(
    Delivery.FAILED, "No reason was given. Check TELNYX_BASE_URL, what stands between here and it, and API_KEY."
)
NEW = Meaning(Delivery.FAILED, "This code is new to us: see Telnyx's list of them, and please report it.")
UNKNOWN = Meaning(Delivery.UNCERTAIN, "This code is new to us: please report it.", uncertain=True)

CODES: dict[str, Meaning] = {
    code: meaning
    for codes, meaning in {
        # In the answer to a send.
        "10002 10016 40310": NUMBER,
        "40001": LANDLINE,
        "40301 40319": FOREIGN,
        "40309 40331": COUNTRY,
        "40305 40306 40307 40315 40320 40321 40325 40100 40151 10001 40308": SENDER,
        "40311 40312 40313 40314": PROFILE,
        "40010 40150 40329 40330": REGISTRATION,
        "40333": SPEND,
        "40318 10011": RATE,
        "40302 40304 40316 40322 40328 40009": TEXT,
        "20100 20012 20013": FUNDS,
        "10009 20002 20003 20006 20008": KEY,
        "10010 20014 20015 20016 20017 10038 10039": RIGHTS,
        "10005": ADDRESS,
        "10006": PROFILE_ID,
        "10003": WEBHOOK,
        "10027 10004 10015 10023 10026 10032 10033 40317": REQUEST,
        "10007 10008 10036 10037": TROUBLE,
        # In a receipt, later.
        "40002 40015 40017 40019": SPAM,
        "40003": BANNED,
        "40004 40005 40006 40007 40008": UNREACHABLE,
        "40011 40014 40016 40018": LATE,
        "40012": NUMBER,
        "40013": SENDER,
        "40020": INFLATION,
    }.items()
    for code in codes.split()
}
STATUSES = {401: KEY, 402: FUNDS, 404: ADDRESS, 408: TROUBLE, 409: TROUBLE, 425: TROUBLE, 429: RATE}
"""What a status means by itself; 408, 409 and 425 do not say what becomes of the request."""


def meaning_of(code: str, words: str, *, status: int | None = None) -> Meaning:
    """Return what an error means: by its code, else by its kind of code, else by the status that it came with.

    Args:
        code: Telnyx's; "" when there is none that can be read.
        words: Its title and detail, which decide where one code is used for two things.
        status: Of the answer to a send; None in a receipt.
    """
    if code == "40300":
        return OPTED_OUT if STOP.search(words) else SENDER
    if code in CODES:
        return CODES[code]
    if status is None:
        return UNKNOWN
    by_class = ELSEWHERE if status < REFUSALS else TROUBLE if status >= FAULTS else REFUSED
    by_status = STATUSES.get(status, by_class)
    if not code or by_status.uncertain:
        return by_status
    return REQUEST if KIND_OF_REQUEST.fullmatch(code) else NEW


def facts_of(code: str, meaning: Meaning) -> dict[str, str]:
    """Return what the log says of an error: what is not there is left out."""
    facts = {"code": code, "do": meaning.operator}
    return {name: value for name, value in facts.items() if value}


def error_in(body: object) -> tuple[str, str]:
    """Return the code (`40310`) and the words of the first error in what Telnyx sent; empty when none can be read.

    The code is logged, so that it is one: an error may quote us.
    """
    try:
        error = body["errors"][0]  # type: ignore[index]
        code = str(error.get("code"))
        return code if CODE.fullmatch(code) else "", f"{error.get('title')} {error.get('detail')}"
    except (TypeError, KeyError, IndexError, AttributeError):
        return "", ""
