"""OpenID Connect authorizations: what an application asked for, and the code that answers it.

A request is kept nowhere: it travels sealed, in an address and a form of ours and then in the cookie, so that opening
it changes nothing. The store learns of it when a number is confirmed: then its one code is good for a minute and one
use, and gives an access token for a few minutes. The store knows codes and tokens by a digest.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from .envelope import Keys
from .ports import Notes

LIFE_SECONDS = 1800  # ours: time to find the phone
PUSHED_SECONDS = 90  # RFC 9126, 2.2: 5 to 600, and as short as can be
CODE_SECONDS = 60  # RFC 9700, 2.1.1 wants it short, RFC 6749 at most 600
TOKEN_SECONDS = 300  # ours: an application asks for what a token gives at once, or never
KEPT_SECONDS = LIFE_SECONDS + 1800  # a code: whoever begins at the last moment is told that it was used
SEALED_MAX = 3500  # characters; a cookie has 4,096 bytes for all that is in it (RFC 6265, 6.1)
SECRET_BYTES = 32  # RFC 6749, 10.10: a guess is right with a chance of 2^-160 at most


class NoAuthorization(Exception):
    """That request, code or token is none of ours, or not any more. The text says why, for the log."""


class TooLong(Exception):
    """A request has more in it than a cookie can carry."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What an application asked for, checked."""

    id: str
    """256 random bits."""
    client: str
    redirect_uri: str
    issuer: str
    ends: int
    """When it cannot be begun any more, in seconds since 1970."""
    scope: str = "openid"
    """What is granted, with blanks between."""
    state: str = ""
    nonce: str = ""
    challenge: str = ""
    """SHA-256 of a verifier in base64url (RFC 7636, S256); empty: none is asked for."""
    to: str = ""
    """The only number that it is good for; empty: any."""
    acr: str = ""
    """The class of authentication, if the application asked for one."""
    reference: str = ""
    locale: str = ""
    brand: str = ""
    """What people know the application by; empty: as the service."""
    cancel_uri: str = ""
    """Where people go who do not want to; empty: to `redirect_uri`, with `access_denied`."""

    def answer(self, **facts: str) -> str:
        """Return the address that leads back to the application with these facts, and with what it can tell them by."""
        known = {"state": self.state} if self.state else {}
        separator = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{separator}{urlencode(facts | known | {'iss': self.issuer})}"

    @property
    def way_out(self) -> str:
        """Where people go who give up."""
        return self.cancel_uri or self.answer(error="access_denied")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or an access token stands for: a number that was confirmed for an application."""

    authorization: Authorization
    verification: str
    number: str
    at: int
    """When it was confirmed, in seconds since 1970."""
    ends: int
    """When the code or the token ends, in seconds since 1970."""


class Authorizations:
    """Seals requests, and remembers what came of them."""

    def __init__(self, notes: Notes, keys: Keys, *, clock: Callable[[], float], subject_key: str = "") -> None:
        """Take where grants lie, what seals them, and the time; `subject_key` replaces the keyring's."""
        self._notes = notes
        self._keys = keys
        self._clock = clock
        self._subject_key = subject_key.encode()

    # -- Requests

    def sealed(self, authorization: Authorization) -> str:
        """Return a request as it travels: it can be in an address, and tells nobody anything.

        Raises:
            TooLong: A cookie cannot carry it.
        """
        return self._sealed_text("authorization", asdict(authorization))

    def opened(self, sealed: str) -> Authorization:
        """Return a request, also one that is too old to be begun.

        Raises:
            NoAuthorization: It was not sealed here.
        """
        return Authorization(**self._opened("authorization", sealed.encode()))

    def pushed(self, parameters: Mapping[str, str]) -> str:
        """Return the parameters of a request as an application pushes them (RFC 9126), for 90 seconds.

        Raises:
            TooLong: An address cannot carry them.
        """
        facts = {"of": dict(parameters), "ends": self._now() + PUSHED_SECONDS}
        return self._sealed_text("pushed", facts)

    def pulled(self, pushed: str) -> dict[str, str]:
        """Return what was pushed, once.

        Raises:
            NoAuthorization: It was pulled before, is too old, or was not sealed here.
        """
        facts = self._opened("pushed", pushed.encode())
        if self._now() >= facts["ends"]:
            raise NoAuthorization("late")
        if self._claim(_name("pulled", pushed), secrets.token_bytes(SECRET_BYTES), PUSHED_SECONDS) is not None:
            raise NoAuthorization("replayed")
        parameters: dict[str, str] = facts["of"]
        return parameters

    # -- Codes

    def approve(self, authorization: Authorization, verification: str, number: str) -> str:
        """Answer a request with a confirmed number, and return its code: the same one, however often this is said.

        Raises:
            NoAuthorization: It was answered with another verification, or its code has ended.
        """
        now = self._now()
        grant = Grant(authorization, verification, number, now, now + CODE_SECONDS)
        code = self._code(authorization)
        before = self._claim(_name("code", code), self._sealed(grant), KEPT_SECONDS)
        return self._still(code, self._grant(before) if before else grant, verification)

    def code(self, authorization: Authorization, verification: str) -> str:
        """Return the code that a verification was answered with.

        Raises:
            NoAuthorization: There is none, or it has ended.
        """
        code = self._code(authorization)
        return self._still(code, self._grant(self._notes.read(_name("code", code))), verification)

    def is_answered(self, authorization: Authorization) -> bool:
        """Tell whether a number was confirmed for a request."""
        return self._notes.read(_name("code", self._code(authorization))) is not None

    def redeem(self, code: str, *, client: str, redirect_uri: str, verifier: str) -> tuple[Grant, str]:
        """Use a code up, and return what it stands for with an access token.

        Raises:
            NoAuthorization: It is not for this client and address, the verifier is not the right one, or it is too old
                or was used before; in the last case the token that it gave is revoked.
        """
        grant = self._grant(self._notes.read(_name("code", code)))
        asked = grant.authorization
        if asked.client != client:
            raise NoAuthorization("foreign")
        if asked.redirect_uri != redirect_uri:
            raise NoAuthorization("redirect_uri")
        if not hmac.compare_digest(asked.challenge, challenge_of(verifier) if verifier else ""):
            raise NoAuthorization("verifier")
        token = secrets.token_urlsafe(SECRET_BYTES)
        name = _name("access", token)
        now = self._now()
        access = Grant(asked, grant.verification, grant.number, grant.at, now + TOKEN_SECONDS)
        is_late = now >= grant.ends
        # The token is there before the code is used up, so that whoever comes second finds what to revoke.
        if not is_late:
            self._write(name, self._sealed(access), TOKEN_SECONDS)
        before = self._claim(_name("used", code), name.encode(), KEPT_SECONDS)
        if before is None and not is_late:
            return grant, token
        self._notes.drop(name)
        if before:
            self._notes.drop(before.decode())
        raise NoAuthorization("replayed" if before else "late")

    def access(self, token: str) -> Grant:
        """Return what an access token stands for.

        Raises:
            NoAuthorization: It is too old, was revoked, or never was one.
        """
        grant = self._grant(self._notes.read(_name("access", token)))
        if self._now() >= grant.ends:
            raise NoAuthorization("late")
        return grant

    def subject(self, client: str, number: str) -> str:
        """Return the name of a number: always the same for one client, and another one for each; 32 characters."""
        key = self._subject_key or self._keys().derive("subject")
        return urlsafe_b64encode(hmac.digest(key, f"{client} {number}".encode(), "sha256")).decode()[:32]

    # -- Small things

    def _code(self, authorization: Authorization) -> str:
        drawn = hmac.digest(self._keys().derive("code"), authorization.id.encode(), "sha256")
        return urlsafe_b64encode(drawn).decode().rstrip("=")

    def _still(self, code: str, grant: Grant, verification: str) -> str:
        if grant.verification != verification:
            raise NoAuthorization("answered")
        if self._now() >= grant.ends:
            raise NoAuthorization("late")
        return code

    def _sealed_text(self, purpose: str, facts: Mapping[str, Any]) -> str:
        sealed = self._keys.sealed(purpose, _written(facts)).decode()
        if len(sealed) > SEALED_MAX:
            raise TooLong
        return sealed

    def _sealed(self, grant: Grant) -> bytes:
        facts = asdict(grant) | {"authorization": {k: v for k, v in asdict(grant.authorization).items() if v != ""}}
        return self._keys.sealed("grant", _written(facts))

    def _grant(self, note: bytes | None) -> Grant:
        facts = self._opened("grant", note or b"")
        return Grant(**facts | {"authorization": Authorization(**facts["authorization"])})

    def _opened(self, purpose: str, sealed: bytes) -> dict[str, Any]:
        plain = self._keys.unsealed(purpose, sealed) if sealed else None
        if plain is None:
            raise NoAuthorization("unknown")
        facts: dict[str, Any] = json.loads(plain)
        return facts

    def _claim(self, name: str, note: bytes, seconds: int) -> bytes | None:
        return self._keys.using(lambda keyring: self._notes.claim(name, note, keyring=keyring.id, seconds=seconds))

    def _write(self, name: str, note: bytes, seconds: int) -> None:
        self._keys.using(lambda keyring: self._notes.write(name, note, keyring=keyring.id, seconds=seconds))

    def _now(self) -> int:
        return int(self._clock())


def challenge_of(verifier: str) -> str:
    """Return the challenge that a verifier answers (RFC 7636, 4.2, S256)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _written(facts: Mapping[str, Any]) -> bytes:
    return json.dumps({name: fact for name, fact in facts.items() if fact != ""}, separators=(",", ":")).encode()


def _name(kind: str, secret: str) -> str:
    """Return the name of a note. What it is made of has 256 random bits, so nobody finds it from its hash."""
    return sha256(f"{kind} {secret}".encode()).hexdigest()[:32]
