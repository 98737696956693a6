"""Verifications and the limits that their messages spend: one script for each verb."""

import functools
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ..verification.errors import Delivery, Hold, Limit
from ..verification.limits import Charge, Send, Subjects
from ..verification.policy import Policy, SharedLimits, Window
from ..verification.ports import NOTHING, SILENT, About, Answer, Carrier, Kind, News, Record, Status, Step, Verdict
from .key_names import Names
from .script import Argument, Reply, Scripts
from .units import milliseconds, windows

STATUS = {"p": Status.PENDING, "a": Status.APPROVED, "c": Status.CANCELED, "l": Status.LOCKED}
EVENT = timedelta(days=1)  # default, ours: Telnyx gives up on telling something long before
OPT_OUT = timedelta(days=365)  # ours: a year is our "for good", because every key has a life
SHARE = timedelta(seconds=120)  # ours: long enough to find the message and type
SHARED_CHECKS = 2  # wrong ones, a day; ours: a mistake and a second look. The 100 in a row bound all strangers together
SHARES_OF_SOURCE = 3  # ours: a person who goes back and asks again, not a loop
RANGE_SHARE = Window(10, timedelta(hours=1))  # unfinished messages of one network to one range; ours
TRICKLE = 3  # messages in the time that a range is closed; ours: so few cost little, and one approval opens it
REMEMBERED_OF_NETWORK = 200  # ours: five times what a network may send in an hour
TEST_WINDOWS = ((100, 600_000),)  # starts of a test number: no message, but no load on Redis either

QUEUE = timedelta(seconds=30)  # ours: what people wait before they ask for another message
TRIAL = timedelta(seconds=30)  # ours: longer than a send can take
PAUSE, PAUSE_MAX = timedelta(minutes=1), timedelta(minutes=15)  # ours: an operator who has mended it waits no longer
MILLIONTHS = 1_000_000
WELCOME = timedelta(minutes=10)  # ours: a token's life
TRAIL_MAX = (
    64  # events of a number; ours: twice what its own limits allow in three days, and refusals are told together
)
TRAILS_OF_REFUSED = 5_000  # an hour, of numbers that were only refused; ours: 20 MB in the day that they are kept
CHANNEL = "sms"  # until there are calls


class VerificationStore:
    """Implements `Verifications`."""

    def __init__(self, scripts: Scripts, names: Names, *, messages_per_second: float = 0, replicas: int = 0) -> None:
        """Take what runs scripts, with the constants of `constants_of` in them."""
        self._scripts = scripts
        self._names = names
        self._replicas = replicas
        self._sender_ms = _sender_ms(messages_per_second)

    def start(
        self,
        step: Step,
        *,
        memo: str,
        seed: str,
        nonce: str,
        kind: Kind,
        send: Send | None,
        has_slot: bool,
        about: About = NOTHING,
    ) -> Answer:
        """See `Verifications`."""
        keys: list[str] = [self._names.opted_out(step.number)]
        arguments: list[Argument] = [memo, seed, nonce, kind, about.reference, about.locale, int(send is not None)]
        if send is not None:
            keys += [*self._limit_keys(step, send), self._names.guesses, self._names.guessed(send.subjects)]
            keys += map(self._names.charge, send.charges)
            arguments += [int(has_slot), *self._limit_arguments(send)]
        return self._run("start", step, keys, arguments)

    def check(self, step: Step, subjects: Subjects, *, nonce: str) -> Answer:
        """See `Verifications`."""
        names = self._names
        keys = [names.guesses, names.guessed(subjects), *names.unfinished(subjects), names.closed_range(subjects)]
        keys += [names.approved(subjects)]
        return self._run("check", step, keys, [nonce, _written(subjects)], replicas=self._replicas)

    def resend(self, step: Step, *, seed: str, nonce: str, caller: str, send: Send | None, has_slot: bool) -> Answer:
        """See `Verifications`."""
        keys: list[str] = [self._names.opted_out(step.number)]
        arguments: list[Argument] = [nonce, caller, seed, int(send is not None)]
        if send is not None:
            keys += [*self._limit_keys(step, send), *map(self._names.charge, send.charges)]
            arguments += [int(has_slot), *self._limit_arguments(send)]
        return self._run("resend", step, keys, arguments)

    def cancel(self, step: Step) -> Answer:
        """See `Verifications`."""
        return self._run("cancel", step)

    def report(
        self, step: Step, *, delivery: Delivery, event: str = "", beyond: float = 0, carrier: Carrier = SILENT
    ) -> Answer:
        """See `Verifications`."""
        keys = [self._names.event(step.number, event), self._names.money(step.now)]
        arguments: list[Argument] = [_ranked(delivery), event, _millionths(beyond)]
        return self._run("report", step, keys, [*arguments, carrier.code or "-", carrier.message or "-"])

    def unsend(
        self,
        step: Step,
        send: Send,
        *,
        number: int,
        delivery: Delivery,
        is_refused: bool,
        is_undo: bool = False,
        carrier: Carrier = SILENT,
    ) -> Answer:
        """See `Verifications`."""
        names = self._names
        keys = [names.sender, names.money(step.now), *names.unfinished(send.subjects)]
        keys += map(names.charge, send.charges)
        own: list[Argument] = [_ranked(delivery), number, self._sender_ms, _millionths(send.price)]
        return self._run(
            "unsend", step, keys, [*own, int(is_refused), _written(send.subjects), int(is_undo), carrier.code or "-"]
        )

    def show(self, step: Step, *, is_repeat: bool = False) -> Answer:
        """See `Verifications`."""
        return self._run("show", step, own=[int(is_repeat)])

    def opt_out(self, number: str, *, keyring: str, out: bool, event: str = "", now: int = 0) -> None:
        """See `Verifications`."""
        opt(self._scripts, self._names, number, keyring=keyring, word="out" if out else "in", event=event, now=now)

    def pause(self, *, keyring: str, now: int, is_trial: bool) -> None:
        """See `Verifications`."""
        arguments: list[Argument] = [keyring, now, milliseconds(PAUSE), milliseconds(PAUSE_MAX), int(is_trial)]
        self._scripts.run("pause", [self._names.keyring, self._names.pause], arguments)

    def resume(self) -> None:
        """See `Verifications`."""
        self._scripts.guarded(lambda: self._scripts.client.delete(self._names.pause))

    def _limit_keys(self, step: Step, send: Send) -> list[str]:
        names, subjects = self._names, send.subjects
        return [
            names.pause,
            names.sender,
            names.money(step.now),
            names.closed("number", step.number),
            names.closed_range(subjects),
            names.closed("country", subjects.country),
            *names.unfinished(subjects),
            names.approved(subjects),
        ]

    def _limit_arguments(self, send: Send) -> list[Argument]:
        charges, price = _charges(send.charges), _millionths(send.price)
        return [charges, price, _written(send.subjects), send.range_label]

    def _run(
        self, verb: str, step: Step, keys: Sequence[str] = (), own: Sequence[Argument] = (), *, replicas: int = 0
    ) -> Answer:
        """Run a verb's script in one round trip."""
        names = self._names
        every_key = [
            names.keyring,
            names.record(step.record),
            names.token(step.token),
            names.number(step.number),
            names.checks(step.number),
            names.trail(step.number),
            names.figures(step.now),
            *keys,
        ]
        arguments: list[Argument] = [
            step.keyring,
            step.now,
            step.source,
            int(step.is_told_apart),
            step.client,
            f"{step.country} {CHANNEL}" if step.country else "",
            *own,
        ]
        return _answer(self._scripts.run(verb, every_key, arguments, replicas=replicas))


def opt(
    scripts: Scripts, names: Names, number: str, *, keyring: str, word: str, event: str = "", now: int = 0
) -> object:
    """Run the script of opting out, of opting in and of forgiving, and return what it returns."""
    keys = [names.keyring, names.opted_out(number), names.checks(number), names.number(number)]
    keys += [names.event(number, event), names.trail(number)]
    arguments: list[str | int] = [keyring, now, word, milliseconds(OPT_OUT), milliseconds(EVENT) if event else ""]
    return scripts.evaluate("opt", keys, [*arguments, milliseconds(WELCOME)])


@functools.lru_cache(maxsize=256)  # of settings, and of clients with a quota of their own
def _charges(charges: tuple[Charge, ...]) -> str:
    """Return charges as the script reads them; the subject is in the key."""
    return json.dumps(
        [
            {
                "limit": one.limit,
                "windows": windows(one.windows),
                "enforced": one.enforced,
                "parts": one.parts,
                "parted": windows(one.parted),
            }
            for one in charges
        ]
    )


def _written(subjects: Subjects) -> str:
    """Return subjects as the scripts read them."""
    return json.dumps({name: getattr(subjects, name) for name in Subjects.__slots__})


def constants_of(policy: Policy, messages_per_second: float) -> dict[str, Any]:
    """Return what the scripts of verifications work with; 0 messages per second is without a rate."""
    return {"RULES": _rules(policy), "SHARED": _shared(policy.shared, _sender_ms(messages_per_second))}


def _sender_ms(messages_per_second: float) -> int:
    return round(1000 / messages_per_second) if messages_per_second else 0


def _rules(policy: Policy) -> dict[str, Any]:
    """Return the numbers of a verification and of a number."""
    twice = [Window(2 * window.limit, window.span) for window in policy.sends_of_number]
    return {
        "life": milliseconds(policy.token_life),
        "checks": policy.max_checks,
        "sends": policy.max_sends,
        "waits": [milliseconds(wait) for wait in policy.resend_waits],
        "check_windows": windows(policy.checks_of_number),
        "row_windows": windows(policy.checks_in_a_row),
        "sends_to": {
            Kind.USUAL: {"windows": windows(policy.sends_of_number), "hourly": policy.sends_an_hour},
            Kind.KNOWN: {"windows": windows(twice), "hourly": 2 * policy.sends_an_hour},
            Kind.TEST: {"windows": TEST_WINDOWS, "hourly": 0},
        },
        "trail": {"life": milliseconds(policy.trail), "most": TRAIL_MAX, "refused": TRAILS_OF_REFUSED},
        "share": {"life": milliseconds(SHARE), "times": SHARES_OF_SOURCE, "checks": SHARED_CHECKS},
    }


def _shared(limits: SharedLimits, sender_ms: int) -> dict[str, Any]:
    """Return the numbers of the limits that many numbers share."""
    return {
        "step": sender_ms,
        "queue": milliseconds(QUEUE),
        "trial": milliseconds(TRIAL),
        "spend": _millionths(limits.spend),
        "spend_enforced": limits.spend_enforced,
        "address": windows(limits.address.windows),
        "address_enforced": limits.address.enforced,
        "network": windows(limits.network.windows),
        "network_enforced": limits.network.enforced,
        "range": windows(limits.range.windows),
        "range_enforced": limits.range.enforced,
        "range_share": windows([RANGE_SHARE] if limits.range.windows else []),
        "trickle": milliseconds(limits.closed_for / TRICKLE),
        "remembered": max((window.limit for window in limits.everything.windows), default=3000),
        "remembered_of_network": REMEMBERED_OF_NETWORK,
        "conversion_enforced": limits.conversion_enforced,
        "least": limits.conversion_sends,
        "close": limits.conversion_close,
        "warn": limits.conversion_warn,
        "closed_for": milliseconds(limits.closed_for),
        "unfinished": limits.unfinished,
        "sequence": limits.sequence,
        "span": milliseconds(limits.sequence_span),
        "guesses": limits.guesses,
        "guesses_enforced": limits.guesses_enforced,
    }


def _ranked(delivery: Delivery) -> str:
    return f"{delivery.rank}{delivery.value}"


def _millionths(money: float) -> int:
    return round(money * MILLIONTHS)


def _answer(reply: Reply) -> Answer:
    return Answer(
        Verdict(reply["verdict"]),
        wait=reply.get("wait", 0),
        record=_record(reply) if "status" in reply else None,
        other=reply.get("other", ""),
        limit=Limit(reply["limit"]) if "limit" in reply else None,
        hold=Hold(reply["hold"]) if "hold" in reply else None,
        is_trial=reply.get("trial", False),
        news=tuple(
            News(one["event"], Limit(one["limit"]) if "limit" in one else None) for one in reply.get("news", ())
        ),
    )


def _record(reply: Reply) -> Record:
    status, now, expires = STATUS[reply["status"]], reply["now"], reply["expires"]
    return Record(
        status=Status.EXPIRED if status is Status.PENDING and now >= expires else status,
        begun=reply["begun"],
        expires=expires,
        now=now,
        sends=reply["sends"],
        checks=reply["checks"],
        wait=reply["next_send"],
        delivery=Delivery(reply["delivery"][1:]) if "delivery" in reply else Delivery.ON_ITS_WAY,
        about=About(reply.get("reference", ""), reply.get("locale", "")),
        is_silent=reply.get("silent", False),
    )
