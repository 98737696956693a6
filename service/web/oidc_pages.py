"""OpenID Connect on the pages: which application sent somebody, and the way back to it."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from ..verification.authorization import Authorization, Authorizations, NoAuthorization
from ..verification.caller import Caller
from ..verification.clients import as_one
from ..verification.ports import About, Clients
from ..verification.verifier import Verification, Verifier
from .links import url_for
from .problems import Refused
from .security import HEADERS

SEALED = re.compile("[A-Za-z0-9_=-]+")


class Applications:
    """Authorizations that are under way."""

    def __init__(
        self, authorizations: Authorizations, verifier: Verifier, clients: Clients, *, clock: Callable[[], float]
    ) -> None:
        """Take who opens and answers requests, the verbs, who knows the applications, and the time."""
        self._authorizations = authorizations
        self._verifier = verifier
        self._clients = clients
        self._clock = clock

    def begun(self, sealed: str) -> Authorization:
        """Return a request that can be begun.

        Raises:
            Refused: It is too old, or none.
        """
        found = self.under_way(sealed)
        if found is None or self._clock() >= found.ends:
            raise Refused("authorization_gone")
        return found

    def under_way(self, sealed: str) -> Authorization | None:
        """Return the request that a browser came with, or None when it walks alone."""
        try:
            return self._authorizations.opened(sealed) if SEALED.fullmatch(sealed) else None
        except NoAuthorization:
            return None

    def is_answered(self, asked: Authorization) -> bool:
        """Tell whether a number was confirmed for a request."""
        return self._authorizations.is_answered(asked)

    def start(self, asked: Authorization, typed: str, *, caller: Caller, nonce: str, about: About) -> Verification:
        """Start a verification for an application, as its `caller`.

        Raises:
            Refused: The application asked for another number.
            VerificationError: As for `Verifier.start`.
        """
        if asked.to and self._verifier.number(typed, caller=caller).e164 != asked.to:
            raise Refused("other_number")
        return self._verifier.start(typed, caller=caller, nonce=nonce and f"{asked.id}{nonce}", about=about)

    def caller(self, asked: Authorization, person: Caller) -> Caller:
        """Return who asks: the person, from their address, and the application, with its budget.

        Raises:
            Refused: The application was revoked, or that address of it: nobody is to be sent back there.
            StoreUnavailable: Nobody can tell.
        """
        client = as_one(self._clients.named(asked.client))
        if client is None or not client.may_return_to(asked.redirect_uri):
            raise Refused("authorization_gone")
        return replace(client.caller, address=person.address, network=person.network)

    def way_back(self, asked: Authorization, verification: Verification) -> str:
        """Answer a request with a confirmed number, and return the address that leads back with its code.

        Raises:
            Refused: It was answered with another verification.
        """
        return _address(asked, lambda: self._authorizations.approve(asked, verification.id, verification.to.e164))

    def way_back_again(self, asked: Authorization, verification: Verification) -> str:
        """Return where `way_back` led, for as long as that is good; changes nothing."""
        return _address(asked, lambda: self._authorizations.code(asked, verification.id))


def begin_at(sealed: str) -> str:
    """Return the address of the phone form of a request."""
    return f"{url_for('pages.begin')}?authorization={sealed}"


def form_policy(asked: Authorization) -> str:
    """Return the content policy of a form whose answer leads to the application.

    Chromium holds the whole chain of redirects against it, and many applications lead on to another host at once, so
    that every host is allowed by the scheme of the address.
    """
    scheme = urlsplit(asked.redirect_uri).scheme
    return HEADERS["Content-Security-Policy"].replace("form-action 'self'", f"form-action 'self' {scheme}:")


def _address(asked: Authorization, code: Callable[[], str]) -> str:
    try:
        return asked.answer(code=code())
    except NoAuthorization as error:
        if str(error) == "answered":
            raise Refused("authorization_gone") from error
        return asked.answer(error="access_denied", error_description="Too late: start again")
