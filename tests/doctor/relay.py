"""A network between the doctor and Redis that is slow, or makes Redis look older than it is."""

import socket
import socketserver
import threading
import time
from typing import Self

CHUNK = 65_536  # bytes; an answer to INFO fits in one


class Relay:
    """A TCP relay on a free loopback port.

    Args:
        target_port: Loopback port of the server behind it.
        delay: Seconds that each answer takes longer.
        rewrite: What is replaced in answers, and by what; both of one length.
    """

    def __init__(self, target_port: int, *, delay: float = 0.0, rewrite: dict[bytes, bytes] | None = None) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", target_port)) as far:
                    threading.Thread(
                        target=_answers, args=[far, self.request, delay, rewrite or {}], daemon=True
                    ).start()
                    while chunk := self.request.recv(CHUNK):
                        far.sendall(chunk)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"redis://127.0.0.1:{self._server.server_address[1]}/0"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _answers(far: socket.socket, near: socket.socket, delay: float, rewrite: dict[bytes, bytes]) -> None:
    try:
        while chunk := far.recv(CHUNK):
            time.sleep(delay)
            for old, new in rewrite.items():
                chunk = chunk.replace(old, new)
            near.sendall(chunk)
    except OSError:
        pass  # one side is gone
