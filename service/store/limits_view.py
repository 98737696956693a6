"""The operator's view of the limits: read, close and open."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

from ..verification.ports import Forgiven, Spent
from .key_names import DAY_MS, Names
from .script import Scripts
from .verifications import opt

BATCH = 1000  # keys that one step of a scan looks at
HOUR_MS, SLOT_MS = 3_600_000, 120_000  # as the scripts have them
TIME, ADDRESS = 13, 6  # characters of an entry of a network: its time first, its address last


class LimitsViewStore:
    """Implements `LimitsView`."""

    def __init__(self, scripts: Scripts, names: Names) -> None:
        """Take what reaches the server."""
        self._scripts = scripts
        self._names = names

    def forgive(self, number: str, *, keyring: str) -> Forgiven:
        """See `LimitsView`."""
        checks, sources = cast("list[int]", opt(self._scripts, self._names, number, keyring=keyring, word="forgive"))
        return Forgiven(checks, sources)

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

    def closed(self) -> list[tuple[str, str, int | None, str]]:
        """See `LimitsView`."""
        rows: list[tuple[str, str, int | None, str]] = []
        for name in self._found(self._names.closed("*", "*")):
            label, left = self._ask("get", name), self._ask("pttl", name)
            if label is not None:
                _begin, _letter, kind, _subject, client = [*name.split(":", 4), ""][:5]
                rows.append((kind, label.decode(), left if left >= 0 else None, client))
        return sorted(rows, key=lambda row: (row[0], row[1], row[3]))

    def paused_until(self) -> int:
        """See `LimitsView`."""
        return int(self._ask("hget", self._names.pause, "u") or 0)

    def spent(self) -> Iterator[Spent]:
        """See `LimitsView`."""
        for name in self._found(self._names.limit("*", "*")):
            _begin, _letter, limit, subject = name.split(":", 3)
            yield Spent(limit, subject, self._times(name))
        for name in self._found(self._names.checks("*")):
            yield Spent("checks_of_number", name.split(":", 2)[2], self._times(name))
        for name in self._found(self._names.network("*")):
            network, addresses = name.split(":", 2)[2], defaultdict(list)
            for entry in self._ask("lrange", name, 0, -1):
                addresses[entry[-ADDRESS:].decode()].append(int(entry[:TIME]))
            yield Spent("network", network, [time for times in addresses.values() for time in times])
            for address, times in addresses.items():
                yield Spent("network", f"{network} {address}", times)
        for name in self._found(self._names.tally("range", "*")):
            entries = self._ask("hgetall", name)
            times = [int(value.split()[0]) for field, value in entries.items() if field.startswith(b"n")]
            subject, _, client = name.split(":", 3)[3].partition(":")
            yield Spent("starts_of_prefix", subject, times, entries.get(b"l", b"").decode(), client)

    def countries(self, now: int) -> Iterator[tuple[str, str, int, int]]:
        """See `LimitsView`."""
        for name in self._found(self._names.tally("country", "*")):
            country, _, client = name.split(":", 3)[3].partition(":")
            sums = dict.fromkeys(b"saf", 0)
            for field, value in self._ask("hgetall", name).items():
                kind, at = field[0], int(field[1:])
                if now - at * SLOT_MS < 2 * SLOT_MS if kind == ord("f") else now // HOUR_MS - at <= DAY_MS // HOUR_MS:
                    sums[kind] += int(value)
            begun, approved, fresh = sums.values()
            yield country, client, max(begun - fresh, approved), approved

    def sums(self, now: int) -> tuple[int, int, int]:
        """See `LimitsView`."""
        checks = dict.fromkeys(b"rw", 0)
        for field, value in self._ask("hgetall", self._names.guesses).items():
            if (now // SLOT_MS - int(field[1:])) * SLOT_MS < HOUR_MS:
                checks[field[0]] += int(value)
        return int(self._ask("get", self._names.money(now)) or 0), checks[ord("r")], checks[ord("w")]

    def _times(self, name: str) -> list[int]:
        return [int(time) for time in self._ask("lrange", name, 0, -1)]

    def _ask(self, command: str, *arguments: Any) -> Any:  # noqa: ANN401 - what it returns depends on the command
        return self._scripts.guarded(lambda: getattr(self._scripts.client, command)(*arguments))

    def _found(self, pattern: str) -> list[str]:
        client: Any = self._scripts.client
        return [
            name.decode() for name in self._scripts.guarded(lambda: list(client.scan_iter(match=pattern, count=BATCH)))
        ]
