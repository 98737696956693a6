"""Servers that never come to an end: each takes a connection, and then gives it a little, for ever."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.support.processes import free_port

Wait = Callable[[float], bool]
"""Sleeps that many seconds, and tells whether the server goes on."""
EVERY = 0.4  # seconds between two pieces: less than any time-out for one read


class Trickle:
    """One server on a free loopback port.

    Args:
        behave: What it does with a connection.

    Attributes:
        taken: How many connections it has taken.
    """

    def __init__(self, behave: Callable[[socket.socket, Wait], None]) -> None:
        self.port = free_port()
        self._behave = behave
        self._ending = threading.Event()
        self.taken = 0
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.taken += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._behave(connection, lambda seconds: not self._ending.wait(seconds))

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def headers(connection: socket.socket, wait: Wait) -> None:
    """Send one header after the other."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while wait(EVERY):
        connection.sendall(b"X-More: to come\r\n")


def interim(connection: socket.socket, wait: Wait) -> None:
    """Say "go on" (100) again and again."""
    connection.recv(65_536)
    while wait(EVERY):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def chunks(connection: socket.socket, wait: Wait) -> None:
    """Send one space of JSON after the other."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while wait(EVERY):
        connection.sendall(b"1\r\n \r\n")


def error_body(connection: socket.socket, wait: Wait) -> None:
    """Refuse, and never finish saying why."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
    while wait(EVERY):
        connection.sendall(b" ")


def silence(connection: socket.socket, wait: Wait) -> None:
    """Say nothing; for TLS, not even hello."""
    while wait(60):
        pass


def saying(raw: bytes) -> Callable[[socket.socket, Wait], None]:
    """Return a behaviour: answer with these bytes, and close."""

    def behave(connection: socket.socket, wait: Wait) -> None:
        connection.recv(65_536)
        connection.sendall(raw)

    return behave
