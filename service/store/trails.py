"""Reads the trail of a number and the figures of a day."""

from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from .key_names import Names
from .script import Scripts

NOTHING = "-"
TIME = 10  # characters of an event: when, in seconds since 1970


class What(StrEnum):
    """What happened; `include/trail.lua` says what each takes."""

    BEGUN = "b"
    SHARED = "h"
    TEST = "t"
    RESENT = "r"
    NOT_SENT = "f"
    NEWS = "d"
    WRONG = "w"
    APPROVED = "a"
    CANCELED = "c"
    STOP = "o"
    START = "i"
    FORGIVEN = "g"
    REFUSED = "x"


PARTS = {
    What.BEGUN: 3,
    What.SHARED: 3,
    What.TEST: 3,
    What.RESENT: 2,
    What.NOT_SENT: 4,
    What.NEWS: 4,
    What.WRONG: 2,
    What.APPROVED: 2,
    What.CANCELED: 1,
    What.REFUSED: 7,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a number."""

    at: int
    """Seconds since 1970."""
    what: What
    parts: tuple[str, ...] = ()
    """In the order of `include/trail.lua`; "" stands for nothing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What refuses a number now. Times are ms from now; None is until somebody opens it."""

    opted_out: bool
    checks_in_a_row: int
    """Wrong ones, of all verifications and sources."""
    closed: dict[tuple[str, str], int | None]
    """Kinds and names of subjects that are closed."""
    paused_until: int
    """Ms since 1970; 0 when sending is not paused."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a day."""

    name: str
    country: str
    channel: str
    client: str
    """The application; "" for the pages."""
    value: int


class TrailStore:
    """Reads what the scripts have told; each method is a few plain commands."""

    def __init__(self, scripts: Scripts, names: Names) -> None:
        """Take what reaches the server."""
        self._scripts = scripts
        self._names = names

    def events(self, number: str) -> list[Event]:
        """Return what happened to the number of this digest, oldest first.

        Raises:
            StoreUnavailable: The store did not answer.
        """
        name = self._names.trail(number)
        lines = self._scripts.guarded(lambda: cast("bytes | None", self._scripts.client.get(name)))
        return [_event(line) for line in (lines or b"").decode().split("\n") if line]

    def standing(self, number: str, subjects: list[tuple[str, str]]) -> Standing:
        """Return what refuses a number; `subjects` are kinds and names of what may be closed.

        Raises:
            StoreUnavailable: The store did not answer.
        """
        client, names = self._scripts.client, self._names

        def read() -> Standing:
            lefts = {subject: client.pttl(names.closed(*subject)) for subject in subjects}
            return Standing(
                opted_out=bool(client.exists(names.opted_out(number))),
                checks_in_a_row=client.llen(names.checks(number)),
                closed={one: left if left >= 0 else None for one, left in lefts.items() if left != NO_KEY},
                paused_until=int(client.hget(names.pause, "u") or 0),
            )

        return self._scripts.guarded(read)

    def figures(self, now: int) -> list[Figure]:
        """Return the figures of the day that a moment lies in, in ms since 1970; days end at midnight UTC.

        Raises:
            StoreUnavailable: The store did not answer.
        """
        name = self._names.figures(now)
        found = self._scripts.guarded(lambda: cast("dict[bytes, bytes]", self._scripts.client.hgetall(name)))
        return [_figure(field.decode(), int(value)) for field, value in found.items() if not field.startswith(TALLY)]


NO_KEY = -2  # PTTL of Redis
TALLY = b"-"  # begins what is counted for a limit, and is no figure


def _event(entry: str) -> Event:
    what = What(entry[TIME])
    parts = entry[TIME + 1 :].split(" ", PARTS[what] - 1) if what in PARTS else []
    return Event(int(entry[:TIME]), what, tuple("" if part == NOTHING else part for part in parts))


def _figure(field: str, value: int) -> Figure:
    name, country, channel, client = field.split(" ", 3)
    return Figure(name, country, channel, client, value)
