"""What happened, and whether it was allowed to: every request of every visitor is written down, and one judge reads it.

Visitors walk the whole way through the pages of a demo: they ask for a code, read it in the inbox, type a wrong one and
the right one, the right one from two tabs at once. Whatever gets no answer, or a 5xx, they send again as it was, under
the same name, until they know; so a token that could be spent twice would be.
"""

import http.client
import itertools
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.http import Browser, Response, fields

PATIENCE = 20.0  # seconds that a visitor tries again for
TOKEN = re.compile(r"[0-9A-F]{6}(?= )")
OK, NO, UNKNOWN = "ok", "no", "unknown"
_areas = (202, 212, 213, 303, 312, 404, 415, 503, 602, 617)
_places = itertools.count(random.SystemRandom().randrange(5_000_000))


class GaveUp(Exception):
    """A visitor got no answer in all that time."""


@dataclass(frozen=True, slots=True)
class Event:
    """One request and what came of it."""

    who: str
    """The verification."""
    what: str
    name: str
    """Equal requests have equal names."""
    outcome: str
    begun: float
    ended: float


@dataclass
class History:
    """Everything that happened."""

    events: list[Event] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)
    """Requests without an answer or with a 5xx: when, and what."""
    requests: int = 0
    waits: list[float] = field(default_factory=list)
    gave_up: int = 0
    limited: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def add(self, event: Event) -> None:
        """Write a check down."""
        with self._lock:
            self.events.append(event)

    def asked(self, wait: float, failure: str = "") -> None:
        """Write a request down, and why it failed."""
        with self._lock:
            self.requests += 1
            self.waits.append(wait)
            if failure:
                self.failures.append((time.monotonic(), failure))

    def spent_twice(self) -> int:
        """Return how many verifications have successes of more than one name."""
        names = defaultdict(set)
        for event in self.events:
            if event.outcome == OK:
                names[event.who].add(event.name)
        return sum(len(of_one) > 1 for of_one in names.values())

    def approved(self) -> int:
        """Return how many verifications ended well."""
        return len({event.who for event in self.events if event.outcome == OK})

    def lost(self) -> int:
        """Return how many right tokens were refused though no other request had spent them."""
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        for event in self.events:
            if event.what == "right":
                seen[event.who][event.outcome] += 1
        return sum(not one[OK] and not one[UNKNOWN] for one in seen.values())

    def compared_too_often(self, most: int = 5) -> int:
        """Return how many verifications had more wrong tokens looked at than allowed."""
        wrong = Counter(event.who for event in self.events if event.what == "wrong" and event.outcome == NO)
        return sum(count > most for count in wrong.values())

    def slowest(self, share: float = 0.99) -> float:
        """Return the wait that this share of requests did not exceed."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def fresh_number() -> str:
    """Return a US number that is not beside the one before it: numbers in sequence look like an attack."""
    place = next(_places)
    return f"+1{_areas[place % len(_areas)]}{231 + place // len(_areas) % 700}{1000 + place * 7919 % 9000}"


class Visitor:
    """One person after the other, at one address."""

    def __init__(self, url: str, history: History, *, patience: float = PATIENCE) -> None:
        self.url = url
        self.history = history
        self.patience = patience

    def visit(self) -> str | None:
        """Walk through once; return the token, or None when a limit was in the way."""
        with Browser(self.url, timeout=10) as browser, Browser(self.url, timeout=10) as other:
            asked = self.ask(browser)
            if asked is None:
                return None
            number, token = asked
            self.type(browser, number, wrong_for(token), "wrong")
            other.cookies = dict(browser.cookies)
            tabs = [threading.Thread(target=self.type, args=(tab, number, token, "right")) for tab in (browser, other)]
            for tab in tabs:
                tab.start()
            for tab in tabs:
                tab.join()
            self.type(browser, number, token, "again")
            return token

    def ask(self, browser: Browser) -> tuple[str, str] | None:
        """Ask for a code; return the number and the token, or None when a limit was in the way."""
        number = fresh_number()
        form = fields(self.persist(lambda: browser.get("/")).text)
        answer = self.persist(lambda: browser.post("/request", {**form, "phone": number}))
        if answer.status != http.client.SEE_OTHER:
            self.history.limited += 1
            return None
        token = self.token(browser, number)
        return (number, token) if token else None

    def token(self, browser: Browser, number: str) -> str | None:
        """Read the code in the inbox; a crowd may have pushed it out."""
        for _ in range(3):
            letters = self.persist(lambda: browser.get("/demo/messages")).json()
            for letter in letters:
                if letter["to"] == number and (found := TOKEN.match(letter["text"])):
                    return found[0]
            time.sleep(0.05)
        return None

    def type(self, browser: Browser, who: str, token: str, what: str) -> str:
        """Type a code, and write down what came of it."""
        name = f"{what}-{random.getrandbits(64):x}"
        begun, outcome = time.monotonic(), UNKNOWN
        with suppress(GaveUp):
            answer = self.persist(lambda: browser.post("/verify", {"token": token, "nonce": name}))
            outcome = OK if answer.status == http.client.OK and "confirmed" in answer.text else NO
        self.history.add(Event(who, what, name, outcome, begun, time.monotonic()))
        return outcome

    def persist(self, request: Callable[[], Response]) -> Response:
        """Send a request until there is an answer that is not a fault of the service.

        Raises:
            GaveUp: There was none.
        """
        deadline = time.monotonic() + self.patience
        while True:
            begun = time.monotonic()
            try:
                answer = request()
            except (OSError, http.client.HTTPException) as error:
                failure = type(error).__name__
            else:
                if answer.status < http.client.INTERNAL_SERVER_ERROR:
                    self.history.asked(time.monotonic() - begun)
                    return answer
                failure = str(answer.status)
            self.history.asked(time.monotonic() - begun, failure)
            if time.monotonic() > deadline:
                self.history.gave_up += 1
                raise GaveUp(failure)
            time.sleep(0.05)


def wrong_for(token: str) -> str:
    """Return a token that is not this one."""
    return ("1" if token[0] == "0" else "0") + token[1:]


class Before:
    """People who asked before something happens: half of them have typed their code, half have not."""

    def __init__(self, visitor: Visitor, pairs: int) -> None:
        self._visitor = visitor
        self._spent = [self._ask(visitor) for _ in range(pairs)]
        self._waiting = [self._ask(visitor) for _ in range(pairs)]
        for browser, number, token in self._spent:
            visitor.type(browser, number, token, "right")

    @staticmethod
    def _ask(visitor: Visitor) -> tuple[Browser, str, str]:
        browser = Browser(visitor.url, timeout=10)
        asked = visitor.ask(browser)
        if asked is None:
            raise GaveUp("a limit is in the way")
        return browser, *asked

    def judge(self, url: str) -> tuple[int, int]:
        """Try all codes now; return how many of the spent ones were accepted again, and how many others were lost."""
        again = [self._try(url, *one) for one in self._spent]
        first = [self._try(url, *one) for one in self._waiting]
        return again.count(OK), len(first) - first.count(OK)

    def _try(self, url: str, before: Browser, number: str, token: str) -> str:
        with Browser(url, timeout=10) as browser:
            browser.cookies = dict(before.cookies)
            return self._visitor.type(browser, number, token, "right")


@contextmanager
def crowd(urls: Sequence[str], history: History, *, size: int, patience: float = PATIENCE) -> Iterator[None]:
    """Let so many visitors walk, again and again, while the block runs, and finish what they have begun."""

    def walk(place: int, over: threading.Event) -> None:
        visitor = Visitor(urls[place % len(urls)], history, patience=patience)
        while not over.is_set():
            with suppress(GaveUp):
                visitor.visit()

    with meanwhile(walk, size):
        yield


@contextmanager
def meanwhile(work: Callable[[int, threading.Event], object], size: int) -> Iterator[None]:
    """Let so many threads work while the block runs. Each is told its place, and when it is over; it is waited for."""
    over = threading.Event()
    threads = [threading.Thread(target=work, args=[place, over], daemon=True) for place in range(size)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def first_success(url: str, history: History, *, every: float = 0.02, patience: float = 60) -> float:
    """Return the seconds until a whole visit works again: what an outage costs once its cause is gone."""
    begun = time.monotonic()
    visitor = Visitor(url, history, patience=0)
    while time.monotonic() - begun < patience:
        with suppress(GaveUp):
            if visitor.visit() is not None:
                return time.monotonic() - begun
        time.sleep(every)
    raise GaveUp("no visit worked")
