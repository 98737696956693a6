"""The keyring: every key of an installation, and what is derived from them.

Each purpose has a key of its own, derived by its label, so that what was made for one purpose means nothing in
another. The digest key lasts as long as the installation: it names numbers and subjects in the store. All other keys
come in generations. The newest one is used; an older one opens what it closed.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from .errors import UnknownVerification
from .phone import PhoneNumber
from .token import Token, TokenFormat

SECRET_MIN = 32  # bytes: as long as the SHA-256 output (RFC 2104, section 3)
KEY_BYTES = 32
GENERATIONS = 8  # default, ours: whoever rotates more often than that in a day has other worries
RANDOM_BYTES = 12  # 96 bits, 16 characters: two ids of 2^33 meet with a chance of 2^-31
ADDRESS_BYTES, NETWORK_BYTES = 8, 7  # of a digest; two that meet would share a limit for an hour
NUMBER_BYTES = 7  # 56 bits hold the 15 digits of E.164
SEED_BYTES = 1 + RANDOM_BYTES  # with the generation in front
HAS_NETWORK, HAS_SHARED = 1, 2  # flags in an id
NUMBER_DIGITS = 16  # characters of a digest, 96 bits: two of 2^33 numbers meet with a chance of 2^-31
ID = re.compile(r"[A-Za-z0-9_-]{63,90}")
LINES = 10_000  # in a number range


@dataclass(frozen=True, slots=True)
class Handle:
    """A verification id, opened. It carries what the steps of a verification need, so that none asks the store first.

    `random` and `shares` are base64url: 96 random bits, and the seed of the verification whose token this one shares
    ("": none). `address` and `network` are digests of who started it; "" where nobody is counted.
    """

    id: str
    generation: int
    """The mark of the generation that sealed it: 0 to 255."""
    random: str
    number: PhoneNumber
    address: str = ""
    network: str = ""
    shares: str = ""

    @property
    def own_seed(self) -> str:
        """What its token is drawn from unless it shares one: 18 characters."""
        return _text(bytes([self.generation]) + _bytes(self.random))

    @property
    def seed(self) -> str:
        """What its token is drawn from: its own seed, or that of the verification whose token it shares."""
        return self.shares or self.own_seed

    @property
    def memo(self) -> str:
        """All that an id carries except the number, as the store keeps it to find an equal request again."""
        return _text(bytes([self.generation]) + _body(self))


class Generation:
    """One secret of 32 bytes and what is made with it."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.mark = self.derive("mark")[0]
        self._draw = self.derive("token")
        self._ids = AESSIV(self.derive("id 1") + self.derive("id 2"))

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of one purpose."""
        return hmac.digest(self.secret, f"textproof {purpose}".encode(), "sha256")

    def sealed(self, handle: Handle) -> Handle:
        """Return a handle with its id."""
        region = handle.number.region.encode()[:2].ljust(2)
        plain = int(handle.number.e164[1:]).to_bytes(NUMBER_BYTES) + region + _body(handle)
        return replace(handle, id=_text(bytes([self.mark]) + self._ids.encrypt(plain, None)))

    def opened(self, id_: str, sealed: bytes) -> Handle | None:
        """Return the handle of an id whose sealed part this is, or None when another key sealed it."""
        try:
            plain = self._ids.decrypt(sealed, None)
        except InvalidTag:
            return None
        e164, region = f"+{int.from_bytes(plain[:NUMBER_BYTES])}", plain[NUMBER_BYTES : NUMBER_BYTES + 2]
        number = PhoneNumber(e164, region.decode().strip())
        return replace(_read_body(plain[NUMBER_BYTES + 2 :], self.mark, number), id=id_)

    def draw(self, seed: str, form: TokenFormat) -> Token:
        """Return the token of a seed."""
        return form.draw(self._draw, seed.encode())


class Keyring:
    """The digest key and the generations, the newest first. Immutable; one object serves all threads."""

    def __init__(self, digest_key: bytes, generations: tuple[bytes, ...]) -> None:
        self._digest_key = digest_key
        self.generations = tuple(Generation(secret) for secret in generations)
        self.current = self.generations[0]
        self.id = _digest(self.derive("keyring"), self.contents.hex(), 11)
        self._number = self.derive("number")
        self._token = self.derive("token digest")
        self._request = self.derive("request")
        self._labels = AESSIV(self.derive("label 1") + self.derive("label 2"))

    @classmethod
    def make(cls) -> "Keyring":
        """Return a new one."""
        return cls(secrets.token_bytes(KEY_BYTES), (secrets.token_bytes(KEY_BYTES),))

    @classmethod
    def of(cls, contents: bytes) -> "Keyring":
        """Return the keyring of these contents."""
        keys = [contents[at : at + KEY_BYTES] for at in range(0, len(contents), KEY_BYTES)]
        return cls(keys[0], tuple(keys[1:]))

    @property
    def contents(self) -> bytes:
        """All keys: never to be stored as they are."""
        return b"".join([self._digest_key, *(generation.secret for generation in self.generations)])

    def rotated(self) -> "Keyring":
        """Return this keyring with a new generation."""
        older = [generation.secret for generation in self.generations][: GENERATIONS - 1]
        new = secrets.token_bytes(KEY_BYTES)
        while any(Generation(new).mark == Generation(secret).mark for secret in older):
            new = secrets.token_bytes(KEY_BYTES)  # otherwise the older one would be taken for it
        return Keyring(self._digest_key, (new, *older))

    def is_before(self, other: "Keyring") -> bool:
        """Tell whether `other` came from this one by rotations."""
        if self.id == other.id or self.contents[:KEY_BYTES] != other.contents[:KEY_BYTES]:
            return False
        return self.current.secret in [generation.secret for generation in other.generations]

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of one purpose, the same for as long as the installation lasts."""
        return hmac.digest(self._digest_key, f"textproof {purpose}".encode(), "sha256")

    def seals(self, purpose: str) -> list[bytes]:
        """Return a 32-byte key of one purpose for each generation, newest first: seal with the first, open with any."""
        return [generation.derive(purpose) for generation in self.generations]

    # -- Ids and tokens

    def new_handle(self, number: PhoneNumber, *, address: str = "", network: str = "") -> Handle:
        """Return the id of a new verification; `address` and `network` are those of its caller, not digests."""
        return self.current.sealed(
            Handle(
                "",
                self.current.mark,
                _text(secrets.token_bytes(RANDOM_BYTES)),
                number,
                self.subject_digest("address", address, ADDRESS_BYTES) if address else "",
                self.subject_digest("network", network, NETWORK_BYTES) if network else "",
            )
        )

    def sharing(self, handle: Handle, seed: str) -> Handle:
        """Return this verification as one that shares the token of another one of the same number."""
        return self._of(handle.generation).sealed(replace(handle, shares=seed))

    def recalled(self, number: PhoneNumber, memo: str) -> Handle:
        """Return the verification of a number whose memo this is."""
        raw = _bytes(memo)
        return self._of(raw[0]).sealed(_read_body(raw[1:], raw[0], number))

    def opened(self, id_: str) -> Handle:
        """Return the handle of an id; raise UnknownVerification when no key of this ring sealed it."""
        if is_id(id_):
            raw = _bytes(id_)
            for generation in self._marked(raw[0]):
                handle = generation.opened(id_, raw[1:])
                if handle is not None and _text(raw) == id_:
                    return handle
        raise UnknownVerification

    def token(self, handle: Handle, form: TokenFormat) -> Token:
        """Return the token of a verification; raise UnknownVerification when its generation is gone."""
        return self._of(_bytes(handle.seed)[0]).draw(handle.seed, form)

    # -- Names in the store

    def number_digest(self, e164: str) -> str:
        """Return the name of a number: 16 characters."""
        return _digest(self._number, e164, NUMBER_DIGITS)

    def subject_digest(self, kind: str, subject: str, size: int = 12) -> str:
        """Return the name of what a limit counts, an address or a range, in `size` bytes as base64url."""
        return _text(hmac.digest(self._number, f"{kind} {subject}".encode(), "sha256")[:size])

    def range_digest(self, number: PhoneNumber) -> tuple[str, int]:
        """Return the names of a number's range and of its line.

        The line is the last four digits moved by an offset of the range's own, modulo 10,000: numbers in
        sequence stay in sequence, and with a readable range beside it no number can be put together.
        """
        drawn = hmac.digest(self._number, f"range {number.range}".encode(), "sha256")
        return _text(drawn[:12]), (number.line + int.from_bytes(drawn[12:20])) % LINES

    def token_digest(self, handle: Handle, token: Token) -> str:
        """Return the name of a token inside its verification: 22 characters."""
        return _digest(self._token, f"{handle.seed}{handle.number.e164}{token.reveal()}", 22)

    def request_digest(self, subject: str, nonce: str, content: str = "") -> str:
        """Return the name of one request about a subject: the same for a repeat, another for other content."""
        return _digest(self._request, f"{subject} {len(nonce)}:{nonce}{content}", 11)

    def sealed_label(self, text: str) -> str:
        """Return a label that only holders of the keyring can read; the same for the same text."""
        return _text(self._labels.encrypt(text.encode(), None))

    def opened_label(self, label: str) -> str:
        """Return what `sealed_label` sealed; "?" when it was sealed under another keyring."""
        try:
            return self._labels.decrypt(_bytes(label), None).decode()
        except (InvalidTag, ValueError):
            return "?"

    def _marked(self, mark: int) -> Iterator[Generation]:
        return (generation for generation in self.generations if generation.mark == mark)

    def _of(self, mark: int) -> Generation:
        for generation in self._marked(mark):
            return generation
        raise UnknownVerification


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an id, under whatever keyring."""
    return bool(ID.fullmatch(text)) and len(text) % 4 != 1  # there is no base64 of that length


def _body(handle: Handle) -> bytes:
    flags = HAS_NETWORK * bool(handle.network) | HAS_SHARED * bool(handle.shares)
    parts = (handle.random, handle.network, handle.shares)
    random, network, shares = map(_bytes, parts)
    address = _bytes(handle.address) or bytes(ADDRESS_BYTES)
    return random + bytes([flags]) + address + network + shares


def _read_body(body: bytes, mark: int, number: PhoneNumber) -> Handle:
    random, flags, rest = body[:RANDOM_BYTES], body[RANDOM_BYTES], body[RANDOM_BYTES + 1 :]
    address, rest = rest[:ADDRESS_BYTES], rest[ADDRESS_BYTES:]
    size = NETWORK_BYTES if flags & HAS_NETWORK else 0
    return Handle(
        "",
        mark,
        _text(random),
        number,
        _text(address) if any(address) else "",
        _text(rest[:size]),
        _text(rest[size : size + SEED_BYTES]) if flags & HAS_SHARED else "",
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _digest(key: bytes, text: str, characters: int) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).decode()[:characters]
