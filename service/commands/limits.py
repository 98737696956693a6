"""`textproof limits`: shows what is closed and what is nearly used up, and changes it. In effect at once."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from ..store.redis import RedisStore
from ..verification import phone
from ..verification.caller import PAGES
from ..verification.errors import InvalidNumber, Limit
from ..verification.keyring import Keyring
from ..verification.limits import EVERYBODY, PARTS_OF_CLIENT, PARTS_OF_PAGES
from ..verification.policy import Policy, Window

FULLEST = 10  # rows; ours: what fits on a screen with the rest
MS = timedelta(milliseconds=1)


class NotASubject(Exception):
    """What was named is no number, range or country."""


class Limits:
    """The limits of one installation."""

    def __init__(
        self, store: RedisStore, keyring: Keyring, policy: Policy, clock: Callable[[], float] = time.time
    ) -> None:
        """Take the store, the keys that subjects are hidden with, the numbers, and the clock."""
        self._store = store.limits
        self._clients = store.clients
        self._clock = clock
        self._keyring = keyring
        self._policy = policy

    def show(self) -> Iterator[str]:
        """Yield every state that refuses, and the limits that are used most, a line each.

        Numbers, addresses and networks are shown as the store knows them, by digests.
        """
        now = int(self._clock() * 1000)
        paused = self._store.paused_until() - now
        if paused > 0:
            yield f"Sending is paused for {_minutes(paused)}."
        closed = self._store.closed()
        yield "Closed:" if closed else "Nothing is closed."
        for kind, label, left, client in closed:
            until = "until it is lifted" if left is None else f"for {_minutes(left)}"
            whose = f", to {client}" if client else ""
            yield f"  {kind:8} {self._keyring.opened_label(label):20} {until}{whose}"
        few = [*self._few(now)]
        if few:
            yield "Few finish there, so a network that did not waits an hour:"
            yield from few
        fullest = sorted(self._uses(now), reverse=True)[:FULLEST]
        yield "Used most within their windows:" if fullest else "No limit is used."
        for _, line in fullest:
            yield f"  {line}"

    def _few(self, now: int) -> Iterator[str]:
        """Yield the countries abroad whose messages come to nothing: see `include/limits.lua`."""
        shared = self._policy.shared
        for country, client, begun, approved in sorted(self._store.countries(now)):
            is_low = begun >= shared.unfinished and approved * 100 < begun * shared.conversion_warn
            if is_low and country != self._policy.home_region and shared.conversion_enforced:
                yield f"  country  {country:20} {approved} of {begun}{f', of {client}' if client else ''}"

    def _uses(self, now: int) -> Iterator[tuple[float, str]]:
        """Yield the used share of each limit, and a line that says how much of how much that is."""
        for spent in self._store.spent():
            subject = self._keyring.opened_label(spent.label) if spent.label else spent.subject
            subject += f" of {spent.client}" if spent.client else ""
            for name, windows in self._windows(spent.limit, spent.subject):
                found = [(sum(time + window.span // MS > now for time in spent.times), window) for window in windows]
                used, window = max(found, key=lambda one: one[0] / one[1].limit, default=(0, None))
                if used and window:
                    words = f"{used} of {window.limit} in {_span(window.span)}"
                    yield used / window.limit, f"{name:20} {subject:24} {words}"
        money, right, wrong = self._store.sums(now)
        shared = self._policy.shared
        if money > 0 and shared.spend:
            yield (
                money / 1e6 / shared.spend,
                f"{Limit.SPENT_TODAY:20} {EVERYBODY:24} {money / 1e6:g} of {shared.spend:g}",
            )
        if wrong:
            words = f"{wrong} of {shared.guesses} in 1 hour, and {right} right ones"
            yield wrong / shared.guesses, f"{Limit.WRONG_CHECKS_IN_ALL:20} {EVERYBODY:24} {words}"

    def _windows(self, limit: str, subject: str) -> Iterator[tuple[str, tuple[Window, ...]]]:
        """Yield the limits that these entries count for, and what they allow."""
        shared = self._policy.shared
        match limit:
            case "network" if " " in subject:
                yield Limit.STARTS_OF_ADDRESS, shared.address.windows
            case "network":
                yield Limit.STARTS_OF_NETWORK, shared.network.windows
            case "unfinished":
                part = (PARTS_OF_PAGES if subject == PAGES else PARTS_OF_CLIENT)[0]
                windows = (Window(max(1, int(one.limit * part)), one.span) for one in shared.everything.windows)
                yield "unfinished", tuple(windows)
            case Limit.SENDS_OF_CLIENT:
                quotas = {client.name: client.quota for client in self._clients.all()}
                yield limit, quotas.get(subject) or shared.client.windows
            case _:
                yield (
                    limit,
                    {
                        Limit.STARTS_OF_PREFIX: shared.range.windows,
                        Limit.SENDS_OF_COUNTRY: shared.country.windows,
                        Limit.SENDS_IN_ALL: shared.everything.windows,
                        Limit.CHECKS_OF_NUMBER: self._policy.checks_in_a_row,
                    }.get(Limit(limit), ()),
                )

    def block(self, what: str) -> str:
        """Close a number, a range or a country until it is lifted; return what kind it is.

        Raises:
            NotASubject: It is none of these, or a range of a length that no number has, which would close nothing.
        """
        kind, subject, label = self._subject(what)
        if kind == "range" and len(what) - 1 not in (lengths := phone.range_lengths(what)):
            if not lengths:
                raise NotASubject(f"{what} begins with the calling code of no country")
            raise NotASubject(
                f"{what} has {len(what) - 1} digits, and would close nothing: a range there is a number without its "
                f"last four digits, which has {' or '.join(map(str, lengths))}. Close each of them, or the country"
            )
        self._store.close(kind, subject, label=self._keyring.sealed_label(label))
        return kind

    def lift(self, what: str) -> bool:
        """Open what was closed by anybody; tell whether it was."""
        kind, subject, _label = self._subject(what)
        return self._store.open(kind, subject)

    def forgive(self, what: str) -> str:
        """Forget what strangers did to a number; return what that was."""
        kind, subject, _label = self._subject(what)
        if kind != "number":
            raise NotASubject(f"{what} is no phone number: write it like +12025550143")
        forgiven = self._store.forgive(subject, keyring=self._keyring.id)
        return (
            f"{forgiven.checks} wrong codes in a row, and the waits of {forgiven.sources} sources. "
            "For ten minutes it may be texted though its range is closed, and once though it had five texts this hour"
        )

    def _subject(self, what: str) -> tuple[str, str, str]:
        """Return the kind of what was named, its name in the store, and how people read it."""
        if phone.is_region(what.upper()):
            return "country", what.upper(), what.upper()
        try:
            number = phone.read_number(what, home=self._policy.home_region, allowed=phone.REGIONS)
        except InvalidNumber:
            if what[:1] == "+" and what[1:].isascii() and what[1:].isdigit():
                return "range", self._keyring.range_digest(phone.PhoneNumber(f"{what}0000"))[0], what
            raise NotASubject(
                f"{what} is neither a number (+12025550143), nor a range, which is a number without its last four "
                "digits (+1202555), nor a country (US)"
            ) from None
        return "number", self._keyring.number_digest(number.e164), number.masked


def _minutes(ms: int) -> str:
    return f"{ms // 60_000 + 1} more minutes"


def _span(span: timedelta) -> str:
    """Return a stretch of time in words: "1 hour", "10 minutes"."""
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        many, rest = divmod(span, length)
        if many and not rest:
            return f"{many} {unit}{'' if many == 1 else 's'}"
    return f"{span.total_seconds():g} seconds"
