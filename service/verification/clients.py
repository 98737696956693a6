"""Clients: applications with a key, and what each may do.

A key is 256 random bits and is shown once. What is kept of it is its digest, which needs no slow hash: nobody
tries 2^256 keys.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import urlsplit

from .caller import Caller
from .policy import Window

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?")
KEY = re.compile(r"tp_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
PREFIX_BYTES, SECRET_BYTES = 4, 32
URL_MAX = 512  # characters; ours: a request line of most servers takes that and the answer
RS256, ES256 = ALGORITHMS = ("RS256", "ES256")
HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")  # fits a content policy as it is
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(?=[/?]|$)")


@dataclass(frozen=True, slots=True)
class Client:
    """One key of one application. An application may have several, so that they can be changed without a gap."""

    name: str
    prefix: str
    """The part of the key that is no secret, and names it."""
    digest: str
    """SHA-256 of the whole key, in hex."""
    created: int
    """Seconds since 1970."""
    regions: tuple[str, ...] = ()
    """Where it may send to, of what is allowed at all; empty: everywhere."""
    quota: tuple[Window, ...] = ()
    """What it may send; empty: what every client may."""
    redirect_uris: tuple[str, ...] = ()
    """Where people may be sent back to, to the letter; empty: it does not send any here."""
    is_public: bool = False
    """It cannot keep a secret: it has no key, and proves with PKCE that it is who asked."""
    brand: str = ""
    """What people know it by, on the pages and in messages; empty: as the service."""
    cancel_uri: str = ""
    """Where people go back to who do not want to; empty: to where they would, with `access_denied`."""
    algorithm: str = RS256
    """What its ID tokens are signed with."""

    @property
    def caller(self) -> Caller:
        """The application as far as limits count. Its own address is not that of the person, and does not count."""
        return Caller(client=self.name, quota=self.quota, regions=self.regions, brand=self.brand)

    def caller_for(self, address: str, source: str) -> Caller:
        """Return the application as it asks for one person, whom it names by an address or by a name of its own."""
        if address:
            person = Caller.at(address)
            return replace(self.caller, address=person.address, network=person.network)
        name = f"{self.name} {source}" if source else ""
        return replace(self.caller, address=name, network=name)

    def may_return_to(self, address: str) -> bool:
        """Tell whether people may be sent back to an address.

        It is one that was registered, to the letter; only a public client on the person's own machine may listen on any
        port, because it takes the one that is free (RFC 8252, 7.3).
        """
        if address in self.redirect_uris:
            return True
        if not self.is_public or not is_redirect_uri(address) or not LOOPBACK.match(address):
            return False
        return any(_without_port(address) == _without_port(one) for one in self.redirect_uris if LOOPBACK.match(one))


NOBODY = Client(name="", prefix="", digest="0" * 64, created=0)


def new_key() -> tuple[str, str]:
    """Return a key and its prefix."""
    prefix = secrets.token_hex(PREFIX_BYTES)
    return f"tp_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}", prefix


def digest_of(key: str) -> str:
    """Return what is kept of a key."""
    return sha256(key.encode()).hexdigest()


def prefix_of(key: str) -> str | None:
    """Return the prefix of a key, or None when it cannot be one of ours."""
    match = KEY.fullmatch(key)
    return match and match[1]


def proven(client: Client | None, key: str) -> bool:
    """Tell whether `key` is that of `client`. Takes as long when there is none of that prefix."""
    return hmac.compare_digest((client or NOBODY).digest, digest_of(key))


def is_name(text: str) -> bool:
    """Tell whether an application can be called that."""
    return NAME.fullmatch(text) is not None


def as_one(keys: Sequence[Client]) -> Client | None:
    """Return an application with all of its keys, or None when it has none: its newest key says what it may do.

    People may be sent back to what any of them says, so that an address can be changed without a gap.
    """
    if not keys:
        return None
    uris = dict.fromkeys(uri for key in keys for uri in key.redirect_uris)
    return replace(max(keys, key=lambda key: key.created), redirect_uris=tuple(uris))


def _without_port(address: str) -> str:
    return LOOPBACK.sub(r"\1", address)


def is_redirect_uri(text: str) -> bool:
    """Tell whether people may be sent back to an address: https, or http on the developer's own machine."""
    if len(text) > URL_MAX or not text.isascii() or not text.isprintable() or set(text) & set(' "<>\\^`{|}'):
        return False
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "#" in text or not HOST.fullmatch(parts.netloc):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOCAL)
