"""The caller, as far as limits count: an address, its network, a client of the API."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from .policy import Window

PAGES = "pages"
UNKNOWN = "unknown"
ZONE, PORT = "(?:%[^]]*)?", "(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"
NODE = re.compile(rf"(?P<four>[0-9.]+){PORT}|\[(?P<six>[0-9A-Fa-f:.]+){ZONE}\]{PORT}|(?P<bare>[0-9A-Fa-f:.]+){ZONE}")
"""RFC 7239, section 6."""
GROUPS = 8  # of an IPv6 address (RFC 4291, 2.2)


@dataclass(frozen=True, slots=True)
class Caller:
    """One side of a conversation. Empty parts are not counted."""

    address: str = ""
    """An IPv4 address, or the /64 that an IPv6 address lies in: one subscriber has that many."""
    network: str = ""
    """The /48 of an IPv6 address, one site, or the /24 of an IPv4 address."""
    client: str = ""
    """The name of an API client: it opens its own verifications only."""
    quota: tuple[Window, ...] = ()
    """What that client may send, where it is not what all clients may."""
    vouches: bool = False
    """That client knows the number as one of its own people's: it may be texted more often, whatever its range does."""
    regions: Collection[str] = ()
    """Where that client may send to, of what is allowed at all; empty: everywhere."""
    brand: str = ""
    """What that client's messages say it is; empty: the service's own."""

    @classmethod
    def at(cls, address: str) -> "Caller":
        """Return the caller at an address; what is no address is nobody in particular, who is counted as one."""
        ip = read_address(address)
        if ip is None:
            return cls(address=UNKNOWN, network=UNKNOWN)
        if isinstance(ip, IPv4Address):
            return cls(address=str(ip), network=f"{IPv4Address(int(ip) >> 8 << 8)}/24")
        return cls(address=_net(ip, 64), network=_net(ip, 48))

    @property
    def pool(self) -> str:
        """Whose part of the shared limits it spends: an application's own, or that of the pages."""
        return self.client or PAGES


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address in any form that a proxy writes (RFC 7239, section 6), or None.

    In quotes or not, with a port or not, an IPv6 address in brackets or not and with a zone or not. Names that hide an
    address (`unknown`, `_gazonk`) are none: they may be others with each request.
    """
    node = NODE.fullmatch(text.strip(' \t"'))
    if node is None:
        return None
    written = node["six"] or node["bare"] or node["four"]
    if written.count(":") == GROUPS:
        written = written.rpartition(":")[0]  # all of an IPv6 address without brackets, and a port
    try:
        ip = ip_address(written)
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def _net(ip: IPv6Address, bits: int) -> str:
    """Return the network that the first bits of an address name."""
    return f"{IPv6Address(int(ip) >> 128 - bits << 128 - bits)}/{bits}"


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
