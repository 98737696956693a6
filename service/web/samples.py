"""Every page with sample data, so that an operator's template that is broken is found before the first visitor."""

import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, render_template
from jinja2 import TemplateNotFound, TemplateSyntaxError

from ..verification.errors import Delivery, TokenRejected, UnknownVerification
from ..verification.phone import PhoneNumber, example
from ..verification.policy import Policy
from ..verification.ports import Status
from ..verification.verifier import Verification
from .docs import contents
from .locale import here
from .problems import Problem, problem_of
from .refusals import REFUSALS

NUMBER = PhoneNumber("+12025550143")  # nobody's
UNAVAILABLE = Problem(503, "unavailable", "Title", "Detail", 60)


def broken_templates(app: Flask, folder: str, policy: Policy) -> list[str]:
    """Return what is wrong with the templates in an operator's folder: each with its file, its line and why."""
    own = Path(folder)
    names = sorted(str(path.relative_to(own).as_posix()) for path in own.rglob("*.html"))
    found: dict[str, str] = {}  # by place: a mistake in what all pages build on is one mistake
    with app.test_request_context("/"):
        for name in names:
            try:
                app.jinja_env.get_template(name)
            except Exception as error:  # noqa: BLE001 - whatever a template does, the operator gets words
                found.setdefault(*_told(error, own, name))
        if not found:
            for name, facts in samples(policy):
                try:
                    render_template(name, **facts)
                except Exception as error:  # noqa: BLE001
                    found.setdefault(*_told(error, own, name))
    return [f"{place}: {reason}" for place, reason in found.items()]


def samples(policy: Policy) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each page with what it may be given."""
    regions = sorted(policy.allowed_regions)
    form: dict[str, Any] = {"nonce": "sample", "here": partial(here, ""), "home": policy.home_region}
    form |= {"region": regions[0], "is_dear": True, "example": example(regions[0]), "phone": "", "authorization": ""}
    form |= {"allowed": [(code, "+1", example(code)) for code in regions], "problem": None, "fixed": None}
    yield "index.html", form
    yield "index.html", form | {"problem": UNAVAILABLE, "phone": "+1 202", "authorization": "sample"}
    yield "index.html", form | {"authorization": "sample", "fixed": NUMBER}

    fresh = Verification("sample", NUMBER, Status.PENDING, 1_700_000_000, 600, 30, 1, 4, 5, Delivery.ON_ITS_WAY)
    late = Verification("sample", NUMBER, Status.PENDING, 1_700_000_000, 60, None, 5, 0, 1, Delivery.DELIVERED)
    code: dict[str, Any] = {"nonce": "sample", "token_format": policy.token_format, "display_error": False}
    code |= {"mark": "sample", "is_fixed": False}
    yield "verify.html", code | {"verification": fresh, "problem": None}
    wrong = problem_of(TokenRejected(checks_left=1))
    for verification, problem in ((late, wrong), (None, UNAVAILABLE)):
        yield "verify.html", code | {"verification": verification, "problem": problem, "display_error": True}

    yield "verify_success.html", {"verification": fresh}
    yield "return.html", {"address": "https://example.com/"}
    for problem in (UNAVAILABLE, problem_of(UnknownVerification())):
        yield "problem.html", {"problem": problem}
    yield "docs.html", contents()
    yield "docs_problem.html", {"code": "locked", "meant": REFUSALS["locked"]}


def _told(error: Exception, folder: Path, name: str) -> tuple[str, str]:
    """Return which line of which file of the operator's is wrong, as far as that is known, and why."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or name}, line {error.lineno}", error.message or ""
    reason = f"there is no template {error}" if isinstance(error, TemplateNotFound) else f"{error}"
    steps = [step for step in traceback.extract_tb(error.__traceback__) if Path(step.filename).is_relative_to(folder)]
    if steps:
        return f"{Path(steps[-1].filename).relative_to(folder)}, line {steps[-1].lineno}", reason
    return name, reason
