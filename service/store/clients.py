"""Client keys, in one hash: by prefix, what each may do and the digest of the key."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any, cast

from ..verification.clients import Client
from ..verification.policy import Window
from .key_names import Names
from .script import Scripts
from .units import milliseconds

FIELDS = {field.name for field in fields(Client)}  # what a newer version knows as well is left alone
KNOWN_SECONDS = 1.0  # ours: a revoked key is refused everywhere within a second


class ClientStore:
    """Implements `Clients`. A process asks for the same client once a second at most."""

    def __init__(self, scripts: Scripts, names: Names, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take what reaches the server, and a clock that never goes back, in seconds."""
        self._scripts = scripts
        self._name = names.clients
        self._clock = clock
        self._known: dict[str, tuple[Client, float]] = {}
        self._all: tuple[list[Client], float] = [], 0.0

    def find(self, prefix: str) -> Client | None:
        """See `Clients`."""
        client, until = self._known.get(prefix, (None, 0.0))
        now = self._clock()
        if now < until:
            return client
        found = self._scripts.guarded(lambda: cast("bytes | None", self._scripts.client.hget(self._name, prefix)))
        if found is None:
            self._known.pop(prefix, None)
            return None
        client = _read(prefix, found)
        self._known[prefix] = client, now + KNOWN_SECONDS
        return client

    def named(self, name: str) -> list[Client]:
        """See `Clients`. A name that is not among those of a second ago is asked for again."""
        clients, until = self._all
        now = self._clock()
        found = [client for client in clients if client.name == name] if now < until else []
        if not found:
            clients = self.all()
            self._all = clients, now + KNOWN_SECONDS
            found = [client for client in clients if client.name == name]
        return found

    def add(self, client: Client) -> bool:
        """See `Clients`."""
        self._all = [], 0.0
        line = _written(client)
        if self._scripts.guarded(lambda: self._scripts.client.hsetnx(self._name, client.prefix, line)):
            return True
        # The first try may have been carried out, and its answer lost.
        return self.find(client.prefix) == client

    def all(self) -> list[Client]:
        """See `Clients`."""
        found = self._scripts.guarded(lambda: cast("dict[bytes, bytes]", self._scripts.client.hgetall(self._name)))
        every = [_read(prefix.decode(), line) for prefix, line in found.items()]
        return sorted(every, key=lambda client: (client.name, client.created, client.prefix))

    def revoke(self, prefix: str) -> None:
        """See `Clients`."""
        self._known.pop(prefix, None)
        self._all = [], 0.0
        self._scripts.guarded(lambda: self._scripts.client.hdel(self._name, prefix))


def _written(client: Client) -> str:
    facts: dict[str, Any] = asdict(client)
    facts.pop("prefix")
    facts["quota"] = [(window.limit, milliseconds(window.span)) for window in client.quota]
    return json.dumps({name: fact for name, fact in facts.items() if fact})


def _read(prefix: str, line: bytes) -> Client:
    facts: dict[str, Any] = {"digest": ""} | json.loads(line)
    for name in ("regions", "redirect_uris"):
        facts[name] = tuple(facts.get(name, ()))
    facts["quota"] = tuple(Window(limit, timedelta(milliseconds=span)) for limit, span in facts.get("quota", ()))
    return Client(prefix=prefix, **{name: fact for name, fact in facts.items() if name in FIELDS})
