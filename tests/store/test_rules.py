"""The store against the rules in plain Python: any step, in any order, at any time.

Hypothesis makes up what happens and shortens what fails. `STATEFUL_EXAMPLES=2000` looks longer.
"""

import itertools
import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from service.config import Settings
from service.store.redis import RedisStore
from service.verification.errors import Delivery
from service.verification.keyring import Keyring
from service.verification.policy import Window
from service.verification.ports import Answer, Kind, Status, Verdict
from service.verification.token import Token
from tests.fakes import FakeClock
from tests.fakes import numbers as endless_numbers
from tests.store.attempts import Attempt
from tests.store.engines import KEYRING, TOLD, Engine
from tests.store.rules import APPLICATION, Expected, Rules

# Everything is scarce, so that every limit is met in a few steps. Each number differs from the others.
POLICY = replace(
    Settings(SENDER="demo").policy,
    token_life=timedelta(seconds=150),
    max_checks=3,
    max_sends=3,
    resend_waits=(timedelta(seconds=2), timedelta(seconds=5)),
    sends_of_number=(Window(3, timedelta(seconds=9)), Window(6, timedelta(seconds=60))),
    checks_of_number=(Window(4, timedelta(seconds=70)), Window(5, timedelta(seconds=300))),
    checks_in_a_row=(Window(6, timedelta(seconds=500)),),
)
# Steps in ms: the borders of the waits and windows above, and next to them. Most are short, so that much happens
# before it is too late.
BORDERS = (1, 2_000, 5_000, 9_000, 30_000, 60_000, 70_000, 90_000, 150_000, 300_000, 1_200_000, 3_600_000)
PAUSES = [border + side for border in BORDERS for side in (-1, 0, 1)]
SHORT = [1, 10, 100, 1_000, 1_999, 2_000, 2_001, 4_999, 5_000] * 5
# Messages to a number in an hour: 3 are soon spent, and of 40 each is due within a token's life.
HOURLY = st.sampled_from([3, 40])
SOURCES = st.sampled_from(["alice", "alice", "bob", "carol", APPLICATION])
# Two usual numbers, of which an application vouches for one; and a test number, which never becomes another.
PLACES = {0: Kind.USUAL, 1: Kind.USUAL, 2: Kind.KNOWN, 3: Kind.TEST}
NAMES = st.sampled_from(["", "a", "b"])  # few, so that they meet; "" is a request without a name
DELIVERIES = st.sampled_from(list(Delivery))
RARELY = st.sampled_from([False, False, False, True])
FAILURES = st.sampled_from([Delivery.FAILED, Delivery.LANDLINE])
EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "40"))


class StoreKeepsTheRules(RuleBasedStateMachine):
    """Asks a real store and the rules the same, and compares."""

    engine: Engine
    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.engine.forget()
        self.clock = FakeClock()
        self.keyring = Keyring.of(b"keys that are the same in every example, of 64 bytes as they are.")
        first, second, fixed = itertools.islice(endless_numbers(), 3)
        self.numbers = [first, second, second, fixed]
        self.unnamed = 0

    @initialize(sends_an_hour=HOURLY)
    def agree(self, sends_an_hour: int) -> None:
        policy = replace(POLICY, sends_an_hour=sends_an_hour)
        self.expected = Rules(policy)
        self.store = RedisStore(self.engine.client, policy)
        self.store.keyring.put({"id": self.keyring.id.encode()}, instead_of="")
        self.held = self.engine.snapshot()

    def attempt(self, place: int, source: str) -> Attempt:
        return Attempt(
            self.store,
            self.keyring,
            self.clock,
            self.numbers[place],
            source=source,
            is_told_apart=source != APPLICATION,
            kind=PLACES[place],
        )

    @property
    def now(self) -> int:
        return round(self.clock() * 1000)

    def name(self, name: str) -> str:
        """A name of its own for a request that has none: no two of them are the same."""
        self.unnamed += 1
        return name or f"unnamed-{self.unnamed}"

    @rule(target=attempts, place=st.sampled_from([0, 0, *PLACES]), source=SOURCES, name=NAMES)
    def start(self, place: int, source: str, name: str) -> Any:
        one = self.attempt(place, source)

        self.start_again(one, name)

        return one if one.handle.own_seed in self.expected.verifications else multiple()

    @rule(verb=st.sampled_from(["check", "miss", "resend", "cancel", "show"]))
    def ask_about_what_was_never_started(self, verb: str) -> None:
        one = self.attempt(0, "alice")

        answer = getattr(one, verb)()

        self.compare(one, answer, Expected(Verdict.GONE))

    @rule(one=attempts, name=NAMES)
    def start_again(self, one: Attempt, name: str) -> None:
        """The same script with the same id, because the answer was lost."""
        memo, seed = one.handle.memo, one.handle.own_seed

        answer = one.start(name)

        expected = self.expected.start(seed, one.number, one.source, self.now, memo=memo, name=name, kind=one.kind)
        self.compare(one, answer, expected)

    @rule(one=attempts, name=NAMES)
    def check_right(self, one: Attempt, name: str) -> None:
        self.check(one, one.token, self.name(name))

    @rule(one=attempts, name=NAMES)
    def check_wrong(self, one: Attempt, name: str) -> None:
        self.check(one, one.wrong, self.name(name))

    @rule(one=attempts, times=st.integers(2, POLICY.max_checks + 1))
    def guess(self, one: Attempt, times: int) -> None:
        for _ in range(times):
            self.check(one, one.wrong, self.name(""))

    def check(self, one: Attempt, typed: Token, name: str) -> None:
        right = typed.reveal() == one.token.reveal()

        answer = one.check(typed, name)

        self.compare(
            one, answer, self.expected.check(one.handle.own_seed, one.source, f"{name} {right}", self.now, right=right)
        )

    @rule(one=attempts, name=NAMES, caller=st.sampled_from(["c", "d"]))
    def resend(self, one: Attempt, name: str, caller: str) -> None:
        name = self.name(name)

        answer = one.resend(name, caller)

        self.compare(one, answer, self.expected.resend(one.handle.own_seed, one.source, name, caller, self.now))

    @rule(one=attempts, name=NAMES)
    def wait_and_resend(self, one: Attempt, name: str) -> None:
        self.clock.now += self.expected.wait(one.handle.own_seed, one.source, self.now) / 1000
        self.resend(one, name, "c")

    @rule(one=attempts, is_meant=RARELY)
    def cancel(self, one: Attempt, is_meant: bool) -> None:
        if not is_meant:
            return
        answer = one.cancel()

        self.compare(one, answer, self.expected.cancel(one.handle.own_seed, self.now))

    @rule(one=attempts, delivery=DELIVERIES | FAILURES, event=NAMES)
    def report(self, one: Attempt, delivery: Delivery, event: str) -> None:
        answer = one.report(delivery, event)

        self.compare(one, answer, self.expected.report(one.handle.own_seed, delivery, event), source="")

    @rule(one=attempts, send=st.sampled_from([1, 2, 2, 3, 3]), delivery=FAILURES, is_undo=RARELY)
    def unsend(self, one: Attempt, send: int, delivery: Delivery, is_undo: bool) -> None:
        if one.kind is Kind.TEST:
            return  # nothing was sent
        answer = one.unsend(send, delivery, is_undo=is_undo)

        expected = self.expected.unsend(one.handle.own_seed, one.source, send, delivery, is_undo=is_undo)
        self.compare(one, answer, expected)

    @rule(one=attempts, out=RARELY, event=NAMES)
    def opt_out(self, one: Attempt, out: bool, event: str) -> None:
        one.opt_out(out=out, event=event)

        self.expected.opt(one.number, event, self.now, out=out)
        self.held = self.engine.snapshot()

    @rule(ms=st.sampled_from(SHORT + PAUSES))
    def wait(self, ms: int) -> None:
        self.clock.now += ms / 1000

    @rule(one=attempts)
    def forgive(self, one: Attempt) -> None:
        one.forgive()

        self.expected.forgive(one.number, self.now)
        self.held = self.engine.snapshot()

    @rule(one=attempts, is_repeat=RARELY)
    def show(self, one: Attempt, is_repeat: bool) -> None:
        answer = one.show(is_repeat=is_repeat)

        self.compare(one, answer, self.expected.show(one.handle.own_seed, is_repeat=is_repeat))

    def compare(self, one: Attempt, answer: Answer, expected: Expected, *, source: str | None = None) -> None:
        assert (answer.verdict, answer.wait, answer.other, answer.limit) == (
            expected.verdict,
            expected.wait,
            expected.other,
            expected.limit,
        )
        before, self.held = self.held, self.engine.snapshot()
        assert {name for name, (_, life) in self.held.items() if life == -1} <= {KEYRING}, "every key ends"
        assert expected.writes or _values(self.held) == _values(before), "what is refused changes nothing"
        rules = self.expected.verifications.get(one.handle.own_seed)
        if rules is None:
            assert answer.record is None
            return
        record = answer.record
        assert record is not None
        assert record.now == self.now
        assert record.status is self.expected.status(one.handle.own_seed, self.now)
        assert (record.begun, record.expires) == (rules.begun, rules.expires)
        assert record.sends == len(rules.sends)
        assert record.checks == (rules.checks if expected.checks is None else expected.checks)
        assert record.delivery is rules.delivery
        if record.status is Status.PENDING:
            # A carrier's news come from nobody who asks, so they are told what everybody may do.
            asking = one.source if source is None else source
            assert record.wait == self.expected.wait(one.handle.own_seed, asking, self.now)


def _values(snapshot: dict[str, tuple[bytes, int]]) -> dict[str, bytes]:
    """Return what decides, without what is only told."""
    return {name: value for name, (value, _) in snapshot.items() if name.split(":")[1] not in TOLD}


def test_a_store_keeps_the_rules(engine):
    machine = type("OnEngine", (StoreKeepsTheRules,), {"engine": engine})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
