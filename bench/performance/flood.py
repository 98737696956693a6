"""What people who hold a code keep of the service while others start and start, with the balancer and without."""

import itertools
import secrets
import selectors
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

from bench.fleet import Balancer, haproxy
from bench.performance.crowd import FORM, Crowd
from bench.performance.load import CONNECTIONS, Driven, drive, post
from bench.performance.servers import EVERY_LIMIT, ROOT, SERVICE, Server
from tests.support.processes import Child, wait_until
from tests.support.servers import StoreServer

FLOOD = 256  # connections that start, beside 32 that check
RATE = 800  # checks a second that are made ready; more than three replicas on two cores do
OK = 200
THROUGH, WITHOUT = "through", "without"


@dataclass(frozen=True)
class Kept:
    """What checks did during a flood, and without one."""

    way: str
    addresses: int
    """That start."""
    alone: Driven
    meanwhile: Driven
    starts: Counter[int]
    """Answers to those who flood, by status."""

    @property
    def share(self) -> float:
        """Of the right codes a second that there are without a flood."""
        return _goodput(self.meanwhile) / _goodput(self.alone)

    @property
    def slower(self) -> float:
        """How many times."""
        return self.meanwhile.slowest() / self.alone.slowest()

    def __str__(self) -> str:
        """Return a line of the table."""
        told = ", ".join(f"{count} x {status}" for status, count in sorted(self.starts.items()))
        rates = f"{_goodput(self.alone):.0f} | {_goodput(self.meanwhile):.0f} | {self.share:.2f}"
        waits = f"{self.alone.slowest():.0f} | {self.meanwhile.slowest():.0f} | {self.slower:.1f}"
        return f"| {self.way} the balancer | {self.addresses} | {rates} | {waits} | {told} |"


def _goodput(driven: Driven) -> float:
    return driven.statuses[OK] / driven.seconds


def measure(seconds: float) -> Iterator[Kept]:
    """Flood three replicas through the balancer, and one without it, from one address and from as many as there are."""
    with ExitStack() as ends:
        store = ends.enter_context(StoreServer())
        crowd = Crowd(store.url)
        settings = SERVICE | EVERY_LIMIT | {"TEXTPROOF_REDIS_URL": store.url}
        app = "bench.performance.stubbed:create_app()"
        servers = [ends.enter_context(Server(app, settings, core=None)) for _ in range(3)]
        ways = {WITHOUT: servers[0].port}
        if haproxy():
            ways = {THROUGH: ends.enter_context(Balancer([server.port for server in servers])).port} | ways
        for way, port in ways.items():
            for addresses in (1, FLOOD):
                alone, beside = ([crowd.form_check() for _ in range(int(RATE * seconds))] for _ in range(2))
                quiet = drive(port, alone, sources=_addresses(1, CONNECTIONS), seconds=seconds)
                with _flood(port, addresses, seconds + 1) as starts:
                    time.sleep(1)
                    busy = drive(port, beside, sources=_addresses(1, CONNECTIONS), seconds=seconds)
                yield Kept(way, addresses, quiet, busy, starts)


def _addresses(net: int, count: int) -> Sequence[str]:
    return [f"127.{net}.{place // 250}.{place % 250 + 1}" for place in range(count)]


@contextmanager
def _flood(port: int, addresses: int, seconds: float) -> Iterator[Counter[int]]:
    """Let others start, in a process of their own; what they were told is there afterwards."""
    told = Counter[int]()
    with tempfile.TemporaryDirectory(prefix="textproof-flood-") as directory:
        said = Path(directory, "said")
        argv = [sys.executable, "-m", "bench.performance.flood", str(port), str(addresses), str(seconds)]
        with Child(argv, output=said, cwd=ROOT) as child:
            wait_until(lambda: "begun" in said.read_text(), seconds=60, what="the flood has begun")
            yield told
            wait_until(lambda: child.exit_code is not None, seconds=60, what="the flood is over")
        told.update({int(status): int(count) for status, count in map(str.split, said.read_text().splitlines()[1:])})


def main(port: int, addresses: int, seconds: float) -> None:
    """Start on so many connections until the time is over; whoever is turned away comes again."""
    sources, turn, told, over = itertools.cycle(_addresses(2, addresses)), itertools.count(), Counter[int](), 0.0
    # In no range of those who check.
    numbers = (
        f"+1{(206, 303, 404, 503, 602, 702, 801)[n % 7]}{231 + n // 7 % 700}{1000 + n * 7919 % 9000}" for n in turn
    )

    def request() -> bytes:
        fields = {"nonce": secrets.token_urlsafe(12), "phone": next(numbers)}
        headers = [("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-origin")]
        return post("/request", urlencode(fields).encode(), kind=FORM, headers=headers)

    with selectors.DefaultSelector() as selector:

        def come() -> None:
            client = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(next(sources), 0))
            selector.register(client, selectors.EVENT_READ)
            client.sendall(request())

        for _ in range(FLOOD):
            come()
        print("begun", flush=True)
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                client = cast("socket.socket", key.fileobj)
                with suppress(OSError):
                    if answer := client.recv(65_536):
                        if answer.startswith(b"HTTP/1.1 "):  # the rest of a long page is not looked at
                            told[int(answer[9:12])] += 1
                            client.sendall(request())
                        continue
                selector.unregister(client)
                client.close()
                come()
    print("\n".join(f"{status} {count}" for status, count in told.items()), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
