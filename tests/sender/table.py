"""What each answer of Telnyx has to mean, written down apart from the product.

Codes and their meanings are those of Telnyx's documentation; what we make of them is issue 3's table.
"""

from dataclasses import dataclass

from service.verification.errors import Delivery


@dataclass(frozen=True)
class Refused:
    """Nothing was sent.

    Attributes:
        delivery: What the person learns.
        advice: A word of what the operator is told to do; empty when there is nothing to do.
        pause: Whether everybody's messages would be refused.
        retry_after: Seconds, where Telnyx says so.
    """

    delivery: Delivery
    advice: str = ""
    pause: bool = False
    retry_after: int | None = None


KEY = Refused(Delivery.FAILED, "API_KEY", pause=True)
FUNDS = Refused(Delivery.FAILED, "balance", pause=True)
PROFILE = Refused(Delivery.FAILED, "messaging profile", pause=True)
SENDER = Refused(Delivery.FAILED, "FROM_NUMBER")
PAPERS = Refused(Delivery.FAILED, "registered")
TEXT = Refused(Delivery.FAILED, "BRAND")
REQUEST = Refused(Delivery.FAILED, "bug")

REFUSALS: dict[str, Refused] = {
    name: meaning
    for names, meaning in {
        "10002 10016 40310": Refused(Delivery.INVALID_NUMBER),
        "40001": Refused(Delivery.LANDLINE),
        "40300-stop": Refused(Delivery.OPTED_OUT),
        "40309 40331": Refused(Delivery.COUNTRY, "ALLOWED_REGIONS"),
        "40301 40319": Refused(Delivery.COUNTRY, "sender"),
        "40300 40305 40306 40307 40315 40320 40321 40325 40100 40151 10001": SENDER,
        "40311 40312 40313 40314": PROFILE,
        "40010 40150 40329 40330": PAPERS,
        "40333": Refused(Delivery.FAILED, "spend limit", pause=True),
        "40318": Refused(Delivery.BUSY, "SENDER_RATE_PER_SECOND"),
        "10011": Refused(Delivery.BUSY, "SENDER_RATE_PER_SECOND", retry_after=3),
        "40302 40304 40316 40322 40328 40009": TEXT,
        "20100 20012 20013": FUNDS,
        "10009 20002 20003 20006 20008 10010 20014 20015 20016 20017 10038 10039 10005": KEY,
        "10006": Refused(Delivery.FAILED, "MESSAGING_PROFILE_ID", pause=True),
        "10003": Refused(Delivery.FAILED, "PUBLIC_URL"),
        "10027 10004 10015 10023 10026 10032 10033 40317": REQUEST,
    }.items()
    for name in names.split()
}
"""By name in `ERRORS`: a code, or a name of ours where a code has two faces."""

UNCERTAIN = {"10007", "10008", "10036", "10037", "500", "503"}
"""Names in `ERRORS` after which the message may be on its way all the same."""

LOST = {"drop", "drop_before", "garble", "html", "empty", "null_data", "list", "bad_gateway"}
"""Names in `FAULTS` after which nobody knows. `hang` and `drip` too, but they take their time: see test_deadline."""

RECEIPTS: dict[str, tuple[Delivery, str]] = {
    code: meaning
    for codes, meaning in {
        "40001": (Delivery.LANDLINE, ""),
        "40002 40015 40017 40019": (Delivery.BLOCKED, "spam"),
        "40003": (Delivery.BLOCKED, "another FROM_NUMBER"),
        "40004 40005 40006 40007 40008": (Delivery.UNREACHABLE, ""),
        "40011 40014 40016 40018": (Delivery.FAILED, "SENDER_RATE_PER_SECOND"),
        "40012": (Delivery.INVALID_NUMBER, ""),
        "40009 40322": (Delivery.FAILED, "BRAND"),
        "40010": (Delivery.FAILED, "registered"),
        "40013": (Delivery.FAILED, "FROM_NUMBER"),
        "40020": (Delivery.FAILED, "pumping"),
    }.items()
    for code in codes.split()
}
"""Why a message that was taken did not arrive: what the person learns, and a word for the operator."""

SENDING = """
10002 10016 40310 40001 40301 40319 40309 40331 40300 40305 40306 40307 40325 40321 40320 40100 10001 40308
40312 40314 40311 40313 40315 40329 40330 40010 40333 40318 40302 40304 40316 40328 40009 40322
20100 20012 20013 10009 20002 20003 20006 20008 10010 20014 20015 20016 20017 10038 10039 10005
10011 10036 10027 10003 10004 10006 10015 10023 10026 10032 10033 10007 10008 10037 40150 40151 40317
"""
LATER = """
40001 40002 40003 40004 40005 40006 40007 40008 40009 40010 40011 40012 40013 40014 40015 40016 40017 40018 40019
40020 40322
"""
DOCUMENTED = {*SENDING.split(), *LATER.split()}
"""Every code that Telnyx documents for a text message, in the answer to a send and in a receipt."""
