"""The signed cookie that binds a browser to its verification, and to what the application asked for that sent it.

It holds an opaque id and a sealed request, and nothing else.
"""

import functools
import time

from flask import Request
from itsdangerous import BadSignature, TimestampSigner
from werkzeug import Response

from ..verification.envelope import Keys
from ..verification.errors import UnknownVerification
from ..verification.keyring import Keyring

SECONDS = 3600  # ours: longer than any token lives, so that a late visitor is told that it has expired
SKEW_SECONDS = 60  # ours: a replica whose clock is behind by less still knows the cookies of the others
BETWEEN = "~"  # is in no id
READ = "textproof.cookie"  # where a request keeps what its cookie says: a view asks several times


class FlowCookie:
    """Reads and writes the cookie; keys that were replaced still open it."""

    def __init__(self, keys: Keys, *, secure: bool) -> None:
        """Take the keys. `secure` is whether people reach this service by HTTPS."""
        self._keys = keys
        self._secure = secure
        self.name = "__Host-textproof" if secure else "textproof"

    def read(self, request: Request) -> str | None:
        """Return the verification id of this browser, or None."""
        return self._parts(request)[0] or None

    def authorization(self, request: Request) -> str:
        """Return the sealed request of the application that sent this browser, or ""."""
        return self._parts(request)[1]

    def given_up(self, request: Request) -> str:
        """Return the id of the verification whose number this browser wants to change, or ""."""
        return self._parts(request)[2]

    def write(self, response: Response, id_: str, authorization: str = "", given_up: str = "") -> None:
        """Bind the browser to a verification, to a sealed request, and to what it gave up last; "" is none."""
        response.set_cookie(
            self.name,
            _signer(self._keys()).sign(BETWEEN.join((id_, authorization, given_up)).rstrip(BETWEEN)).decode("ascii"),
            max_age=SECONDS,
            secure=self._secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )

    def clear(self, response: Response) -> None:
        """Let the browser forget."""
        response.delete_cookie(self.name, secure=self._secure, httponly=True, samesite="Lax", path="/")

    def _parts(self, request: Request) -> tuple[str, str, str]:
        parts: tuple[str, str, str] | None = request.environ.get(READ)
        if parts is None:
            parts = request.environ[READ] = self._opened(request.cookies.get(self.name))
        return parts

    def _opened(self, value: str | None) -> tuple[str, str, str]:
        if not value:
            return "", "", ""

        def unsigned(keyring: Keyring) -> bytes:
            try:
                content, signed = _signer(keyring).unsign(value, return_timestamp=True)
            except BadSignature as error:
                raise UnknownVerification from error
            if not -SKEW_SECONDS <= time.time() - signed.timestamp() <= SECONDS:
                raise UnknownVerification
            return content

        try:
            ids = self._keys.opening(unsigned).decode("ascii").split(BETWEEN)
        except UnknownVerification:
            return "", "", ""
        id_, authorization, given_up, *_ = *ids, "", ""
        return id_, authorization, given_up


@functools.lru_cache(maxsize=2)  # this keyring and the one before
def _signer(keyring: Keyring) -> TimestampSigner:
    newest_last = keyring.seals("cookie")[::-1]
    # These keys are for this purpose alone: nothing is left to derive.
    return TimestampSigner(newest_last, salt=b"textproof", key_derivation="none")
