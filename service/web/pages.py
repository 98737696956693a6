"""The pages: a phone number, a code, a confirmed number.

Only POST changes anything, and each form carries a nonce that names its request, so that a
double click, a refresh or Back never sends twice and never costs a second try.
"""

import hmac
import secrets
import time
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from ..verification.authorization import Authorization
from ..verification.caller import Caller
from ..verification.envelope import Keys
from ..verification.errors import (
    AlreadyApproved,
    Limited,
    MalformedToken,
    SendRefused,
    StoreUnavailable,
    TokenRejected,
    UnknownVerification,
    VerificationError,
    VerificationLocked,
)
from ..verification.phone import PhoneNumber, calling_code, example
from ..verification.ports import About, Status
from ..verification.verifier import Verification, Verifier
from . import words
from .address import Callers
from .cookie import FlowCookie
from .links import url_for
from .locale import gettext, here, language, suggest
from .oidc_pages import Applications, begin_at, form_policy
from .problems import Problem, Refused, as_page, other_tab, problem_of, with_retry
from .security import refuse_cross_site

NONCE_MAX = 64  # characters
RATES_APPLY = frozenset({"US", "CA"})  # where people pay to receive texts, and carriers require a notice (CTIA)
PHONE_MAX = 64  # characters of a typed number that the form shows again


class Pages:
    """The pages over one verifier."""

    def __init__(
        self,
        verifier: Verifier,
        cookie: FlowCookie,
        applications: Applications,
        keys: Keys,
        *,
        public_url: str,
        open_to: str,
        proxies: int,
    ) -> None:
        """Take the verbs, the cookie of a browser, the requests of applications, and the keys."""
        self._verifier = verifier
        self._cookie = cookie
        self._applications = applications
        self._keys = keys
        self._public_url = public_url
        self._open_to = open_to
        self._callers = Callers(proxies)

    def routes(self) -> Blueprint:
        """Return the routes."""
        blueprint = Blueprint("pages", __name__)
        blueprint.before_request(lambda: refuse_cross_site(self._public_url))
        if self._open_to == "off":
            blueprint.before_request(self._refuse)
        blueprint.before_request(self._refuse_other_tab)
        blueprint.add_app_template_global(words.moment, "moment")
        blueprint.add_app_template_global(time.time, "now")
        blueprint.context_processor(self._of_application)
        blueprint.get("/")(self.index)
        blueprint.get("/start")(self.begin)
        blueprint.post("/request")(self.request)
        blueprint.get("/verify")(self.verify)
        blueprint.post("/verify")(self.check)
        blueprint.get("/verify/status")(self.status)
        blueprint.post("/resend")(self.resend)
        blueprint.post("/cancel")(self.cancel)
        return blueprint

    def _refuse(self) -> None:
        raise Refused("no_pages")

    def index(self) -> ResponseReturnValue:
        """Show the phone form, or an application's form where one sent this browser and its request is still open."""
        g.asked, phone = None, ""
        with suppress(StoreUnavailable):  # the cookie cannot be read without a keyring, and the form does not need it
            sealed, phone = self._cookie.authorization(request), self._given_up()
            with suppress(Refused):
                if not self._applications.is_answered(asked := self._applications.begun(sealed)):
                    self._caller(asked)
                    return redirect(begin_at(sealed), 303)
        if self._open_to != "open":
            self._refuse()
        return self._phone_form(phone=phone)

    def begin(self) -> ResponseReturnValue:
        """Show the phone form of an application. Changes nothing, so a forged link does no harm."""
        sealed = request.args.get("authorization", "")
        g.asked = None
        g.asked = asked = self._applications.begun(sealed)
        self._caller(asked)
        if self._applications.is_answered(asked):
            raise Refused("authorization_gone")
        suggest(asked.locale)
        return self._phone_form(phone=self._given_up(), sealed=sealed, fixed=asked.to)

    def request(self) -> ResponseReturnValue:
        """Start, and go on to the code form; or show the phone form again, with the problem."""
        phone, nonce = _field("phone"), _field("nonce")[:NONCE_MAX]
        sealed = _field("authorization")
        g.asked = None
        g.asked = asked = self._applications.begun(sealed) if sealed else None
        if asked is None and self._open_to != "open":
            self._refuse()
        suggest(asked.locale if asked else "")
        about = About(asked.reference if asked else "", language().tag)
        try:
            number = self._verifier.number(phone, home=self._region()).e164
            caller = self._caller(asked)
            if asked is None:
                verification = self._verifier.start(number, caller=caller, nonce=nonce, about=about)
            else:
                verification = self._applications.start(asked, number, caller=caller, nonce=nonce, about=about)
        except (VerificationError, Refused) as error:
            problem = problem_of(error)
            if problem.code == "authorization_gone":  # the form would lead nowhere
                raise
            fixed = asked.to if asked else ""
            return with_retry(make_response(self._phone_form(problem, phone, sealed, fixed), problem.status), problem)
        response = redirect(url_for("pages.verify"), 303)
        self._cookie.write(response, verification.id, sealed)
        return response

    def verify(self) -> ResponseReturnValue:
        """Show the token form, or the result of this browser's verification."""
        id_ = self._cookie.read(request)
        if id_ is None:
            return redirect(url_for("pages.index"), 303)
        try:
            return self._page(self._verifier.show(id_, caller=self._caller(self._asked())))
        except StoreUnavailable as error:
            return self._form(None, problem_of(error))

    def check(self) -> ResponseReturnValue:
        """Check the token: the success page, or the form again with the tries left."""
        id_ = self._cookie.read(request)
        if id_ is None:
            return redirect(url_for("pages.index"), 303)
        try:
            asked = self._asked()
            caller = self._caller(asked)
            try:
                approved = self._verifier.check(id_, _field("token"), caller=caller, nonce=_field("nonce")[:NONCE_MAX])
            except AlreadyApproved:
                if asked is None:
                    raise
                approved = self._verifier.show(id_, caller=caller)
            return redirect(self._applications.way_back(asked, approved), 303) if asked else self._page(approved)
        except (TokenRejected, MalformedToken, Limited, StoreUnavailable) as error:
            return self._form_again(id_, error)

    def resend(self) -> ResponseReturnValue:
        """Send the same token again, or say when that is possible."""
        id_ = self._cookie.read(request)
        if id_ is None:
            return redirect(url_for("pages.index"), 303)
        try:
            caller = self._caller(self._asked())
            self._verifier.resend(id_, caller=caller, nonce=_field("nonce")[:NONCE_MAX])
        except AlreadyApproved:
            pass  # there is nothing to send: the page says so
        except VerificationError as error:
            if isinstance(error, UnknownVerification):
                raise
            return self._form_again(id_, error)
        return redirect(url_for("pages.verify"), 303)

    def cancel(self) -> ResponseReturnValue:
        """End the verification, and go back to the phone form, with the number to change in it."""
        id_ = self._cookie.read(request)
        sealed = self._cookie.authorization(request)
        response = redirect(begin_at(sealed) if sealed else url_for("pages.index"), 303)
        if id_ is not None:
            try:
                self._verifier.cancel(id_, caller=self._caller())
            except StoreUnavailable:
                raise
            except VerificationError:
                id_ = ""  # it has ended already
            if id_ or sealed:
                self._cookie.write(response, "", sealed, id_)
            else:
                self._cookie.clear(response)
        return response

    def status(self) -> ResponseReturnValue:
        """Return the status of this browser's verification as JSON, for the waiting page."""
        id_ = self._cookie.read(request)
        if id_ is None:
            raise UnknownVerification
        verification = self._verifier.show(id_, caller=self._caller())
        suggest(verification.about.locale)
        return jsonify(
            status=verification.status,
            delivery=verification.delivery,
            message=gettext(words.DELIVERIES[verification.delivery]),
            expires_in=verification.expires_in,
            next_send_in=verification.next_send_in,
            sends_left=verification.sends_left,
            checks_left=verification.checks_left,
        )

    def _refuse_other_tab(self) -> ResponseReturnValue | None:
        """Refuse a form of another verification than the browser's current one; nothing is counted.

        A browser has one cookie for all its tabs. A form without a name is about the current one.
        """
        named = request.values.get("verification", "")
        id_ = self._cookie.read(request) if named else None
        if id_ is None or hmac.compare_digest(named.encode(), self._mark(id_).encode()):
            return None
        if request.endpoint == "pages.status":
            raise Refused("other_tab")
        with suppress(UnknownVerification):
            current = self._verifier.show(id_, caller=self._caller(self._asked()))
            suggest(current.about.locale)
            return as_page(other_tab(current.to.readable))
        return redirect(url_for("pages.index"), 303)

    def _mark(self, id_: str) -> str:
        """Return the name of a verification in its forms: a keyed digest."""
        return self._keys().request_digest("form", id_)

    def _phone_form(self, problem: Problem | None = None, phone: str = "", sealed: str = "", fixed: str = "") -> str:
        """Return the phone form; `fixed` is the only number that it accepts, in E.164."""
        policy = self._verifier.policy
        region = self._region()
        return render_template(
            "index.html",
            nonce=_nonce(problem),
            authorization=sealed,
            here=partial(here, begin_at(sealed) if sealed else ""),
            problem=problem,
            phone=phone[:PHONE_MAX],
            fixed=PhoneNumber(fixed) if fixed else None,
            home=policy.home_region,
            region=region,
            allowed=[(code, calling_code(code), example(code)) for code in sorted(policy.allowed_regions)],
            is_dear=not RATES_APPLY.isdisjoint(policy.allowed_regions),
            example=example(region),
        )

    def _given_up(self) -> str:
        """Return the number of the verification that this browser canceled, while the store remembers it."""
        id_ = self._cookie.given_up(request)
        with suppress(VerificationError):
            return self._verifier.show(id_, caller=self._caller()).to.readable if id_ else ""
        return ""

    def _region(self) -> str:
        """Return the region of numbers without a calling code: the chosen one, where several are allowed."""
        policy = self._verifier.policy
        chosen = request.form.get("region", "")
        if chosen in policy.allowed_regions:
            return chosen
        return policy.home_region if policy.home_region in policy.allowed_regions else min(policy.allowed_regions)

    def _caller(self, asked: Authorization | None = None) -> Caller:
        """Return who asks: the person, and the application that sent them, if one did.

        Raises:
            Refused: It was revoked: nobody is led back to it, by no page.
            StoreUnavailable: Nobody can tell.
        """
        person = self._callers.of(request)
        try:
            return self._applications.caller(asked, person) if asked else person
        except Refused:
            g.asked = None
            raise

    def _asked(self) -> Authorization | None:
        """Return the authorization request of the application that sent this browser, if one did."""
        if "asked" not in g:
            g.asked = None
            g.asked = self._applications.under_way(self._cookie.authorization(request))
        asked: Authorization | None = g.asked
        return asked

    def _of_application(self) -> dict[str, Any]:
        """Return the template variables of the application that sent this browser: its name, and the way back to it."""
        asked = None
        with suppress(StoreUnavailable):
            asked = self._asked()
        if asked is None:
            return {"back": None}
        brand = {"brand": asked.brand} if asked.brand else {}
        return {"back": {"brand": asked.brand, "name": asked.brand or asked.client, "address": asked.way_out}} | brand

    def _page(self, verification: Verification) -> ResponseReturnValue:
        """Show the page of a verification's state."""
        suggest(verification.about.locale)
        match verification.status:
            case Status.PENDING:
                return self._form(verification)
            case Status.APPROVED:
                asked = self._asked()
                if asked is not None:
                    return render_template(
                        "return.html", address=self._applications.way_back_again(asked, verification)
                    )
                return render_template("verify_success.html", verification=verification)
            case Status.LOCKED:
                problem = problem_of(VerificationLocked())
            case Status.CANCELED if verification.delivery.is_refusal:
                problem = problem_of(SendRefused(verification.delivery))
            case _:
                problem = problem_of(UnknownVerification())
        return with_retry(as_page(problem), problem)

    def _form_again(self, id_: str, error: VerificationError) -> ResponseReturnValue:
        verification = error.verification
        if verification is None and not isinstance(error, StoreUnavailable):
            verification = self._verifier.show(id_, caller=self._caller())
        suggest(verification.about.locale if verification else "")
        if verification is not None and verification.status is not Status.PENDING:
            return as_page(problem_of(error)) if isinstance(error, TokenRejected) else self._page(verification)
        return self._form(verification, problem_of(error))

    def _form(self, verification: Verification | None, problem: Problem | None = None) -> Response:
        """Show the token form; `verification` is None when the store is unavailable."""
        asked = self._asked()
        page = render_template(
            "verify.html",
            verification=verification,
            problem=problem,
            display_error=problem is not None,
            nonce=_nonce(problem),
            mark=self._mark(self._cookie.read(request) or ""),
            is_fixed=asked is not None and asked.to != "",
            token_format=self._verifier.policy.token_format,
        )
        response = make_response(page, problem.status if problem else 200)
        if asked is not None:
            response.headers["Content-Security-Policy"] = form_policy(asked)
        return with_retry(response, problem) if problem else response


def _field(name: str) -> str:
    """Return a field of the form; refuse a form that has it twice, since ours never do."""
    values = request.form.getlist(name)
    if len(values) > 1:
        raise BadRequest
    return values[0] if values else ""


def _nonce(problem: Problem | None) -> str:
    """Return the nonce of the next request: the same after a 503, because the request may have been carried out."""
    again = request.form.get("nonce", "")[:NONCE_MAX] if problem is not None and problem.code == "unavailable" else ""
    return again or secrets.token_urlsafe(12)
