"""`textproof number`: shows what happened to a number, and what to do about it."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from ..sender.error_codes import meaning_of
from ..store.redis import RedisStore
from ..store.trails import Event, What
from ..verification import phone
from ..verification.errors import Delivery, Hold, InvalidNumber, Limit, UnknownVerification
from ..verification.keyring import Handle, Keyring
from ..verification.limits import TABLE
from ..verification.phone import PhoneNumber
from ..verification.policy import Policy

ROWS = {row.limit: row for row in TABLE}
HOLDS = frozenset(hold.value for hold in Hold)
FORGIVEN = frozenset({Limit.SENDS_OF_NUMBER, Limit.CHECKS_OF_NUMBER})  # what `textproof limits forgive` clears at once
VERBS = {"s": "a message", "r": "one more message", "c": "a check"}
ENDED = {
    "gone": "it had expired, was canceled, or its code was another's by then",
    "approved": "it was approved already",
    "locked": "too many codes were wrong",
}
DELIVERIES = {
    Delivery.BUSY: "taken by the carrier, waits behind others",
    Delivery.UNCERTAIN: "no answer that can be read: it may be on its way",
    Delivery.SENT: "handed on to the phone's network",
    Delivery.UNCONFIRMED: "the network does not tell; often it was delivered",
    Delivery.DELIVERED: "delivered",
}


class NotANumber(Exception):
    """What was named is no phone number."""


class Trail:
    """The trails of one installation."""

    def __init__(
        self,
        store: RedisStore,
        keyring: Keyring,
        policy: Policy,
        clock: Callable[[], float] = time.time,
        *,
        hears_at: str = "",
    ) -> None:
        """Take the store, the keys that numbers are hidden with, the rules, the clock, and where phones text START."""
        self._store = store.trails
        self._keyring = keyring
        self._policy = policy
        self._clock = clock
        self._hears_at = hears_at

    def show(self, what: str) -> Iterator[str]:
        """Yield what happened to a number, a line each, oldest first, and then what to do. Times are in UTC.

        Addresses are shown as the store knows them, by eight characters of their digests.

        Raises:
            NotANumber: It is none.
            StoreUnavailable: The store did not answer.
        """
        try:
            number = phone.read_number(what, home=self._policy.home_region, allowed=phone.REGIONS)
        except InvalidNumber:
            raise NotANumber(f"{what} is no phone number: write it like +12025550143") from None
        kept, digest = self._policy.trail, self._keyring.number_digest(number.e164)
        oldest = self._clock() - kept.total_seconds()
        events = [event for event in self._store.events(digest) if event.at > oldest]
        if not kept:
            yield "No trail is kept: TRAIL_DAYS is 0."
        elif events:
            yield f"{number.masked} ({number.region}), times in UTC:"
            yield from self._told(number, events)
        else:
            yield f"Nobody asked for {number.masked} in the last {_days(kept)}."
        yield "Now:"
        for line in self._advice(number, digest, events):
            yield f"  {line}"

    def _told(self, number: PhoneNumber, events: list[Event]) -> Iterator[str]:
        names: dict[str, str] = {}
        for event in events:
            if event.what in (What.BEGUN, What.SHARED, What.TEST):
                memo, shares, client = event.parts
                handle = self._recalled(number, memo, shares)
                # A verification is named by its place in the trail; the id finds it in the log and in the API.
                mark = handle.random[:4] if handle else f"?{len(names)}"
                names[mark] = f"#{len(names) + 1}"
                asker = handle.address[:8] if handle else ""
                how = {
                    What.BEGUN: "asked for a message",
                    What.SHARED: "asked; the message of a moment ago is good for it, no other was sent",
                    What.TEST: "asked for a test number: nothing is sent",
                }[event.what]
                yield f"  {_time(event.at)}  {names[mark]} {how}; {_who(client, asker)}"
                yield f"{'':23}{handle.id if handle else 'its id cannot be told: the keyring is another'}"
            else:
                yield f"  {_time(event.at)}  {self._words(event, names)}"

    def _recalled(self, number: PhoneNumber, memo: str, shares: str) -> Handle | None:
        try:
            handle = self._keyring.recalled(number, memo)
            return self._keyring.sharing(handle, shares) if shares else handle
        except UnknownVerification:
            return None

    def _words(self, event: Event, names: dict[str, str]) -> str:
        """Return what an event that begins nothing says."""
        of = names.get(event.parts[0], "#?") if event.parts else ""
        match event.what, event.parts:
            case What.RESENT, (_, send):
                return f"{of} asked for the message again: number {send}"
            case What.NOT_SENT, (_, send, delivery, code):
                return f"{of} message {send} was not sent: {_delivery(delivery)}{_code(code)}"
            case What.NEWS, (_, delivery, code, message):
                named = f", carrier's id {message}" if message else ""
                return f"{of} {_delivery(delivery)}{_code(code)}{named}"
            case What.WRONG, (_, many):
                last = "; it is locked" if int(many) >= self._policy.max_checks else ""
                return f"{of} wrong code, number {many} of {self._policy.max_checks}{last}"
            case What.APPROVED, (_, seconds):
                return f"{of} approved, {seconds} s after it began"
            case What.CANCELED, _:
                return f"{of} canceled"
            case What.REFUSED, (verb, reason, many, first, wait, source, client):
                often = f"; {many} times since {_time(int(first))}" if many != "1" else ""
                until = f"; until {_time(event.at + int(wait))}" if wait != "0" else ""
                return f"refused {VERBS[verb]}: {_reason(reason)}{until}{often}; {_who(client, source)}"
        return {
            What.STOP: "the phone texted STOP",
            What.START: "the phone texted START",
            What.FORGIVEN: "forgiven by the operator",
        }[event.what]

    def _advice(self, number: PhoneNumber, digest: str, events: list[Event]) -> Iterator[str]:
        """Yield what refuses the number at the moment, and what to do about it."""
        found = [*self._standing(number, digest, events), *self._refusals(number, events), *_carrier(events)]
        yield from dict.fromkeys(found) or ["Nothing refuses it: the person may ask for a code."]

    def _standing(self, number: PhoneNumber, digest: str, events: list[Event]) -> Iterator[str]:
        range_, now = self._keyring.range_digest(number)[0], int(self._clock() * 1000)
        clients = {event.parts[-1] for event in events if event.what in (What.BEGUN, What.SHARED, What.REFUSED)}
        subjects = {("number", digest): number.e164, ("country", number.region): number.region}
        subjects |= {("range", f"{range_}:{one}" if one else range_): number.range for one in {"", *clients}}
        standing = self._store.standing(digest, list(subjects))
        if standing.opted_out:
            where = f" to {self._hears_at}" if self._hears_at else ""
            yield f"The phone texted STOP, so nothing is sent to it. It has to text START{where}."
        for (kind, subject), left in standing.closed.items():
            named = subjects[kind, subject]
            until = "until it is lifted" if left is None else f"until {_time((now + left) // 1000)}"
            whose = f" to {subject.partition(':')[2]}" if ":" in subject else ""
            ways = "" if left is None else " So does one approval there; a phone that texts START is texted anyway."
            yield f"The {kind} is closed{whose} {until}. `textproof limits lift {named}` opens it.{ways}"
        if any(standing.checks_in_a_row >= window.limit for window in self._policy.checks_in_a_row):
            yield (
                f"{standing.checks_in_a_row} codes in a row were wrong, so no more are looked at: "
                f"`textproof limits forgive {number.e164}`."
            )
        if standing.paused_until > now:
            until = _time(standing.paused_until // 1000)
            yield f"All sending is paused until {until}: the carrier refuses everything. See `textproof doctor`."

    def _refusals(self, number: PhoneNumber, events: list[Event]) -> Iterator[str]:
        """Yield the waits that are not over, unless the number was forgiven since."""
        cleared = max((place for place, one in enumerate(events) if one.what in (What.START, What.FORGIVEN)), default=0)
        for event in events[cleared:]:
            if event.what is not What.REFUSED:
                continue
            _verb, reason, _many, _first, wait, source, client = event.parts
            until, row = event.at + int(wait), ROWS.get(reason)  # type: ignore[call-overload]
            if row is None or until <= self._clock():
                continue
            own = f" `textproof limits forgive {number.e164}` ends it." if row.limit in FORGIVEN else ""
            yield f"{reason} refuses {_who(client, source)} until {_time(until)}. Way out: {row.way_out}.{own}"


def _carrier(events: list[Event]) -> Iterator[str]:
    """Yield what the carrier's last word asks of the operator."""
    last = next((event for event in reversed(events) if event.what in (What.NEWS, What.NOT_SENT)), None)
    if last is None:
        happened = {event.what for event in events}
        if What.BEGUN in happened and What.APPROVED not in happened:
            yield "The carrier has told nothing of its messages: `textproof doctor` says whether it can."
        return
    code = last.parts[3] if last.what is What.NOT_SENT else last.parts[2]
    if code and (words := meaning_of(code, "").operator):
        yield f"The carrier's last word was {code}: {words}"


def _who(client: str, source: str) -> str:
    whose = f"for the application {client}" if client else "on the pages"
    return f"{whose}, address {source}" if source else whose


def _delivery(word: str) -> str:
    return DELIVERIES.get(word) or word.replace("_", " ")  # type: ignore[call-overload]


def _code(code: str) -> str:
    return f" (carrier's code {code})" if code else ""


def _reason(reason: str) -> str:
    if reason in ENDED:
        return ENDED[reason]
    if reason in HOLDS:
        return f"{reason}, nothing is sent to anybody at the moment"
    return f"limit {reason}" if reason in ROWS else "the phone wants no messages"


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _days(span: timedelta) -> str:
    return f"{span.days} days" if span.days != 1 else "day"
