"""The product under gunicorn, as in production: one replica, or several on one store."""

import http.client
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.support.processes import LONG_SECONDS, Child, WaitedTooLong, children_of, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
PASSED_ON = ("PATH", "LANG", "TMPDIR")


class ServiceDied(AssertionError):
    """The service ended, or never came up; the message holds the end of its log."""


class ServiceProcess:
    """One replica on a free loopback port, in a clean environment.

    Reads no `config.cfg` of the repository: its settings are those given here and the defaults.

    Args:
        settings: Environment of the replica, full names: `{"TEXTPROOF_REDIS_URL": …}`.
        workers: How many gunicorn workers.
        seconds: What the service waits for where that is not its own, so that a test need not hope that something is
            faster or slower: `{"service.verification.outbox.PATIENCE_SECONDS": 60}`.
    """

    def __init__(
        self, settings: Mapping[str, str], *, workers: int = 1, seconds: Mapping[str, float] | None = None
    ) -> None:
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="textproof-service-"))
        empty_config = self.directory / "config.cfg"
        empty_config.touch()
        inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self._environment = {
            **inherited,
            "HOME": str(self.directory),
            "PORT": str(self.port),
            "WORKERS": str(workers),
            "TEXTPROOF_CONFIG": str(empty_config),
            "SECONDS": json.dumps(dict(seconds or {})),
            **settings,
        }
        self._app = "tests.support.seconds:create_app()" if seconds else "service.app:create_app()"
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def configure(self, settings: Mapping[str, str]) -> None:
        """Change settings; they count from its next start on."""
        self._environment |= settings

    def start(self) -> Self:
        """Start, and return when `/livez` answers 200.

        Raises:
            ServiceDied: It ended, or was not up in time.
        """
        self.launch()
        self.await_livez()
        return self

    def launch(self) -> None:
        """Start without waiting."""
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py")]
        self._child = Child(
            [*gunicorn, self._app],
            output=self.directory / "service.log",
            cwd=ROOT,
            env=self._environment,
        )

    def await_livez(self) -> None:
        """Return when `/livez` answers 200."""
        try:
            wait_until(self._is_up, what="GET /livez is 200", every=0.05)
        except WaitedTooLong as error:
            raise ServiceDied(f"{error}\n{self._running().tail()}") from None

    def _is_up(self) -> bool:
        child = self._running()
        if child.exit_code is not None:
            raise ServiceDied(f"exit code {child.exit_code}\n{child.tail()}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG_SECONDS)
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, *, seconds: float = LONG_SECONDS) -> int:
        """End it as a deployment does (SIGTERM), kill it after `seconds`, return the exit code."""
        return self._running().stop(seconds=seconds)

    def kill(self) -> None:
        """End master and workers at once (SIGKILL)."""
        self._running().kill()

    def workers(self) -> list[int]:
        """Return the processes that its main process has forked."""
        return children_of(self._running().pid)

    def log(self) -> str:
        """Return everything that it has written so far."""
        return self._running().output.read_text(errors="replace")

    def _running(self) -> Child:
        assert self._child is not None, "the service was never started"
        return self._child

    def close(self) -> None:
        """End it and remove its directory, log included."""
        if self._child is not None:
            self._child.stop(seconds=5)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def service_group(n: int, *, workers: int = 1, **settings: str) -> Iterator[list[ServiceProcess]]:
    """Start `n` replicas with the same settings at the same time, and end them afterwards.

    Args:
        n: How many.
        workers: gunicorn workers of each.
        settings: Full names: `TEXTPROOF_REDIS_URL=store.url`.
    """
    with together([ServiceProcess(settings, workers=workers) for _ in range(n)]) as replicas:
        yield replicas


@contextmanager
def together(replicas: list[ServiceProcess]) -> Iterator[list[ServiceProcess]]:
    """Start replicas at the same time, and end them afterwards."""
    with ExitStack() as ends:
        for replica in replicas:
            ends.callback(replica.close)
        for replica in replicas:
            replica.launch()
        for replica in replicas:
            replica.await_livez()
        yield replicas
