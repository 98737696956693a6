"""What Redis's own work for a verification is, and where the first wall stands: `python -m bench.scale`.

Each script is sent in batches, so that the server is all that works, and its processor time is divided by their number.
Then people are let in at random, faster and faster, and it is seen how long the one slot that all starts share keeps
them waiting.
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
from service.verification.budgets import ask_for
from service.verification.caller import Caller
from service.verification.keys import Handle, Keyring
from service.verification.phone import PhoneNumber
from service.verification.ports import Start
from tests.support.servers import StoreServer

COUNT, BATCH = 50_000, 500
SHARDS = (1, 3, 6, 12)
LOADS = (0.5, 0.8, 0.9, 0.95)
PEOPLE = 200_000
TOGETHER = 20  # approvals; as a busy worker settles them


def main() -> None:
    """Measure, simulate, print."""
    with ExitStack() as ends:
        server = ends.enter_context(StoreServer())
        client = ends.enter_context(server.client())
        cost = {name: _cost(client, act) for name, act in _acts()}
    say(f"A settle gives {TOGETHER} approvals back at once.")
    say("")
    say("| script | Redis's processor time, µs | a second on one core |")
    say("|---|---|---|")
    for name, each in cost.items():
        say(f"| {name} | {each:.1f} | {1e6 / each:,.0f} |")
    say("")
    say("| shards | verifications a second, by the numbers' slots | by the one slot of the shared budgets |")
    say("|---|---|---|")
    own, shared = cost["start"] + cost["check"], cost["allow"] + cost["settle"] / TOGETHER
    for shards in SHARDS:
        # The shard with the shared slot has that much less for its numbers; the others have all.
        say(f"| {shards} | {shards * 1e6 / own:,.0f} | {1e6 / (shared + own / shards):,.0f} |")
    say("")
    say("| the shared slot is busy | waits, µs: mean | as queueing theory has it | 99 of 100 |")
    say("|---|---|---|---|")
    for load in LOADS:
        waits = sorted(_waits(shared, load))
        theory = load * shared / (2 * (1 - load))
        mean = statistics.fmean(waits)
        say(f"| {load:.0%} | {mean:.0f} | {theory:.0f} | {waits[int(len(waits) * 0.99)]:,.0f} |")


def _acts() -> Iterator[tuple[str, Callable[[int, RedisStore], None]]]:
    """Yield what is measured: the script of a number's start, of its check, and the decision about the message."""
    key = Keyring([SECRET.encode()])
    policy = _settings().policy
    handles: dict[int, Handle] = {}

    def number(place: int) -> PhoneNumber:
        return PhoneNumber(f"{PREFIXES[place % len(PREFIXES)]}{place // len(PREFIXES) * 7:04}", "US")

    def digest(handle: Handle) -> str:
        one = key.of(handle)
        return one.token_digest(handle, one.token(handle, policy.token_format))

    def start(place: int, store: RedisStore) -> None:
        handle = handles[place] = key.new_handle(number(place).e164)
        store.start(
            handle,
            now=0,
            source="s" * 16,
            to=number(place).e164,
            token_digest=digest(handle),
            nonce="n" * 10,
            origin="1700000000000:aaaaaaaaaaaaaaaa::US",
            is_test=False,
        )

    def check(place: int, store: RedisStore) -> None:
        store.check(handles[place], now=0, source="s" * 16, token_digest=digest(handles[place]), nonce="n" * 11)

    def allow(place: int, store: RedisStore) -> None:
        caller = Caller(f"198.{18 + place % 2}.{place // 256 % 256}.{place % 256}")
        store.allow(ask_for(number(place), caller, policy=policy, key=key.current, is_start=True), now=0)

    def settle(place: int, store: RedisStore) -> None:
        start = Start(0, "a" * 16, "", "p" * 16, place % 10_000, "US", f"{'a' * 16}:{'p' * 16}")
        store.settle([start] * TOGETHER)

    yield "start", start
    yield "check", check
    yield "allow", allow
    yield "settle", settle


def _cost(client: redis.Redis, act: Callable[[int, RedisStore], None]) -> float:
    """Return the processor time, in µs, that the server takes for one."""
    with client.pipeline(transaction=False) as steps:
        writer = Writer(client, steps)
        store = RedisStore(lambda: writer, _settings().policy)  # type: ignore[arg-type, return-value]
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
