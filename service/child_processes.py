"""Child processes that end when the process that started them ends, however that ends: `kill -9` included.

A small process of its own holds the list and the other end of a pipe. When the pipe breaks, nobody is left who could
end what is on the list, and it does so, the last one first. It is the same on Linux and macOS.
"""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

GRACE_SECONDS = 30  # ours: longer than gunicorn lets requests take that are under way (15)
WATCHER = """
import os, shutil, signal, sys, time

def signalled(process, number):
    try:
        os.kill(process, number)
        return True
    except OSError:
        return False

started = []
for line in sys.stdin:
    kind, _, name = line.rstrip("\\n").partition(" ")
    if kind == "gone":
        started.remove(("process", name))
    else:
        started.append((kind, name))
for kind, name in reversed(started):
    if kind == "folder":
        shutil.rmtree(name, ignore_errors=True)
        continue
    deadline = time.monotonic() + int(sys.argv[1])
    signalled(int(name), signal.SIGTERM)
    while signalled(int(name), 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    signalled(int(name), signal.SIGKILL)
"""


class ChildProcesses:
    """Ends what was started inside the `with` block, in reverse order, when the block or the process ends."""

    def __enter__(self) -> Self:
        """Start the process that watches."""
        self._started: list[subprocess.Popen[bytes]] = []
        # A session of its own, here and below: Ctrl-C is for the service, which may still have to answer.
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WATCHER, str(GRACE_SECONDS)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._pipe = cast("IO[str]", self._watcher.stdin)
        return self

    def start(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - as Popen
        """Start a program, with options of `Popen`."""
        process: subprocess.Popen[bytes] = subprocess.Popen(argv, **options)
        self._started.append(process)
        self._tell(f"process {process.pid}")
        return process

    def remove(self, folder: Path) -> None:
        """Remove a folder when what is started from now on has ended."""
        self._tell(f"folder {folder}")

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):  # somebody has killed it
            print(line, file=self._pipe, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all, and return when that is done."""
        for process in self._started:
            if process.poll() is not None:
                self._tell(f"gone {process.pid}")
        with suppress(BrokenPipeError):
            self._pipe.close()
        for process in reversed(self._started):
            process.wait()
        self._watcher.wait()
