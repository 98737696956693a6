"""The hosted flow: an application sends the browser here, and gets it back with a signed result.

Opening the address changes nothing: it shows the phone form, which carries the session's id, and only sending that
form binds session and browser together, in the cookie. Another site can make a browser open the address, and no more.
"""

import hmac
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import request

from ..verification.caller import Caller
from ..verification.clients import Client
from ..verification.envelope import Keys
from ..verification.ports import About, Store
from ..verification.verifier import Verification, Verifier
from .problems import Refused
from .result import LIFE_SECONDS, NoResult, Signer
from .security import HEADERS
from .sessions import LIFE_SECONDS as BEGUN_WITHIN
from .sessions import Session, Sessions

log = logging.getLogger("textproof")

SUBJECT = 32  # characters of a digest, 192 bits


class Hosted:
    """Hosted sessions, for the API that opens them and for the pages that people walk through."""

    def __init__(
        self,
        verifier: Verifier,
        store: Store,
        keys: Keys,
        *,
        clock: Callable[[], float],
        public_url: str,
        is_demo: bool,
        is_off: bool,
    ) -> None:
        """Take what sessions need; `is_demo` allows for having no public address, `is_off` that there are no pages."""
        self._verifier = verifier
        self._clients = store.clients
        self._keys = keys
        self._clock = clock
        self._public_url = public_url
        self._is_demo = is_demo
        self._is_off = is_off
        self._sessions = Sessions(store.notes, store.clients, keys)
        self.signer = Signer(keys)

    # -- For the application

    def open(self, client: Client, fields: dict[str, str]) -> dict[str, Any]:
        """Return a new session as the API shows it.

        Raises:
            Refused: The address to go back to is not registered, or our own is not known.
            InvalidNumber: The number cannot be texted.
        """
        if fields["return_url"] not in client.return_urls:
            raise Refused("unknown_return_url")
        base = self._base()
        to = self._verifier.number(fields["to"], caller=client.caller).e164 if "to" in fields else ""
        ends = int(self._clock()) + BEGUN_WITHIN
        facts = fields | {"to": to, "prefix": client.prefix, "client": client.name, "issuer": base}
        session = self._sessions.add(**facts, ends=ends)
        return {"id": session.id, "url": f"{base}/start/{session.id}", "expires_in": BEGUN_WITHIN}

    def redeem(self, client: Client, result: str, *, name: str) -> dict[str, Any]:
        """Return what a result says, and use it up: for all requests but those of the same name, if it has one.

        Raises:
            Refused: It is not a result for this client, or not any more; which of these, the log says.
        """
        try:
            claims = self.signer.read(result, now=self._clock())
            if claims["aud"] != client.name:
                raise NoResult("foreign")  # noqa: TRY301 - all of them are answered alike
            if not self._sessions.redeem(claims["jti"], name):
                raise NoResult("replayed")  # noqa: TRY301
        except NoResult as error:
            log.warning("result_refused", extra={"client": client.name, "why": str(error)})
            raise Refused("result_rejected") from error
        return claims

    # -- For the pages

    def session(self, id_: str) -> Session:
        """Return a session that can be begun.

        Raises:
            Refused: It has ended.
        """
        session = self._sessions.find(id_)
        if self._clock() >= session.ends or self._sessions.is_spent(session):
            raise Refused("session_gone")
        return session

    def under_way(self, id_: str) -> Session | None:
        """Return the session that a browser has begun, or None when it walks alone."""
        try:
            return self._sessions.find(id_) if id_ else None
        except Refused:
            return None

    def start(self, session: Session, typed: str, *, caller: Caller, nonce: str, about: About) -> Verification:
        """Start a verification in a session: the person's address counts, and the application's budget as well.

        Raises:
            Refused: The application asked for another number.
            VerificationError: As for `Verifier.start`.
        """
        both = self.caller(session, caller)
        if session.to and self._verifier.number(typed, caller=both).e164 != session.to:
            raise Refused("other_number")
        return self._verifier.start(typed, caller=both, nonce=nonce and f"{session.id}{nonce}", about=about)

    def caller(self, session: Session, person: Caller) -> Caller:
        """Return who asks in a session: the person, from their address, and the application, with its budget.

        Raises:
            Refused: The application's key was revoked.
        """
        client = self._clients.find(session.prefix)
        if client is None:
            raise Refused("session_gone")
        return replace(client.caller, address=person.address, network=person.network)

    def way_back(self, session: Session, verification: Verification) -> str:
        """Return the address that an approved verification leads back to, with its result while that is fresh.

        Raises:
            Refused: The session ended with another verification.
        """
        now = int(self._clock())
        approval = self._sessions.spend(session, verification.id, now=now)
        facts = {"state": session.state} if session.state else {}
        if now < approval.at + LIFE_SECONDS:
            facts["result"] = self.signer.sign(self._claims(session, verification, approval.at))
        else:
            facts["error"] = "late"
        separator = "&" if "?" in session.return_url else "?"
        return f"{session.return_url}{separator}{urlencode(facts)}"

    def _claims(self, session: Session, verification: Verification, at: int) -> dict[str, Any]:
        number = verification.to.e164
        claims = {
            "iss": session.issuer,
            "aud": session.client,
            "sub": number if session.subject == "number" else self._subject(session.client, number),
            "iat": at,
            "exp": at + LIFE_SECONDS,
            "jti": session.result,
            "nonce": session.nonce or session.id,
        }
        return claims | ({"reference": session.reference} if session.reference else {})

    def _subject(self, client: str, number: str) -> str:
        """Return a number's name: always the same for one client, and another one for each."""
        key = self._keys().derive("subject")
        return urlsafe_b64encode(hmac.digest(key, f"{client} {number}".encode(), "sha256")).decode()[:SUBJECT]

    def _base(self) -> str:
        """Return where people reach this service. The demo believes the application that asks it."""
        if self._public_url and not self._is_off:
            return self._public_url
        if self._is_off or not self._is_demo:
            raise Refused("no_public_url")
        return request.host_url.rstrip("/")


def form_policy(session: Session) -> str:
    """Return the content policy of a form whose answer leads to the application: to its origin, and nowhere else."""
    parts = urlsplit(session.return_url)
    return HEADERS["Content-Security-Policy"].replace(
        "form-action 'self'", f"form-action 'self' {parts.scheme}://{parts.netloc}"
    )
