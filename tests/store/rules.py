"""The rules in plain Python: what every store must answer, whatever happens in whatever order.

Written from the contract (`service/verification/ports.py`) and from docs/limits.md, not from the
scripts: it keeps all of history, and counts in it. Times are ms.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from service.store.verifications import SHARE, SHARED_CHECKS, SHARES_OF_SOURCE, TEST_WINDOWS
from service.verification.errors import Delivery, Limit
from service.verification.policy import DAY, HOUR, Policy, Window
from service.verification.ports import Kind, Status, Verdict

NOBODY = ""
APPLICATION = "an application"
"""The only source that is not one person: callers of it cannot be told apart."""


@dataclass
class Token:
    """What was texted for one verification, and may be good for others of its number."""

    of: str
    by: str
    expires: int
    shares: dict[str, int] = field(default_factory=dict)
    """How often each source shares it."""
    is_spent: bool = False


@dataclass
class Number:
    """All that ever counted for a number."""

    sends: dict[str, list[int]] = field(default_factory=dict)
    """By the source that asked for them."""
    is_heard: bool = False
    """The phone itself asked, so one message more goes out within the hour."""
    wrong: dict[str, list[int]] = field(default_factory=dict)
    """By source."""
    in_a_row: list[int] = field(default_factory=list)
    latest: Token | None = None
    requests: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By name: the memo that each was answered with, and until when."""
    opted_out: bool = False
    news: set[str] = field(default_factory=set)


@dataclass
class Verification:
    """One verification, from its start on."""

    number: Number
    token: Token
    begun: int
    expires: int
    checks: int
    sends: list[int]
    kind: Kind
    is_silent: bool = False
    """No message was sent for it: it shares another one's token."""
    was_told: bool = False
    """The same request came again."""
    status: Status = Status.PENDING
    delivery: Delivery = Delivery.ON_ITS_WAY
    checked: dict[str, int | None] = field(default_factory=dict)
    """Checks by name: the count that was told, or None for the right one."""
    resent: dict[str, str] = field(default_factory=dict)
    """Resends by name: whose they are."""
    news: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Expected:
    """What a store must answer. `checks` is what it must tell, where that is not the count of now."""

    verdict: Verdict
    wait: int = 0
    other: str = ""
    checks: int | None = None
    limit: Limit | None = None
    is_again: bool = False
    """It was answered so before."""

    @property
    def writes(self) -> bool:
        """Whether the step may change what the store holds."""
        return self.verdict in {Verdict.DONE, Verdict.SHARED, Verdict.REJECTED} and not self.is_again


class Rules:
    """Answers what a store must answer."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._life = _ms(policy.token_life)
        self.numbers: dict[str, Number] = {}
        self.verifications: dict[str, Verification] = {}
        """By the seeds of their own tokens."""

    def start(self, seed: str, number: str, source: str, now: int, *, memo: str, name: str, kind: Kind) -> Expected:
        """See `Verifications.start`. `seed` is that of its own token, `memo` that of its id before it shares one."""
        subject = self.numbers.setdefault(number, Number())
        if seed in self.verifications:
            return replace(self._started(seed), is_again=True)
        if name in subject.requests and subject.requests[name][1] > now:
            return Expected(Verdict.REPEATED, other=subject.requests[name][0])
        if subject.opted_out:
            return Expected(Verdict.OPTED_OUT)
        latest = None if kind is Kind.TEST else self._live(subject, now)
        is_silent = latest is not None and self._is_good_for(latest, subject, source, kind, now)
        if wait := self._checks_wait(subject, source, kind, now, is_shared=is_silent):
            return _limited(Limit.CHECKS_OF_NUMBER, wait)
        shared = latest if is_silent or source == APPLICATION else None
        if shared and is_silent:
            if shared.shares.get(source, 0) == SHARES_OF_SOURCE:
                return _limited(Limit.SENDS_OF_NUMBER, shared.expires - now)
            shared.shares[source] = shared.shares.get(source, 0) + 1
        else:
            if wait := self._sends_wait(subject, source, kind, now):
                return _limited(Limit.SENDS_OF_NUMBER, wait)
            self._send(subject, source, now)
        token = shared or Token(seed, source, expires=now + self._life)
        if not shared:
            subject.latest = token
        checks = max(0, self._policy.max_checks - SHARED_CHECKS) if is_silent else 0
        self.verifications[seed] = Verification(subject, token, now, token.expires, checks, [now], kind, is_silent)
        if name:
            subject.requests[name] = f"{memo} {token.of}" if shared else memo, token.expires
        return self._started(seed)

    def _started(self, seed: str) -> Expected:
        one = self.verifications[seed]
        other = "" if one.token.of == seed else one.token.of
        return Expected(Verdict.SHARED if one.is_silent else Verdict.DONE, other=other)

    def _is_good_for(self, token: Token, number: Number, source: str, kind: Kind, now: int) -> bool:
        """Tell whether this source shares the latest message; not after START, while the number may be texted."""
        if number.is_heard and not self._sends_wait(number, source, kind, now):
            return False
        return token.by != source or bool(token.shares)

    def _live(self, number: Number, now: int) -> Token | None:
        """Return the token that was texted last, while there is time to find the message and type."""
        latest = number.latest
        return latest if latest and latest.expires - now >= _ms(SHARE) else None

    def check(self, seed: str, source: str, name: str, now: int, *, right: bool) -> Expected:
        """See `Verifications.check`. `name` stands for the nonce and what was typed."""
        one = self.verifications[seed]
        if name in one.checked:
            told = one.checked[name]
            return Expected(Verdict.REPEATED if told is None else Verdict.REJECTED, checks=told, is_again=True)
        if ended := self._ended(one, now):
            return ended
        if wait := self._checks_wait(one.number, source, one.kind, now, is_shared=one.is_silent):
            return _limited(Limit.CHECKS_OF_NUMBER, wait)
        if right and not one.token.is_spent:
            one.status, one.checked[name] = Status.APPROVED, None
            self._spend(one)
            one.number.wrong.pop(source, None)
            one.number.in_a_row.clear()
            return Expected(Verdict.DONE)
        one.checks += 1
        one.checked[name] = one.checks
        if one.kind is not Kind.TEST:
            one.number.in_a_row.append(now)
            if source != APPLICATION:
                one.number.wrong.setdefault(source, []).append(now)
        if one.checks >= self._policy.max_checks:
            one.status = Status.LOCKED
        return Expected(Verdict.REJECTED)

    def resend(self, seed: str, source: str, name: str, caller: str, now: int) -> Expected:
        """See `Verifications.resend`."""
        one = self.verifications[seed]
        if name in one.resent:
            return Expected(Verdict.DONE if one.resent[name] == caller else Verdict.REPEATED, is_again=True)
        if ended := self._ended(one, now):
            return ended
        if one.token.is_spent or self._others_share_a_later_one(one, now):
            return Expected(Verdict.GONE)
        if len(one.sends) == self._policy.max_sends:
            return _limited(Limit.SENDS_OF_VERIFICATION, 0)
        if wait := self._own_wait(one, now):
            return _limited(Limit.RESEND_WAIT, wait)
        if one.number.opted_out:
            return Expected(Verdict.OPTED_OUT)
        if wait := self._checks_wait(one.number, source, one.kind, now, is_shared=one.is_silent):
            return _limited(Limit.CHECKS_OF_NUMBER, wait)
        if wait := self._sends_wait(one.number, source, one.kind, now):
            return _limited(Limit.SENDS_OF_NUMBER, wait)
        one.sends.append(now)
        self._send(one.number, source, now)
        one.resent[name] = caller
        one.delivery = Delivery.ON_ITS_WAY
        return Expected(Verdict.DONE)

    def cancel(self, seed: str, now: int) -> Expected:
        """See `Verifications.cancel`."""
        one = self.verifications[seed]
        if one.status is Status.CANCELED:
            return Expected(Verdict.DONE, is_again=True)
        if ended := self._ended(one, now):
            return ended
        one.status = Status.CANCELED
        return Expected(Verdict.DONE)

    def report(self, seed: str, delivery: Delivery, event: str) -> Expected:
        """See `Verifications.report`."""
        one = self.verifications[seed]
        if event in one.news:
            return Expected(Verdict.REPEATED)
        if event:
            one.news.add(event)
        if delivery.rank > one.delivery.rank or delivery.rank == one.delivery.rank < 3:
            one.delivery = delivery
        return Expected(Verdict.DONE)

    def unsend(self, seed: str, source: str, send: int, delivery: Delivery, *, is_undo: bool) -> Expected:
        """See `Verifications.unsend`."""
        one = self.verifications[seed]
        if send != len(one.sends) or one.delivery is delivery or (is_undo and one.is_silent):
            return Expected(Verdict.DONE, is_again=True)
        if is_undo and one.status is Status.PENDING and one.was_told:
            return Expected(Verdict.REPEATED)
        one.delivery = delivery
        times = one.number.sends.get(source, [])
        if one.sends[-1] in times:
            times.remove(one.sends[-1])
        if send == 1 and one.status is Status.PENDING:
            one.status = Status.CANCELED
            self._spend(one)
        return Expected(Verdict.DONE)

    def show(self, seed: str, *, is_repeat: bool) -> Expected:
        """See `Verifications.show`."""
        one = self.verifications[seed]
        one.was_told = one.was_told or (is_repeat and one.status is Status.PENDING)
        return Expected(Verdict.DONE, is_again=not is_repeat)

    def opt(self, number: str, event: str, now: int, *, out: bool) -> None:
        """See `Verifications.opt_out`."""
        one = self.numbers[number]
        if event in one.news:
            return
        if event:
            one.news.add(event)
        one.opted_out = out
        if not out:
            self.forgive(number, now)

    def forgive(self, number: str, now: int) -> None:
        """See `LimitsView.forgive`. What was texted within the hour still counts, for nobody in particular."""
        one = self.numbers[number]
        lately = [time for times in one.sends.values() for time in times if time + _ms(HOUR) > now]
        one.sends = {NOBODY: lately}
        one.wrong.clear()
        one.in_a_row.clear()
        if one.latest:
            one.latest.by, one.latest.shares = NOBODY, {}
        one.is_heard = True

    def status(self, seed: str, now: int) -> Status:
        """Return how a verification stands."""
        one = self.verifications[seed]
        is_over = one.status is Status.PENDING and now >= one.expires
        return Status.EXPIRED if is_over else one.status

    def wait(self, seed: str, source: str, now: int) -> int:
        """Return what a pending verification's next send has to wait for."""
        one = self.verifications[seed]
        return max(self._own_wait(one, now), self._sends_wait(one.number, source, one.kind, now))

    def _send(self, number: Number, source: str, now: int) -> None:
        number.sends.setdefault(source, []).append(now)
        number.is_heard = False

    def _spend(self, one: Verification) -> None:
        """Its token is good for nobody any more, and the number's next message is a new one."""
        if not one.token.is_spent:
            one.token.is_spent = True
            one.number.latest = None

    def _others_share_a_later_one(self, one: Verification, now: int) -> bool:
        """Tell whether its message would be the latest on the phone, and wrong for whoever shares another."""
        latest = one.number.latest
        return latest is not None and latest is not one.token and bool(latest.shares) and latest.expires > now

    def _ended(self, one: Verification, now: int) -> Expected | None:
        if one.status is Status.APPROVED:
            return Expected(Verdict.APPROVED)
        if one.status is Status.LOCKED:
            return Expected(Verdict.LOCKED)
        if one.status is Status.CANCELED or now >= one.expires:
            return Expected(Verdict.GONE)
        return None

    def _own_wait(self, one: Verification, now: int) -> int:
        waits = self._policy.resend_waits
        return max(0, one.sends[-1] + _ms(waits[min(len(one.sends), len(waits)) - 1]) - now)

    def _checks_wait(self, number: Number, source: str, kind: Kind, now: int, *, is_shared: bool) -> int:
        if kind is Kind.TEST:
            return 0
        windows = (*self._policy.checks_of_number, *([Window(SHARED_CHECKS, DAY)] if is_shared else []))
        own = [_window_wait(window, number.wrong.get(source, []), now) for window in windows]
        row = [_window_wait(window, number.in_a_row, now) for window in self._policy.checks_in_a_row]
        return max(own + row)

    def _sends_wait(self, number: Number, source: str, kind: Kind, now: int) -> int:
        if kind is Kind.TEST:
            windows, limit = [Window(many, timedelta(milliseconds=ms)) for many, ms in TEST_WINDOWS], 0
        else:
            times = 2 if kind is Kind.KNOWN else 1
            windows = [Window(times * window.limit, window.span) for window in self._policy.sends_of_number]
            limit = times * self._policy.sends_an_hour
        lately = {one: times for one, times in number.sends.items() if any(time + _ms(HOUR) > now for time in times)}
        messages = [time for times in lately.values() for time in times]
        if number.is_heard:
            return _window_wait(Window(limit + 1, HOUR), messages, now)
        waits = [_window_wait(window, number.sends.get(source, []), now) for window in windows]
        if limit:
            waits.append(_window_wait(Window(limit, HOUR), messages, now))
        if limit and len(lately) > 1:
            waits.append(_window_wait(Window(1, HOUR / limit), messages, now))
        return max(waits)


def _limited(limit: Limit, wait: int) -> Expected:
    return Expected(Verdict.LIMITED, wait, limit=limit)


def _window_wait(window: Window, times: list[int], now: int) -> int:
    """Return how long until fewer than the limit are younger than the window is long."""
    young = sorted(time for time in times if time + _ms(window.span) > now)
    if len(young) < window.limit:
        return 0
    return young[-window.limit] + _ms(window.span) - now


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
