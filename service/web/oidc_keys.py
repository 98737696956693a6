"""The signing keys of ID tokens: RS256, which every client knows, and ES256 for clients that choose it.

They are made once, lie in the store sealed by the keyring, and stay until an operator rotates them; or the operator
gives them. A new key is published before it signs, because clients keep the set for a while, and an old one after.
"""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from ..verification.clients import ALGORITHMS, ES256, RS256
from ..verification.envelope import ID, Fields, KeyringStore, Keys
from ..verification.errors import StoreUnavailable, UnknownVerification
from ..verification.keyring import Keyring

KEYS = "keys"
RSA_BITS = 2048  # SP 800-131A: the least that is good beyond 2030 is 3072; ours: a token lives for minutes
BEFORE_SECONDS = 60  # published before it signs; ours: libraries do not ask for the set more than twice a minute
AFTER_SECONDS = 3600  # published after it signed for the last time; ours: ten times what a token lives
KNOWN_SECONDS = 10.0  # ours: a sixth of the first, so that every replica knows of a key before it signs


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and when it is used. Times are seconds since 1970."""

    key: RSAKey | ECKey
    algorithm: str
    since: int = 0
    """It signs from then on."""
    until: int = 0
    """It is published until then; 0: as long as nothing takes its place."""


class SigningKeys:
    """The signing keys of one installation. Safe to share between threads."""

    def __init__(
        self, store: KeyringStore, keys: Keys, *, clock: Callable[[], float], given: Sequence[str] = ()
    ) -> None:
        """Take where they lie, what seals them, the time, and the operator's own keys in PEM, the current one first."""
        self._store = store
        self._keys = keys
        self._clock = clock
        self._given = [given_key(pem) for pem in given]
        self._held: list[SigningKey] = []
        self._id = ""
        self._until = 0.0

    def sign(self, claims: Mapping[str, Any], algorithm: str) -> str:
        """Return a JWT."""
        key = self._current(algorithm).key
        head = {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
        return jwt.encode(head, dict(claims), key, algorithms=[algorithm])

    def published(self) -> dict[str, Any]:
        """Return the public keys as a JWK set, also one that another replica has just made."""
        self._until = 0.0
        try:
            held = self._all()
        except StoreUnavailable:
            if not self._held:
                raise
            held = self._held
        now = self._clock()
        return {
            "keys": [
                one.key.as_dict(private=False) | {"use": "sig", "alg": one.algorithm}
                for one in [*self._given, *held]
                if not one.until or now < one.until
            ]
        }

    def rotate(self) -> None:
        """Make new keys, which sign in a minute, and publish the old ones for an hour after that."""
        self._until = 0.0
        now = int(self._clock())
        since = now + BEFORE_SECONDS
        older = [
            one if one.until else replace(one, until=since + AFTER_SECONDS)
            for one in self._all()
            if not one.until or now < one.until
        ]
        new = [replace(one, since=since) for one in made()]
        self._keep(self._store.put(self._sealed([*new, *older]), instead_of=self._id))

    def prepare(self) -> None:
        """See that there are keys: making one takes up to a second, which nobody should have to wait for."""
        self._all()

    def _current(self, algorithm: str) -> SigningKey:
        for one in self._given:
            if one.algorithm == algorithm:
                return one
        now = self._clock()
        able = [one for one in self._all() if one.algorithm == algorithm and one.since <= now]
        return max(able, key=lambda one: one.since)

    def _all(self) -> list[SigningKey]:
        """Return the keys of the store. Where it has none, this process puts back what it has, or makes them."""
        if {one.algorithm for one in self._given} >= set(ALGORITHMS):
            return []
        if time.monotonic() >= self._until:
            found = self._store.read()
            if not self._keep(found):
                new = self._sealed(self._held or made())
                if not self._keep(self._store.put(new, instead_of=found.get(ID, b"").decode())):
                    raise StoreUnavailable("the signing keys are sealed under another keyring")
        return self._held

    def _keep(self, envelope: Fields) -> bool:
        """Know the keys of an envelope from now on; tell whether it could be opened."""
        if KEYS not in envelope:
            return False
        id_ = envelope[ID].decode()
        if id_ != self._id or not self._held:
            try:
                plain = self._keys.opening(lambda keyring: _opened(keyring, envelope[KEYS]))
            except UnknownVerification:
                return False
            self._held, self._id = _read(plain), id_
        self._until = time.monotonic() + KNOWN_SECONDS
        return True

    def _sealed(self, keys: Sequence[SigningKey]) -> Fields:
        plain = json.dumps(
            [[one.key.as_dict(private=True), one.algorithm, one.since, one.until] for one in keys]
        ).encode()
        return {ID: sha256(plain).hexdigest()[:16].encode(), KEYS: _seal(self._keys()).encrypt(plain)}


def made() -> list[SigningKey]:
    """Return new keys, one for each algorithm."""
    keys: list[tuple[RSAKey | ECKey, str]] = [
        (RSAKey.generate_key(RSA_BITS, auto_kid=True), RS256),
        (ECKey.generate_key("P-256", auto_kid=True), ES256),
    ]
    return [SigningKey(key, algorithm) for key, algorithm in keys]


def given_key(pem: str) -> SigningKey:
    """Return a key that an operator gave: RSA or P-256, in PEM."""
    is_rsa = isinstance(load_pem_private_key(pem.encode(), None), RSAPrivateKey)
    key: RSAKey | ECKey = RSAKey.import_key(pem) if is_rsa else ECKey.import_key(pem)
    key.ensure_kid()
    return SigningKey(key, RS256 if is_rsa else ES256)


def _read(plain: bytes) -> list[SigningKey]:
    return [
        SigningKey((RSAKey if algorithm == RS256 else ECKey).import_key(key), algorithm, since, until)
        for key, algorithm, since, until in json.loads(plain)
    ]


def _seal(keyring: Keyring) -> Fernet:
    """Return what seals signing keys: the key of one purpose that no rotation of the keyring changes."""
    return Fernet(urlsafe_b64encode(keyring.derive("signing keys")))


def _opened(keyring: Keyring, sealed: bytes) -> bytes:
    try:
        return _seal(keyring).decrypt(sealed)
    except InvalidToken as error:
        raise UnknownVerification from error
