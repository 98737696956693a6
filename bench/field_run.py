"""What the rows of `make field` share: a service of their own, and the table that they stand in."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench.history import fresh_number
from tests.stack.people import Person, words
from tests.support.http import Browser
from tests.support.processes import wait_until
from tests.support.servers import StoreServer
from tests.support.service import ROOT, ServiceProcess
from tests.support.telnyx import FakeTelnyx

EXAMPLE = str(ROOT / "config.cfg.example")
REGIONS = "US,DE,AR,MX,TK"
MANY = "1000/3600"  # where a row is not about that limit


@dataclass(frozen=True)
class Seen:
    """One input and its answer."""

    tried: str
    answer: str
    well: bool


class Place:
    """A service that a row asks, with a store and a Telnyx of its own."""

    def __init__(self, ends: ExitStack, settings: Mapping[str, str]) -> None:
        self._ends = ends
        self.store = ends.enter_context(StoreServer())
        self.telnyx = ends.enter_context(FakeTelnyx())
        self.settings = {
            "TEXTPROOF_SENDER": "telnyx",
            "TEXTPROOF_API_KEY": self.telnyx.api_key,
            "TEXTPROOF_FROM_NUMBER": "+13125550001",
            "TEXTPROOF_TELNYX_BASE_URL": self.telnyx.base_url,
            "TEXTPROOF_TELNYX_PUBLIC_KEY": self.telnyx.public_key,
            "TEXTPROOF_PUBLIC_URL": "https://verify.example.com",
            "TEXTPROOF_REDIS_URL": self.store.url,
            "TEXTPROOF_SECRET_KEY": "0123456789abcdef" * 2,
            "TEXTPROOF_ALLOWED_REGIONS": REGIONS,
            "TEXTPROOF_LIMITS_MODE": "observe",
            "TEXTPROOF_SENDS_PER_NUMBER": MANY,
            **settings,
        }
        self.service = ends.enter_context(ServiceProcess(self.settings))
        self._read = 0

    def person(self, **headers: str) -> Person:
        """Return a new visitor."""
        return Person(self.service.url, headers=headers)

    def typed(self, phone: str, region: str = "US") -> tuple[bool, str]:
        """Ask for a code; return whether it was sent, and to whom, or what the page says."""
        before = len(self.telnyx.messages)
        person = self.person()
        answer = person.post("/request", {"phone": phone, "region": region})
        if answer.status == 303 and len(self.telnyx.messages) > before:  # noqa: PLR2004 - HTTP's own
            return True, self.telnyx.messages[-1]["to"][0]["phone_number"]
        return False, f"{answer.status} {fault_of(answer.text or person.page())}"

    def waiting(self) -> tuple[Person, str]:
        """Return somebody who has asked for a code, and the code."""
        person = self.person()
        number = fresh_number()
        answer = person.post("/request", {"phone": number, "region": "US"})
        if answer.status != 303:  # noqa: PLR2004 - HTTP's own
            raise RuntimeError(words(answer.text))
        wait_until(lambda: self.telnyx.texts_to(number), seconds=10, what="the text is there")
        return person, self.telnyx.texts_to(number)[-1].split()[0]

    def webhook(self, body: bytes) -> int:
        """Post a signed body; return the status."""
        with Browser(self.service.url) as telnyx:
            headers = {"Content-Type": "application/json", **self.telnyx.sign(body)}
            return telnyx.request("POST", "/webhooks/telnyx", body, headers).status

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what was logged of an event since this was asked last."""
        log = self.service.log()
        new, self._read = log[self._read :], len(log)
        return [line for line in map(json.loads, json_lines(new)) if line["event"] == event]

    def command(self, *arguments: str, **environ: str) -> str:
        """Run `textproof …` with the same settings, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "service", *arguments],
            cwd=ROOT,
            env={
                "PATH": "/usr/bin:/bin",
                "TEXTPROOF_CONFIG": str(ROOT / "config.cfg.example"),
                **self.settings,
                **environ,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr


class Run:
    """What the rows share."""

    def __init__(self, ends: ExitStack) -> None:
        self.ends = ends
        self._places: dict[tuple[tuple[str, str], ...], Place] = {}

    def place(self, **settings: str) -> Place:
        """Return a service with these settings (`PUBLIC_URL=…`), the same one for the same settings."""
        own = tuple(sorted((f"TEXTPROOF_{name}", value) for name, value in settings.items()))
        if own not in self._places:
            self._places[own] = Place(self.ends, dict(own))
        return self._places[own]


Row = Callable[[Run], Iterator[Seen]]
ROWS: dict[str, Row] = {}


def row(name: str) -> Callable[[Row], Row]:
    """Add a function to the table, under the name of its row."""

    def add(function: Row) -> Row:
        ROWS[name] = function
        return function

    return add


def json_lines(log: str) -> Iterator[str]:
    """Return the lines of a log that are events."""
    return (line for line in log.splitlines() if line.startswith("{"))


def fault_of(page: str) -> str:
    """Return what a page says is wrong, without its markup."""
    return words(page.partition('role="alert"')[2].partition("</div>")[0].partition(">")[2])
