"""A server of ours behind the load balancer."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.fleet import Balancer
from tests.support.processes import free_port


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing: who is tested here hangs up."""


@contextmanager
def balanced(handler: type[BaseHTTPRequestHandler], text: str, *, more: Sequence[int] = ()) -> Iterator[Balancer]:
    """Start a balancer with this configuration, in front of a server with this handler and of `more` ports."""
    with _Server(("127.0.0.1", free_port()), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Balancer([server.server_port, *more], text) as balancer:
            yield balancer
        server.shutdown()
