"""The keys of applications, in one hash: by prefix, what each may do and the digest of the key."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any, cast

from ..verification.clients import Client
from ..verification.policy import Window
from .script import Scripts
from .units import milliseconds

CLIENTS = "textproof:clients"  # without an end, as the operator says when one ends


class Clients:
    """The part of the store that knows the applications. Asked for each request: a revoked key is dead at once."""

    _scripts: Scripts

    def client(self, prefix: str) -> Client | None:
        """See `Store`."""
        found = self._scripts.guarded(lambda: cast("bytes | None", self._scripts.client.hget(CLIENTS, prefix)))
        return _read(prefix, found) if found is not None else None

    def add_client(self, client: Client) -> bool:
        """See `Store`."""
        line = _written(client)
        if self._scripts.guarded(lambda: self._scripts.client.hsetnx(CLIENTS, client.prefix, line)):
            return True
        # The first try may have been carried out, and its answer lost.
        return self.client(client.prefix) == client

    def clients(self) -> list[Client]:
        """See `Store`."""
        found = self._scripts.guarded(lambda: cast("dict[bytes, bytes]", self._scripts.client.hgetall(CLIENTS)))
        every = [_read(prefix.decode(), line) for prefix, line in found.items()]
        return sorted(every, key=lambda client: (client.name, client.created, client.prefix))

    def revoke_client(self, prefix: str) -> None:
        """See `Store`."""
        self._scripts.guarded(lambda: self._scripts.client.hdel(CLIENTS, prefix))


def _written(client: Client) -> str:
    facts: dict[str, Any] = asdict(client)
    facts.pop("prefix")
    facts["quota"] = [(window.limit, milliseconds(window.span)) for window in client.quota]
    return json.dumps({name: fact for name, fact in facts.items() if fact})


def _read(prefix: str, line: bytes) -> Client:
    facts: dict[str, Any] = json.loads(line)
    return Client(
        name=facts["name"],
        prefix=prefix,
        digest=facts["digest"],
        created=facts["created"],
        regions=tuple(facts.get("regions", ())),
        return_urls=tuple(facts.get("return_urls", ())),
        quota=tuple(Window(limit, timedelta(milliseconds=span)) for limit, span in facts.get("quota", ())),
    )
