"""What is measured. Each row is side by side with what it is compared with, in rounds, in turns."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from hashlib import sha1
from typing import Any, cast

import redis
from redis.exceptions import NoScriptError

from bench import isolation
from bench.performance import machine
from bench.performance.crowd import Crowd
from bench.performance.load import CONNECTIONS, Driven, drive
from bench.performance.servers import EVERY_LIMIT, SECRET, SERVICE, Program, Server
from service.store.key_names import Names
from service.store.redis import RedisStore
from service.verification.envelope import Keys
from service.verification.phone import PhoneNumber
from service.verification.ports import Kind, Step
from tests.support.processes import wait_until
from tests.support.servers import StoreServer, redis_binary, valkey_binary
from tests.support.telnyx import FakeTelnyx

SEE_OTHER, OK, CREATED, WRONG = 303, 200, 201, 422
UNKNOWN, FORBIDDEN, LIMITED, BUSY = 401, 403, 429, 503
MILLION = 1_000_000
STARTERS = 4  # connections: as many starts as a worker has under way, and as the balancer sends it

SLOW_SECONDS = 0.2  # of a carrier that is as slow as most
WARM = 40  # requests; more than there are threads
END = "textproof-bench-end"
AFTERWARDS = 0.3  # seconds; what is done after the answer would be by then
HANDSHAKE = ("HELLO", "CLIENT", "AUTH", "SELECT", "MONITOR", "SCRIPT")
BATCH = 500  # scripts
EXPIRY_SECONDS = 120
BRIEF_SECONDS = 20  # a life that can be waited for


@dataclass(frozen=True)
class Size:
    """How much is done."""

    rounds: int
    requests: int
    """In each round, of each candidate."""
    pending: int
    """Verifications that wait at the same time."""
    seconds: float
    """Of each part of the rows that take their time."""


FULL = Size(rounds=5, requests=300, pending=100_000, seconds=2.0)
QUICK = Size(rounds=3, requests=150, pending=20_000, seconds=1.0)


@dataclass(frozen=True)
class Candidate:
    """One of those that stand side by side."""

    name: str
    server: Program
    request: Callable[[], bytes]
    status: int


@dataclass
class Measured:
    """What was seen of one candidate, round for round."""

    microseconds: list[float] = field(default_factory=list)
    """Processor time of a request, in the processes of the server."""
    per_second: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)
    """ms; the 99th of 100."""

    def note(self, cpu: float, driven: Driven) -> None:
        """Add a round."""
        self.microseconds.append(cpu * MILLION / len(driven.times))
        self.per_second.append(driven.per_second)
        self.slowest.append(driven.slowest())

    def ratio(self, reference: "Measured") -> "Ratio":
        """Return how much of the reference's work a second of processor time does, round for round."""
        return Ratio([theirs / ours for ours, theirs in zip(self.microseconds, reference.microseconds, strict=True)])

    def rate(self, reference: "Measured") -> "Ratio":
        """Return the same of the requests a second."""
        return Ratio([ours / theirs for ours, theirs in zip(self.per_second, reference.per_second, strict=True)])


@dataclass(frozen=True)
class Ratio:
    """A ratio, measured several times."""

    each: Sequence[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.each)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({min(self.each):.2f} to {max(self.each):.2f})"


def in_turns(candidates: Sequence[Candidate], size: Size, *, connections: int = CONNECTIONS) -> dict[str, Measured]:
    """Measure each in every round, each round in another order; the first round warms up and does not count."""
    measured = {one.name: Measured() for one in candidates}
    for number in range(size.rounds + 1):
        turn = number % len(candidates)
        for one in [*candidates[turn:], *candidates[:turn]]:
            requests = [one.request() for _ in range(size.requests if number else size.requests // 4)]
            cpu, driven = measure(one.server, requests, connections)
            if set(driven.statuses) != {one.status}:
                raise SystemExit(f"{one.name}: expected {one.status}, got {dict(driven.statuses)}")
            if number:
                measured[one.name].note(cpu, driven)
    return measured


def measure(server: Program, requests: Sequence[bytes], connections: int = CONNECTIONS) -> tuple[float, Driven]:
    """Return the processor time that requests cost a server, and what the client saw."""
    seen: list[Driven] = []
    cpu = server.cpu_of(lambda: seen.append(drive(server.port, requests, connections=connections)))
    return cpu, seen[0]


class Stage:
    """A store, the service on it, and what it is compared with."""

    def __init__(self, ends: ExitStack) -> None:
        """Start what is always needed; the rest is started when it is asked for."""
        self._ends = ends
        self.store = ends.enter_context(StoreServer())
        self.crowd = Crowd(self.store.url)
        self.bare = self.start("bench.performance.bare:create_app()", BARE_REDIS_URL=self.store.url)
        self.service = self.start("bench.performance.stubbed:create_app()", **self.settings)

    @property
    def settings(self) -> dict[str, str]:
        """The service's, with every limit on."""
        return SERVICE | EVERY_LIMIT | {"TEXTPROOF_REDIS_URL": self.store.url}

    def start(self, app: str, *, core: int | None = 0, **environment: str) -> Server:
        """Start a program."""
        return self._ends.enter_context(Server(app, environment, core=core))


def checks_of_pages(stage: Stage) -> list[Candidate]:
    """(a) A right code typed into the page."""
    form = stage.crowd.form_check
    return [
        Candidate("Textproof", stage.service, form, OK),
        Candidate("Textproof, a wrong code", stage.service, partial(form, right=False), WRONG),
        *_bare(stage, "form", form),
        Candidate("Flask + form + EVALSHA, the form again", stage.bare, partial(form, "/one/again"), WRONG),
        Candidate("the tutorial's dict", stage.bare, partial(form, "/dict/verify"), OK),
    ]


def checks_of_api(stage: Stage) -> list[Candidate]:
    """(a) A right code checked by an application."""
    call = stage.crowd.api_check
    return [
        Candidate("Textproof", stage.service, call, OK),
        Candidate("Textproof, a wrong code", stage.service, partial(call, right=False), WRONG),
        *_bare(stage, "json", call),
    ]


def starts_of_pages(stage: Stage) -> list[Candidate]:
    """(b) A number typed into the page, every limit on, and a carrier that takes every message at once."""
    form = stage.crowd.form_start
    return [
        Candidate("Textproof", stage.service, form, SEE_OTHER),
        *_bare(stage, "form", form),
        Candidate("Flask + form + EVALSHA, redirecting", stage.bare, partial(form, "/one/redirect"), SEE_OTHER),
        Candidate("the tutorial's dict", stage.bare, partial(form, "/dict/request"), OK),
    ]


def starts_of_api(stage: Stage) -> list[Candidate]:
    """(b) A number given by an application."""
    call = stage.crowd.api_start
    return [Candidate("Textproof", stage.service, call, CREATED), *_bare(stage, "json", call)]


GOOD, FLOOR = "a good start", "bare Flask that refuses nothing and asks nobody"
EARLY = frozenset({"from another site", "while the worker is busy with starts"})  # refused before Flask
ABROAD, UNREADABLE, ONE_ADDRESS = "+447400123456", "12ab", "203.0.113.7"


def refusals_of_pages(stage: Stage) -> list[Candidate]:
    """(c) Numbers typed into the page that are refused."""
    form, busy = stage.crowd.form_start, stage.start("bench.performance.stubbed:create_busy()", **stage.settings)
    over = partial(form, address=ONE_ADDRESS)
    drive(stage.service.port, [over() for _ in range(WARM)], connections=1)
    return [
        Candidate(GOOD, stage.service, form, SEE_OTHER),
        Candidate("a country that is not allowed", stage.service, partial(form, phone=ABROAD), WRONG),
        Candidate("no number", stage.service, partial(form, phone=UNREADABLE), WRONG),
        Candidate("from another site", stage.service, partial(form, site="cross-site"), FORBIDDEN),
        Candidate("an address that is over its limit", stage.service, over, LIMITED),
        Candidate("while the worker is busy with starts", busy, form, BUSY),
        Candidate(FLOOR, stage.bare, partial(form, "/none/form"), OK),
    ]


def refusals_of_api(stage: Stage) -> list[Candidate]:
    """(c) Numbers given by an application that are refused."""
    call, busy = stage.crowd.api_start, stage.start("bench.performance.stubbed:create_busy()", **stage.settings)
    over = partial(call, client_address=ONE_ADDRESS)
    drive(stage.service.port, [over() for _ in range(WARM)], connections=1)
    return [
        Candidate(GOOD, stage.service, call, CREATED),
        Candidate("a country that is not allowed", stage.service, partial(call, to=ABROAD), WRONG),
        Candidate("no number", stage.service, partial(call, to=UNREADABLE), WRONG),
        Candidate("a key that nobody has", stage.service, partial(call, key="tp_00000000_" + "x" * 43), UNKNOWN),
        Candidate("an address that is over its limit", stage.service, over, LIMITED),
        Candidate("while the worker is busy with starts", busy, call, BUSY),
        Candidate(FLOOR, stage.bare, partial(call, "/none/json"), OK),
    ]


def _bare(stage: Stage, kind: str, request: Callable[..., bytes]) -> Iterator[Candidate]:
    yield Candidate(f"Flask + {kind} + EVALSHA", stage.bare, partial(request, f"/one/{kind}"), OK)
    yield Candidate(f"Flask + {kind}", stage.bare, partial(request, f"/none/{kind}"), OK)


# -- (d) A carrier that takes its time


@dataclass(frozen=True)
class Slow:
    """What a slow carrier does to a worker."""

    sends: float
    """A second, of one worker."""
    alone: isolation.Measured
    meanwhile: isolation.Measured


def slow_carrier(size: Size) -> Slow:
    """Start with a Telnyx that takes 200 ms, and check meanwhile: one worker, its real client, loopback."""
    with ExitStack() as ends:
        store, telnyx = ends.enter_context(StoreServer()), ends.enter_context(FakeTelnyx())
        url = ends.enter_context(isolation.replica("service.app:create_app()", store, telnyx)).url
        jobs = [isolation.job(url, telnyx, place) for place in range(isolation.CHECKERS)]
        isolation.check(url, jobs, size.seconds / 4)  # warms up
        alone = isolation.check(url, jobs, size.seconds)
        telnyx.answer("slow", seconds=SLOW_SECONDS)
        with isolation.starting(url, patience=SLOW_SECONDS):
            wait_until(lambda: len(telnyx.requests) > STARTERS, seconds=60, what="messages are sent")
            before, begun = len(telnyx.requests), time.monotonic()
            meanwhile = isolation.check(url, jobs, size.seconds)
            sends = (len(telnyx.requests) - before) / (time.monotonic() - begun)
    return Slow(sends, alone, meanwhile)


def hanging_carrier(size: Size) -> Ratio:
    """Return what is left of the checks while every place of the outbox waits for a Telnyx that hangs."""
    return Ratio([isolation.round_of("service.app:create_app()", size.seconds)[2] for _ in range(min(3, size.rounds))])


# -- (e) Trips


@dataclass(frozen=True)
class Trips:
    """What a request asked of Redis."""

    trips: list[str]
    """What was sent to it before the answer, one after the other."""
    afterwards: list[str]
    """What was sent to it when nobody waited any more."""
    commands: int
    """Of both, with those that scripts call."""


def trips(stage: Stage) -> dict[str, Trips]:
    """Return what each verb asks, as the server counts it."""
    crowd = stage.crowd
    asks = {
        "start, page": lambda: [crowd.form_start()],
        "check, page, wrong": lambda: [crowd.form_check(right=False)],
        "check, page, right": lambda: [crowd.form_check()],
        "start, API": lambda: [crowd.api_start()],
        "check, API, wrong": lambda: [crowd.api_check(right=False)],
        "check, API, right": lambda: [crowd.api_check()],
    }
    for ask in asks.values():  # the scripts are loaded, each thread has its connection
        for _ in range(WARM):
            drive(stage.service.port, ask(), connections=1)
    found: dict[str, Trips] = {}
    with stage.store.client() as client:
        for name, ask in asks.items():
            request = ask()
            drive(stage.service.port, ask(), connections=1)  # an application's key is looked up once a second
            with client.monitor() as monitor:
                drive(stage.service.port, request, connections=1)
                client.echo(END)
                time.sleep(AFTERWARDS)
                client.echo(END)
                (sent, more), (later, yet_more) = _sent(monitor), _sent(monitor)
                found[name] = Trips(sent, later, more + yet_more)
    return found


def _sent(monitor: Any) -> tuple[list[str], int]:  # noqa: ANN401 - redis-py's has no types
    """Return what was sent until the next end, and how many commands that were with those of scripts."""
    sent, commands = [], 0
    while True:
        event = monitor.next_command()
        word = event["command"].split()[0].upper()
        if END in event["command"]:
            return sent, commands
        if word in HANDSHAKE:
            continue
        commands += 1
        if event["client_type"] != "lua":
            sent.append(word)


# -- (f) Bytes


@dataclass(frozen=True)
class Bytes:
    """What verifications take of a store."""

    server: str
    pending: int
    alone: float
    """Bytes of a token and its record."""
    each: float
    """Bytes with the budgets of its number: what the memory of the server grew by."""
    told: float
    """Bytes with the trail of its number as well, and the figures of the day."""
    keys: float
    left: int
    """Keys, after all that was counted has passed."""
    waited: float
    """Seconds until then."""


def memory(size: Size) -> Iterator[Bytes]:
    """Fill a store of each kind that is here, look, and wait until it is empty."""
    for binary in filter(None, (valkey_binary(), redis_binary())):
        with StoreServer(binary) as server, server.client() as client:
            facts = server.info("server")
            name = f"{facts.get('server_name', 'redis')} {facts.get('valkey_version', facts['redis_version'])}"
            names, each = grown(server, client, size.pending, has_trail=False)
            sample = [sum(client.memory_usage(one) or 0 for one in pair) for pair in names]
            keys = client.dbsize() / size.pending
            _, told = grown(server, client, max(10_000, size.pending // 10), has_trail=True)
            server.flush()
            fill(client, max(10_000, size.pending // 10), brief=True)
            begun = time.monotonic()
            while _left(client) and time.monotonic() - begun < EXPIRY_SECONDS:
                time.sleep(0.2)
            waited = time.monotonic() - begun
            yield Bytes(name, size.pending, statistics.mean(sample), each, told, keys, _left(client), waited)


def grown(
    server: StoreServer, client: redis.Redis, count: int, *, has_trail: bool
) -> tuple[list[tuple[str, str]], float]:
    """Fill an empty store; return the keys of some verifications, and by how many bytes each one made it grow."""
    client.execute_command("FLUSHALL", "SYNC")  # at once: Valkey would give the memory back later
    before = server.info("memory")["used_memory"]
    names = fill(client, count, has_trail=has_trail)
    return names, (server.info("memory")["used_memory"] - before) / count


def _left(client: redis.Redis) -> int:
    """Return how many keys there are beside the keyring."""
    return client.dbsize() - client.exists(Names("tp").keyring)


def fill(client: redis.Redis, count: int, *, brief: bool = False, has_trail: bool = False) -> list[tuple[str, str]]:
    """Let so many verifications begin, each of a number of its own; return the keys of some of them."""
    policy, names = Crowd.policy(BRIEF_SECONDS if brief else None), Names("tp")
    policy = replace(policy, trail=policy.trail if has_trail else timedelta(0))
    keyring = Keys(RedisStore(client, policy).keyring, [SECRET], prefix="tp")()
    found = []
    with client.pipeline(transaction=False) as steps:
        writer = Writer(client, steps)
        store = RedisStore(cast("redis.Redis", lambda: writer), policy).verifications
        for place in range(count):
            address = f"198.18.{place // 256 % 256}.{place % 256}"
            handle = keyring.new_handle(PhoneNumber(f"+1202{place:07}", "US"), address=address)
            digest = keyring.token_digest(handle, keyring.token(handle, policy.token_format))
            step = Step(
                keyring=keyring.id,
                now=int(time.time() * 1000),
                record=handle.random,
                number=keyring.number_digest(handle.number.e164),
                source=keyring.subject_digest("source", address),
                token=digest,
            )
            nonce = keyring.request_digest(handle.number.e164, "0123456789abcdef")
            memo, seed = handle.memo, handle.seed
            store.start(step, memo=memo, seed=seed, nonce=nonce, kind=Kind.USUAL, send=None, has_slot=True)
            if place % (count // 500) == 0:
                found.append((names.record(handle.random), names.token(digest)))
            if place % BATCH == 0:
                steps.execute()
        steps.execute()
    return found


class Writer:
    """A client that sends scripts in batches, and says yes to each before it has been asked."""

    def __init__(self, client: redis.Redis, steps: Any) -> None:  # noqa: ANN401 - has no types
        self._client = client
        self._steps = steps
        self._known: dict[str, str] = {}

    def evalsha(self, digest: str, count: int, *words: str | int) -> bytes:
        """Note a script that is known; say that any other is not."""
        if digest not in self._known:
            raise NoScriptError
        self._steps.evalsha(self._known[digest], count, *words)
        return b'{"verdict": "done", "wait": 0, "now": 0, "stamp": 0}'

    def script_load(self, source: str) -> None:
        """Load a script at once."""
        self._known[sha1(source.encode()).hexdigest()] = str(self._client.script_load(source))  # noqa: S324 - as Redis


# -- (g) Memory of the processes, and how soon they answer


@dataclass(frozen=True)
class Weight:
    """What processes take, with Telnyx's SDK loaded."""

    master: float
    """MB; the proportional set size."""
    workers: list[float]
    seconds: float
    """Until the first answer."""


def weight(size: Size) -> Weight:
    """Start four workers as in production, let each of them work, and weigh them."""
    with ExitStack() as ends:
        store, telnyx = ends.enter_context(StoreServer()), ends.enter_context(FakeTelnyx())
        crowd = Crowd(store.url)
        settings = SERVICE | EVERY_LIMIT | {"TEXTPROOF_REDIS_URL": store.url}
        settings |= {"TEXTPROOF_API_KEY": telnyx.api_key, "TEXTPROOF_TELNYX_BASE_URL": telnyx.base_url}
        starts = []
        for _ in range(min(3, size.rounds)):
            with Server("service.app:create_app()", settings, core=None, workers=4) as server:
                starts.append(server.seconds_to_answer)
        server = ends.enter_context(Server("service.app:create_app()", settings, core=None, workers=4))
        for make in (crowd.form_start, partial(crowd.form_check, right=False)):
            drive(server.port, [make() for _ in range(400)], connections=STARTERS)
        master, *workers = machine.shared_megabytes(machine.family(server.pids[0]))
    return Weight(master, workers, statistics.median(starts))
