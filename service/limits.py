"""What an operator can see of the limits, and change: `textproof limits`. In effect at once, on all replicas."""

from collections.abc import Iterator

from .store.redis import RedisStore
from .verification import phone
from .verification.errors import InvalidNumber
from .verification.keys import Keyring
from .verification.policy import Policy

FULLEST = 10  # rows; ours: what fits on a screen with the rest


class NotASubject(Exception):
    """What was named is no number, range or country."""


class Limits:
    """The limits of one installation."""

    def __init__(self, store: RedisStore, keyring: Keyring, policy: Policy) -> None:
        """Take the store, the keys that subjects are hidden with, and the numbers."""
        self._store = store.limits
        self._keyring = keyring
        self._policy = policy

    def show(self) -> Iterator[str]:
        """Yield what is closed and which budgets are used most, a line each.

        Addresses and ranges are shown as the store knows them, by digests: `lift` takes the range itself.
        """
        closed = self._store.closed()
        yield "Closed:" if closed else "Nothing is closed."
        for kind, label, left in closed:
            until = "until it is lifted" if left is None else f"for {left // 60_000 + 1} more minutes"
            yield f"  {kind:8} {self._keyring.opened_label(label):20} {until}"
        fullest = self._store.fullest(FULLEST)
        yield "Used most within their windows:" if fullest else "No budget is used."
        for limit, subject, used in fullest:
            yield f"  {limit:20} {subject:20} {used}"

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

    def forgive(self, what: str) -> None:
        """Forget the wrong checks in a row of a number."""
        kind, subject, _label = self._subject(what)
        if kind != "number":
            raise NotASubject(f"{what} is no phone number: write it like +12025550143")
        self._store.forgive(subject, keyring=self._keyring.id)

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
