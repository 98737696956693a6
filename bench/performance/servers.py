"""The programs that are measured: one worker each, on a core of its own."""

import contextlib
import http.client
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from bench.performance import machine
from tests.support.processes import Child, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
SERVER_CORE, CLIENT_CORE = 0, 1
SECRET = "0123456789abcdef" * 2
START_SECONDS = 60.0
SERVICE = {
    "TEXTPROOF_SENDER": "telnyx",
    "TEXTPROOF_API_KEY": "KEY0",
    "TEXTPROOF_FROM_NUMBER": "+13125550001",
    "TEXTPROOF_SECRET_KEY": SECRET,
}
EVERY_LIMIT = {
    # As shipped where a limit is about one person. What counts everybody is set as for a country: the hours of such a
    # machine are not those of the example. Each is counted and compared for each message, and would refuse.
    "TEXTPROOF_TRUSTED_PROXIES": "1",
    "TEXTPROOF_SENDS_IN_ALL": "500000/3600,999999/86400",
    "TEXTPROOF_SENDS_PER_COUNTRY": "500000/3600,999999/86400",
    "TEXTPROOF_SENDS_PER_CLIENT": "500000/3600",
    "TEXTPROOF_CONVERSION_MIN_SENDS": "100000",  # nobody here ever types a code: all would be closed
    "TEXTPROOF_SPEND_PER_DAY": "1000000",
    "TEXTPROOF_MESSAGE_PRICES": "US=0.01,*=0.05",
}


def pin(core: int | None, pid: int = 0) -> None:
    """Keep a process on a core, where there are several; None: let it have all of them, whatever its parent has."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_setaffinity") and cores > 1:
        os.sched_setaffinity(pid, range(cores) if core is None else {core})


class Program:
    """One program that listens on a port of its own.

    Args:
        command: What is run.
        environment: All of it, but for where it listens.
        core: The one that it is kept on; None: any.
    """

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str], *, core: int | None = SERVER_CORE
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = command
        self._core = core
        self._environment = {"PATH": os.environ["PATH"], "PORT": str(self.port)} | dict(environment)

    def __enter__(self) -> Self:
        """Start it, and return when it answers."""
        log = Path(tempfile.gettempdir()) / f"textproof-bench-{self.port}.log"
        begun = time.monotonic()
        self._child = Child(self._command, output=log, cwd=ROOT, env=self._environment)
        pin(self._core, self._child.pid)  # its workers and threads inherit it
        wait_until(self._answers, seconds=START_SECONDS, what="it answers", every=0.01)
        self.seconds_to_answer = time.monotonic() - begun
        self.pids = machine.family(self._child.pid) if machine.can_measure() else []
        return self

    def _answers(self) -> bool:
        if self._child.exit_code is not None:
            raise SystemExit(self._child.tail())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status in {200, 404}  # a bare one has no such page
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def __exit__(self, *_: object) -> None:
        """End it, and remove its log."""
        self._child.stop(seconds=5)
        with contextlib.suppress(OSError):
            self._child.output.unlink()

    def cpu_of(self, act: Callable[[], object]) -> float:
        """Return the seconds of processor time that it takes while something is done."""
        before = machine.cpu_seconds(self.pids)
        act()
        return machine.cpu_seconds(self.pids) - before


class Server(Program):
    """An application under gunicorn, with the service's own settings of gunicorn.

    Args:
        app: What gunicorn serves.
        environment: All of it, but for where it listens.
        core: The one that it is kept on; None: any.
        workers: How many.
    """

    def __init__(
        self, app: str, environment: Mapping[str, str], *, core: int | None = SERVER_CORE, workers: int = 1
    ) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), app]
        own = {"WORKERS": str(workers), "TEXTPROOF_CONFIG": str(ROOT / "config.cfg.example")}
        super().__init__(command, own | dict(environment), core=core)
