"""Limits that many numbers share: the one table of them, and the charges of a message.

A message spends every limit that applies to it, or none; the script that decides says which one refused.
"""

from dataclasses import dataclass

from .caller import Caller
from .errors import Limit
from .keyring import Handle, Keyring
from .policy import DAY, Policy, Window

EVERYBODY = "all"
# Ours. With SENDS_IN_ALL as shipped (500 an hour), keeping others from their first message takes 315 networks: 2 fill
# 15 % with 40 messages each, 38 go on to 30 % with two each, and 275 to 85 % with one each.
PARTS_OF_PAGES = (0.85, 0.30, 0.15)
PARTED_MIN = 100  # messages that a day's money buys; ours: less is for a trial, and has no parts
PARTS_OF_CLIENT = (0.30, 0.10, 0.05)  # ours: the same shape within an application's own part


@dataclass(frozen=True, slots=True)
class Row:
    """One limit, for people: the table in docs/limits.md is made of these."""

    limit: Limit
    setting: str
    observe: str
    """Its name in OBSERVE; "" where it is always enforced."""
    protects: str
    spent_by: str
    refuses: str
    way_out: str


TABLE = (
    Row(
        Limit.STARTS_OF_ADDRESS,
        "STARTS_PER_ADDRESS",
        "address",
        "money",
        "messages to one client address (an IPv6 /64) that no approval followed",
        "that address",
        "finish, or wait",
    ),
    Row(
        Limit.STARTS_OF_NETWORK,
        "STARTS_PER_NETWORK",
        "network",
        "money",
        "the same of one network: an IPv4 /24, an IPv6 /48",
        "that network",
        "finish, or wait",
    ),
    Row(
        Limit.STARTS_OF_PREFIX,
        "STARTS_PER_PREFIX",
        "prefix",
        "money, from pumping one range",
        "networks with an unfinished message to a number range; 10 an hour of one network, or 2 where others did not "
        "finish either, refuse that one alone",
        "the range",
        "text START; `known`; an approval of any number in the range gives its network's message back",
    ),
    Row(
        Limit.CLOSED,
        "UNFINISHED_PLACES",
        "conversion",
        "money, where nobody finishes",
        "at least that many networks (default 5) with an unfinished message to a range in a day, and no approval",
        "those networks for CLOSED_SECONDS; others, but for one message in each third of that time",
        "text START; `known`; one approval opens the range; `textproof limits lift`",
    ),
    Row(
        Limit.SENDS_IN_ALL,
        "SENDS_IN_ALL",
        "everything",
        "money",
        "every message; of a network the first unfinished one while those of all take less than 85 % of it, the second "
        "30 %, further ones 15 %",
        "those that go beyond; the rest is for networks that finish, known numbers, phones that texted START, and "
        "applications, each up to 30 % unfinished",
        "finish; text START; `known`",
    ),
    Row(
        Limit.SENDS_OF_COUNTRY,
        "SENDS_PER_COUNTRY",
        "country",
        "money",
        "every message to a country",
        "the country",
        "wait",
    ),
    Row(
        Limit.SENDS_OF_CLIENT,
        "SENDS_PER_CLIENT",
        "client",
        "money",
        "every message of one application",
        "that application",
        "wait, or `keys add --quota`",
    ),
    Row(
        Limit.SPENT_TODAY,
        "SPEND_PER_DAY",
        "spend",
        "money",
        "every message, by its price; where it buys 100 or more, unfinished ones in the parts of SENDS_IN_ALL",
        "everybody, until midnight UTC",
        "the operator raises it",
    ),
    Row(
        Limit.WRONG_CHECKS_IN_ALL,
        "WRONG_CHECKS_IN_ALL",
        "guesses",
        "accounts, from one guess at many numbers",
        "wrong checks of all, of one network or application at most 15 an hour",
        "networks with 6 wrong checks within the hour; no application",
        "wait an hour",
    ),
    Row(
        Limit.RESEND_WAIT,
        "RESEND_WAITS_SECONDS",
        "",
        "people, from two messages for one",
        "the message before",
        "that verification",
        "wait",
    ),
    Row(
        Limit.SENDS_OF_VERIFICATION,
        "MAX_SENDS",
        "",
        "money",
        "its messages",
        "that verification",
        "start again",
    ),
    Row(
        Limit.SENDS_OF_NUMBER,
        "SENDS_PER_NUMBER",
        "",
        "people, from being bombed",
        "messages to a number: 5 an hour whoever asks, and of each source as set",
        "whoever asks for that number; while a token lives, others share it without a message",
        "text START: once an hour one message more goes out, and what strangers did is forgotten",
    ),
    Row(
        Limit.CHECKS_OF_NUMBER,
        "CHECKS_PER_NUMBER",
        "",
        "accounts",
        "wrong checks of a number by one source, 2 a day by one that shares somebody's token; 100 in a row by all",
        "that source; after 100 in a row everybody",
        "text START, or `textproof limits forgive`",
    ),
)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a message spends of one limit."""

    limit: Limit
    subject: str
    """The name of the subject in the store: a digest, or a country, or a client."""
    windows: tuple[Window, ...]
    enforced: bool
    parts: tuple[float, ...] = ()
    """How much of it unfinished messages may take: a network's first, its second, and all further ones."""
    parted: tuple[Window, ...] = ()
    """The windows that this is meant of: its own, and what the money of a day buys."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whom a verification counts for, by their names in the store. No number and no address can be read from them."""

    range: str
    line: int
    """The number within its range, moved: see `Keyring.range_digest`."""
    country: str
    """ISO 3166."""
    is_home: bool
    address: str
    """Of the caller who started it; "" where nobody is told apart."""
    network: str
    pool: str
    """Whose unfinished messages it counts among: an application's, or those of the pages."""


@dataclass(frozen=True, slots=True)
class Send:
    """One message, as far as the shared limits go."""

    subjects: Subjects
    range_label: str
    """The range for people, sealed."""
    price: float
    charges: tuple[Charge, ...]


def subjects_of(handle: Handle, caller: Caller, *, policy: Policy, keyring: Keyring) -> Subjects:
    """Return whom a verification counts for."""
    range_, line = keyring.range_digest(handle.number)
    region = handle.number.region
    return Subjects(range_, line, region, region == policy.home_region, handle.address, handle.network, caller.pool)


def send_of(handle: Handle, caller: Caller, *, policy: Policy, keyring: Keyring) -> Send:
    """Return the message of a verification that `caller` asks for."""
    shared, subjects = policy.shared, subjects_of(handle, caller, policy=policy, keyring=keyring)
    parts = PARTS_OF_CLIENT if caller.client else PARTS_OF_PAGES
    everything, price = shared.everything.windows, shared.price(subjects.country)
    bought = round(shared.spend / price) if shared.spend and price else 0
    money = (Window(bought, DAY),) if bought >= PARTED_MIN and shared.spend_enforced else ()
    charges = (
        Charge(Limit.SENDS_OF_COUNTRY, subjects.country, shared.country.windows, shared.country.enforced),
        Charge(Limit.SENDS_OF_CLIENT, caller.client, caller.quota or shared.client.windows, shared.client.enforced),
        Charge(Limit.SENDS_IN_ALL, EVERYBODY, everything, shared.everything.enforced, parts, everything + money),
    )
    return Send(
        subjects,
        range_label=keyring.sealed_label(handle.number.range),
        price=price,
        charges=tuple(charge for charge in charges if charge.subject and charge.windows),
    )
