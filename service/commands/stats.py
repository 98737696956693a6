"""`textproof stats`: the figures of a day, which ends at midnight UTC. A figure is of the day on which it happened."""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from ..store.redis import RedisStore
from ..store.verifications import MILLIONTHS

ALL = "all"
PAGES = "pages"
REFUSED = "refused:"
KEPT_DAYS = 400  # as include/events.lua has it


@dataclass
class Row:
    """What came of one day's requests from one application (or the pages) for one country. Counts, but for `spent`."""

    day: str
    country: str
    channel: str
    client: str
    starts: int = 0
    """Verifications that began, shared ones too. A refused one is in `refused`."""
    shared: int = 0
    """Of these, such that needed no message of their own."""
    refused: dict[str, int] = field(default_factory=dict)
    """Starts, resends and checks, by the limit that refused them."""
    sends: int = 0
    """Messages, but for those that the carrier refused."""
    delivered: int = 0
    """As far as the carrier told within a code's life."""
    approved: int = 0
    conversion: float | None = None
    """Approved of starts, 0 to 1; None when nothing began."""
    seconds: int | None = None
    """The median from a start to its approval; exact below 20, rounded down to 5 below 120, and to 30 above."""
    spent: float = 0.0
    """By MESSAGE_PRICES, and by what the carrier told since, in its currency."""


def read(store: RedisStore, day: date) -> list[Row]:
    """Return a day's rows, those with most starts first, and their sum in front; nothing when nothing happened.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    counted: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    midnight = datetime.combine(day, time.min, UTC)
    for figure in store.trails.figures(int(midnight.timestamp() * 1000)):
        for subject in ((figure.country, figure.channel, figure.client or PAGES), (ALL, ALL, ALL)):
            counted[subject][figure.name] += figure.value
    rows = [_row(str(day), *subject, counts) for subject, counts in counted.items()]
    return sorted(rows, key=lambda row: (row.country != ALL, -row.starts, row.country, row.client))


def _row(day: str, country: str, channel: str, client: str, counts: Counter[str]) -> Row:
    starts = counts["starts"] + counts["shared"]
    times = sorted((int(name[1:]), many) for name, many in counts.items() if name[0] == "t" and name[1:].isdigit())
    return Row(
        *(day, country, channel, client),
        starts=starts,
        shared=counts["shared"],
        refused={name.removeprefix(REFUSED): many for name, many in sorted(counts.items()) if name.startswith(REFUSED)},
        sends=counts["sends"] - counts["unsent"],
        delivered=counts["delivered"],
        approved=counts["approved"],
        conversion=counts["approved"] / starts if starts else None,
        seconds=_median(times),
        spent=counts["spent"] / MILLIONTHS,
    )


def _median(times: Sequence[tuple[int, int]]) -> int | None:
    """Return the middle one of times in order, each with how often it was; of two in the middle the first."""
    middle = (sum(many for _, many in times) + 1) // 2
    for seconds, many in times:
        middle -= many
        if middle <= 0:
            return seconds
    return None


def days(day: str, many: int, today: date) -> list[date]:
    """Return the days that were asked for, the latest first.

    Args:
        day: ISO 8601, `today` or `yesterday`.
        many: How many days, up to that one.
        today: In UTC.

    Raises:
        ValueError: It is no day.
    """
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    last = named.get(day) or date.fromisoformat(day)
    return [last - timedelta(days=back) for back in range(many)]


def as_json(rows: Sequence[Row]) -> Iterator[str]:
    """Yield rows as one JSON list."""
    yield json.dumps([asdict(row) for row in rows], indent=1)


def as_csv(rows: Sequence[Row]) -> Iterator[str]:
    """Yield rows as lines of CSV, with the names of columns first. `refused` is the sum of all limits."""
    names = [*Row.__dataclass_fields__]
    for cells in (names, *([getattr(row, name) for name in names] for row in rows)):
        line = io.StringIO()
        shown = [sum(cell.values()) if isinstance(cell, dict) else "" if cell is None else cell for cell in cells]
        csv.writer(line, lineterminator="").writerow(shown)
        yield line.getvalue()


def as_table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield rows for people, and below each what refused, most often first."""
    form = "{:10} {:7} {:7} {:16} {:>7} {:>7} {:>7} {:>9} {:>8} {:>5} {:>7} {:>10}"
    yield form.format(
        *("day", "country", "channel", "client", "starts", "refused", "sends", "delivered", "approved", "%", "seconds"),
        "spent",
    )
    for row in rows:
        percent = "-" if row.conversion is None else f"{100 * row.conversion:.0f}"
        yield form.format(
            *(row.day, row.country, row.channel, row.client, row.starts, sum(row.refused.values()), row.sends),
            *(row.delivered, row.approved, percent, "-" if row.seconds is None else row.seconds, f"{row.spent:.4f}"),
        )
        if row.refused and row.country == ALL:
            often = sorted(row.refused.items(), key=lambda one: -one[1])
            yield f"{'':10} refused by {', '.join(f'{name} {many}' for name, many in often)}"
