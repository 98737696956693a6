"""Who else does what the service does: better-auth, under Node, with its phone-number plugin."""

import http.client
import json
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

from bench.performance.crowd import JSON
from bench.performance.load import drive, post
from bench.performance.rows import CREATED, OK, Candidate, Stage
from bench.performance.servers import ROOT, Program

SOURCE = Path(__file__).with_name("better_auth")
HOME = ROOT / ".venv" / "better-auth"
READY = HOME / "ready"  # what is installed, once all of it is
QUIET = ("--no-fund", "--no-audit", "--ignore-scripts", "--loglevel=error")
INSTALL_SECONDS = 180.0  # it takes 10 to 30
ROUTER = "/api/auth/phone-number"
AT_ONCE = 50  # numbers
WARM = 3000  # requests of each kind; the first hundreds take twice the time of the last
SHARE = 2  # half as many requests as elsewhere: there are many to measure, and to start beforehand

OURS = "Textproof"
THEIRS = "better-auth"
CODE_ALONE = "better-auth, the code alone"


class CannotRun(Exception):
    """Something that it needs is not here; says what."""


def install() -> list[str | Path]:
    """Fetch better-auth into `.venv`, unless it is there; return the command that serves it.

    Raises:
        CannotRun: There is no Node, or the packages cannot be had.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise CannotRun("it needs Node and npm")
    wanted = (SOURCE / "package-lock.json").read_text()
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "server.mjs"):
        shutil.copy(SOURCE / name, HOME)
    if not READY.exists() or READY.read_text() != wanted:
        print("Installing better-auth ...", file=sys.stderr)
        fetch = [npm, "ci", "--prefix", str(HOME), "--engine-strict", *QUIET]
        nothing = subprocess.DEVNULL
        try:
            subprocess.run(fetch, check=True, stdin=nothing, stdout=nothing, timeout=INSTALL_SECONDS)
        except (OSError, subprocess.SubprocessError):
            raise CannotRun("npm could not install its packages") from None
        READY.write_text(wanted)
    return [node, HOME / "server.mjs"]


class BetterAuth(Program):
    """better-auth on a store, and the codes that it sent.

    Args:
        store_url: Where its codes and sessions are.
        number: Returns one that nobody has had.

    Raises:
        CannotRun: It cannot be installed, or, on entering, does not start.
    """

    def __init__(self, store_url: str, number: Callable[[], str]) -> None:
        super().__init__(install(), {"REDIS_URL": store_url, "NODE_ENV": "production"})
        self._number = number
        self._pending: deque[tuple[str, str]] = deque()

    def __enter__(self) -> Self:
        """Start it, and return when it is as fast as it gets: what runs often is compiled, over and over."""
        try:
            super().__enter__()
        except SystemExit as end:
            print(end, file=sys.stderr)
            raise CannotRun("it does not start") from None
        for make in (self.start, self.check, self.check_alone):
            drive(self.port, [make() for _ in range(WARM)])
        return self

    def start(self) -> bytes:
        """Return a number that asks for a code."""
        return _json(f"{ROUTER}/send-otp", {"phoneNumber": self._number()})

    def check(self, path: str = f"{ROUTER}/verify") -> bytes:
        """Return a number with its right code."""
        if not self._pending:
            self._start_some()
        number, code = self._pending.popleft()
        return _json(path, {"phoneNumber": number, "code": code})

    def check_alone(self) -> bytes:
        """Return the same for its server API: nobody is signed up or in."""
        return self.check("/consume")

    def _start_some(self) -> None:
        numbers = [self._number() for _ in range(AT_ONCE)]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/pending", json.dumps(numbers), {"Content-Type": JSON})
            self._pending.extend(zip(numbers, json.load(connection.getresponse()), strict=True))
        finally:
            connection.close()


def _json(path: str, fields: dict[str, str]) -> bytes:
    return post(path, json.dumps(fields).encode(), kind=JSON, headers=[("Accept", JSON)])


def starts(stage: Stage, peer: BetterAuth) -> list[Candidate]:
    """A number given by an application."""
    return [
        Candidate(OURS, stage.service, stage.crowd.api_start, CREATED),
        Candidate(THEIRS, peer, peer.start, OK),
    ]


def checks(stage: Stage, peer: BetterAuth) -> list[Candidate]:
    """A right code checked by an application."""
    return [
        Candidate(OURS, stage.service, stage.crowd.api_check, OK),
        Candidate(THEIRS, peer, peer.check, OK),
        Candidate(CODE_ALONE, peer, peer.check_alone, OK),
    ]
