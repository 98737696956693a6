"""The keys of applications: `textproof keys`. In effect at once, on all replicas."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from .store.redis import RedisStore
from .values import Bad, region, window
from .verification.clients import Client, digest_of, is_name, is_return_url, new_key


class NotPossible(Exception):
    """What was asked for cannot be; the text says what would be right."""


class ClientKeys:
    """The keys of one installation."""

    def __init__(self, store: RedisStore) -> None:
        """Take where they are kept."""
        self._clients = store.clients

    def add(
        self, name: str, *, regions: Sequence[str], return_urls: Sequence[str], quota: Sequence[str], now: float
    ) -> str:
        """Make a key for an application and return it; it is nowhere to be seen again.

        Raises:
            NotPossible: The name, a region, an address or the quota is none.
        """
        if not is_name(name):
            raise NotPossible(f"{name} is no name: use 1 to 32 lower-case letters, digits, - and _")
        for address in return_urls:
            if not is_return_url(address):
                raise NotPossible(
                    f"{address} is no address to go back to: it must be https:// (http:// for localhost), "
                    "without a user, a fragment or white space"
                )
        try:
            allowed = tuple(region(one) for one in regions)
            windows = tuple(window(one) for one in quota)
        except Bad as error:
            raise NotPossible(f"A region or quota {error}") from error
        while True:
            key, prefix = new_key()
            client = Client(name, prefix, digest_of(key), int(now), allowed, tuple(return_urls), windows)
            if self._clients.add(client):
                return key

    def show(self) -> Iterator[str]:
        """Yield a line for each key."""
        clients = self._clients.all()
        if not clients:
            yield "There are no keys. `textproof keys add NAME` makes one."
        for client in clients:
            made = datetime.fromtimestamp(client.created, UTC).strftime("%Y-%m-%d")
            facts = [f"{window.limit}/{int(window.span.total_seconds())}" for window in client.quota]
            yield "  ".join(
                [f"tp_{client.prefix}", f"{client.name:32}", made, *client.regions, *facts, *client.return_urls]
            )

    def revoke(self, what: str) -> int:
        """Revoke the key of a prefix, or all keys of a name, and return how many there were."""
        prefix = what.removeprefix("tp_").partition("_")[0]
        found = [client.prefix for client in self._clients.all() if what == client.name or prefix == client.prefix]
        for one in found:
            self._clients.revoke(one)
        return len(found)
