"""What an operator sees of the limits, and changes."""

from typing import Any

from .names import Names
from .script import Scripts
from .verifications import opt

BATCH = 1000  # keys that one step of a scan looks at


class LimitsViewStore:
    """Implements `LimitsView`."""

    def __init__(self, scripts: Scripts, names: Names) -> None:
        """Take what reaches the server."""
        self._scripts = scripts
        self._names = names

    def forgive(self, number: str, *, keyring: str) -> None:
        """See `LimitsView`."""
        opt(self._scripts, self._names, number, keyring=keyring, word="forgive")

    def close(self, kind: str, subject: str, *, label: str) -> None:
        """See `LimitsView`."""
        self._scripts.guarded(lambda: self._scripts.client.set(self._names.closed(kind, subject), label))

    def open(self, kind: str, subject: str) -> bool:
        """See `LimitsView`."""
        own = [self._names.closed(kind, subject), self._names.tally(kind, subject)]
        closed, tallies = ([name, *self._found(f"{name}:*")] for name in own)  # of the pages, and of applications
        was_closed = self._scripts.guarded(lambda: self._scripts.client.exists(*closed))
        self._scripts.guarded(lambda: self._scripts.client.delete(*closed, *tallies))
        return bool(was_closed)

    def closed(self) -> list[tuple[str, str, int | None]]:
        """See `LimitsView`."""
        client: Any = self._scripts.client
        rows: list[tuple[str, str, int | None]] = []
        for name in self._found(self._names.closed("*", "*")):
            label, left = self._scripts.guarded(lambda name=name: (client.get(name), client.pttl(name)))  # type: ignore[misc]
            if label is not None:
                rows.append((name.split(":")[2], label.decode(), left if left >= 0 else None))
        return sorted(rows, key=lambda row: row[:2])

    def fullest(self, count: int) -> list[tuple[str, str, int]]:
        """See `LimitsView`."""
        client: Any = self._scripts.client
        rows = []
        for name in self._found(self._names.limit("*", "*")):
            _begin, _letter, limit, subject = name.split(":", 3)
            rows.append((limit, subject, self._scripts.guarded(lambda name=name: client.llen(name))))  # type: ignore[misc]
        return sorted(rows, key=lambda row: -row[2])[:count]

    def _found(self, pattern: str) -> list[str]:
        client: Any = self._scripts.client
        return [
            name.decode() for name in self._scripts.guarded(lambda: list(client.scan_iter(match=pattern, count=BATCH)))
        ]
