"""Signed results: what an application can check offline that a number was confirmed (JWS, ES256).

Each generation of the keyring has a signing key of its own, drawn from it, so that all replicas have the same ones. The
newest one signs; all of them are published.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from .. import strict_json
from ..verification.envelope import Keys
from ..verification.errors import StoreUnavailable, UnknownVerification
from ..verification.keys import Generation, Keyring

ALGORITHM = "ES256"
TYPE = "verification+jwt"
LIFE_SECONDS = 60
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2, 2.4.2)


class NoResult(Exception):
    """That is no result of ours, or not any more. The text says why, for the log."""


class Signer:
    """Signs results, and reads them."""

    def __init__(self, keys: Keys) -> None:
        """Take what the keys are drawn from."""
        self._keys = keys

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a result."""
        key = signing_key(self._keys().current)
        return jwt.encode(_head(key.kid), dict(claims), key, algorithms=[ALGORITHM])

    def read(self, result: str, *, now: float) -> dict[str, Any]:
        """Return what a result says.

        Raises:
            NoResult: It is not ours, was changed, or is too old.
        """
        header = _header(result)
        if header != _head(header["kid"]):
            raise NoResult("another kind")  # also with more in it: what that could mean is not to be found out
        try:
            key = self._keys.opening(lambda keyring: _key_of(keyring, header["kid"]))
        except UnknownVerification as error:
            raise NoResult("unknown key") from error
        try:
            claims = jwt.decode(result, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise NoResult("changed") from error
        if now >= claims["exp"]:
            raise NoResult("late")
        return claims

    def published(self) -> dict[str, Any]:
        """Return the public keys as a JWK set: also one that another replica has just begun to sign with."""
        with suppress(StoreUnavailable):
            self._keys.read_again()
        keys = [signing_key(key) for key in self._keys().generations]
        return {"keys": [key.as_dict(private=False) | {"use": "sig", "alg": ALGORITHM} for key in keys]}


@lru_cache(maxsize=16)
def signing_key(key: Generation) -> ECKey:
    """Return the P-256 key of a generation, named by its thumbprint (RFC 7638)."""
    # 64 bytes, so that no scalar is likelier than another (FIPS 186-5, A.2.1).
    drawn = int.from_bytes(key.derive("result 1") + key.derive("result 2"))
    made = ECKey.import_key(ec.derive_private_key(drawn % (ORDER - 1) + 1, ec.SECP256R1()))
    made.ensure_kid()
    return made


def _key_of(keyring: Keyring, kid: str) -> ECKey:
    for key in map(signing_key, keyring.generations):
        if key.kid == kid:
            return key
    raise UnknownVerification


def _head(kid: str | None) -> dict[str, Any]:
    return {"alg": ALGORITHM, "kid": kid, "typ": TYPE}


def _header(result: str) -> dict[str, Any]:
    try:
        raw = result.partition(".")[0]
        header = strict_json.read(urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    except ValueError as error:
        raise NoResult("unreadable") from error
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str):
        raise NoResult("unreadable")
    return header
