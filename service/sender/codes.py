"""What Telnyx's error codes mean here: for the person, for the operator, and for everybody else's messages.

Telnyx does not publish which HTTP status comes with a code, and 40333 ("spend limit") comes as 429: the code decides.
"""

import re
from dataclasses import dataclass

from ..verification.errors import Delivery

STOP = re.compile("stop|block rule|opt(ed)?.?out", re.IGNORECASE)
CODE = re.compile("[0-9]{1,8}")


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
SPAM = Meaning(Delivery.BLOCKED, "A carrier took the message for spam. Check BRAND, and the sender's reputation.")
UNREACHABLE = Meaning(Delivery.UNREACHABLE, "")
LATE = Meaning(Delivery.UNREACHABLE, "Messages wait too long. Set SENDER_RATE_PER_SECOND, or use a faster sender.")
TROUBLE = Meaning(Delivery.FAILED, "Telnyx has trouble. See its status page.", uncertain=True)
UNKNOWN = Meaning(Delivery.UNCERTAIN, "This code is new to us: please report it.", uncertain=True)

CODES: dict[str, Meaning] = {
    code: meaning
    for codes, meaning in {
        # In the answer to a send.
        "10002 10016 40310": NUMBER,
        "40001": LANDLINE,
        "40301 40319": FOREIGN,
        "40309 40331": COUNTRY,
        "40305 40306 40307 40315 40320 40321 40325 40100 10001 40308": SENDER,
        "40311 40312 40313 40314": PROFILE,
        "40010 40329 40330": REGISTRATION,
        "40333": SPEND,
        "40318 10011": RATE,
        "40302 40304 40316 40322 40328 40009": TEXT,
        "20100 20012 20013": FUNDS,
        "10009 20002 20003 20006 20008 10010 20014 20015 20016 20017 10038 10039 10005": KEY,
        "10027 10004 10015 10023 10026 10032 10033": REQUEST,
        "10007 10008 10036 10037": TROUBLE,
        # In a receipt, later.
        "40002 40015 40017 40019": SPAM,
        "40003 40004 40006 40008 40012": UNREACHABLE,
        "40005 40011 40014 40016 40018": LATE,
        "40013": SENDER,
        "40020": INFLATION,
    }.items()
    for code in codes.split()
}


def meaning_of(code: str, words: str) -> Meaning:
    """Return what a code means; `words`, its title and detail, decide where one code is used for two things."""
    if code == "40300":
        return OPTED_OUT if STOP.search(words) else SENDER
    return CODES.get(code, UNKNOWN)


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
