"""Every refusal: its code, status and words, for programs and for people. The one table.

`/v1/problems/{code}` shows the words for programs; `problems.py` makes the answers. `tests/web/test_problems.py` holds
the table against everything that can be refused.
"""

from dataclasses import dataclass

from ..languages import marked
from ..verification.errors import Hold, Limit


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status and the words of a refusal; the facts of the case come with the error."""

    status: int
    title: str
    """For programs, like `meaning`."""
    meaning: str
    """What happened, and what to do: the `detail`, unless the case has a more precise one."""
    page_title: str = ""
    """For people, like `page_detail`; empty: they read the words for programs."""
    page_detail: str = ""
    """With `{wait}` for the time until the next try. Empty: it depends on the case."""
    undone_by_start: bool = False
    """Whether strangers can cause it for a number, and the phone can end it by texting START."""


AGAIN = "This does not count against any limit. Send the same request again after retry_after seconds."
NEVER = "Waiting does not help. This does not count against any limit."
WAIT, ENDED, HELD = (
    marked("Wait before you try again"),
    marked("We cannot send another code"),
    marked("We cannot send codes right now"),
)
MANY = marked("We’re sending a lot of codes right now. Try again in {wait}.")
NETWORK = marked("Too many codes were requested from your network. Try again in {wait}.")
OURS = marked("Something went wrong")
CLOSED_FOR_GOOD = marked("We cannot text numbers like this one. Use another number.")
"""Of a range or country that the operator closed: waiting does not help."""

REFUSALS = {
    # The request
    "bad_request": Refusal(
        400,
        "We could not read that request",
        "The HTTP request is malformed.",
        marked("We could not read that request"),
        marked("Go back and try again."),
    ),
    "bad_json": Refusal(400, "That is not JSON", "The body must be one JSON object in UTF-8."),
    "bad_idempotency_key": Refusal(
        400, "Invalid idempotency key", "Idempotency-Key must be 1 to 255 printable ASCII characters."
    ),
    "bad_authorization": Refusal(
        400,
        "The application asked in a wrong way",
        "client_id, redirect_uri or request_uri is not right, so that nobody can be sent back: `textproof keys list`.",
    ),
    "unauthorized": Refusal(
        401,
        "That key is not valid",
        "Send `Authorization: Bearer <key>` with a key that `textproof keys add` made and nobody has revoked.",
    ),
    "cross_site": Refusal(
        403,
        "We could not accept that form",
        "Forms are accepted only from this site's own pages.",
        marked("We could not accept that form"),
        marked("Open this site in a new tab and try again."),
    ),
    "forged": Refusal(403, "That is not from the carrier", "A webhook has no valid signature, or an old one."),
    "no_such_address": Refusal(
        404,
        "No such address",
        "No route has this address: /v1/docs lists them all.",
        marked("Page not found"),
        marked("Check the address, or go to the start page."),
    ),
    "no_pages": Refusal(
        404,
        "You cannot start here",
        "The operator has turned the pages off, or keeps them for applications.",
        marked("You cannot start here"),
        marked("Go back to the site or app you came from and start there."),
    ),
    "not_found": Refusal(
        404,
        "There is no such verification",
        "It has expired, was used or canceled, belongs to another client, or never existed. Start a new one.",
        marked("That code no longer works"),
        marked("It was used or has expired. Get a new code."),
    ),
    "authorization_gone": Refusal(
        404,
        "This link no longer works",
        "An authorization request has ended. The application can begin a new one.",
        marked("This link no longer works"),
        marked("Go back to the site or app you came from and start again."),
    ),
    "method_not_allowed": Refusal(
        405,
        "That method does not work here",
        "The Allow header lists the allowed methods.",
        marked("That does not work on this page"),
        marked("Go to the start page."),
    ),
    "already_approved": Refusal(
        409,
        "The number is confirmed",
        "There is nothing left to do for this verification.",
        marked("Your number is confirmed"),
        marked("You have already used this code. There is nothing more to do."),
    ),
    "other_tab": Refusal(
        409,
        "This browser started again",
        "A page of an earlier start asks. Nothing was counted, sent or confirmed.",
        marked("You started again"),
        marked("This page is from before. You are now confirming {number}."),
    ),
    "in_flight": Refusal(
        409,
        "That request is in progress",
        "A request with the same Idempotency-Key is still in progress. Retry in 1 second.",
    ),
    "too_large": Refusal(
        413,
        "That is too long",
        "The body can be at most 4,096 bytes.",
        marked("That is too long"),
        marked("Enter only a phone number or a code. Go to the start page."),
    ),
    "unsupported_media_type": Refusal(415, "That is not JSON", "Send `Content-Type: application/json`."),
    "invalid_field": Refusal(
        422, "A field is not valid", "A field is unknown, missing or malformed. `field` names it."
    ),
    "idempotency_conflict": Refusal(
        422, "Idempotency key already used", "It was used with a different body. Use a new key."
    ),
    # The number and the code
    "invalid_number": Refusal(
        422,
        "That number cannot be texted",
        "`detail` says why, for the person who typed it. This does not count against any limit.",
        marked("Check the number"),
    ),
    "other_number": Refusal(
        422,
        "Use the number shown",
        "The application asked for a certain number to be confirmed.",
        marked("Use the number shown"),
        marked("This page can confirm only the number shown."),
    ),
    "malformed_token": Refusal(
        422,
        "That cannot be a code",
        "It has another length or other characters. This check was not counted.",
        marked("Check the code"),
    ),
    "token_rejected": Refusal(
        422,
        "That code is wrong",
        "This check was counted. checks_left tells how many remain.",
        marked("That code is wrong"),
    ),
    "send_refused": Refusal(
        422,
        "The number cannot be texted",
        "The carrier will not deliver to it; `detail` says why. Ask for another.",
        marked("We cannot text this number"),
    ),
    "locked": Refusal(
        429,
        "Too many wrong codes",
        "No check is left. Start a new verification.",
        marked("Too many wrong codes"),
        marked("Too many wrong codes were entered, so this code no longer works. Get a new code."),
    ),
    # Limits
    Limit.RESEND_WAIT: Refusal(
        429,
        "Too soon for another text",
        AGAIN,
        WAIT,
        marked("Your code may still arrive. You can resend it in {wait}."),
    ),
    Limit.SENDS_OF_VERIFICATION: Refusal(
        429,
        "No text is left for this verification",
        f"{NEVER} Start a new one.",
        ENDED,
        marked("We cannot send this code again. Check your texts, or start again."),
    ),
    Limit.SENDS_OF_NUMBER: Refusal(
        429,
        "Too many texts to this number",
        AGAIN,
        WAIT,
        marked("Too many codes were requested for this number. Try again in {wait}."),
        undone_by_start=True,
    ),
    Limit.CHECKS_OF_NUMBER: Refusal(
        429,
        "Too many wrong codes for this number",
        AGAIN,
        WAIT,
        marked("Too many wrong codes were entered for this number. Try again in {wait}."),
        undone_by_start=True,
    ),
    Limit.STARTS_OF_ADDRESS: Refusal(429, "Too many starts from one address", AGAIN, WAIT, NETWORK),
    Limit.STARTS_OF_NETWORK: Refusal(429, "Too many starts from one network", AGAIN, WAIT, NETWORK),
    Limit.STARTS_OF_PREFIX: Refusal(
        429,
        "Too many starts to a range of numbers",
        AGAIN,
        WAIT,
        marked("Too many codes were requested for similar numbers. Try again in {wait}."),
        undone_by_start=True,
    ),
    Limit.SENDS_OF_COUNTRY: Refusal(
        429,
        "Too many texts to one country",
        AGAIN,
        WAIT,
        marked("We’re sending a lot of codes to that country right now. Try again in {wait}."),
    ),
    Limit.SENDS_OF_CLIENT: Refusal(429, "Client sending limit reached", AGAIN, WAIT, MANY),
    Limit.SENDS_IN_ALL: Refusal(429, "Service sending limit reached", AGAIN, WAIT, MANY, undone_by_start=True),
    Limit.SPENT_TODAY: Refusal(
        429,
        "Today's budget is used up",
        AGAIN,
        WAIT,
        marked("We’ve reached today’s limit for codes. Try again in {wait}."),
    ),
    Limit.WRONG_CHECKS_IN_ALL: Refusal(
        429, "Too many wrong codes in all", AGAIN, WAIT, marked("We’ve paused sending codes. Try again in {wait}.")
    ),
    Limit.CLOSED: Refusal(
        429,
        "Sending to this range is paused",
        f"Paused automatically or by the operator. {AGAIN} Without it, waiting does not help.",
        WAIT,
        marked("We’ve paused codes to numbers like this one. Try again in {wait}."),
        undone_by_start=True,
    ),
    "too_many_requests": Refusal(
        429,
        "Too many requests to remember",
        f"An application may send requests with an Idempotency-Key 20,000 times an hour. {AGAIN}",
    ),
    # Faults of this service or of the carrier
    "internal": Refusal(
        500,
        "Something went wrong",
        "A fault of this service; its log has it. Try again later.",
        OURS,
        marked("The problem is on our side. Try again in a few minutes."),
    ),
    Hold.NO_PLACE: Refusal(503, "Too many texts at once", AGAIN, HELD, MANY),
    Hold.PAUSED: Refusal(
        503,
        "Sending is paused",
        f"The carrier is rejecting all messages. {AGAIN}",
        HELD,
        marked("The problem is on our side and we’re fixing it. Try again in {wait}."),
    ),
    Hold.SENDER_RATE: Refusal(503, "Sender rate limit reached", AGAIN, HELD, MANY),
    "send_failed": Refusal(
        503,
        "The text could not be sent",
        "A fault between this service and the carrier. Start again later.",
        HELD,
    ),
    "unavailable": Refusal(
        503,
        "Storage is unavailable",
        "Nothing was accepted. Send the same request again after retry_after seconds.",
        OURS,
        marked("The problem is on our side. Nothing was lost. Try again in a few seconds."),
    ),
    "no_public_url": Refusal(
        503, "OpenID Connect is not set up", "The operator has to set PUBLIC_URL, and PAGES to something but off."
    ),
}
BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "cross_site",
    404: "no_such_address",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
"""The codes of what Flask and Werkzeug refuse by themselves."""
