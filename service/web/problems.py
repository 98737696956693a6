"""Problems: the answer to a refusal, as a page for people and as RFC 9457 for programs. `refusals.py` has the table."""

import logging
from dataclasses import dataclass
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    has_app_context,
    has_request_context,
    make_response,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadHost, HTTPException, MethodNotAllowed

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
from .locale import gettext as _
from .refusals import BY_STATUS, CLOSED_FOR_GOOD, ENDED, REFUSALS

log = logging.getLogger("textproof")

PROGRAMS = ("/verify/status", "/webhooks/telnyx", "/par", "/token", "/userinfo")  # answered in JSON, as the API is
API = "/v1/"
APIS = (API, "/.well-known/")
SEND_RETRY = 60  # seconds; ours: an operator has to do something
START_AFTER = 120  # seconds; ours: a shorter wait needs no other way out
STORE_RETRY = 2  # seconds; a store that is back is found within these


@dataclass(frozen=True, slots=True)
class Problem:
    """What happened, and what to do about it."""

    status: int
    code: str
    title: str
    detail: str
    retry_after: int | None = None
    """Seconds from now; None when waiting does not help."""


class Refused(Exception):
    """A refusal of `web` itself. `detail` is for programs, and more precise than the table's words for the code."""

    def __init__(self, code: str, detail: str = "", *, retry_after: int | None = None, **facts: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.facts = facts


def problem_of(error: Exception) -> Problem:
    """Return the status and the words of any error.

    Errors of the verbs have words for people, which applications may show. Other errors have words for people on a
    page, and for developers in JSON.
    """
    code, detail, retry_after = _case(error)
    refusal = REFUSALS[code]
    status = refusal.status
    if isinstance(error, HTTPException) and code == "bad_request":  # a status without a row of its own
        status = error.code or status
    if not refusal.page_title or (_is_program() and not isinstance(error, VerificationError)):
        return Problem(status, code, refusal.title, detail or refusal.meaning, retry_after)
    title = ENDED if isinstance(error, Limited) and retry_after is None else refusal.page_title
    if isinstance(error, Refused) or not detail:  # a more precise detail is for programs
        detail = _(refusal.page_detail).format(wait=words.in_words(retry_after or 0))
    return Problem(status, code, _(title), detail, retry_after)


def _case(error: Exception) -> tuple[str, str, int | None]:  # noqa: C901, PLR0912 - a table, read from top to bottom
    """Return an error's code, its detail ("" for the table's words), and the seconds after which to come back."""
    match error:
        case Refused():
            return error.code, error.detail, error.retry_after
        case InvalidNumber():
            return "invalid_number", words.invalid(error), None
        case MalformedToken():
            return "malformed_token", words.malformed(error), None
        case TokenRejected():
            return "token_rejected", words.rejected(error.checks_left), None
        case VerificationLocked():
            return "locked", "", None
        case Limited():
            return error.limit, _limited(error), error.retry_after
        case AlreadyApproved():
            return "already_approved", "", None
        case UnknownVerification():
            return "not_found", "", None
        case SendRefused(delivery=Delivery.FAILED | Delivery.BUSY):
            return "send_failed", _(words.DELIVERIES[Delivery.FAILED]), error.retry_after or SEND_RETRY
        case SendRefused():
            return "send_refused", _(words.DELIVERIES[error.delivery]), None
        case SendingHeld():
            return error.hold, "", error.retry_after
        case ForgedReceipt():
            return "forged", "The signature is wrong, or too old.", None
        case StoreUnavailable():
            return "unavailable", "", STORE_RETRY
        case HTTPException(code=int(status)) if status < 500:  # noqa: PLR2004 - HTTP's own border
            return BY_STATUS.get(status, "bad_request"), "", None
    return "internal", "", None


def _limited(error: Limited) -> str:
    """Return the detail of a limit where waiting does not help, or where there is a faster way; else ""."""
    if error.retry_after is None:
        return _(CLOSED_FOR_GOOD) if error.limit is Limit.CLOSED else ""
    refusal = REFUSALS[error.limit]
    number = _start_number() if refusal.undone_by_start and error.retry_after > START_AFTER else ""
    if not number:
        return ""
    waits = _(refusal.page_detail).format(wait=words.in_words(error.retry_after))
    return f"{waits} {_(words.START).format(number=number)}"


def other_tab(number: str) -> Problem:
    """Return the problem of a form of an earlier start; `number` is that of the latest, in readable form."""
    refusal = REFUSALS["other_tab"]
    detail = _(refusal.page_detail).format(number=f"\u2066{number}\u2069")
    return Problem(refusal.status, "other_tab", _(refusal.page_title), detail)


def _start_number() -> str:
    """Return the number to text START to, isolated so that text from right to left keeps it in one piece."""
    number = current_app.config["HEARS_AT"] if has_app_context() else ""
    return f"\u2066{number}\u2069" if number else ""


def handle(app: Flask) -> None:
    """Answer every error that no view handles."""

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
    """Return a problem for programs (RFC 9457)."""
    status, content = as_content(error)
    response = make_response(content, status)
    response.mimetype = "application/problem+json"
    if status == REFUSALS["unauthorized"].status:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def as_content(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the status, and the problem as JSON, with the facts of the case."""
    problem = problem_of(error)
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
    """Return the facts of the case, as far as they are known."""
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
    return has_request_context() and (request.path in PROGRAMS or request.path.startswith(APIS))


def with_retry(response: Response, problem: Problem) -> Response:
    """Add `Retry-After`, where waiting helps."""
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response
