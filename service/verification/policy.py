"""How often a number may be texted and a token may be tried.

Pure numbers with their sources; knows nothing of clocks, Redis or HTTP.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from .token import TokenFormat


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` in any stretch of `span`; the stretch slides."""

    limit: int
    span: timedelta


SENDS_OF_NUMBER = (
    Window(5, timedelta(minutes=10)),  # Twilio Verify 60203
    Window(10, timedelta(days=1)),  # authgear; Signal's bucket gives 5 and one more per 288 minutes
)
CHECKS_OF_NUMBER = (
    Window(15, timedelta(days=1)),  # ours: a chance of 1 in 1,118,481 a day with six hex characters
    # SP 800-63B-4, 3.2.2: at most 100 in a row. A success forgets them; a year is our "for good",
    # because every key has a life.
    Window(100, timedelta(days=365)),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that the rules need to know of the settings."""

    home_region: str
    allowed_regions: Collection[str]
    token_format: TokenFormat
    token_life: timedelta
    max_checks: int
    max_sends: int
    resend_waits: tuple[timedelta, ...]
    """Before the second send, the third, ...; the last one repeats."""
    brand: str
    host: str | None
    sends_of_number: tuple[Window, ...] = SENDS_OF_NUMBER
    checks_of_number: tuple[Window, ...] = CHECKS_OF_NUMBER
