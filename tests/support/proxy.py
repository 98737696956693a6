"""A network between client and Redis that loses answers, or hands them on late.

What is lost is the answer to a script that *was* executed: the case that a client cannot tell from
a script that never ran. Handshakes (HELLO, CLIENT) always pass, so that a connection that is lost
is one that was in use.
"""

import random
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import Self

from tests.support.processes import free_port

CHUNK = 65_536  # bytes; a script's request and answer fit in one
SCRIPTS = (b"\r\nEVALSHA\r\n", b"\r\nEVAL\r\n")  # as RESP spells a command's name


class DroppingProxy:
    """A TCP proxy on a free loopback port, one thread a connection.

    Args:
        target_port: Loopback port of the server behind it.
        drop: Probability, 0 to 1, that the answer to a script is swallowed and the connection
            closed. May be set while it runs.
        seed: Makes the choice repeatable for requests that come one after another.

    Attributes:
        dropped: Answers swallowed so far.
        passed: Answers to scripts handed on so far.
        delay: Seconds that each answer comes later.
        rewrite: What is replaced in answers, and by what; both of one length.
    """

    def __init__(self, target_port: int, drop: float = 0.2, seed: int = 0) -> None:
        self.port = free_port()
        self.drop = drop
        self.dropped = 0
        self.passed = 0
        self.delay = 0.0
        self.rewrite: dict[bytes, bytes] = {}
        self._target = ("127.0.0.1", target_port)
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._answering = threading.Event()
        self._answering.set()
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """`redis://` through the proxy, database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def lead_to(self, port: int) -> None:
        """Lead new connections elsewhere; those that are open stay where they are."""
        self._target = ("127.0.0.1", port)

    @property
    def hang(self) -> bool:
        """Accept, and answer nothing. What was sent meanwhile goes on, late, when it ends."""
        return not self._answering.is_set()

    @hang.setter
    def hang(self, wanted: bool) -> None:
        if wanted:
            self._answering.clear()
        else:
            self._answering.set()

    @property
    def refuse(self) -> bool:
        """Cut every connection and refuse new ones."""
        return self._listener is None

    @refuse.setter
    def refuse(self, wanted: bool) -> None:
        if wanted and self._listener is not None:
            self._stop_listening()
            self._cut_all()
        elif not wanted and self._listener is None:
            self._listen()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        self._listener.settimeout(0.05)  # seconds; how soon the acceptor notices the end
        self._acceptor = threading.Thread(target=self._accept, args=[self._listener], daemon=True)
        self._acceptor.start()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None and self._acceptor is not None:
            self._acceptor.join()
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                near, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._serve, args=[near], daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            try:
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                return
            with far:
                far.settimeout(None)
                try:
                    if self._keep(near, far):
                        self._relay(near, far)
                except OSError:
                    pass  # one side is gone; the other is closed on the way out
                finally:
                    self._forget(near, far)

    def _relay(self, near: socket.socket, far: socket.socket) -> None:
        for side in (near, far):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        script_asked = False
        with selectors.DefaultSelector() as selector:
            selector.register(near, selectors.EVENT_READ)
            selector.register(far, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    chunk = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
                    if not chunk:
                        return
                    self._answering.wait()
                    if key.fileobj is near:
                        script_asked = script_asked or _names_a_script(chunk)
                        far.sendall(chunk)
                    else:
                        if script_asked and self._loses_answer():
                            return
                        script_asked = False
                        if self.delay:
                            time.sleep(self.delay)
                        for old, new in self.rewrite.items():
                            chunk = chunk.replace(old, new)
                        near.sendall(chunk)

    def _loses_answer(self) -> bool:
        with self._lock:
            lost = self._chance.random() < self.drop
            self.dropped += lost
            self.passed += not lost
            return lost

    def _keep(self, *sides: socket.socket) -> bool:
        with self._lock:
            self._open.update(sides)
            return not self.refuse  # refused since it was accepted

    def _forget(self, *sides: socket.socket) -> None:
        with self._lock:
            self._open.difference_update(sides)

    def _cut_all(self) -> None:
        with self._lock:
            for side in self._open:
                with suppress(OSError):  # already gone
                    side.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_listening()
        self.hang = False
        self._cut_all()


def _names_a_script(request: bytes) -> bool:
    return any(name in request.upper() for name in SCRIPTS)
