"""The policy: how often a number may be texted and a token may be tried.

Pure numbers with their sources; knows nothing of clocks, Redis or HTTP.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from .token import TokenFormat


class Window(NamedTuple):
    """At most `limit` in any stretch of `span`; the stretch slides."""

    limit: int
    span: timedelta


DAY, HOUR = timedelta(days=1), timedelta(hours=1)

SENDS_OF_NUMBER = (  # that one source asked for
    Window(5, timedelta(minutes=10)),  # Twilio Verify 60203
    Window(10, DAY),  # authgear; Signal's bucket gives 5 and one more per 288 minutes
)
SENDS_AN_HOUR = 5  # to one number, whoever asked; Telnyx's advice
CHECKS_OF_NUMBER = (Window(15, DAY),)  # from one source; ours: 1 in 1,118,481 a day with six hex characters
# SP 800-63B-4, 3.2.2: at most 100 in a row, from all sources. A success forgets them; a year is our "for good",
# because every key has a life.
CHECKS_IN_A_ROW = (Window(100, timedelta(days=365)),)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one kind of subject may do, and whether it is refused beyond that or only counted."""

    windows: tuple[Window, ...]
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """The limits that many numbers share: what protects the operator's money."""

    address: Budget = Budget((Window(10, HOUR),))  # Telnyx's advice
    network: Budget = Budget((Window(40, HOUR),))  # an IPv6 /48; ours: four homes
    range: Budget = Budget((Window(10, HOUR),))  # Twilio Fraud Guard and Telnyx block ranges
    country: Budget = Budget(())
    client: Budget = Budget(())
    everything: Budget = Budget((Window(500, HOUR), Window(3000, DAY)))  # ours: set it to three times your peak
    spend: float = 0
    """Money a day; 0 is no limit."""
    spend_enforced: bool = True
    prices: Mapping[str, float] = field(default_factory=dict)
    """Money a message, by region; `*` for all others."""
    conversion_enforced: bool = True
    conversion_sends: int = 20  # Telnyx: at least so many before a rate means anything
    unfinished: int = 5  # ours: of so many people, all give up once in 400 ranges when 70 % finish
    conversion_close: int = 20  # per cent; Telnyx: below is an attack
    conversion_warn: int = 60  # per cent; Telnyx: 60 to 80 is healthy
    closed_for: timedelta = timedelta(hours=12)  # Twilio Fraud Guard
    sequence: int = 5  # Telnyx: so many numbers in sequence ...
    sequence_span: timedelta = timedelta(minutes=10)  # ... in so long
    guesses: int = 1_677  # wrong checks an hour, when most are wrong; ours: one token in 10,000 hours, of six hex
    guesses_enforced: bool = True

    def price(self, region: str) -> float:
        """Return what a message to a region is taken to cost until the carrier says."""
        return self.prices.get(region, self.prices.get("*", 0))


@dataclass(frozen=True, slots=True)
class TestNumber:
    """A number that is never texted: its token is fixed, and it is refused after its last day."""

    token: str
    until: date
    """The last day, in UTC."""

    @property
    def ends(self) -> float:
        """When it is refused from, in seconds since 1970."""
        return datetime.combine(self.until, time.max, UTC).timestamp()


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
    sends_an_hour: int = SENDS_AN_HOUR
    """To one number, whoever asks; 0 is without a limit."""
    checks_of_number: tuple[Window, ...] = CHECKS_OF_NUMBER
    checks_in_a_row: tuple[Window, ...] = CHECKS_IN_A_ROW
    shared: SharedLimits = SharedLimits()
    test_numbers: Mapping[str, TestNumber] = field(default_factory=dict)
    """By E.164."""
    trail: timedelta = 3 * DAY  # ours: who misses a text asks within a weekend
    """How long a number's trail is kept; 0: there is none."""
