"""Who asks, as far as limits count: an address, its network, a client of the API."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from .policy import Window

PAGES = "pages"


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

    @classmethod
    def at(cls, address: str) -> "Caller":
        """Return the caller at an address; what is no address is nobody in particular, who is counted as one."""
        try:
            ip = ip_address(address.partition("%")[0])
        except ValueError:
            return cls(address="unknown", network="unknown")
        if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        if isinstance(ip, IPv4Address):
            return cls(address=str(ip), network=f"{IPv4Address(int(ip) >> 8 << 8)}/24")
        return cls(address=_net(ip, 64), network=_net(ip, 48))

    @property
    def pool(self) -> str:
        """Whose part of the shared limits it spends: an application's own, or that of the pages."""
        return self.client or PAGES


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
