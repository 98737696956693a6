"""Child processes that surely end, free ports, and waiting with a limit.

A test process may be killed without notice. One small watcher process therefore holds the list of
children; when its pipe breaks, because nobody is left at the other end, it kills what remains.
PR_SET_PDEATHSIG would not do: it fires when the *thread* that forked ends, and needs code between
fork and exec.
"""

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

# Below the range from which Linux (32768) and macOS (49152) take outgoing ports, so that no client
# is given the port of a stopped server, and none connects to itself.
PORTS = range(20_000, 32_000)

WATCHER = """
import os, signal, sys
alive = set()
for line in sys.stdin:
    change = alive.add if line[0] == "+" else alive.discard
    change(int(line[1:]))
for group in alive:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


# Ours: what a test waits for happens in less than two seconds on an idle machine, and some machines are not.
LONG_SECONDS = 60.0


class WaitedTooLong(AssertionError):
    """What was waited for did not happen in time."""


def wait_until(claim: Callable[[], object], *, seconds: float = LONG_SECONDS, what: str, every: float = 0.02) -> None:
    """Return as soon as `claim` is true.

    Raises:
        WaitedTooLong: It was not true within `seconds`; the message says `what`.
    """
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            raise WaitedTooLong(f"{what}: not within {seconds:g} s")
        time.sleep(every)


_ours: list[socket.socket] = []


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on, and that is ours until this process ends.

    It stays ours while no server of ours listens on it: the UDP port of the same number is taken, which every
    other test process on this machine respects.
    """
    chance = random.SystemRandom()  # not the one that every test of every worker begins with the same seed
    for _ in PORTS:
        port = chance.choice(PORTS)
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        if _is_free(port):
            _ours.append(claim)
            return port
        claim.close()
    raise WaitedTooLong("no free port is left")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def children_of(parent: int) -> list[int]:
    """Return the direct children of a process."""
    if not Path("/proc/self").exists():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        return [int(pid) for pid, of in map(str.split, listed.splitlines()) if int(of) == parent]
    found = []
    for process in Path("/proc").glob("[0-9]*"):  # a small Linux has no `ps`
        with suppress(OSError):  # it has ended meanwhile
            if int((process / "stat").read_text().rsplit(") ", 1)[1].split()[1]) == parent:
                found.append(int(process.name))
    return found


class Child:
    """A running program in a process group of its own, with its output in a file.

    Args:
        argv: Program and arguments.
        output: Receives standard output and standard error; appended to.
        env: The whole environment; the parent's where None.
    """

    def __init__(
        self, argv: Sequence[str | Path], *, output: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.output = output
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                [str(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,
            )
        self.pid = self._process.pid
        _watcher.tell(f"+{self.pid}")

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative where a signal ended it."""
        return self._process.poll()

    def stop(self, *, seconds: float = LONG_SECONDS) -> int:
        """Ask it to end (SIGTERM), kill its group after `seconds`, and return the exit code."""
        if self.exit_code is None:
            self.resume()
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        return self.kill()

    def kill(self) -> int:
        """Kill it and everything that it started (SIGKILL), and return the exit code."""
        self._signal_group(signal.SIGKILL)
        code = self._process.wait()
        _watcher.tell(f"-{self.pid}")
        return code

    def suspend(self) -> None:
        """Stop the clock of it and everything that it started (SIGSTOP)."""
        self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `suspend` (SIGCONT)."""
        self._signal_group(signal.SIGCONT)

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of its output."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])

    def _signal_group(self, number: signal.Signals) -> None:
        # Nobody may be left in the group; macOS says "not permitted" for a group of zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class _Watcher:
    """The process that outlives us long enough to kill our children; started with the first child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def tell(self, line: str) -> None:
        with self._lock:
            process = self._process = self._process or self._start()
            print(line, file=process.stdin, flush=True)

    def _start(self) -> subprocess.Popen[str]:
        argv = [sys.executable, "-S", "-E", "-c", WATCHER]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, text=True, start_new_session=True)
        atexit.register(process.communicate)  # closes the pipe: whoever is left is killed
        return process


_watcher = _Watcher()
