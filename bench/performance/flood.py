"""What people who hold a code keep of the service while others start and start, with the balancer and without."""

import itertools
import math
import os
import secrets
import selectors
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

from bench.fleet import Balancer, haproxy
from bench.performance.crowd import FORM, Crowd
from bench.performance.load import CONNECTIONS, Driven, drive, post
from bench.performance.rows import STARTERS, Ratio
from bench.performance.servers import EVERY_LIMIT, ROOT, SERVICE, Server
from tests.support.processes import Child, wait_until
from tests.support.servers import StoreServer

FLOOD = 256  # connections that start, beside 32 that check
RATE = 600  # checks a second that are made ready; about what one core does
ROUNDS = 3
OK = 200
THROUGH, WITHOUT, BARE = "through the balancer", "without", "bare Flask"
BALANCER, WORKER = f"{THROUGH}, three replicas", f"{WITHOUT}, one worker"


@dataclass(frozen=True)
class Way:
    """What is flooded, and by which requests."""

    name: str
    port: int
    check: Callable[[], bytes]
    path: str
    """Of a start."""


@dataclass(frozen=True)
class Flood:
    """Those who start."""

    name: str
    rate: float
    """A second, in all; infinite: each again as soon as it is answered."""
    addresses: int = FLOOD


@dataclass
class Kept:
    """What checks did during a flood and without one, round for round."""

    way: Way
    flood: Flood
    alone: list[Driven] = field(default_factory=list)
    meanwhile: list[Driven] = field(default_factory=list)
    starts: Counter[int] = field(default_factory=Counter)
    """Answers to those who flood, by status."""

    @property
    def share(self) -> Ratio:
        """Of the right codes a second that there are without a flood."""
        pairs = zip(self.meanwhile, self.alone, strict=True)
        return Ratio([_goodput(busy) / _goodput(quiet) for busy, quiet in pairs])

    @property
    def slower(self) -> Ratio:
        """How many times."""
        pairs = zip(self.meanwhile, self.alone, strict=True)
        return Ratio([busy.slowest() / quiet.slowest() for busy, quiet in pairs])

    def __str__(self) -> str:
        """Return a line of the table."""
        told = ", ".join(f"{count} x {status}" for status, count in sorted(self.starts.items()))
        rates = " | ".join(f"{statistics.median(map(_goodput, each)):.0f}" for each in (self.alone, self.meanwhile))
        waits = " | ".join(
            f"{statistics.median(one.slowest() for one in each):.0f}" for each in (self.alone, self.meanwhile)
        )
        return f"| {self.way.name} | {self.flood.name} | {rates} | {self.share} | {waits} | {self.slower} | {told} |"


def _goodput(driven: Driven) -> float:
    return driven.statuses[OK] / driven.seconds


def measure(seconds: float) -> Iterator[Kept]:
    """Flood three replicas through the balancer, one worker without it, and bare Flask, in turns."""
    with ExitStack() as ends:
        store = ends.enter_context(StoreServer())
        crowd = Crowd(store.url)
        settings = SERVICE | EVERY_LIMIT | {"TEXTPROOF_REDIS_URL": store.url}
        app = "bench.performance.stubbed:create_app()"
        servers = [ends.enter_context(Server(app, settings)) for _ in range(3)]
        bare = ends.enter_context(Server("bench.performance.bare:create_app()", {"BARE_REDIS_URL": store.url}))
        starts = [crowd.form_start() for _ in range(int(RATE * seconds))]
        one_core = drive(servers[0].port, starts, connections=STARTERS, seconds=seconds).per_second
        ways = [
            Way(WORKER, servers[0].port, crowd.form_check, "/request"),
            Way(BARE, bare.port, partial(crowd.form_check, "/one/form"), "/one/redirect"),
        ]
        if haproxy():
            port = ends.enter_context(Balancer([server.port for server in servers])).port
            ways.insert(0, Way(BALANCER, port, crowd.form_check, "/request"))
        floods = [Flood(f"{times} x {one_core:.0f} starts/s", times * one_core) for times in (1, 2, 10)]
        floods.append(Flood(f"{FLOOD} that start again at once", math.inf))
        cells = [Kept(way, flood) for way in ways for flood in floods]
        cells += [Kept(way, Flood("the same, from one address", math.inf, 1)) for way in ways if way.name == BALANCER]
        for _ in range(ROUNDS):
            for cell in cells:
                _once(cell, seconds)
        yield from cells


def _once(cell: Kept, seconds: float) -> None:
    """Measure one cell, without its flood and with it."""
    way = cell.way
    alone, beside = ([way.check() for _ in range(int(RATE * seconds))] for _ in range(2))
    sources = _addresses(1, CONNECTIONS)
    cell.alone.append(drive(way.port, alone, sources=sources, seconds=seconds))
    with _flooded(way, cell.flood, seconds + 1) as told:
        time.sleep(1)
        cell.meanwhile.append(drive(way.port, beside, sources=sources, seconds=seconds))
    cell.starts.update(told)


def _addresses(net: int, count: int) -> Sequence[str]:
    return [f"127.{net}.{place // 250}.{place % 250 + 1}" for place in range(count)]


@contextmanager
def _flooded(way: Way, flood: Flood, seconds: float) -> Iterator[Counter[int]]:
    """Let others start, in a process of their own; what they were told is there afterwards."""
    told = Counter[int]()
    with tempfile.TemporaryDirectory(prefix="textproof-flood-") as directory:
        said = Path(directory, "said")
        words = (way.port, way.path, flood.addresses, flood.rate, seconds)
        argv = [sys.executable, "-m", "bench.performance.flood", *map(str, words)]
        with Child(argv, output=said, cwd=ROOT) as child:
            wait_until(lambda: "begun" in said.read_text(), seconds=60, what="the flood has begun")
            yield told
            wait_until(lambda: child.exit_code is not None, seconds=60, what="the flood is over")
        told.update({int(status): int(count) for status, count in map(str.split, said.read_text().splitlines()[1:])})


def main(port: int, path: str, addresses: int, rate: float, seconds: float) -> None:
    """Start on so many connections until the time is over; whoever is turned away comes again.

    With a rate, a start is sent when it is due and a connection is free. It gives way to the client of those who check,
    which has the same core.
    """
    os.nice(10)
    sources, turn, told = itertools.cycle(_addresses(2, addresses)), itertools.count(), Counter[int]()
    # In no range of those who check.
    numbers = (
        f"+1{(206, 303, 404, 503, 602, 702, 801)[n % 7]}{231 + n // 7 % 700}{1000 + n * 7919 % 9000}" for n in turn
    )
    idle: deque[socket.socket] = deque()

    def request() -> bytes:
        fields = {"nonce": secrets.token_urlsafe(12), "phone": next(numbers)}
        headers = [("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-origin")]
        return post(path, urlencode(fields).encode(), kind=FORM, headers=headers)

    with selectors.DefaultSelector() as selector:

        def come() -> None:
            client = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(next(sources), 0))
            selector.register(client, selectors.EVENT_READ)
            idle.append(client)

        for _ in range(FLOOD):
            come()
        print("begun", flush=True)
        begun, sent = time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds:
            due = min(len(idle), math.inf if rate == math.inf else int(rate * passed) - sent)
            for _ in range(int(due)):
                with suppress(OSError):  # it was closed meanwhile, which is read below
                    idle.popleft().sendall(request())
                sent += 1
            for key, _ in selector.select(min(seconds - passed, 0.001 if idle else 1)):
                client = cast("socket.socket", key.fileobj)
                with suppress(OSError):
                    if answer := client.recv(65_536):
                        if answer.startswith(b"HTTP/1.1 "):  # the rest of a long page is not looked at
                            told[int(answer[9:12])] += 1
                            idle.append(client)
                        continue
                selector.unregister(client)
                with suppress(ValueError):
                    idle.remove(client)
                client.close()
                come()
    print("\n".join(f"{status} {count}" for status, count in told.items()), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
