"""A total deadline for one HTTP exchange.

httpx's time-outs are for each read: a server that sends a byte every few seconds can keep a caller for
minutes, and they leave out the look-up of its name. Here each of these steps may only take what is left of the whole.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

_ends: ContextVar[float] = ContextVar("ends")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let every exchange of this thread that begins in the block end within `seconds`."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's transport, on connections that keep the deadline."""

    def __init__(self, *, connections: int, keep_seconds: float) -> None:
        """Take how many connections there may be, all of which are kept, and for how long."""
        context = httpx.create_ssl_context()
        super().__init__(verify=context)
        # httpx has no argument for a network backend; tests/sender hold that this one is used.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=keep_seconds,
            network_backend=_Backend(),
        )


class _Names:
    """Looks each name up on a thread of its own: a name server that is gone keeps its caller for longer than any send.

    A name that is being looked up already is waited for, so that no name has two threads.
    """

    def __init__(self) -> None:
        self._asked: dict[str, Future[list[str]]] = {}
        self._lock = threading.Lock()

    def look_up(self, host: str, seconds: float | None) -> list[str]:
        """Return the addresses of a host.

        Raises:
            httpcore.ConnectTimeout: They are not known within `seconds` (None: however long it takes).
            httpcore.ConnectError: There are none.
        """
        with self._lock:
            answer = self._asked.get(host)
            if answer is None:
                answer = Future()
                threading.Thread(target=self._ask, args=[host, answer], name="names", daemon=True).start()
                self._asked[host] = answer
        try:
            return answer.result(seconds)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name is still being looked up") from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error

    def _ask(self, host: str, answer: Future[list[str]]) -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answer.set_result([str(address[0]) for *_, address in found])
        except Exception as error:  # noqa: BLE001 - the thread that waits for it gets it
            answer.set_exception(error)
        finally:
            with self._lock:
                del self._asked[host]


class _Backend(httpcore.SyncBackend):
    def __init__(self) -> None:
        self._names = _Names()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        # One address after the other, because the standard library would give each of them the whole time.
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._names.look_up(host, _left(timeout, httpcore.ConnectTimeout)):
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                return _Stream(super().connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore declares it
        return self._stream.get_extra_info(info)


def _left(timeout: float | None, too_late: type[Exception]) -> float | None:
    """Return what is left for one step, at most `timeout`."""
    ends = _ends.get(None)
    if ends is None:
        return timeout
    left = ends - time.monotonic()
    if left <= 0:
        raise too_late
    return left if timeout is None else min(timeout, left)
