"""The store on Redis or Valkey.

Keys are short because there are many. All keys of a number share its slot (`{…}`):

    v:{number}:random     a verification (hash)
    t:{number}:digest     its token (string, empty: the name says it all)
    c:{number}:source     wrong checks of the number from one source (list of ms)
    c:{number}            wrong checks of the number in a row (list of ms)
    n:{number}            sends to the number and who asked for them, its latest token, and requests to start, so that
                          each is carried out once (hash)
    o:{number}            the number wants no messages (string, empty)
    e:{number}:digest     news of a message that was noted (string, empty)

What many numbers share is in `budgets.py`. `textproof:clients` has the keys of applications (hash), and `i:name` what
others of us asked to remember (string, opaque).
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from typing import cast

import redis
from redis.exceptions import NoPermissionError

from ..verification.errors import Delivery
from ..verification.keys import Handle
from ..verification.policy import Policy, Window
from ..verification.ports import NOTHING, About, Answer, Record, Status, Verdict
from .budgets import SharedBudgets
from .clients import Clients
from .connect import Client, nodes
from .notes import Notes
from .script import Reply, Scripts
from .units import milliseconds, windows

SECRET = "textproof:secret"
STATUS = {"p": Status.PENDING, "a": Status.APPROVED, "c": Status.CANCELED, "l": Status.LOCKED}
DAY = timedelta(days=1)  # longer than any token lives
NEWS = timedelta(days=1)  # ours: Telnyx gives up on telling something long before
OPT_OUT = timedelta(days=365)  # ours: a year is our "for good", because every key has a life
SHARE = timedelta(seconds=120)  # ours: long enough to find the message and type
# Ours: 12 guesses and the first one's 5, for whoever asks from seven places, of 100 that are allowed in a row; five
# tokens an hour make 85.
SHARERS, SHARED_CHECKS = 6, 2
KNOWN, TEST = "known", "test"  # kinds of numbers: one that the caller vouches for, one that is never texted
SECONDS_DIGITS = 10  # when a request is forgotten, in front of what it was given
SLOW_SECONDS = 0.2  # ours: a hundred times what a data centre takes
SKEW_SECONDS = 2  # ours: what a message's life can bear; security of expiry does not depend on it
NOBODY = "", ""  # neither a source nor a client: we ask ourselves


class RedisStore(SharedBudgets, Notes, Clients):
    """Implements `Store` on a client of redis-py; safe to share between threads."""

    def __init__(
        self,
        client: Client | Callable[[], Client],
        policy: Policy,
        *,
        messages_per_second: float = 0,
        replicas: int = 0,
    ) -> None:
        """Take a client and the numbers that the scripts work with.

        Args:
            client: Of redis-py, or what makes one when it is first needed.
            policy: The rules.
            messages_per_second: Of the sender; 0 is without a rate.
            replicas: How many must have a check before it is answered.
        """
        super().__init__(Scripts(client), policy, messages_per_second)
        self._replicas = replicas
        self._rules = _rules(policy)

    def secret(self) -> bytes:
        """See `Store`."""

        def agree() -> bytes:
            self._scripts.client.set(SECRET, token_hex(32), nx=True)
            return cast("bytes", self._scripts.client.get(SECRET))

        return self._scripts.guarded(agree)

    def start(
        self,
        handle: Handle,
        *,
        now: int,
        source: str,
        to: str,
        token_digest: str,
        nonce: str,
        origin: str,
        is_test: bool,
        is_known: bool = False,
        owner: str = "",
        about: About = NOTHING,
    ) -> Answer:
        """See `Store`."""
        share = (milliseconds(DAY if is_test else SHARE), SHARERS, SHARED_CHECKS)
        kind = TEST if is_test else KNOWN if is_known else "usual"
        own: list[str | int] = [to, handle.random, nonce, origin, *share, about.reference, about.locale, kind]
        answer = self._run("start", handle, now, (source, owner), token_digest, own, _opted_out(handle.number))
        if answer.verdict is Verdict.REPEATED:
            return replace(answer, other=handle.sibling(answer.other))
        return answer

    def check(self, handle: Handle, *, now: int, source: str, token_digest: str, nonce: str, owner: str = "") -> Answer:
        """See `Store`."""
        return self._run("check", handle, now, (source, owner), token_digest, [nonce])

    def resend(
        self, handle: Handle, *, now: int, source: str, token_digest: str, nonce: str, caller: str, owner: str = ""
    ) -> Answer:
        """See `Store`."""
        own = [nonce, caller, handle.shares or handle.random]
        return self._run("resend", handle, now, (source, owner), token_digest, own, _opted_out(handle.number))

    def begun(self, handle: Handle, *, nonce: str) -> str:
        """See `Store`."""
        name = f"n:{{{handle.number}}}"
        found = cast("bytes | None", self._scripts.guarded(lambda: self._scripts.client.hget(name, f"q{nonce}")))
        return handle.sibling(found.decode()[SECONDS_DIGITS:]) if found else ""

    def cancel(self, handle: Handle, *, now: int, source: str, owner: str = "") -> Answer:
        """See `Store`."""
        return self._run("cancel", handle, now, (source, owner), "", [])

    def report(self, handle: Handle, *, now: int, delivery: Delivery, event: str = "") -> Answer:
        """See `Store`."""
        return self._run(
            "report", handle, now, NOBODY, "", [_ranked(delivery), event], f"e:{{{handle.number}}}:{event}"
        )

    def unsend(
        self, handle: Handle, *, now: int, source: str, token_digest: str, send: int, delivery: Delivery
    ) -> Answer:
        """See `Store`."""
        return self._run("unsend", handle, now, (source, ""), token_digest, [_ranked(delivery), send])

    def show(self, handle: Handle, *, now: int, source: str, owner: str = "") -> Answer:
        """See `Store`."""
        return self._run("show", handle, now, (source, owner), "", [])

    def opt_out(self, number: str, *, out: bool, event: str = "") -> None:
        """See `Store`."""
        self._opt(number, "out" if out else "in", event)

    def forgive(self, number: str) -> None:
        """See `Store`."""
        self._opt(number, "forgive")

    def _opt(self, number: str, word: str, event: str = "") -> None:
        keys = [_opted_out(number), f"c:{{{number}}}", f"n:{{{number}}}", f"e:{{{number}}}:{event}"]
        self._scripts.run("opt", keys, [word, milliseconds(OPT_OUT), milliseconds(NEWS) if event else ""])
        if word != "out":
            self.welcome(number)

    def keep(self, shelf: str, sealed: bytes, *, most: int, seconds: int) -> None:
        """See `Store`."""

        def put() -> None:
            with self._scripts.client.pipeline(transaction=True) as steps:
                steps.lpush(shelf, sealed)
                steps.ltrim(shelf, 0, most - 1)
                steps.expire(shelf, seconds)
                steps.execute()

        self._scripts.guarded(put)

    def kept(self, shelf: str) -> list[bytes]:
        """See `Store`."""
        return self._scripts.guarded(lambda: cast("list[bytes]", self._scripts.client.lrange(shelf, 0, -1)))

    def ready(self) -> list[str]:
        """See `Store`."""
        return self._scripts.guarded(
            lambda: [fault for node in nodes(self._scripts.client) for fault in self._faults(node)]
        )

    def _faults(self, node: redis.Redis) -> Iterator[str]:
        """Return what is wrong with one server. What its user may not ask is a fault of its own, and no failure."""
        for command, look in (("TIME", _faults_of_time), ("INFO", self._faults_of_keeping)):
            try:
                yield from look(node)
            except NoPermissionError:
                yield f"the Redis user may not call {command}: give it +{command.lower()}"

    def _faults_of_keeping(self, node: redis.Redis) -> Iterator[str]:
        memory = node.info("memory")
        if 0 < memory.get("maxmemory", 0) <= memory.get("used_memory", 0):
            yield "Redis is full: give it more memory (maxmemory)"
        policy = memory.get("maxmemory_policy")
        if policy != "noeviction":
            yield f"Redis may forget limits: maxmemory-policy is {policy}, set it to noeviction"
        if self._replicas:
            there = node.info("replication").get("connected_slaves", 0)
            if there < self._replicas:
                yield f"Redis has {there} replicas, and REPLICAS asks for {self._replicas}"

    def _run(  # noqa: PLR0917 - a frame for the verbs above, in the order of the script
        self,
        verb: str,
        handle: Handle,
        now: int,
        asks: tuple[str, str],
        token_digest: str,
        own: Sequence[str | int],
        *more_keys: str,
    ) -> Answer:
        """Run a verb's script in one round trip."""
        slot = f"{{{handle.number}}}"
        keys = (
            f"v:{slot}:{handle.random}",
            f"t:{slot}:{token_digest}",
            f"c:{slot}:{asks[0]}",
            f"c:{slot}",
            f"n:{slot}",
            *more_keys,
        )
        arguments = (now, self._rules, *asks, *own)
        if verb == "check" and self._replicas:
            return _answer(self._scripts.run_replicated(verb, keys, arguments, self._replicas))
        return _answer(self._scripts.run(verb, keys, arguments))


def _faults_of_time(node: redis.Redis) -> Iterator[str]:
    begun = time.monotonic()
    seconds, millionths = node.time()
    took = time.monotonic() - begun
    if took > SLOW_SECONDS:
        yield f"Redis takes {took * 1000:.0f} ms to answer: find out what slows it, or bring it nearer"
    skew = seconds + millionths / 1e6 - time.time()
    if abs(skew) > SKEW_SECONDS + took:
        yield f"the clock of Redis is {skew:+.0f} s from ours: set both by NTP"


def _rules(policy: Policy) -> str:
    """Return the numbers that the scripts of a verification work with."""
    twice = [Window(2 * window.limit, window.span) for window in policy.sends_of_number]
    return json.dumps(
        {
            "life": milliseconds(policy.token_life),
            "checks": policy.max_checks,
            "sends": policy.max_sends,
            "waits": [milliseconds(wait) for wait in policy.resend_waits],
            "check_windows": windows(policy.checks_of_number),
            "row_windows": windows(policy.checks_in_a_row),
            "sends_to": {
                "usual": {"windows": windows(policy.sends_of_number), "hourly": policy.sends_an_hour},
                KNOWN: {"windows": windows(twice), "hourly": 2 * policy.sends_an_hour},
                TEST: {"windows": [], "hourly": 0},
            },
        }
    )


def _ranked(delivery: Delivery) -> str:
    return f"{delivery.rank}{delivery.value}"


def _opted_out(number: str) -> str:
    return f"o:{{{number}}}"


def _answer(reply: Reply) -> Answer:
    record = _record(reply) if "status" in reply else None
    return Answer(Verdict(reply["verdict"]), reply["wait"], record, reply.get("other", ""))


def _record(reply: Reply) -> Record:
    status, now, expires = STATUS[reply["status"]], reply["now"], reply["expires"]
    return Record(
        to=reply["to"],
        status=Status.EXPIRED if status is Status.PENDING and now >= expires else status,
        begun=reply["begun"],
        expires=expires,
        now=now,
        sends=reply["sends"],
        checks=reply["checks"],
        wait=reply["next_send"],
        delivery=Delivery(reply["delivery"][1:]) if "delivery" in reply else Delivery.ON_ITS_WAY,
        origin=reply.get("origin", ""),
        about=About(reply.get("reference", ""), reply.get("locale", "")),
        is_known=reply.get("kind") == KNOWN,
    )
