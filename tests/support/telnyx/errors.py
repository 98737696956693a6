"""Telnyx's error codes: title, HTTP status, and the field they point at.

Titles follow Telnyx's published lists. Telnyx publishes no HTTP status per code and says that it
may vary, so a status here is one that was seen or one that fits: decide on the code.
"""

from dataclasses import dataclass
from typing import Any

DOCS = "https://developers.telnyx.com/docs/overview/errors/"


@dataclass(frozen=True)
class TelnyxError:
    """One refusal.

    Attributes:
        pointer: JSON pointer to the offending field, or None.
        headers: Sent with the answer besides the usual ones.
    """

    status: int
    code: str
    title: str
    detail: str
    pointer: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def entry(self) -> dict[str, Any]:
        """Return it as an item of an `errors` list."""
        found: dict[str, Any] = {
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "meta": {"url": DOCS + self.code},
        }
        if self.pointer is not None:
            found["source"] = {"pointer": self.pointer}
        return found

    def body(self) -> dict[str, Any]:
        """Return the whole answer."""
        return {"errors": [self.entry()]}


RATE_LIMIT_HEADERS = (
    ("Retry-After", "3"),  # seconds
    ("X-RateLimit-Limit", "50"),
    ("X-RateLimit-Remaining", "0"),
    ("X-RateLimit-Reset", "3"),  # seconds
)

_ROWS = (
    # The recipient.
    TelnyxError(400, "10002", "Invalid phone number", "The phone number is invalid.", "/to"),
    TelnyxError(
        400,
        "10016",
        "Phone number must be in +E.164 format",
        "The specified phone number parameter must be in +E.164 format.",
        "/to",
    ),
    TelnyxError(400, "40310", "Invalid 'to' address", "The 'to' address should be a single valid number.", "/to"),
    TelnyxError(
        400, "40001", "Not routable", "The destination is a landline or a non-routable wireless number.", "/to"
    ),
    TelnyxError(
        400,
        "40301",
        "Unsupported message type for the 'to' address",
        "The destination supports neither this type of message nor this type of sender.",
        "/to",
    ),
    TelnyxError(
        400,
        "40319",
        "Incompatible message type for the 'to' address",
        "The type of the sender does not fit the destination.",
        "/to",
    ),
    TelnyxError(
        400,
        "40309",
        "Invalid destination region",
        "The region 'XX' for the destination is not included in the messaging profile's whitelisted destinations.",
        "/to",
    ),
    TelnyxError(
        400,
        "40331",
        "Messaging profile has no whitelisted destinations",
        "Add destination regions to the messaging profile.",
    ),
    # The sender, the profile, the account's papers.
    TelnyxError(
        400,
        "40305",
        "Invalid 'from' address",
        "The 'from' address should be string containing a valid number associated with the sending messaging profile.",
        "/from",
    ),
    TelnyxError(
        400, "40306", "Alpha sender not configured", "The messaging profile has no alphanumeric sender ID.", "/from"
    ),
    TelnyxError(
        400,
        "40307",
        "Alpha sender mismatch",
        "The alphanumeric sender ID is not the one of the messaging profile.",
        "/from",
    ),
    TelnyxError(
        400,
        "40325",
        "Invalid alphanumeric sender ID",
        "The alphanumeric sender ID has to be 1 to 11 letters, digits and spaces.",
        "/from",
    ),
    TelnyxError(
        400,
        "40321",
        "No usable numbers on messaging profile",
        "The number pool of the messaging profile holds no usable number.",
        "/messaging_profile_id",
    ),
    TelnyxError(
        400,
        "40320",
        "Temporarily unusable 'from' address",
        "The 'from' address cannot be used until its order is complete.",
        "/from",
    ),
    TelnyxError(400, "40100", "Number not messaging enabled", "The 'from' number has no messaging profile.", "/from"),
    TelnyxError(400, "10001", "Inactive phone number", "The phone number is inactive.", "/from"),
    TelnyxError(403, "40312", "Messaging profile is disabled", "The specified messaging profile is disabled."),
    TelnyxError(403, "40314", "Messaging disabled on account", "Messaging is disabled on this account."),
    TelnyxError(403, "40311", "Invalid messaging profile secret", "The X-Profile-Secret header does not match."),
    TelnyxError(403, "40313", "Missing messaging profile secret", "The X-Profile-Secret header is required."),
    TelnyxError(
        400,
        "40315",
        "Unhealthy 'from' address",
        "The 'from' number failed the health check: low deliverability or much spam.",
        "/from",
    ),
    TelnyxError(
        400,
        "40329",
        "Toll free number not yet verified",
        "The use case of the toll-free number is not verified yet.",
        "/from",
    ),
    TelnyxError(
        400,
        "40150",
        "Toll free number not in registry",
        "The 'from' number is not in the registry of toll-free numbers.",
        "/from",
    ),
    TelnyxError(
        400,
        "40151",
        "Message enablement pending with other provider",
        "The 'from' number is being enabled by another provider.",
        "/from",
    ),
    TelnyxError(
        400,
        "40330",
        "Toll free number not provisioned",
        "The toll-free number is not provisioned for messaging.",
        "/from",
    ),
    TelnyxError(
        400, "40010", "Unregistered 10DLC message", "The 'from' number is not assigned to a 10DLC campaign.", "/from"
    ),
    # Money and traffic.
    TelnyxError(
        429,
        "40333",
        "Messaging profile spend limit reached",
        "The daily spend limit configured on this messaging profile has been reached",
    ),
    TelnyxError(400, "40318", "Message queue full", "Message queue is full. Wait before resending."),
    TelnyxError(402, "20100", "Insufficient Funds", "You do not have enough funds to perform this action."),
    TelnyxError(
        403,
        "20012",
        "Account inactive",
        "The request cannot be fulfilled because your account has been deactivated. It may be out of funds.",
    ),
    TelnyxError(403, "20013", "Account blocked", "Your account is blocked."),
    TelnyxError(
        429,
        "10011",
        "Too many requests",
        "You have exceeded the maximum number of allowed requests.",
        headers=RATE_LIMIT_HEADERS,
    ),
    # The text.
    TelnyxError(400, "40302", "Message too large", "The message has too many parts.", "/text"),
    TelnyxError(
        400,
        "40304",
        "Invalid combination of message content arguments",
        "An SMS takes text; an MMS takes a subject or media.",
        "/text",
    ),
    TelnyxError(400, "40316", "No content provided for message", "The message has neither text nor media.", "/text"),
    TelnyxError(400, "40328", "SMS exceeds recommended size", "The message is unusually long for an SMS.", "/text"),
    TelnyxError(400, "40009", "Invalid message body", "The body of the message breaks the carrier's rules.", "/text"),
    TelnyxError(403, "40322", "Blocked due to content", "The message was blocked due to its content.", "/text"),
    # The key and what it may do.
    TelnyxError(
        401, "10009", "Authentication failed", "The API key looks malformed. Check that you copied it correctly."
    ),
    TelnyxError(401, "20002", "API Key revoked", "The API key is not active."),
    TelnyxError(401, "20003", "API Key not found", "The API key does not exist."),
    TelnyxError(401, "20006", "Expired access token", "The access token has expired."),
    TelnyxError(401, "20008", "Invalid access token", "The access token is not valid."),
    TelnyxError(
        403,
        "10010",
        "Authorization failed",
        "You do not have permission to perform the requested action on the specified resource or resources.",
    ),
    TelnyxError(403, "20014", "Account unverified", "Verify your account to send messages."),
    TelnyxError(403, "20015", "Feature not enabled", "Messaging is not enabled for your account."),
    TelnyxError(403, "20016", "Account not level 1 verified", "Level 1 verification is required for this action."),
    TelnyxError(403, "20017", "Account not level 2 verified", "Level 2 verification is required for this action."),
    TelnyxError(403, "10038", "Feature not permitted", "This feature is not permitted at your level."),
    TelnyxError(403, "10039", "Feature not available", "This feature is not available to your account."),
    # The request.
    TelnyxError(422, "10003", "Invalid URL", "The URL is invalid or too long.", "/webhook_url"),
    TelnyxError(422, "10006", "Invalid ID", "The resource ID is invalid.", "/messaging_profile_id"),
    TelnyxError(400, "40317", "Invalid MMS content", "There are too many media URLs, or they are too large."),
    TelnyxError(404, "10005", "Resource not found", "The requested resource or URL could not be found."),
    TelnyxError(
        409,
        "10036",
        "Resource is being processed",
        "A request with this Idempotency-Key is already being processed.",
        "/header/Idempotency-Key",
    ),
    TelnyxError(
        422,
        "10027",
        "Unprocessable Entity",
        "The server understood the syntax of the request but was unable to process the instructions.",
    ),
    TelnyxError(422, "10004", "Missing required parameter", "A required parameter was missing.", "/to"),
    TelnyxError(400, "10015", "Bad Request", "The request failed because it was not well-formed."),
    TelnyxError(400, "10023", "Invalid data", "A field of the request is not of its type."),
    TelnyxError(400, "10026", "Invalid JSON", "The body of the request is not readable JSON."),
    TelnyxError(422, "10032", "Invalid value", "A value is not one of those allowed."),
    TelnyxError(422, "10033", "Value out of range", "A value is outside the range allowed."),
    # Telnyx itself.
    TelnyxError(500, "10007", "Unexpected error", "An unexpected error occured."),
    TelnyxError(408, "10008", "Request timeout", "The request timed out."),
    TelnyxError(503, "10037", "Service unavailable", "Service is unavailable."),
)

# 40300 has two meanings in Telnyx's own documentation; only the words tell them apart.
_STOPPED = TelnyxError(
    403,
    "40300",
    "Blocked due to STOP message",
    "Messages cannot be sent from '+13125550001' to '+13125550002' due to an existing block rule.",
    "/to",
)
_NOT_ON_PROFILE = TelnyxError(
    422,
    "40300",
    "Number not associated with a messaging profile",
    "The 'from' number is not associated with a messaging profile.",
    "/from",
)

ERRORS: dict[str, TelnyxError] = {error.code: error for error in _ROWS} | {
    "40300": _NOT_ON_PROFILE,
    "40300-stop": _STOPPED,
    "500": TelnyxError(500, "10007", "Unexpected error", "An unexpected error occured."),
    "503": TelnyxError(503, "10037", "Service unavailable", "Service is unavailable."),
}
"""Every refusal by its name: the code, or a name of ours where a code has two faces."""

# What comes later, with a receipt: why a message that was accepted did not arrive.
RECEIPT_ERRORS: dict[str, tuple[str, str]] = {
    "40001": ("Not routable", "The destination is a landline or a non-routable wireless number."),
    "40002": ("Blocked as spam - temporary", "The message was flagged by a SPAM filter."),
    "40003": ("Blocked as spam - permanent", "The 'from' address was blocked by a SPAM filter."),
    "40004": ("Rejected by destination", "The recipient server rejected the message."),
    "40005": ("Message expired during transmission", "The message was not delivered in time."),
    "40006": ("Recipient server unavailable", "The recipient server is not answering."),
    "40007": ("Loop detected", "An infinite loop was detected."),
    "40008": ("Undeliverable", "The recipient carrier did not accept the message."),
    "40009": ("Invalid message body", "The carrier rejected the body of the message."),
    "40010": ("Unregistered 10DLC message", "The sending number is not on a 10DLC campaign."),
    "40011": ("Too many requests", "The upstream rate limit was exceeded."),
    "40012": ("Invalid messaging destination number", "The carrier rejected the destination."),
    "40013": ("Invalid messaging source number", "The carrier rejected the sending number."),
    "40014": ("Message expired in queue", "The message expired before it could be sent."),
    "40015": ("Blocked as spam - internal", "The message was flagged by an internal SPAM filter."),
    "40016": ("T-Mobile 10DLC sending limit reached", "The brand's daily limit was reached."),
    "40017": ("AT&T 10DLC spam message rejected", "AT&T flagged the message as spam."),
    "40018": ("AT&T 10DLC sending limit reached", "The campaign's limit a minute was reached."),
    "40019": ("Rejected by the carrier", "The carrier rejected the message for good."),
    "40020": (
        "2FA traffic blocked",
        "Traffic to this destination is blocked for 24 hours: suspected artificial inflation.",
    ),
    "40322": ("Blocked due to content", "The message was blocked due to its content."),
}
"""Title and detail by code, as in `payload.errors` of `message.finalized`."""
