"""What this service says no to, in words and status codes. The one table for pages and API."""

import logging
from dataclasses import dataclass

from flask import Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ..verification.errors import (
    AlreadyApproved,
    Delivery,
    ForgedReceipt,
    InvalidNumber,
    Limit,
    Limited,
    MalformedToken,
    SendingHeld,
    SendRefused,
    StoreUnavailable,
    TokenRejected,
    UnknownVerification,
    VerificationLocked,
)
from . import words

log = logging.getLogger("textproof")

PROGRAMS = ("/verify/status", "/webhooks/telnyx")  # answered in JSON
SEND_RETRY = 60  # seconds; ours: an operator has to do something
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


def problem_of(error: Exception) -> Problem:  # noqa: C901, PLR0912 - a table, read from top to bottom
    """Return the words and the status of anything that can go wrong."""
    match error:
        case InvalidNumber():
            return Problem(422, "invalid_number", "Check the number", words.NUMBERS[error.reason])
        case MalformedToken():
            return Problem(422, "malformed_token", "Check the code", words.malformed(error))
        case TokenRejected():
            return Problem(422, "token_rejected", "That code is not right", words.rejected(error.checks_left))
        case VerificationLocked():
            detail = "Too many codes were wrong, so this one is not accepted any more. Start again to get a new one."
            return Problem(429, "locked", "Too many wrong codes", detail)
        case Limited():
            wait = words.in_words(error.retry_after or 0)
            detail = words.LIMITS[error.limit].format(wait=wait)
            if error.limit is Limit.CLOSED and error.retry_after is None:
                detail = words.CLOSED
            return Problem(429, str(error.limit), "Not so fast", detail, error.retry_after)
        case AlreadyApproved():
            return Problem(
                409, "already_approved", "Your number is confirmed", "This code was used before. All is done."
            )
        case UnknownVerification():
            detail = "It was used, or it is older than we accept. Start again to get a new one."
            return Problem(404, "not_found", "That code has expired", detail)
        case SendRefused(delivery=Delivery.FAILED | Delivery.BUSY):
            detail = words.DELIVERIES[Delivery.FAILED]
            return Problem(
                503, "send_failed", "We cannot send codes right now", detail, error.retry_after or SEND_RETRY
            )
        case SendRefused():
            return Problem(422, "send_refused", "We cannot text this number", words.DELIVERIES[error.delivery])
        case SendingHeld():
            detail = words.HOLDS[error.hold].format(wait=words.in_words(error.retry_after))
            return Problem(503, str(error.hold), "We cannot send codes right now", detail, error.retry_after)
        case ForgedReceipt():
            return Problem(403, "forged", "That is not from the carrier", "The signature is wrong, or too old.")
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
        response = as_json(problem) if request.path in PROGRAMS else as_page(problem)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(error.valid_methods or ())
        return with_retry(response, problem)


def as_page(problem: Problem) -> Response:
    """Return a problem for people."""
    return make_response(render_template("problem.html", problem=problem), problem.status)


def as_json(problem: Problem) -> Response:
    """Return a problem for programs (RFC 9457)."""
    content = {"title": problem.title, "status": problem.status, "detail": problem.detail, "code": problem.code}
    if problem.retry_after is not None:
        content["retry_after"] = problem.retry_after
    response = make_response(content, problem.status)
    response.mimetype = "application/problem+json"
    return response


def with_retry(response: Response, problem: Problem) -> Response:
    """Say when to come back, where that helps."""
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response
