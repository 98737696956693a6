"""The budgets that many numbers share. They lie in a slot of their own.

p:{limits}                   sending is paused (hash)
b:{limits}                   when the sender is free again (string, ms)
m:{limits}:day               money spent that day, in millionths (string)
z:{limits}:kind:subject      a number, prefix or country that is closed (string: what it is, for people)
h:{limits}:kind:subject      what came of starts to a prefix or country within a day (hash)
k:{limits}:address:prefix    when an address began something in a prefix that did not end well (list of ms)
y:{limits}:number            the phone itself asked for a message a moment ago (string)
q:{limits}:prefix            lines of a prefix that were asked for within a day, unless it ended well (sorted set)
g:{limits}                   checks of all numbers within the hour (hash)
l:{limits}:limit:subject     a budget (list of ms)
e:{limits}:random            a decision or settling of a moment ago, should its answer have been lost (string)
"""

import functools
import json
from collections.abc import Sequence
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

from ..verification.errors import Limit
from ..verification.policy import Brake, Policy, Window
from ..verification.ports import Ask, Leave, Start, Verdict
from .script import Scripts
from .units import milliseconds, windows

QUEUE = timedelta(seconds=30)  # ours: what people wait before they ask for another message
TRIAL = timedelta(seconds=30)  # ours: longer than a send can take
PAUSE, PAUSE_MAX = timedelta(minutes=1), timedelta(minutes=15)  # ours: an operator who has mended it waits no longer
MILLIONTHS = 1_000_000
DAY = 86_400_000  # ms
WELCOME = timedelta(minutes=10)  # ours: a token's life
KINDS = {Limit.STARTS_OF_ADDRESS: "address", Limit.STARTS_OF_PREFIX: "prefix"}
SETTLED_AT_ONCE = 100  # starts; ours: Redis does nothing else for a millisecond


class SharedBudgets:
    """The part of the store that is about everybody."""

    def __init__(self, scripts: Scripts, policy: Policy, messages_per_second: float) -> None:
        """Take the numbers; 0 messages per second is without a rate."""
        self._scripts = scripts
        self._brake = policy.brake
        self._step = round(1000 / messages_per_second) if messages_per_second else 0
        self._numbers = _numbers(policy.brake, self._step)

    def allow(self, ask: Ask, *, now: int) -> Leave:
        """See `Store`."""
        arguments: list[str | int] = [now, self._numbers, self._price(ask), int(ask.is_start), ask.line]
        arguments += [ask.prefix_label, ask.checks, ask.wrong_checks]
        arguments += [int(bool(ask.place)), int(ask.is_home), int(ask.is_known)]
        arguments += [_rule(use.limit, use.windows, enforced=use.enforced) for use in ask.budgets]
        once = f"e:{{limits}}:{ask.name}"
        reply = self._scripts.run("allow", [*_keys(ask, now), once], arguments)
        which = reply.get("which")
        return Leave(
            verdict=Verdict(reply["verdict"]),
            wait=reply["wait"],
            is_trial=reply.get("trial", False),
            stamp=reply["stamp"],
            limit=ask.budgets[which - 1].limit if which else None,
            news=tuple(_named(word, ask) for word in reply.get("news", ())),
        )

    def give_back(self, ask: Ask, *, stamp: int, is_trial: bool = False) -> None:
        """See `Store`."""
        keys = [*_keys(ask, stamp), f"e:{{limits}}:{ask.name}-"]
        self._scripts.run(
            "give_back", keys, [stamp, self._step, self._price(ask), ask.line, int(is_trial), int(ask.is_start)]
        )

    def settle(self, starts: Sequence[Start]) -> None:
        """See `Store`."""
        for first in range(0, len(starts), SETTLED_AT_ONCE):
            keys, arguments = [f"e:{{limits}}:{token_urlsafe(12)}"], list[str | int]()
            for one in starts[first : first + SETTLED_AT_ONCE]:
                keys += [
                    f"l:{{limits}}:{Limit.STARTS_OF_ADDRESS}:{one.address}",
                    f"l:{{limits}}:{Limit.STARTS_OF_NETWORK}:{one.network}",
                    f"l:{{limits}}:{Limit.STARTS_OF_PREFIX}:{one.prefix}",
                    f"k:{{limits}}:{one.place}",
                    f"q:{{limits}}:{one.prefix}",
                    f"h:{{limits}}:prefix:{one.prefix}",
                    f"h:{{limits}}:country:{one.country}",
                ]
                arguments += [one.stamp, one.line]
            self._scripts.run("settle", keys, arguments)

    def charge(self, amount: float, *, now: int) -> None:
        """See `Store`."""
        name = f"m:{{limits}}:{now // DAY}"
        if self._brake.spend and self._scripts.guarded(lambda: self._scripts.client.exists(name)):

            def add() -> None:
                with self._scripts.client.pipeline(transaction=True) as steps:
                    steps.incrby(name, round(amount * MILLIONTHS))
                    steps.pexpire(name, DAY)
                    steps.execute()

            self._scripts.guarded(add)

    def pause(self, *, now: int, is_trial: bool) -> None:
        """See `Store`."""
        arguments = [now, milliseconds(PAUSE), milliseconds(PAUSE_MAX), int(is_trial)]
        self._scripts.run("pause", ["p:{limits}"], arguments)

    def resume(self) -> None:
        """See `Store`."""
        self._scripts.guarded(lambda: self._scripts.client.delete("p:{limits}"))

    def welcome(self, number: str) -> None:
        """Let the number of this digest be texted for a while, though the brake closed its range."""
        self._scripts.guarded(lambda: self._scripts.client.set(f"y:{{limits}}:{number}", "", px=milliseconds(WELCOME)))

    def close(self, kind: str, subject: str, *, label: str) -> None:
        """Close a number, prefix or country until the operator opens it again."""
        self._scripts.guarded(lambda: self._scripts.client.set(f"z:{{limits}}:{kind}:{subject}", label))

    def open(self, kind: str, subject: str) -> bool:
        """Open what was closed, and forget what came of its starts; tell whether it was closed."""
        client: Any = self._scripts.client
        names = [f"{letter}:{{limits}}:{kind}:{subject}" for letter in "zh"] + [f"q:{{limits}}:{subject}"]
        closed = self._scripts.guarded(lambda: client.exists(names[0]))
        names += self._scripts.guarded(lambda: list(client.scan_iter(match=f"k:{{limits}}:*:{subject}", count=1000)))
        self._scripts.guarded(lambda: self._scripts.client.delete(*names))
        return bool(closed)

    def closed(self) -> list[tuple[str, str, int | None]]:
        """Return what is closed: its kind, what it is, and for how many more ms (None: until it is opened)."""
        found: list[tuple[str, str, int | None]] = []
        client: Any = self._scripts.client
        for name in self._scripts.guarded(lambda: list(client.scan_iter(match="z:{limits}:*", count=1000))):
            label, left = client.get(name), client.pttl(name)
            if label is not None:
                found.append((name.decode().split(":")[2], label.decode(), left if left >= 0 else None))
        return sorted(found, key=lambda row: row[:2])

    def fullest(self, count: int) -> list[tuple[str, str, int]]:
        """Return the budgets that are used most: their limit, their subject's name in the store, and entries."""
        client: Any = self._scripts.client
        names = self._scripts.guarded(lambda: list(client.scan_iter(match="l:{limits}:*", count=1000)))
        rows = [(*name.decode().split(":", 3)[2:], client.llen(name)) for name in names]
        return sorted(rows, key=lambda row: -row[2])[:count]

    def _price(self, ask: Ask) -> int:
        return round(self._brake.price(ask.country) * MILLIONTHS)


def _named(news: str, ask: Ask) -> str:
    """Return news with the name of the limit in place of its position."""
    what, _, which = news.rpartition(":")
    return f"{what}:{ask.budgets[int(which) - 1].limit}" if which.isdigit() and int(which) else news


def _numbers(brake: Brake, step: int) -> str:
    """Return what the brake works with."""
    return json.dumps(
        {
            "step": step,
            "queue": milliseconds(QUEUE),
            "trial": milliseconds(TRIAL),
            "spend": round(brake.spend * MILLIONTHS),
            "spend_enforced": brake.spend_enforced,
            "conversion_enforced": brake.conversion_enforced,
            "least": brake.conversion_sends,
            "close": brake.conversion_close,
            "warn": brake.conversion_warn,
            "closed_for": milliseconds(brake.closed_for),
            "unfinished": brake.unfinished,
            "sequence": brake.sequence,
            "span": milliseconds(brake.sequence_span),
            "guesses": brake.guesses,
            "guesses_enforced": brake.guesses_enforced,
        }
    )


@functools.lru_cache(maxsize=256)  # of settings, and of clients with a quota of their own
def _rule(limit: Limit, spans: tuple[Window, ...], *, enforced: bool) -> str:
    """Return one budget as the script reads it."""
    return json.dumps([windows(spans), enforced, KINDS.get(limit, "")])


def _keys(ask: Ask, now: int) -> list[str]:
    """Return the keys of a decision, but for its last."""
    return [
        "p:{limits}",
        "b:{limits}",
        f"m:{{limits}}:{now // DAY}",
        f"z:{{limits}}:number:{ask.number}",
        f"z:{{limits}}:prefix:{ask.prefix}",
        f"z:{{limits}}:country:{ask.country}",
        f"h:{{limits}}:prefix:{ask.prefix}",
        f"h:{{limits}}:country:{ask.country}",
        f"q:{{limits}}:{ask.prefix}",
        "g:{limits}",
        f"k:{{limits}}:{ask.place}",
        f"y:{{limits}}:{ask.number}",
        *(f"l:{{limits}}:{use.limit}:{use.subject}" for use in ask.budgets),
    ]
