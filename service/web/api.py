"""The JSON API: the four verbs for applications with a key. `openapi.json` is its contract."""

import logging
import time
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, make_response, request
from flask.typing import ResponseReturnValue

from ..verification.caller import is_address
from ..verification.clients import Client, prefix_of, proven
from ..verification.errors import AlreadyApproved, UnknownVerification
from ..verification.ports import About, Clients
from ..verification.verifier import Verification, Verifier
from . import body
from .body import Field, text
from .idempotency import Act, Idempotency, Reply
from .problems import Refused

log = logging.getLogger("textproof")

ERRORS = 400
PRINTABLE = "printable ASCII characters"
ABOUT = {
    "reference": text("[ -~]{1,64}", f"1 to 64 {PRINTABLE}"),
    "locale": text("(?=.{2,35}$)[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", "a language tag of BCP 47, like en or pt-BR"),
}
TO = "a phone number of 1 to 64 characters, like +12025550143"
START = {
    "to": Field(lambda value: 0 < len(value) <= 64, TO, required=True),  # noqa: PLR2004 - as its words say
    "known": body.FLAG,
    "client_address": Field(is_address, "an IP address, like 192.0.2.7 or 2001:db8::7"),
    "source": text("[!-~]{1,64}", "1 to 64 printable ASCII characters without spaces"),
} | ABOUT
CHECK = {"token": Field(lambda value: 0 < len(value) <= 40, "a code of 1 to 40 characters", required=True)}  # noqa: PLR2004


class Api:
    """The API over one verifier."""

    def __init__(self, verifier: Verifier, clients: Clients, idempotency: Idempotency) -> None:
        """Take the verbs, the clients, and what keeps a request from being carried out twice."""
        self._verifier = verifier
        self._clients = clients
        self._idempotency = idempotency

    def routes(self) -> Blueprint:
        """Return the routes, all of which ask for a key first."""
        blueprint = Blueprint("api", __name__, url_prefix="/v1")
        blueprint.before_request(self.authenticate)
        verification = "/verifications/<id_>"
        for rule, view, method in (
            ("/verifications", self.start, "POST"),
            (verification, self.show, "GET"),
            (f"{verification}/check", self.check, "POST"),
            (f"{verification}/resend", self.resend, "POST"),
            (f"{verification}/cancel", self.cancel, "POST"),
        ):
            # No OPTIONS: browsers of other sites have no business here.
            blueprint.add_url_rule(rule, view_func=view, methods=[method], provide_automatic_options=False)
        return blueprint

    def authenticate(self) -> None:
        """Find out who asks.

        Raises:
            Refused: With a key that nobody has, in the same way whatever is wrong with it.
        """
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        prefix = prefix_of(key) if scheme.lower() == "bearer" else None
        client = self._clients.find(prefix) if prefix else None
        if not proven(client, key) or client is None:
            log.warning("client_refused", extra={"route": str(request.url_rule)})
            raise Refused("unauthorized")
        g.client = client

    def start(self) -> ResponseReturnValue:
        """Start a verification."""
        fields = body.read(request, START)
        about = About(fields.get("reference", ""), fields.get("locale", ""))
        caller = _client().caller_for(fields.get("client_address", ""), fields.get("source", ""))
        caller = replace(caller, vouches=fields.get("known", False))

        def act(name: str) -> Reply:
            verification = self._verifier.start(fields["to"], caller=caller, nonce=name, about=about)
            return Reply(201, as_json(verification))

        return self._answer(fields, act)

    def show(self, id_: str) -> ResponseReturnValue:
        """Return a verification as it stands."""
        return _response(Reply(200, as_json(self._verifier.show(id_, caller=_client().caller))))

    def check(self, id_: str) -> ResponseReturnValue:
        """Check a token. Only the right one is answered with a 2xx."""
        fields = body.read(request, CHECK)

        def act(name: str) -> Reply:
            try:
                approved = self._verifier.check(id_, fields["token"], caller=_client().caller, nonce=name)
            except AlreadyApproved as error:
                raise UnknownVerification from error  # its token is used up
            return Reply(200, as_json(approved))

        return self._answer(fields, act)

    def resend(self, id_: str) -> ResponseReturnValue:
        """Send the same token again."""
        fields = body.read(request, {})
        caller = _client().caller
        return self._answer(
            fields, lambda name: Reply(200, as_json(self._verifier.resend(id_, caller=caller, nonce=name)))
        )

    def cancel(self, id_: str) -> ResponseReturnValue:
        """End a verification."""
        fields = body.read(request, {})
        caller = _client().caller
        return self._answer(fields, lambda _name: Reply(200, as_json(self._verifier.cancel(id_, caller=caller))))

    def _answer(self, fields: dict[str, str], act: Act) -> Response:
        key = request.headers.get("Idempotency-Key")
        return _response(self._idempotency.answer(key, _client().name, request.path, fields, act))


def as_json(verification: Verification) -> dict[str, Any]:
    """Return a verification as programs see it."""
    return {
        "id": verification.id,
        "to": verification.to.e164,
        "status": verification.status,
        "channel": "sms",
        "reference": verification.about.reference or None,
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(verification.created_at)),
        "expires_in": verification.expires_in,
        "next_send_in": verification.next_send_in,
        "sends_left": verification.sends_left,
        "checks_left": verification.checks_left,
        "delivery": verification.delivery,
    }


def _client() -> Client:
    client: Client = g.client
    return client


def _response(reply: Reply) -> Response:
    response = make_response(reply.content, reply.status)
    if reply.status >= ERRORS:
        response.mimetype = "application/problem+json"
    if "retry_after" in reply.content:
        response.headers["Retry-After"] = str(reply.content["retry_after"])
    if reply.is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    return response
