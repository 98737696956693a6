"""The client: kept-alive connections, one thread, requests that are bytes already, so that it is never what is slow."""

import math
import selectors
import socket
import statistics
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CONNECTIONS = 32
TIMEOUT = 20.0  # seconds for one answer
CHUNK = 65_536
LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Driven:
    """What a server did with a row of requests."""

    seconds: float
    statuses: Counter[int]
    times: list[float]
    """Seconds each took, in order of their answers."""

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds

    def slowest(self, hundredth: int = 99) -> float:
        """Return the time, in ms, that so many of a hundred did not take longer than."""
        return statistics.quantiles(self.times, n=100)[hundredth - 1] * 1000


class _Connection:
    """One connection, and what of an answer has come."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self._port = port
        self._source = source
        self.come = b""
        self.begun = 0.0
        self.is_last = False
        """Whether the server closes the connection after the answer."""
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", self._port), timeout=TIMEOUT, source_address=(self._source, 0)
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> None:
        self.come, self.begun = b"", time.perf_counter()
        self.socket.sendall(request)

    def status(self) -> int | None:
        """Read what is there; return the status once the answer is whole."""
        chunk = self.socket.recv(CHUNK)
        if not chunk:
            raise ConnectionResetError("the server closed a connection that it should keep")
        self.come += chunk
        head, mark, body = self.come.partition(b"\r\n\r\n")
        if not mark:
            return None
        head = head.lower()
        self.is_last = b"connection: close" in head
        if b"transfer-encoding: chunked" in head:
            return int(head[9:12]) if body.endswith(LAST_CHUNK) else None
        _, found, rest = head.partition(b"content-length:")
        length = int(rest.split(b"\r\n", 1)[0]) if found else 0
        return int(head[9:12]) if len(body) >= length else None


def drive(
    ports: int | Sequence[int],
    requests: Iterable[bytes],
    *,
    connections: int = CONNECTIONS,
    sources: Sequence[str] = ("127.0.0.1",),
    seconds: float = math.inf,
) -> Driven:
    """Send requests as fast as they are answered, each on the first connection that is free; connections in turns.

    Args:
        ports: Of the servers.
        requests: As bytes.
        connections: How many at the same time.
        sources: The addresses that they come from.
        seconds: After these nothing more is sent.
    """
    waiting, times, statuses = deque(requests), [], Counter[int]()
    each = [ports] if isinstance(ports, int) else ports
    opened = [
        _Connection(each[place % len(each)], sources[place % len(sources)])
        for place in range(min(connections, len(waiting)))
    ]
    begun = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask(waiting.popleft())
        busy = len(opened)
        while busy:
            ready = selector.select(TIMEOUT)
            if not ready:
                raise TimeoutError(f"no answer within {TIMEOUT:g} s")
            for key, _ in ready:
                status = key.data.status()
                if status is None:
                    continue
                times.append(time.perf_counter() - key.data.begun)
                statuses[status] += 1
                if key.data.is_last:
                    selector.unregister(key.fileobj)
                    key.data.socket.close()
                    key.data.open()
                    selector.register(key.data.socket, selectors.EVENT_READ, key.data)
                if waiting and time.perf_counter() - begun < seconds:
                    key.data.ask(waiting.popleft())
                else:
                    busy -= 1
    seconds = time.perf_counter() - begun
    for connection in opened:
        connection.socket.close()
    return Driven(seconds, statuses, times)


def post(path: str, body: bytes, *, kind: str, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return a POST, as a browser or a program behind a balancer would send it."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
