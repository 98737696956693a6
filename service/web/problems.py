"""What this service says no to, in words and status codes. The one table for pages and API."""

import logging
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, Response, current_app, has_app_context, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadHost, HTTPException, MethodNotAllowed

from ..languages import marked
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
    VerificationError,
    VerificationLocked,
)
from . import words
from .codes import BY_STATUS, CODES
from .speech import gettext as _

log = logging.getLogger("textproof")

PROGRAMS = ("/verify/status", "/webhooks/telnyx", "/.well-known/jwks.json")  # answered in JSON, as all of the API is
API = "/v1/"
SEND_RETRY = 60  # seconds; ours: an operator has to do something
PATIENCE = 120  # seconds; ours: who has to wait no longer waits
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


class Refused(Exception):
    """A no of the API's own. `detail` is what its code means, unless something more precise is known."""

    def __init__(self, code: str, detail: str = "", *, retry_after: int | None = None, **facts: str) -> None:
        super().__init__(code)
        meant = CODES[code]
        self.problem = Problem(meant.status, code, meant.title, detail or meant.meaning, retry_after)
        self.facts = facts


STATUSES = {
    400: ("bad_request", marked("We could not read that request"), marked("Go back and try again.")),
    403: ("cross_site", marked("We could not accept that form"), marked("Open this site in a new tab and try again.")),
    404: ("not_found", marked("Page not found"), marked("Check the address, or go to the start page.")),
    405: ("method_not_allowed", marked("That does not work on this page"), marked("Go to the start page.")),
    413: (
        "too_large",
        marked("That is too long"),
        marked("Enter only a phone number or a code. Go to the start page."),
    ),
}
SENDING = marked("We cannot send codes right now")
PAGES_OF_CODES = {
    "no_pages": (
        marked("You cannot start here"),
        marked("Go back to the site or app you came from and start there."),
    ),
    "session_gone": (
        marked("This link no longer works"),
        marked("Go back to the site or app you came from and start again."),
    ),
    "other_number": (
        marked("Use the number shown"),
        marked("This page can confirm only the number shown."),
    ),
}
"""What people read when the API's own words would not help them."""


def problem_of(error: Exception) -> Problem:  # noqa: C901, PLR0912 - a table, read from top to bottom
    """Return the words and the status of anything that can go wrong."""
    match error:
        case Refused(problem=Problem(code=code)) if code in PAGES_OF_CODES and not _is_program():
            title, detail = PAGES_OF_CODES[code]
            return replace(error.problem, title=_(title), detail=_(detail))
        case Refused():
            return error.problem
        case InvalidNumber():
            return Problem(422, "invalid_number", _("Check the number"), words.invalid(error))
        case MalformedToken():
            return Problem(422, "malformed_token", _("Check the code"), words.malformed(error))
        case TokenRejected():
            return Problem(422, "token_rejected", _("That code is wrong"), words.rejected(error.checks_left))
        case VerificationLocked():
            detail = _("Too many wrong codes were entered, so this code no longer works. Get a new code.")
            return Problem(429, "locked", _("Too many wrong codes"), detail)
        case Limited(retry_after=None):
            detail = _(words.CLOSED if error.limit is Limit.CLOSED else words.LIMITS[error.limit])
            return Problem(
                429, str(error.limit), _("We cannot send another code"), detail.format(wait=words.in_words(0))
            )
        case Limited(retry_after=int(wait)):
            detail = _(words.LIMITS[error.limit]).format(wait=words.in_words(wait))
            if wait > PATIENCE and error.limit in words.START_HELPS and (number := _hears_at()):
                detail = f"{detail} {_(words.START).format(number=number)}"
            return Problem(429, str(error.limit), _("Wait before you try again"), detail, wait)
        case AlreadyApproved():
            detail = _("You have already used this code. There is nothing more to do.")
            return Problem(409, "already_approved", _("Your number is confirmed"), detail)
        case UnknownVerification():
            detail = _("It was used or has expired. Get a new code.")
            return Problem(404, "not_found", _("That code no longer works"), detail)
        case SendRefused(delivery=Delivery.FAILED | Delivery.BUSY):
            detail = _(words.DELIVERIES[Delivery.FAILED])
            return Problem(503, "send_failed", _(SENDING), detail, error.retry_after or SEND_RETRY)
        case SendRefused():
            detail = _(words.DELIVERIES[error.delivery])
            return Problem(422, "send_refused", _("We cannot text this number"), detail)
        case SendingHeld():
            detail = _(words.HOLDS[error.hold]).format(wait=words.in_words(error.retry_after))
            return Problem(503, str(error.hold), _(SENDING), detail, error.retry_after)
        case ForgedReceipt():
            return Problem(403, "forged", "That is not from the carrier", "The signature is wrong, or too old.")
        case StoreUnavailable():
            detail = _("The problem is on our side. Nothing was lost. Try again in a few seconds.")
            return Problem(503, "unavailable", _("Something went wrong"), detail, STORE_RETRY)
        case HTTPException() if error.code in STATUSES:
            code, title, detail = STATUSES[error.code]
            return Problem(error.code, code, _(title), _(detail))
        case HTTPException(code=int(status)) if status < 500:  # noqa: PLR2004 - HTTP's own border
            code, title, detail = STATUSES[400]
            return Problem(status, code, _(title), _(detail))
    detail = _("The problem is on our side. Try again in a few minutes.")
    return Problem(500, "internal", _("Something went wrong"), detail)


def other_tab(number: str) -> Problem:
    """Return what somebody reads who sends a form of an earlier start; `number` is that of the latest, to read."""
    detail = _("This page is from before. You are now confirming {number}.")
    title, status = _("You started again"), CODES["other_tab"].status
    return Problem(status, "other_tab", title, detail.format(number=f"\u2066{number}\u2069"))


def _hears_at() -> str:
    """Return the number to text START to, kept in one piece where the words around it run from right to left."""
    number = current_app.config["HEARS_AT"] if has_app_context() else ""
    return f"\u2066{number}\u2069" if number else ""


def handle(app: Flask) -> None:
    """Answer every error that nobody else answers with a page."""

    @app.errorhandler(Exception)
    def answer(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException) and error.code and error.code < 400:  # noqa: PLR2004 - a redirect
            return error
        problem = problem_of(error)
        if problem.code == "internal":
            log.error("internal_error", exc_info=error, extra={"path": request.path})
        if isinstance(error, BadHost) and not _is_program():  # without a host there is no page to build
            return make_response(f"{problem.title}.\n", problem.status, {"Content-Type": "text/plain; charset=utf-8"})
        response = for_programs(error) if _is_program() else as_page(problem)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(error.valid_methods or ())
        return with_retry(response, problem)


def as_page(problem: Problem) -> Response:
    """Return a problem for people."""
    return make_response(render_template("problem.html", problem=problem), problem.status)


def for_programs(error: Exception) -> Response:
    """Return what is said no with, for programs (RFC 9457)."""
    status, content = as_content(error)
    response = make_response(content, status)
    response.mimetype = "application/problem+json"
    if status == CODES["unauthorized"].status:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def as_content(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the status, and the problem as JSON, with everything that helps to go on."""
    problem = problem_of(error)
    if request.path.startswith(API) and isinstance(error, HTTPException) and problem.status in BY_STATUS:
        problem = Refused(BY_STATUS[problem.status]).problem
    content: dict[str, Any] = {
        "type": f"/v1/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.retry_after is not None:
        content["retry_after"] = problem.retry_after
    return problem.status, content | _facts(error)


def _facts(error: Exception) -> dict[str, Any]:
    """Return how the verification stands, as far as it is known."""
    if isinstance(error, Refused):
        return error.facts
    verification = error.verification if isinstance(error, VerificationError) else None
    facts: dict[str, Any] = {}
    if verification is not None:
        facts = {"checks_left": verification.checks_left, "next_send_in": verification.next_send_in}
    if isinstance(error, TokenRejected):
        facts["checks_left"] = error.checks_left
    if isinstance(error, InvalidNumber):
        facts["reason"] = error.reason
    if isinstance(error, SendRefused):
        facts["reason"] = error.delivery
    return facts


def _is_program() -> bool:
    return request.path in PROGRAMS or request.path.startswith(API)


def with_retry(response: Response, problem: Problem) -> Response:
    """Say when to come back, where that helps."""
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response
