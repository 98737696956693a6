"""What is measured. Each row is side by side with what it is compared with, in rounds, in turns."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from bench.performance.crowd import Crowd
from bench.performance.load import CONNECTIONS, Driven, drive
from bench.performance.servers import EVERY_LIMIT, SERVICE, Server
from tests.support.servers import StoreServer

SEE_OTHER, OK, CREATED, WRONG = 303, 200, 201, 422
MILLION = 1_000_000
STARTERS = 8  # connections: as many as may wait for the carrier's answer, of the 16 places that there are


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


FULL = Size(rounds=9, requests=1500, pending=1_000_000, seconds=4.0)
QUICK = Size(rounds=3, requests=400, pending=20_000, seconds=1.5)


@dataclass(frozen=True)
class Candidate:
    """One of those that stand side by side."""

    name: str
    server: Server
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
        return f"{self.median:.2f} ({min(self.each):.2f}–{max(self.each):.2f})"


def in_turns(
    candidates: Sequence[Candidate], size: Size, *, connections: int = CONNECTIONS
) -> dict[str, Measured]:
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


def measure(server: Server, requests: Sequence[bytes], connections: int = CONNECTIONS) -> tuple[float, Driven]:
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
    unbraked = stage.start("bench.performance.stubbed:without_brake()", **stage.settings)
    return [
        Candidate("Textproof", stage.service, form, SEE_OTHER),
        Candidate("Textproof without the brake", unbraked, form, SEE_OTHER),
        *_bare(stage, "form", form),
        Candidate("Flask + form + EVALSHA, redirecting", stage.bare, partial(form, "/one/redirect"), SEE_OTHER),
        Candidate("the tutorial's dict", stage.bare, partial(form, "/dict/request"), OK),
    ]


def starts_of_api(stage: Stage) -> list[Candidate]:
    """(b) A number given by an application."""
    call = stage.crowd.api_start
    return [Candidate("Textproof", stage.service, call, CREATED), *_bare(stage, "json", call)]


def _bare(stage: Stage, kind: str, request: Callable[..., bytes]) -> Iterator[Candidate]:
    yield Candidate(f"Flask + {kind} + EVALSHA", stage.bare, partial(request, f"/one/{kind}"), OK)
    yield Candidate(f"Flask + {kind}", stage.bare, partial(request, f"/none/{kind}"), OK)
