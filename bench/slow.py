"""Clients that are slow, in eight shapes: what each has sent, and what it does once a second from then on.

The last one, HTTP/2, is written by hand: what it needs is a window that stays shut, which no client offers.
"""

import itertools
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.history import meanwhile
from tests.support.processes import Child, wait_until

STEP_SECONDS = 1.0
BEYOND = 17_000  # bytes; more than HAProxy's buffer by default, which is how the rest got through
LONG = ("/v1/openapi.json", "/v1/docs")
FORM = b"POST /verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
STREAMS = 95


@dataclass(frozen=True)
class Shape:
    """One way of being slow.

    `begin` and `go_on` are bytes to send, for the client of that number; `reads` is how many bytes it takes in a step.
    """

    begin: Callable[[int], bytes]
    go_on: Callable[[int], bytes] = lambda _step: b""
    reads: int = 0


def _bodies(place: int) -> bytes:
    """One that is longer than any buffer, and one that would be allowed."""
    length, sent = ((60_000, BEYOND), (16_000, 12_000))[place % 2]
    return FORM + b"Content-Length: %d\r\n\r\n" % length + b"x" * sent


def _headers(place: int) -> bytes:
    """Headers that do not end, and ones that leave no room in a small buffer for a body that would be allowed."""
    many = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(8))
    return FORM + many + (b"" if place % 2 else b"Content-Length: 15000\r\n\r\n" + b"x" * 9000)


def _trickle(place: int) -> bytes:
    """Headers that come byte by byte, and a small body that does."""
    return FORM + b"Content-Length: 90\r\n\r\n" if place % 2 else FORM[:1]


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _get(path: str) -> bytes:
    """Return a GET as HPACK has it (RFC 7541): three fields of its table, two literals."""
    return b"\x82\x86\x04" + bytes([len(path)]) + path.encode() + b"\x01\x01a"


def _http2(_place: int) -> bytes:
    """Ask for much on one connection, and have no room for any of it."""
    no_window = _frame(4, 0, 0, struct.pack(">HI", 4, 0))
    asked = [_frame(1, 5, 1 + 2 * number, _get(LONG[number % 2])) for number in range(STREAMS)]
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + no_window + b"".join(asked)


def _room(step: int) -> bytes:
    """Return room for one byte more, in one stream."""
    return _frame(8, 0, 1 + 2 * (step % STREAMS), struct.pack(">I", 1))


SHAPES: Mapping[str, Shape] = {
    "bodies": Shape(_bodies, lambda _step: b"x"),
    "headers": Shape(_headers, lambda _step: b"X"),
    "chunked": Shape(
        lambda _place: FORM + b"Transfer-Encoding: chunked\r\n\r\n4268\r\n" + b"x" * BEYOND + b"\r\n",
        lambda _step: b"1\r\nx\r\n",
    ),
    "readers": Shape(lambda place: f"GET {LONG[place % 2]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), reads=1),
    "HTTP/2 windows": Shape(_http2, _room, reads=100),
    "silent": Shape(lambda _place: b"", reads=65_536),
    "idle": Shape(lambda _place: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", reads=65_536),
    "trickling": Shape(_trickle, lambda step: FORM[step % len(FORM) :][:1]),
}


@dataclass
class SlowClients:
    """So many of one shape, until they are closed. Who is turned away comes again."""

    port: int
    shape: Shape
    size: int
    source: str = "127.0.0.1"
    turned_away: int = 0
    steps: int = 0
    _clients: list[socket.socket] = field(default_factory=list)

    def open(self) -> None:
        """Connect all of them."""
        self._clients = [self._new(place) for place in range(self.size)]

    def close(self) -> None:
        """Close all of them."""
        for client in self._clients:
            client.close()

    def go_on(self, _place: int, over: threading.Event) -> None:
        """Let each do what it does, once a second."""
        for step in itertools.count(1):
            if over.wait(STEP_SECONDS):
                return
            for place, client in enumerate(self._clients):
                if over.is_set():
                    return
                if not self._step(client, step):
                    client.close()
                    self.turned_away += 1
                    self._clients[place] = self._new(place)
            self.steps = step

    def _new(self, place: int) -> socket.socket:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the least: the system reads on by itself
        client.settimeout(5)
        client.bind((self.source, 0))
        with suppress(OSError):
            client.connect(("127.0.0.1", self.port))
            client.setblocking(False)  # noqa: FBT003 - as the standard library has it
            client.send(self.shape.begin(place))
        return client

    def _step(self, client: socket.socket, step: int) -> bool:
        """Return whether it is still connected."""
        try:
            client.send(self.shape.go_on(step))
            return not self.shape.reads or bool(client.recv(self.shape.reads))
        except BlockingIOError:
            return True
        except OSError:
            return False


@contextmanager
def slow_clients(port: int, name: str, *, size: int, source: str = "127.0.0.1") -> Iterator[SlowClients]:
    """Keep so many clients of a shape busy while the block runs.

    Args:
        port: Where they connect to, on loopback.
        name: One of `SHAPES`.
        size: How many.
        source: The address that they come from.
    """
    clients = SlowClients(port, SHAPES[name], size, source)
    clients.open()
    try:
        with meanwhile(clients.go_on, 1):
            yield clients
    finally:
        clients.close()


@contextmanager
def slow_process(port: int, name: str, *, size: int, source: str) -> Iterator[None]:
    """Do the same in a process of its own, which takes no time from whoever measures."""
    with tempfile.TemporaryDirectory(prefix="textproof-slow-") as directory:
        said = Path(directory, "said")
        argv = [sys.executable, "-m", "bench.slow", str(port), name, str(size), source]
        with Child(argv, output=said, cwd=Path(__file__).parents[1]):
            wait_until(lambda: "ready" in said.read_text(), seconds=60, what="slow clients are connected")
            yield


def main(port: str, name: str, size: str, source: str) -> None:
    """Be slow until the end."""
    with slow_clients(int(port), name, size=int(size), source=source):
        print("ready", flush=True)
        threading.Event().wait(600)


if __name__ == "__main__":
    main(*sys.argv[1:])
