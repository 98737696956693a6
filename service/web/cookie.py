"""The signed cookie that binds a browser to its verification. It holds an opaque id and nothing else."""

from collections.abc import Callable

from flask import Request
from itsdangerous import BadSignature, TimestampSigner
from werkzeug import Response

from ..verification.keys import Keyring

SECONDS = 3600  # ours: longer than any token lives, so that a late visitor is told that it has expired


class FlowCookie:
    """Reads and writes the cookie; keys that were replaced still open it."""

    def __init__(self, keyring: Callable[[], Keyring], *, secure: bool) -> None:
        """Take the keys. `secure` is whether people reach this service by HTTPS."""
        self._keyring = keyring
        self._secure = secure
        self.name = "__Host-textproof" if secure else "textproof"

    def read(self, request: Request) -> str | None:
        """Return the verification id of this browser, or None."""
        value = request.cookies.get(self.name)
        if not value:
            return None
        try:
            return self._signer().unsign(value, max_age=SECONDS).decode("ascii")
        except BadSignature:
            return None

    def write(self, response: Response, id_: str) -> None:
        """Bind the browser to a verification."""
        response.set_cookie(
            self.name,
            self._signer().sign(id_).decode("ascii"),
            max_age=SECONDS,
            secure=self._secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )

    def clear(self, response: Response) -> None:
        """Let the browser forget."""
        response.delete_cookie(self.name, secure=self._secure, httponly=True, samesite="Lax", path="/")

    def _signer(self) -> TimestampSigner:
        newest_last = [key.derive("cookie") for key in reversed(self._keyring().keys)]
        return TimestampSigner(newest_last, salt=b"textproof")
