"""The limits that many numbers share: the one table of them, and the charges of a message.

A message spends every limit that applies to it, or none; the script that decides says which one refused.
"""

from dataclasses import dataclass, replace

from .caller import Caller
from .errors import Limit
from .keys import Handle, Keyring
from .policy import Budget, Policy, Window

EVERYBODY = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """One limit, for people."""

    limit: Limit
    subject: str
    """What it counts."""
    setting: str
    observe: str
    """Its name in OBSERVE."""
    protects: str


TABLE = (
    Row(Limit.STARTS_OF_ADDRESS, "client address", "STARTS_PER_ADDRESS", "address", "money, from one caller"),
    Row(Limit.STARTS_OF_NETWORK, "IPv6 /48", "STARTS_PER_NETWORK", "network", "money, from one site"),
    Row(Limit.STARTS_OF_PREFIX, "number range", "STARTS_PER_PREFIX", "prefix", "money, from pumping one range"),
    Row(Limit.SENDS_OF_COUNTRY, "country", "SENDS_PER_COUNTRY", "country", "money, in one country"),
    Row(Limit.SENDS_OF_CLIENT, "client", "SENDS_PER_CLIENT", "client", "money, from one application"),
    Row(Limit.SENDS_IN_ALL, "everything", "SENDS_IN_ALL", "everything", "money, from anywhere"),
    Row(Limit.SPENT_TODAY, "everything", "SPEND_PER_DAY", "spend", "money, a day"),
    Row(Limit.CLOSED, "number range", "CONVERSION_CLOSE_PERCENT", "conversion", "money, where nobody finishes"),
    Row(Limit.WRONG_CHECKS_IN_ALL, "everything", "WRONG_CHECKS_IN_ALL", "guesses", "accounts, from one guess at many"),
)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a message spends of one limit."""

    limit: Limit
    subject: str
    """The name of the subject in the store: a digest, or a country, or a client."""
    windows: tuple[Window, ...]
    enforced: bool
    counts_starts: bool
    """Only the first message of a verification is counted, and an approval gives it back."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whom a verification counts for, by their names in the store. No number and no address can be read from them."""

    range: str
    line: int
    """The number within its range, moved: see `Keyring.range_digest`."""
    country: str
    """ISO 3166."""
    address: str
    """Of the caller who started it; "" where nobody is counted."""
    network: str

    @property
    def source_in_range(self) -> str:
        """The subject of evidence: one address in one range; "" where nobody is counted."""
        return self.address and f"{self.address}:{self.range}"


@dataclass(frozen=True, slots=True)
class Send:
    """One message, as far as the shared limits go."""

    subjects: Subjects
    range_label: str
    """The range for people, sealed."""
    is_home: bool
    price: float
    charges: tuple[Charge, ...]


def subjects_of(handle: Handle, keyring: Keyring) -> Subjects:
    """Return whom a verification counts for."""
    range_, line = keyring.range_digest(handle.number)
    return Subjects(range_, line, handle.number.region, handle.address, handle.network)


def send_of(handle: Handle, caller: Caller, *, policy: Policy, keyring: Keyring) -> Send:
    """Return the message of a verification that `caller` asks for."""
    shared, subjects = policy.shared, subjects_of(handle, keyring)
    charges = (
        _charge(Limit.SENDS_OF_COUNTRY, subjects.country, shared.country),
        _charge(Limit.SENDS_OF_CLIENT, caller.client, _quota(caller, shared.client)),
        _charge(Limit.SENDS_IN_ALL, EVERYBODY, shared.everything),
        _charge(Limit.STARTS_OF_ADDRESS, subjects.address, shared.address, counts_starts=True),
        _charge(Limit.STARTS_OF_NETWORK, subjects.network, shared.network, counts_starts=True),
        _charge(Limit.STARTS_OF_PREFIX, subjects.range, shared.range, counts_starts=True),
    )
    return Send(
        subjects,
        range_label=keyring.sealed_label(handle.number.range),
        is_home=subjects.country == policy.home_region,
        price=shared.price(subjects.country),
        charges=tuple(charge for charge in charges if charge.subject and charge.windows),
    )


def _quota(caller: Caller, usual: Budget) -> Budget:
    return replace(usual, windows=caller.quota) if caller.quota else usual


def _charge(limit: Limit, subject: str, budget: Budget, *, counts_starts: bool = False) -> Charge:
    return Charge(limit, subject, budget.windows, budget.enforced, counts_starts)
