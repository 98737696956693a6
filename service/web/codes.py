"""Every code that a problem can have, for programs: its status, and what to do about it.

`/v1/problems/{code}` shows these; the tests hold them against everything that can be said no to.
"""

from dataclasses import dataclass

from ..verification.errors import Hold, Limit


@dataclass(frozen=True, slots=True)
class Code:
    """What a program needs to know of a problem."""

    status: int
    title: str
    meaning: str
    """What happened, and what to do. Where nothing more precise is known, this is the `detail`."""


WAIT = "This does not count against any limit. Send the same request again after retry_after seconds."
STOP = "Waiting does not help. This does not count against any limit."

CODES = {
    # The request
    "bad_request": Code(400, "We could not read that request", "The HTTP request is malformed."),
    "bad_json": Code(400, "That is not JSON", "The body must be one JSON object in UTF-8."),
    "bad_idempotency_key": Code(
        400, "Invalid idempotency key", "Idempotency-Key must be 1 to 255 printable ASCII characters."
    ),
    "unauthorized": Code(
        401,
        "That key is not valid",
        "Send `Authorization: Bearer <key>` with a key that `textproof keys add` made and nobody has revoked.",
    ),
    "cross_site": Code(403, "We could not accept that form", "Forms are accepted only from this site's own pages."),
    "forged": Code(403, "That is not from the carrier", "A webhook has no valid signature, or an old one."),
    "no_such_address": Code(404, "No such address", "No route has this address: /v1/docs lists them all."),
    "no_pages": Code(
        404, "You cannot start here", "The operator has turned the pages off, or keeps them for applications."
    ),
    "not_found": Code(
        404,
        "There is no such verification",
        "It has expired, was used or canceled, belongs to another client, or never existed. Start a new one.",
    ),
    "session_gone": Code(
        404, "This link no longer works", "A hosted session has ended. The application can open a new one."
    ),
    "method_not_allowed": Code(405, "That method does not work here", "The Allow header lists the allowed methods."),
    "already_approved": Code(409, "The number is confirmed", "There is nothing left to do for this verification."),
    "other_tab": Code(
        409, "This browser started again", "A page of an earlier start asks. Nothing was counted, sent or confirmed."
    ),
    "in_flight": Code(
        409,
        "That request is in progress",
        "A request with the same Idempotency-Key is still in progress. Retry in 1 second.",
    ),
    "too_large": Code(413, "That is too long", "The body can be at most 4,096 bytes."),
    "unsupported_media_type": Code(415, "That is not JSON", "Send `Content-Type: application/json`."),
    "invalid_field": Code(422, "A field is not valid", "A field is unknown, missing or malformed. `field` names it."),
    "idempotency_conflict": Code(
        422, "Idempotency key already used", "It was used with a different body in the last 24 hours. Use a new key."
    ),
    "unknown_return_url": Code(
        422,
        "That address is not registered",
        "return_url must be, to the letter, one that was given to `textproof keys add --return-url`.",
    ),
    "result_rejected": Code(
        422,
        "That result is not valid",
        "It was changed, is older than 60 seconds, was redeemed before, or is another client's.",
    ),
    # The number and the code
    "invalid_number": Code(
        422,
        "That number cannot be texted",
        "`detail` says why, for the person who typed it. This does not count against any limit.",
    ),
    "other_number": Code(422, "Use the number shown", "The application asked for a certain number to be confirmed."),
    "malformed_token": Code(
        422, "That cannot be a code", "It has another length or other characters. This check was not counted."
    ),
    "token_rejected": Code(422, "That code is wrong", "This check was counted. checks_left tells how many remain."),
    "send_refused": Code(
        422, "The number cannot be texted", "The carrier will not deliver to it; `detail` says why. Ask for another."
    ),
    "locked": Code(429, "Too many wrong codes", "No check is left. Start a new verification."),
    # Limits
    Limit.RESEND_WAIT: Code(429, "Too soon for another text", WAIT),
    Limit.SENDS_OF_VERIFICATION: Code(429, "No text is left for this verification", f"{STOP} Start a new one."),
    Limit.SENDS_OF_NUMBER: Code(429, "Too many texts to this number", WAIT),
    Limit.CHECKS_OF_NUMBER: Code(429, "Too many wrong codes for this number", WAIT),
    Limit.STARTS_OF_ADDRESS: Code(429, "Too many starts from one address", WAIT),
    Limit.STARTS_OF_NETWORK: Code(429, "Too many starts from one network", WAIT),
    Limit.STARTS_OF_PREFIX: Code(429, "Too many starts to a range of numbers", WAIT),
    Limit.SENDS_OF_COUNTRY: Code(429, "Too many texts to one country", WAIT),
    Limit.SENDS_OF_CLIENT: Code(429, "Client sending limit reached", WAIT),
    Limit.SENDS_IN_ALL: Code(429, "Service sending limit reached", WAIT),
    Limit.SPENT_TODAY: Code(429, "Today's budget is used up", WAIT),
    Limit.WRONG_CHECKS_IN_ALL: Code(429, "Too many wrong codes in all", WAIT),
    Limit.CLOSED: Code(
        429,
        "Sending to this range is paused",
        f"Paused automatically or by the operator. {WAIT} Without it, waiting does not help.",
    ),
    "too_many_requests": Code(
        429,
        "Too many requests to remember",
        f"An application may open sessions and send requests with an Idempotency-Key 20,000 times an hour. {WAIT}",
    ),
    # Our side
    "internal": Code(500, "Something went wrong", "A fault of this service; its log has it. Try again later."),
    Hold.NO_PLACE: Code(503, "Too many texts at once", WAIT),
    Hold.PAUSED: Code(503, "Sending is paused", f"The carrier is rejecting all messages. {WAIT}"),
    Hold.SENDER_RATE: Code(503, "Sender rate limit reached", WAIT),
    "send_failed": Code(
        503, "The text could not be sent", "A fault between this service and the carrier. Start again later."
    ),
    "unavailable": Code(
        503, "Storage is unavailable", "Nothing was accepted. Send the same request again after retry_after seconds."
    ),
    "no_public_url": Code(
        503, "Hosted sessions are not set up", "The operator has to set PUBLIC_URL, and PAGES to something but off."
    ),
}
BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    404: "no_such_address",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
"""What HTTP itself says no with."""
