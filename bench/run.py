"""What the rows of `bench.faults` share: how much is done, what a row says, and the fleet that all of them break."""

from contextlib import ExitStack
from dataclasses import dataclass

from bench.fleet import Fleet
from bench.history import GaveUp, History, Visitor
from tests.support.http import Browser
from tests.support.servers import StoreServer

REQUESTS = 10_000
VISITORS = 6


@dataclass(frozen=True)
class Size:
    """How much of what needs much."""

    rounds: int
    wrong: int
    kept_alive: int
    codes: int
    """Right codes, while the keyring changes."""


SHORT, FULL = Size(5, 2_000, REQUESTS, 200), Size(100, 10_000, 100_000, 2_000)


@dataclass
class Row:
    """One line of the table."""

    name: str
    what: str
    well: bool
    figures: str


class Run:
    """What the rows share: one store, three replicas, one balancer; and the sum of all histories."""

    def __init__(self, ends: ExitStack, size: Size) -> None:
        self.ends = ends
        self.size = size
        self.store = ends.enter_context(StoreServer(appendonly=True))
        self.fleet = Fleet(ends, self.store.url)
        self.url = self.fleet.url
        self.histories: list[History] = []

    def history(self) -> History:
        """Return a new history, which the judge will read."""
        self.histories.append(History())
        return self.histories[-1]

    def somebody(self) -> tuple[Browser, str, str]:
        """Return a visitor who has asked for a code, the number and the token."""
        browser = Browser(self.url)
        asked = Visitor(self.url, self.history()).ask(browser)
        if asked is None:
            raise GaveUp("a limit is in the way")
        return browser, *asked
