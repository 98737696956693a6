"""A crowd at the door: many kept-alive connections, over which requests are released at once.

One thread and plain sockets, because what makes the load shares its cores with what bears it.
"""

import re
import resource
import selectors
import socket
import time
from collections.abc import Iterable, Sequence
from typing import Self
from urllib.parse import urlencode

from tests.support.http import FORM

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
PATIENCE = 30.0  # seconds without any answer
COMEBACKS = 20  # times, a second apart
OTHER_FILES = 500
ASKED = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


class NobodyAnswers(AssertionError):
    """No answer came in a long time, or a connection was closed before it came."""


def post(path: str, fields: dict[str, str], cookies: dict[str, str]) -> bytes:
    """Return the bytes of one form as a browser without fetch metadata sends it."""
    body = urlencode(fields)
    jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {jar}\r\nContent-Type: {FORM}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _allow_files(count: int) -> None:
    """Let this process open that many files, where it may: many systems allow 1,024 unless asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (count if hard == resource.RLIM_INFINITY else min(count, hard), hard)
        )


class Crowd:
    """Connections to several ports, in turn.

    Args:
        ports: Of 127.0.0.1.
        size: How many connections, and so how many requests at once.
    """

    def __init__(self, ports: Sequence[int], size: int) -> None:
        self._ports = [ports[place % len(ports)] for place in range(size)]
        self._connections: list[socket.socket] = []

    def ask(self, requests: Iterable[bytes]) -> list[int]:
        """Send every request, as many at once as there are connections, and return each answer's status."""
        waiting = list(enumerate(requests))
        statuses = [0] * len(waiting)
        waiting.reverse()
        with selectors.DefaultSelector() as selector:
            busy = 0
            for connection in self._connections[: len(waiting)]:
                exchange = _Exchange(connection)
                exchange.send(*waiting.pop())
                selector.register(connection, selectors.EVENT_READ, exchange)
                busy += 1
            while busy:
                ready = selector.select(PATIENCE)
                if not ready:
                    raise NobodyAnswers(f"{busy} requests are not answered")
                for key, _ in ready:
                    exchange = key.data
                    if not exchange.is_answered():
                        continue
                    statuses[exchange.place] = exchange.status
                    if waiting:
                        exchange.send(*waiting.pop())
                    else:
                        selector.unregister(key.fileobj)
                        busy -= 1
        return statuses

    def ask_until_answered(self, requests: Sequence[bytes]) -> list[int]:
        """Send every request, and the very same again where the answer was 503, and return the last status of each.

        A busy machine may keep a replica from hearing its store in time; whoever is told to come back comes back.
        """
        statuses = self.ask(requests)
        for _ in range(COMEBACKS):
            held = [place for place, status in enumerate(statuses) if status == 503]
            if not held:
                break
            time.sleep(1)
            for place, status in zip(held, self.ask(requests[place] for place in held), strict=True):
                statuses[place] = status
        return statuses

    def __enter__(self) -> Self:
        try:
            _allow_files(len(self._ports) + OTHER_FILES)
            for port in self._ports:
                self._connections.append(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
                # At once: a thread of gunicorn waits for the first request of each connection.
                self._connections[-1].sendall(ASKED)
            for connection in self._connections:
                exchange = _Exchange(connection)
                while not exchange.is_answered():
                    pass
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()


class _Exchange:
    """One request and its answer, on a connection that outlives them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answer = b""
        self.place = 0
        self.status = 0

    def send(self, place: int, request: bytes) -> None:
        self.place = place
        self._answer = b""
        self._connection.sendall(request)

    def is_answered(self) -> bool:
        """Read what has come, and tell whether that was all."""
        chunk = self._connection.recv(65_536)
        if not chunk:
            raise NobodyAnswers("a connection was closed")
        self._answer += chunk
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end:
            return False
        length = LENGTH.search(head + b"\r\n")
        assert length is not None, head
        self.status = int(head.split(b" ", 2)[1])
        return len(body) >= int(length[1])
