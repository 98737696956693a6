"""Keys and digests: everything that keeps Redis from knowing a number or a token.

Each purpose has a key of its own, derived from the secret by its label, so that a digest made
for one purpose means nothing in another.
"""

import base64
import hmac
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import UnknownVerification
from .token import Token, TokenFormat

SECRET_MIN = 32  # bytes: as long as the SHA-256 output (RFC 2104, section 3)
RANDOM_BYTES = 16  # 128 bits (ASVS 5.0, 7.2.3): 22 characters
NUMBER_DIGITS = 16  # characters, 96 bits: two of 2^33 numbers meet with a chance of 2^-31
KEY_ID = 4  # characters, 24 bits: two keys of a ring meet with a chance of 1 in 16 million
LETTERS = string.ascii_letters + string.digits + "-_"  # of an id: 64, so that a pad crosses each with any other
ID = re.compile(
    rf"([A-Za-z0-9_-]{{22}})([A-Za-z0-9_-]{{{NUMBER_DIGITS}}})([A-Za-z0-9_-]{{{KEY_ID}}})([A-Za-z0-9_-]{{22}})?"
)


@dataclass(frozen=True, slots=True)
class Handle:
    """A verification id, taken apart.

    It carries the digest of its number, because all that Redis knows of a number lies in that
    number's slot, and the name of the key that it was made with, so that a new key drops nobody. One that shares
    the token of an earlier verification carries that one's randomness as well: in the open among us, and sealed
    outside (`Keyring.sealed`), so that nobody learns a part of somebody else's id.
    """

    id: str
    random: str
    number: str
    key_id: str
    shares: str = ""

    @classmethod
    def parse(cls, id_: str) -> "Handle":
        """Return the parts of `id_`; raise UnknownVerification when it cannot be one of ours."""
        match = ID.fullmatch(id_)
        if match is None:
            raise UnknownVerification
        return cls(id_, *match.groups(default=""))

    @property
    def seed(self) -> str:
        """What the token is drawn from: its own randomness, or that of the verification whose token it shares."""
        return f"{self.shares or self.random}{self.number}{self.key_id}"

    def sharing(self, random: str) -> "Handle":
        """Return this verification as one that shares the token of another one of the same number."""
        return Handle(f"{self.id}{random}", self.random, self.number, self.key_id, random)

    def sibling(self, randoms: str) -> str:
        """Return the id of another verification of the same number: of its own randomness, and of what it shares."""
        own, shared = randoms[: len(self.random)], randoms[len(self.random) :]
        return f"{own}{self.number}{self.key_id}{shared}"


class Key:
    """One secret and what is made with it."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.id = _digest(self.derive("id"), "", KEY_ID)
        self._number = self.derive("number")
        self._draw = self.derive("token")
        self._digest = self.derive("token digest")
        self._nonce = self.derive("nonce")
        self._seal = self.derive("id seal")

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of one purpose."""
        return hmac.digest(self._secret, f"textproof {purpose}".encode(), "sha256")

    def number_digest(self, e164: str) -> str:
        """Return the name under which Redis knows a number."""
        return _digest(self._number, e164, NUMBER_DIGITS)

    def subject_digest(self, kind: str, subject: str) -> str:
        """Return the name under which Redis knows what a limit counts: an address, a prefix."""
        return _digest(self._number, f"{kind} {subject}", NUMBER_DIGITS)

    def token(self, handle: Handle, form: TokenFormat) -> Token:
        """Return the token of a verification."""
        return form.draw(self._draw, handle.seed.encode())

    def token_digest(self, handle: Handle, token: Token) -> str:
        """Return the name under which Redis knows a token of this verification."""
        return _digest(self._digest, f"{handle.seed}{token.reveal()}", 22)

    def crossed(self, handle: Handle) -> Handle:
        """Return the handle with what it shares sealed; or opened, when it was sealed.

        The pad is drawn from the id's own randomness, which no other id has: no pad is used twice.
        """
        if not handle.shares:
            return handle
        pad = _digest(self._seal, handle.random, len(handle.shares))
        crossed = (
            LETTERS[LETTERS.index(one) ^ LETTERS.index(other)] for one, other in zip(handle.shares, pad, strict=True)
        )
        return Handle.parse(handle.id.removesuffix(handle.shares) + "".join(crossed))

    def request_digest(self, handle: Handle, nonce: str, content: str = "") -> str:
        """Return the name of one request to a verification: the same for a repeat, another for other content."""
        return _digest(self._nonce, f"{handle.id}{len(nonce)}:{nonce}{content}", 11)

    def start_digest(self, e164: str, nonce: str) -> str:
        """Return the name of one request to start, among those of its number."""
        return _digest(self._nonce, f"{e164} {nonce}", 10)


class Keyring:
    """The current key and the earlier ones that still open what they closed."""

    def __init__(self, secrets_: Sequence[bytes]) -> None:
        self.keys = [Key(secret) for secret in secrets_]
        self.current = self.keys[0]

    def of(self, handle: Handle) -> Key:
        """Return the key that a verification was made with; raise UnknownVerification when it is gone."""
        for key in self.keys:
            if key.id == handle.key_id:
                return key
        raise UnknownVerification

    def sealed(self, handle: Handle) -> str:
        """Return the id as everybody may see it."""
        return self.of(handle).crossed(handle).id

    def opened(self, id_: str) -> Handle:
        """Return the handle of an id that `sealed` made; raise UnknownVerification when it cannot be one of ours."""
        handle = Handle.parse(id_)
        return self.of(handle).crossed(handle)

    def new_handle(self, e164: str) -> Handle:
        """Return the id of a new verification of `e164`."""
        random = secrets.token_urlsafe(RANDOM_BYTES)
        number = self.current.number_digest(e164)
        return Handle(f"{random}{number}{self.current.id}", random, number, self.current.id)


def _digest(key: bytes, text: str, characters: int) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).decode()[:characters]
