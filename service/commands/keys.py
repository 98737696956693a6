"""`textproof keys`: makes, lists and revokes the keys of applications. In effect at once, on all replicas."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..config import Settings
from ..setting_types import Bad, brand, region, window
from ..store.redis import RedisStore
from ..verification.clients import Client, digest_of, is_name, is_redirect_uri, new_key

OIDC_FACTS = ("redirect_uris", "is_public", "brand", "cancel_uri", "algorithm")


class NotPossible(Exception):
    """What was asked for cannot be; the text says what would be right."""


class ClientKeys:
    """The keys of one installation."""

    def __init__(self, store: RedisStore, settings: Settings | None = None) -> None:
        """Take where they are kept, and the settings, which a brand has to fit."""
        self._clients = store.clients
        self._settings = settings or Settings()

    def add(self, name: str, *, now: float, regions: Sequence[str] = (), quota: Sequence[str] = (), **oidc: Any) -> str:  # noqa: ANN401
        """Make a key for an application and return it; it is nowhere to be seen again.

        A public application has none: its name is returned. What is not given of `oidc` is as for its newest key.

        Args:
            name: Of the application.
            now: Seconds since 1970.
            regions: Where it may send to; none: everywhere.
            quota: What it may send; none: what every client may.
            oidc: For OpenID Connect: `redirect_uris`, `is_public`, `brand`, `cancel_uri`, `algorithm`.

        Raises:
            NotPossible: The name, a region, an address, the brand or the quota is none.
        """
        if not is_name(name):
            raise NotPossible(f"{name} is no name: use 1 to 32 lower-case letters, digits, - and _")
        before = max(self._clients.named(name), key=lambda key: key.created, default=None)
        if before:
            oidc = {fact: getattr(before, fact) for fact in OIDC_FACTS} | {
                fact: one for fact, one in oidc.items() if one
            }
        self._look_at(Client(name, "", "", 0, **oidc))
        if before and before.is_public is not oidc["is_public"]:
            raise NotPossible(f"{name} has keys and would be public: revoke them first, or take another name")
        try:
            allowed = tuple(region(one) for one in regions)
            windows = tuple(window(one) for one in quota)
        except Bad as error:
            raise NotPossible(f"A region or quota {error}") from error
        created = max(int(now), before.created + 1 if before else 0)  # the newest key is that which came last
        while True:
            key, prefix = new_key()
            client = Client(name, prefix, digest_of(key), created, allowed, windows, **oidc)
            client = replace(client, digest="") if client.is_public else client
            if self._clients.add(client):
                return name if client.is_public else key

    def _look_at(self, client: Client) -> None:
        for address in filter(None, [*client.redirect_uris, client.cancel_uri]):
            if not is_redirect_uri(address):
                raise NotPossible(
                    f"{address} is no address to go back to: it must be https:// (http:// for localhost), "
                    "without a user, a fragment or white space"
                )
        if client.is_public and not client.redirect_uris:
            raise NotPossible("A public application needs --redirect-uri: it can do nothing else")
        if client.brand:
            try:
                brand(client.brand)
            except Bad as error:
                raise NotPossible(f"--brand {error}") from error
            if long := self._settings.too_long_with(client.brand):
                languages = ", ".join(long)
                raise NotPossible(f"--brand makes the message longer than one text message in {languages}: shorten it")

    def show(self) -> Iterator[str]:
        """Yield a line for each key."""
        clients = self._clients.all()
        if not clients:
            yield "There are no keys. `textproof keys add NAME` makes one."
        for client in clients:
            made = datetime.fromtimestamp(client.created, UTC).strftime("%Y-%m-%d")
            facts = [f"{window.limit}/{int(window.span.total_seconds())}" for window in client.quota]
            if client.redirect_uris:
                facts += ["public"] if client.is_public else []
                facts += [client.algorithm, *filter(None, [client.brand, client.cancel_uri]), *client.redirect_uris]
            yield "  ".join([f"tp_{client.prefix}", f"{client.name:32}", made, *client.regions, *facts])

    def revoke(self, what: str) -> int:
        """Revoke the key of a prefix, or all keys of a name, and return how many there were."""
        prefix = what.removeprefix("tp_").partition("_")[0]
        found = [client.prefix for client in self._clients.all() if what == client.name or prefix == client.prefix]
        for one in found:
            self._clients.revoke(one)
        return len(found)
