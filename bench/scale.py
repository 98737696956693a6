"""What Redis's own work for a verification is, and what one core carries: `python -m bench.scale`.

Each script is sent in batches, so that the server is all that works, and its processor time is divided by their number.
Then people are let in at random, faster and faster, and it is seen how long one core keeps them waiting.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import redis

from bench.performance.crowd import PREFIXES
from bench.performance.rows import Writer
from bench.performance.servers import EVERY_LIMIT, ROOT, SECRET, SERVICE
from service.config import Settings
from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.envelope import Keys
from service.verification.keyring import Handle, Keyring
from service.verification.limits import send_of, subjects_of
from service.verification.phone import PhoneNumber
from service.verification.policy import Policy
from service.verification.ports import Kind, Step, Verifications
from service.verification.token import Token
from tests.support.servers import StoreServer

COUNT, BATCH = 50_000, 500
LOADS = (0.5, 0.8, 0.9, 0.95)
PEOPLE = 200_000


def main() -> None:
    """Measure, simulate, print."""
    with ExitStack() as ends:
        server = ends.enter_context(StoreServer())
        client = ends.enter_context(server.client())
        policy = Settings.load(SERVICE | EVERY_LIMIT | {"TEXTPROOF_CONFIG": "/dev/null"}).policy
        people = People(policy, Keys(RedisStore(client, policy).keyring, [SECRET], prefix="tp")())
        acts = {"start": people.start, "check, wrong": people.miss, "check, right": people.check}
        cost = {name: _cost(client, policy, act) for name, act in acts.items()}
    say("| script | Redis's processor time, µs | a second on one core |")
    say("|---|---|---|")
    for name, each in cost.items():
        say(f"| {name} | {each:.1f} | {1e6 / each:,.0f} |")
    whole = cost["start"] + cost["check, right"]
    say(f"| a verification: start, and check | {whole:.1f} | {1e6 / whole:,.0f} |")
    say("")
    say("| the core is busy | waits, µs: mean | as queueing theory has it | 99 of 100 |")
    say("|---|---|---|---|")
    for load in LOADS:
        waits = sorted(_waits(whole, load))
        theory = load * whole / (2 * (1 - load))
        mean = statistics.fmean(waits)
        say(f"| {load:.0%} | {mean:.0f} | {theory:.0f} | {waits[int(len(waits) * 0.99)]:,.0f} |")


class People:
    """Each has a number and an address; every limit is on."""

    def __init__(self, policy: Policy, keyring: Keyring) -> None:
        self._policy = policy
        self._keyring = keyring
        self._handles: list[Handle] = []

    def start(self, place: int, store: Verifications) -> None:
        """Ask for a code."""
        e164 = f"{PREFIXES[place % len(PREFIXES)]}{place // len(PREFIXES) * 7:04}"
        caller = Caller(f"198.{18 + place % 2}.{place // 256 % 256}.{place % 256}")
        handle = self._keyring.new_handle(PhoneNumber(e164, "US"), address=caller.address)
        self._handles.append(handle)
        send = send_of(handle, caller, policy=self._policy, keyring=self._keyring)
        step, memo, seed = self._step(handle, self._token(handle)), handle.memo, handle.seed
        store.start(step, memo=memo, seed=seed, nonce="n" * 11, kind=Kind.USUAL, send=send, has_slot=True)

    def miss(self, place: int, store: Verifications) -> None:
        """Type another code."""
        self._check(self._handles[place], Token("000000"), "w" * 11, store)

    def check(self, place: int, store: Verifications) -> None:
        """Type the code."""
        self._check(self._handles[place], self._token(self._handles[place]), "n" * 11, store)

    def _check(self, handle: Handle, token: Token, nonce: str, store: Verifications) -> None:
        store.check(self._step(handle, token), subjects_of(handle, self._keyring), nonce=nonce)

    def _token(self, handle: Handle) -> Token:
        return self._keyring.token(handle, self._policy.token_format)

    def _step(self, handle: Handle, token: Token) -> Step:
        return Step(
            keyring=self._keyring.id,
            now=0,
            record=handle.random,
            number=self._keyring.number_digest(handle.number.e164),
            source=self._keyring.subject_digest("source", handle.address),
            token=self._keyring.token_digest(handle, token),
        )


def _cost(client: redis.Redis, policy: Policy, act: Callable[[int, Verifications], None]) -> float:
    """Return the processor time, in µs, that the server takes for one."""
    with client.pipeline(transaction=False) as steps:
        writer = Writer(client, steps)
        store = RedisStore(lambda: writer, policy).verifications  # type: ignore[arg-type, return-value]
        spent = 0.0
        for first in range(0, COUNT, BATCH):
            for place in range(first, first + BATCH):
                act(place, store)
            before = _busy(client)
            steps.execute()
            spent += _busy(client) - before
    return spent / COUNT * 1e6


def _busy(client: redis.Redis) -> float:
    seen = client.info("cpu")
    return float(seen["used_cpu_user_main_thread"]) + float(seen["used_cpu_sys_main_thread"])


def _settings() -> Settings:
    return Settings.load(SERVICE | EVERY_LIMIT | {"TEXTPROOF_CONFIG": str(ROOT / "config.cfg.example")})


def _waits(each: float, load: float) -> Iterator[float]:
    """Let people come at random to one server that takes as long for each; yield how long each waits, in µs."""
    chance = random.Random(time.time_ns())  # noqa: S311 - people, not secrets
    now = free = 0.0
    for _ in range(PEOPLE):
        now += chance.expovariate(load / each)
        yield max(0.0, free - now)
        free = max(now, free) + each


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
