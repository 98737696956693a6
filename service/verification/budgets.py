"""Which budgets a send spends, and how a start is found again that came to an approval."""

from dataclasses import replace

from .caller import Caller
from .errors import Limit
from .keys import Key
from .phone import PhoneNumber
from .policy import Budget, Policy
from .ports import Ask, Record, Start, Use

EVERYBODY = "all"


def ask_for(number: PhoneNumber, caller: Caller, *, policy: Policy, key: Key, is_start: bool) -> Ask:
    """Return what sending one message to `number` for `caller` asks of the shared budgets.

    Address, network and prefix count starts; country, client and everything count messages.
    """
    brake = policy.brake
    prefix = key.subject_digest("prefix", number.prefix)
    country = number.region
    address, network = _places(caller, key)
    uses = [
        (Limit.SENDS_OF_COUNTRY, country, brake.country),
        (Limit.SENDS_OF_CLIENT, caller.client, replace(brake.client, windows=caller.quota or brake.client.windows)),
        (Limit.SENDS_IN_ALL, EVERYBODY, brake.everything),
    ]
    if is_start:
        uses += [
            (Limit.STARTS_OF_ADDRESS, address, brake.address),
            (Limit.STARTS_OF_NETWORK, network, brake.network),
            (Limit.STARTS_OF_PREFIX, prefix, brake.prefix),
        ]
    return Ask(
        number=key.number_digest(number.e164),
        prefix=prefix,
        prefix_label=number.prefix,
        line=number.line,
        country=country,
        is_home=country == policy.home_region,
        place=_place(address, prefix),
        is_start=is_start,
        is_known=caller.vouches,
        budgets=tuple(_use(*use) for use in uses if use[1] and use[2].windows),
    )


def messages_of(ask: Ask) -> Ask:
    """Return the part of an ask that counts messages, not starts: what a refused message gives back.

    Its start stays counted, so that numbers which the carrier refuses cannot be tried without end.
    """
    messages = (Limit.SENDS_OF_COUNTRY, Limit.SENDS_OF_CLIENT, Limit.SENDS_IN_ALL)
    return replace(ask, is_start=False, budgets=tuple(use for use in ask.budgets if use.limit in messages))


def origin_of(caller: Caller, number: PhoneNumber, *, key: Key, stamp: int) -> str:
    """Return what a record keeps, so that an approval can give its start back. Digests, no address."""
    return ":".join((str(stamp), *_places(caller, key), number.region))


def number_of(record: Record) -> PhoneNumber:
    """Return the number of a verification, with the region that its origin tells; an earlier version's does not."""
    parts = record.origin.split(":")
    return PhoneNumber(record.to, parts[3] if len(parts) > 3 else "")  # noqa: PLR2004 - as `origin_of` writes them


def start_of(record: Record, *, key: Key) -> Start:
    """Return the start that an origin tells of."""
    stamp, address, network, *_ = record.origin.split(":")
    number = number_of(record)
    prefix = key.subject_digest("prefix", number.prefix)
    return Start(
        stamp=int(stamp),
        address=address,
        network=network,
        prefix=prefix,
        line=number.line,
        country=number.region,
        place=_place(address, prefix),
    )


def _place(address: str, prefix: str) -> str:
    return address and f"{address}:{prefix}"


def _places(caller: Caller, key: Key) -> tuple[str, str]:
    address = key.subject_digest("address", caller.address) if caller.address else ""
    network = key.subject_digest("network", caller.network) if caller.network else ""
    return address, network


def _use(limit: Limit, subject: str, budget: Budget) -> Use:
    return Use(limit, subject, budget.windows, budget.enforced)
