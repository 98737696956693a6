"""Applications that call the API: who they are, what they may do, and the key that proves it.

A key is 256 random bits and is shown once. What is kept of it is its digest, which needs no slow hash: nobody
tries 2^256 keys.
"""

import hmac
import re
import secrets
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import urlsplit

from .caller import Caller
from .policy import Window

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?")
KEY = re.compile(r"tp_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
PREFIX_BYTES, SECRET_BYTES = 4, 32
URL_MAX = 512  # characters; ours: a request line of most servers takes that and the result
HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")  # fits a content policy as it is
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


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
    return_urls: tuple[str, ...] = ()
    """Where hosted sessions may send people back to, to the letter."""
    quota: tuple[Window, ...] = ()
    """What it may send; empty: what every client may."""

    @property
    def caller(self) -> Caller:
        """The application as far as limits count. Its own address is not that of the person, and does not count."""
        return Caller(client=self.name, quota=self.quota, regions=self.regions)

    def caller_for(self, address: str, source: str) -> Caller:
        """Return the application as it asks for one person, whom it names by an address or by a name of its own."""
        if address:
            person = Caller.at(address)
            return replace(self.caller, address=person.address, network=person.network)
        name = f"{self.name} {source}" if source else ""
        return replace(self.caller, address=name, network=name)


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


def is_return_url(text: str) -> bool:
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
