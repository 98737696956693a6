"""What this service says no to, in words and status codes. The one table for pages and API."""

import logging
from dataclasses import dataclass

from flask import Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from ..verification.errors import (
    AlreadyApproved,
    InvalidNumber,
    Limit,
    Limited,
    MalformedToken,
    NumberFault,
    SendRefused,
    StoreUnavailable,
    TokenRejected,
    UnknownVerification,
    VerificationLocked,
)

log = logging.getLogger("textproof")

STORE_RETRY = 2  # seconds; a store that is back is found within that


@dataclass(frozen=True, slots=True)
class Problem:
    """A no: what happened, and what to do about it."""

    status: int
    code: str
    title: str
    detail: str
    retry_after: int | None = None
    """Seconds from now; None when waiting does not help."""


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
    NumberFault.REGION_NOT_ALLOWED: "We do not send codes to numbers of that country. Enter another number.",
}
LIMITS = {
    Limit.RESEND_WAIT: "The text may still be on its way. You can ask for it again in {wait}.",
    Limit.SENDS_OF_VERIFICATION: "We sent this code as often as we can. Check your messages, or start again.",
    Limit.SENDS_OF_NUMBER: "Too many codes were asked for with this number. Try again in {wait}.",
    Limit.CHECKS_OF_NUMBER: "Too many wrong codes were entered for this number. Try again in {wait}.",
}
STATUSES = {
    400: ("bad_request", "That request cannot be read", "Go back, and try once more."),
    403: ("cross_site", "That came from another site", "Open our page yourself, and try there."),
    404: ("not_found", "There is nothing here", "Check the address, or start from the first page."),
    405: ("method_not_allowed", "That does not work here", "Start from the first page."),
    413: (
        "too_large",
        "That is too much",
        "A phone number or a code is all we need. Start from the first page.",
    ),
}


def problem_of(error: Exception) -> Problem:  # noqa: C901 - a table, read from top to bottom
    """Return the words and the status of anything that can go wrong."""
    match error:
        case InvalidNumber():
            return Problem(422, "invalid_number", "Check the number", NUMBERS[error.reason])
        case MalformedToken():
            return Problem(422, "malformed_token", "Check the code", _malformed(error))
        case TokenRejected():
            return Problem(422, "token_rejected", "That code is not right", _rejected(error.checks_left))
        case VerificationLocked():
            detail = "Too many codes were wrong, so this one is not accepted any more. Start again to get a new one."
            return Problem(429, "locked", "Too many wrong codes", detail)
        case Limited():
            wait = in_words(error.retry_after or 0)
            detail = LIMITS[error.limit].format(wait=wait)
            return Problem(429, str(error.limit), "Not so fast", detail, error.retry_after)
        case AlreadyApproved():
            return Problem(
                409, "already_approved", "Your number is confirmed", "This code was used before. All is done."
            )
        case UnknownVerification():
            detail = "It was used, or it is older than we accept. Start again to get a new one."
            return Problem(404, "not_found", "That code has expired", detail)
        case SendRefused():
            detail = "We cannot send codes right now. Try again in a few minutes."
            return Problem(503, "send_refused", "We cannot send codes right now", detail, 60)
        case StoreUnavailable():
            detail = "This is our fault. Nothing was lost: try the same again in a few seconds."
            return Problem(503, "unavailable", "We cannot do that right now", detail, STORE_RETRY)
        case HTTPException() if error.code in STATUSES:
            return Problem(error.code, *STATUSES[error.code])
        case HTTPException(code=int(status)) if status < 500:  # noqa: PLR2004 - HTTP's own border
            return Problem(status, *STATUSES[400])
    return Problem(500, "internal", "Something went wrong", "This is our fault. Try again in a few minutes.")


def handle(app: Flask) -> None:
    """Answer every error that nobody else answers with a page."""

    @app.errorhandler(Exception)
    def answer(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException) and error.code and error.code < 400:  # noqa: PLR2004 - a redirect
            return error
        problem = problem_of(error)
        if problem.code == "internal":
            log.error("internal_error", exc_info=error, extra={"path": request.path})
        response = make_response(render_template("problem.html", problem=problem), problem.status)
        if isinstance(error, HTTPException):
            for name, value in error.get_headers():
                if name == "Allow":
                    response.headers[name] = value
        return with_retry(response, problem)


def with_retry(response: Response, problem: Problem) -> Response:
    """Say when to come back, where that helps."""
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def in_words(seconds: int) -> str:
    """Return a duration as people say it: "43 seconds", "6 minutes", "2 hours". Rounded up."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds > size:
            count = -(-seconds // size)
            return f"{count} {unit}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def _malformed(error: MalformedToken) -> str:
    if error.got is None:
        return "The code in our message has only the characters 0 to 9 and A to F. Check what you typed."
    if not error.got:
        return f"Enter the {error.length} characters of the code."
    return f"The code has {error.length} characters. You have entered {error.got}."


def _rejected(checks_left: int) -> str:
    if not checks_left:
        return "That was the last try for this code. Start again to get a new one."
    tries = "try" if checks_left == 1 else "tries"
    return f"Check the latest text from us. {checks_left} {tries} left."
