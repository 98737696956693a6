"""Stoplight Prism between our requests and our fake: Telnyx's own OpenAPI judges both.

Prism is a program for Node. `install` fetches it into `.venv/prism`, once, as npm/package-lock.json says; nothing
else here needs Node. Its version is the newest that runs on Node 20.
`openapi.json` is Telnyx's, cut to the operations that we use, with `/v2` in its paths.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from tests.support.processes import Child, free_port, wait_until

SOURCE = Path(__file__).with_name("npm")
HOME = Path(__file__).resolve().parents[3] / ".venv" / "prism"
READY = HOME / "ready"  # what is installed, once all of it is
PROGRAM = HOME / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
SPECIFICATION = Path(__file__).with_name("openapi.json")
START_SECONDS = 60.0  # it needs 3 s on a quiet machine


def is_wanted() -> bool:
    """Tell whether to check with Prism: `PRISM=1` asks for it."""
    return bool(os.environ.get("PRISM"))


def install() -> None:
    """Fetch Prism, unless it is there."""
    wanted = (SOURCE / "package-lock.json").read_text()
    if READY.exists() and READY.read_text() == wanted:
        return
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, HOME)
    quiet = ["--no-fund", "--no-audit", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(["npm", "ci", "--prefix", HOME, *quiet], check=True, stdin=subprocess.DEVNULL)
    READY.write_text(wanted)


class PrismProxy:
    """A validating proxy on a free loopback port.

    A request that breaks the specification is answered with 422, an answer that does with 500; both are logged.

    Args:
        upstream: `http://host:port` of what is behind it.
    """

    def __init__(self, upstream: str) -> None:
        self.port = free_port()
        self._upstream = upstream
        self._directory = Path(tempfile.mkdtemp(prefix="textproof-prism-"))

    @property
    def base_url(self) -> str:
        """For `TELNYX_BASE_URL`, `/v2` included."""
        return f"http://127.0.0.1:{self.port}/v2"

    def violations(self) -> list[str]:
        """Return the lines of the log that speak of a violation."""
        lines = self._child.output.read_text(errors="replace").splitlines()
        return [line for line in lines if "iolation" in line or "VIOLATIONS" in line]

    def __enter__(self) -> Self:
        command: list[str | Path] = [
            "node",
            PROGRAM,
            "proxy",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--errors",
        ]
        self._child = Child([*command, SPECIFICATION, self._upstream], output=self._directory / "prism.log")
        wait_until(self._listens, seconds=START_SECONDS, what="Prism listens", every=0.1)
        return self

    def _listens(self) -> bool:
        assert self._child.exit_code is None, self._child.tail()
        return "Prism is listening" in self._child.tail()

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        shutil.rmtree(self._directory, ignore_errors=True)
