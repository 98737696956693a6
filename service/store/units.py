"""Durations and windows as the scripts take them."""

from collections.abc import Iterable
from datetime import timedelta

from ..verification.policy import Window


def milliseconds(duration: timedelta) -> int:
    """Return whole milliseconds."""
    return round(duration.total_seconds() * 1000)


def windows(several: Iterable[Window]) -> list[tuple[int, int]]:
    """Return the limit and the milliseconds of each."""
    return [(window.limit, milliseconds(window.span)) for window in several]
