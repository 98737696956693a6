"""Replicas, a store and the load balancer of deploy/, started as processes: the compose stack without containers."""

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.history import History, meanwhile
from tests.support.http import Browser
from tests.support.processes import Child, free_port, wait_until
from tests.support.service import ServiceProcess

CONFIG = Path(__file__).parents[1] / "deploy" / "haproxy.cfg"
DRAIN_SECONDS = 2
OBSERVED = {
    "TEXTPROOF_SENDER": "demo",
    "TEXTPROOF_LIMITS_MODE": "observe",  # one machine is one address
    "TEXTPROOF_TRUSTED_PROXIES": "1",
    "TEXTPROOF_SECRET_KEY": "0123456789abcdef" * 2,
    "DRAIN_SECONDS": str(DRAIN_SECONDS),
}


def haproxy() -> str | None:
    """Return the balancer of the PATH, or of where Debian puts it."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


class Balancer:
    """HAProxy with our own configuration; only where it listens, and where the replicas are, is another.

    Args:
        ports: Of the replicas.
        text: The configuration.
        status: Of its first page, which is waited for.
    """

    def __init__(self, ports: Sequence[int], text: str = CONFIG.read_text(), *, status: int = 200) -> None:
        self._status = status
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._directory = Path(tempfile.mkdtemp(prefix="textproof-balancer-"))
        replicas = "\n    ".join(f"server web{place} 127.0.0.1:{port}" for place, port in enumerate(ports))
        text = re.sub(r"server-template .*", replicas, text)
        text = text.replace(":8080", f"127.0.0.1:{self.port}").replace("127.0.0.1:8081", f"127.0.0.1:{free_port()}")
        (self._directory / "haproxy.cfg").write_text(text)

    def __enter__(self) -> Self:
        self._child = Child(
            [haproxy() or "haproxy", "-db", "-f", self._directory / "haproxy.cfg"],
            output=self._directory / "haproxy.log",
            env=os.environ | {"TRUSTED_FRONT": "127.0.0.2"},
        )
        wait_until(self._is_up, seconds=20, what=f"the balancer answers {self._status}")
        return self

    def _is_up(self) -> bool:
        try:
            with Browser(self.url, timeout=2) as browser:
                return browser.get("/").status == self._status
        except OSError:
            return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._child.kill()
        shutil.rmtree(self._directory, ignore_errors=True)


class Fleet:
    """Three replicas behind the balancer."""

    def __init__(self, ends: ExitStack, store_url: str, settings: Mapping[str, str] = OBSERVED, size: int = 3) -> None:
        self.settings = {**settings, "TEXTPROOF_REDIS_URL": store_url}
        self.replicas = [ServiceProcess(self.settings) for _ in range(size)]
        for replica in self.replicas:
            ends.callback(replica.close)
            replica.launch()
        for replica in self.replicas:
            replica.await_livez()
        self.balancer = ends.enter_context(Balancer([replica.port for replica in self.replicas]))
        self.url = self.balancer.url

    def await_ready(self, replica: ServiceProcess) -> None:
        """Return when a replica may be sent requests, and the balancer has seen it."""
        with Browser(replica.url) as browser:
            wait_until(lambda: browser.get("/readyz").status == 200, seconds=30, what="a replica is ready")  # noqa: PLR2004
        time.sleep(1.2)  # the balancer asks each second


@contextmanager
def hammer(url: str, history: History, *, size: int, pause: float = 0, timeout: float = 20) -> Iterator[None]:
    """Ask for a page over so many kept-alive connections, while the block runs. Nothing is sent again."""

    def ask(_place: int, over: threading.Event) -> None:
        with Browser(url, timeout=timeout) as browser:
            while not over.is_set():
                begun = time.monotonic()
                try:
                    status = browser.request("GET", "/").status
                    failure = str(status) if status >= 500 else ""  # noqa: PLR2004
                except Exception as error:  # noqa: BLE001 - whatever breaks is a failed request
                    failure = type(error).__name__
                history.asked(time.monotonic() - begun, failure)
                time.sleep(pause)

    with meanwhile(ask, size):
        yield
