"""Attacks that once turned the service around, played again over HTTP: `python -m bench.recipes [A1 B5 …]`.

Each recipe is a function below: it does what an attacker did, and then what honest people do. How many addresses,
numbers and requests it takes are its parameters: change them. Prints what came of it before and what comes of it now,
and ends with 1 when something is not kept. All of them take ten minutes.
"""

import inspect
import itertools
import json
import logging
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import faults, field_operator
from bench.field_operator import command
from bench.field_run import Place
from bench.field_run import Run as FieldRun
from bench.fleet import hammer
from bench.history import History, fresh_number
from bench.run import SHORT, Run
from bench.slow import slow_process
from tests.stack.people import Person, words
from tests.support.http import Browser, Response, burst, fields
from tests.support.processes import wait_until
from tests.support.servers import StoreServer
from tests.support.telnyx import received
from tests.support.telnyx.errors import ERRORS

SEE_OTHER, OK, CREATED, OTHER_TAB, LIMITED, UNAVAILABLE = 303, 200, 201, 409, 429, 503
ATTACKER = "127.0.0.9"
WATCHED_SECONDS = 4.0
ENFORCED = {
    "TEXTPROOF_LIMITS_MODE": "enforce",
    "TEXTPROOF_TRUSTED_PROXIES": "1",
    "TEXTPROOF_ALLOWED_REGIONS": "US,GB",
    "TEXTPROOF_SENDS_PER_NUMBER": "5/600,10/86400",
    "TEXTPROOF_RESEND_WAITS_SECONDS": "1,1,1,1",  # an attacker has time
    "TEXTPROOF_TEST_NUMBERS": "+12025550100=12AB56@2099-12-31",
}
TEST_NUMBER = ("+12025550100", "12AB56")


@dataclass(frozen=True)
class Found:
    """What comes of a recipe."""

    now: str
    kept: bool


class World:
    """A service with every limit on, as strangers, people and an application see it."""

    def __init__(self, ends: ExitStack, **settings: str) -> None:
        self.place = Place(ends, ENFORCED | {f"TEXTPROOF_{name}": value for name, value in settings.items()})
        self.telnyx = self.place.telnyx
        self._people = itertools.count(1)
        self._key = ""

    def at(self, address: str) -> Person:
        """Return a visitor from an address."""
        return self.place.person(**{"X-Forwarded-For": address})

    def somebody(self) -> Person:
        """Return somebody from a network of their own."""
        return self.at(f"192.{next(self._people)}.2.1")

    def starts(self, person: Person, number: str) -> int:
        """Return the status of a start."""
        return person.post("/request", {"phone": number, "region": "US", "nonce": fresh_number()}).status

    def code(self, number: str) -> str:
        """Return the latest code that a phone has."""
        wait_until(lambda: self.telnyx.texts_to(number), seconds=10, what="the text is there")
        return self.telnyx.texts_to(number)[-1].split()[0]

    def gets_in(self, person: Person, number: str) -> bool:
        """Return whether somebody who starts now, and types the latest code, is confirmed."""
        return self.starts(person, number) == SEE_OTHER and "confirmed" in person.type(self.code(number)).text

    def api(self, path: str, body: object, **headers: str) -> Response:
        """Call as an application."""
        if not self._key:
            self._key = next(word for word in self.place.command("keys", "add", "shop").split() if word[:3] == "tp_")
        own = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        with Browser(self.place.service.url) as browser:
            return browser.request("POST", path, json.dumps(body).encode(), own | headers)

    def texts_start(self, number: str) -> None:
        """Text START from a phone."""
        self.place.webhook(json.dumps(received("START", sender=number, autoresponse="START")).encode())


Recipe = Callable[..., Found]
BEFORE: dict[str, tuple[Recipe, str]] = {}


def recipe(before: str) -> Callable[[Recipe], Recipe]:
    """Add a function to the table, with what came of it before."""

    def add(function: Recipe) -> Recipe:
        BEFORE[function.__name__.upper()] = function, before
        return function

    return add


def wrong(code: str) -> str:
    """Return a code that is not right."""
    return ("0" if code[0] != "0" else "1") + code[1:]


def in_range(begin: str, count: int, step: int = 37) -> list[str]:
    """Return numbers of a range, no two of them neighbours."""
    return [f"{begin}{1000 + place * step:04}" for place in range(count)]


# -- Through the balancer


def _watched(ends: ExitStack, shapes: Sequence[str], size: int) -> Found:
    run = Run(ends, SHORT)
    told, failed = [], 0
    for shape in shapes:
        history = History()
        with (
            slow_process(run.fleet.balancer.port, shape, size=size, source=ATTACKER),
            hammer(run.url, history, size=4, pause=0.01),
        ):
            time.sleep(WATCHED_SECONDS)
        failed += len(history.failures) + (not history.requests)
        told.append(
            f"{shape}: {len(history.failures)} of {history.requests:,} failed, p99 {history.slowest() * 1000:.0f} ms"
        )
    return Found("; ".join(told), not failed)


@recipe("84 connections: every honest GET 503")
def a1(ends: ExitStack, connections: int = 84) -> Found:
    """Bodies, chunks and headers that are larger than a buffer, and then a byte now and then."""
    return _watched(ends, ("bodies", "chunked", "headers"), connections)


@recipe("one connection: 84 of 84 honest GETs 503")
def b1(ends: ExitStack, connections: int = 1) -> Found:
    """HTTP/2 on the plain port, with no window for 95 long answers."""
    return _watched(ends, ("HTTP/2 windows",), connections)


@recipe("the first honest visitor waits 4.6 s")
def b4(ends: ExitStack, connections: int = 8_100) -> Found:
    """Silent connections from one address."""
    return _watched(ends, ("silent",), connections)


@recipe("Redis 230 to 450 ms slower: 0 of 474 served")
def b2(ends: ExitStack) -> Found:
    """A slow Redis."""
    row = faults.t18(Run(ends, SHORT))
    return Found(row.figures, row.well)


@recipe("a replica 2 s behind: 10 to 23 % of people lost")
def b3(ends: ExitStack) -> Found:
    """A clock that is behind."""
    row = faults.t17c(Run(ends, SHORT))
    return Found(row.figures, row.well)


# -- Limits


@recipe("all applications 429, `known` too")
def a2(ends: ExitStack, repeats: int = 1_680) -> Found:
    """One wrong code, sent again and again."""
    world = World(ends)
    stranger, number = world.at("198.51.100.1"), fresh_number()
    world.starts(stranger, number)
    form = {**fields(stranger.get("/verify").text), "token": wrong(world.code(number))}

    def again(_: int) -> int:
        with Browser(world.place.service.url, headers={"X-Forwarded-For": "198.51.100.1"}) as browser:
            browser.cookies = dict(stranger.cookies)
            return browser.post("/verify", form).status

    told = Counter(map(str, burst(repeats, again, 8)))
    begun = [world.api("/v1/verifications", {"to": fresh_number()}).status for _ in range(5)]
    people = [world.starts(world.somebody(), fresh_number()) for _ in range(5)]
    checks_left = stranger.status()["checks_left"]
    now = f"told {dict(told)}, {checks_left} checks left; then an application {begun}, people {people}"
    return Found(now, set(begun) == {CREATED} and set(people) == {SEE_OTHER})


@recipe("500 messages, then nobody is texted for 55 min")
def a3(ends: ExitStack, addresses: int = 10, numbers: int = 10, messages: int = 5) -> Found:
    """Few addresses that let every message be repeated."""
    world, told, waiting = World(ends), Counter[int](), list[Person]()
    for place in range(addresses):
        for _ in range(numbers):
            stranger = world.at(f"203.{place}.113.1")
            told[status := world.starts(stranger, fresh_number())] += 1
            waiting += [stranger] if status == SEE_OTHER else []
    for _ in range(messages - 1):
        time.sleep(1.1)  # as the page says
        told.update(one.post("/resend", {"nonce": fresh_number()}).status for one in waiting)
    paid = len(world.telnyx.messages)
    people = [world.starts(world.somebody(), fresh_number()) for _ in range(10)]
    begun = [world.api("/v1/verifications", {"to": fresh_number()}).status for _ in range(5)]
    after = f"people {dict(Counter(people))}, an application {dict(Counter(begun))}"
    now = f"{paid} messages, told {dict(told)}; then {after}"
    return Found(now, set(people) == {SEE_OTHER} and set(begun) == {CREATED} and paid <= addresses * 10)


@recipe("the ranges shut to everybody, 24 h and more")
def a4(ends: ExitStack, starts: int = 5, wait_seconds: float = 245) -> Found:
    """Five ways to close a range. What is younger than four minutes is no evidence yet."""
    names = ("one address abroad", "/64 of one /48", "the carrier refuses", "one user of an application", "two /64")
    worlds = {name: World(ends) for name in names}
    abroad = [f"+44740{place}12" for place in range(starts)]
    ranges = {name: ["+1202731"] for name in names} | {names[0]: abroad}
    for name, world in worlds.items():
        if name == names[2]:
            world.telnyx.answer(ERRORS["40310"])
        for place in range(starts * 2 if name == names[4] else starts):
            number = in_range(ranges[name][place % len(ranges[name])], 1 + place)[-1]
            if name == names[3]:
                world.api("/v1/verifications", {"to": number})
                continue
            address = {
                names[0]: "198.51.100.1",
                names[1]: f"2001:db8:1:{place}::1",
                names[2]: f"203.{place}.113.1",
                names[4]: f"2001:db8:1:{place % 2}::1",
            }[name]
            world.starts(world.at(address), number)
        world.telnyx.answer("accepted")
    time.sleep(wait_seconds)
    told, kept = [], True
    for name, world in worlds.items():
        people = [world.gets_in(world.somebody(), f"{begin}7777") for begin in ranges[name]]
        told.append(f"{name}: {sum(people)} of {len(people)} in")
        kept = kept and all(people)
    return Found("; ".join(told), kept)


@recipe("one poll in 2 s by two addresses: the owner never in")
def a5(ends: ExitStack, shares: int = 6, seconds: int = 60) -> Found:
    """Two strangers ask for somebody's number, and go on asking."""
    world, number, begun = World(ends), fresh_number(), time.monotonic()
    strangers, owner = [world.at("198.51.100.1"), world.at("203.0.113.1")], world.somebody()
    world.starts(strangers[0], number)
    for _ in range(shares):
        world.starts(strangers[1], number)
    tries = texts = 0
    while time.monotonic() - begun < seconds:
        tries += 1
        if world.gets_in(owner, number):
            texts = len(world.telnyx.texts_to(number))
            return Found(f"in at try {tries}, without START; {texts} text(s) to the phone", texts <= 5)  # noqa: PLR2004
        for stranger in strangers:
            world.starts(stranger, number)
        world.texts_start(number)
        time.sleep(2)
    return Found(f"not in after {tries} tries", kept=False)


@recipe("429 for 86,400 s; START, `known` and forgive do not help")
def a6(ends: ExitStack, messages: int = 3, codes: int = 5) -> Found:
    """One stranger, behind an application that does not tell its people apart."""
    world, number = World(ends), fresh_number()
    told = Counter[int]()
    for _ in range(messages):
        begun = world.api("/v1/verifications", {"to": number})
        told[begun.status] += 1
        if begun.status != CREATED:
            continue
        bad, id_ = wrong(world.code(number)), begun.json()["id"]
        for _ in range(codes):
            told[world.api(f"/v1/verifications/{id_}/check", {"token": bad}).status] += 1
    tried = ""
    for way in ("at once", "after START"):
        begun = world.api("/v1/verifications", {"to": number})
        tried = f"{tried}{way} {begun.status} "
        if begun.status == CREATED:
            checked = world.api(f"/v1/verifications/{begun.json()['id']}/check", {"token": world.code(number)})
            return Found(f"the stranger {dict(told)}; the person: {tried}and {checked.status}", checked.status == OK)
        world.texts_start(number)
    return Found(f"the stranger {dict(told)}; the person: {tried}", kept=False)


@recipe("refused for 365 days to everybody")
def a7(ends: ExitStack, addresses: int = 7, codes: int = 17) -> Found:
    """Wrong codes for a test number."""
    world, told = World(ends), Counter[int]()
    for place in range(addresses):
        stranger = world.at(f"203.{place}.113.1")
        for each in range(codes):
            if each % 5 == 0:
                world.starts(stranger, TEST_NUMBER[0])
            told[stranger.type(wrong(TEST_NUMBER[1])).status] += 1
    person = world.somebody()
    begun = world.starts(person, TEST_NUMBER[0])
    checked = person.type(TEST_NUMBER[1]).status
    return Found(f"strangers {dict(told)}; then a tester {begun} and {checked}", (begun, checked) == (SEE_OTHER, OK))


@recipe("40 of 40 numbers are in the append-only file")
def a8(ends: ExitStack, people: int = 40) -> Found:
    """What is left of numbers on the disk of Redis."""
    store = ends.enter_context(StoreServer(appendonly=True))
    world, numbers = World(ends, REDIS_URL=store.url), [fresh_number() for _ in range(people)]
    told = Counter(world.starts(world.somebody(), number) for number in numbers)
    kept = b"".join(file.read_bytes() for file in store.directory.rglob("*") if file.is_file())
    found = sum(number[2:].encode() in kept for number in numbers)
    now = f"{found} of {people} in {len(kept):,} bytes; starts {dict(told)}"
    return Found(now, not found and bool(kept) and told[SEE_OTHER] > 0)


@recipe("an answer kept for 24 h for each request that did nothing; full in minutes, then right codes 503")
def a9(ends: ExitStack, requests: int = 200, size: int = 20_000_000) -> Found:
    """An application that fills Redis; and what a full one still serves."""
    world, number = World(ends), fresh_number()
    person = world.somebody()
    world.starts(person, number)
    world.api("/v1/verifications", {"to": "no number"})
    before = world.place.store.ask("DBSIZE")
    for place in range(requests):
        world.api(f"/v1/verifications/{'A' * 63}/check", {"token": "00000F"}, **{"Idempotency-Key": f"c{place}"})
        world.api("/v1/verifications", {"to": "no number"}, **{"Idempotency-Key": f"s{place}"})
    grown = world.place.store.ask("DBSIZE") - before
    with world.place.store.client() as client:
        for place in range(size // 10_000):  # in pieces: what a client has sent last counts as well
            client.set(f"others:{place}", b"x" * 10_000)
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] / 0.95))
    world.at("198.51.100.9").get("/readyz", {"X-Forwarded-For": None})
    begun, checked = world.starts(world.somebody(), fresh_number()), person.type(world.code(number)).status
    now = f"{grown} keys for {2 * requests} such requests; with 95 % used a start {begun}, a right code {checked}"
    return Found(now, grown <= 1 and (begun, checked) == (UNAVAILABLE, OK))


@recipe("4,105 bytes of log a request; a hidden proxy unsaid; the form at / cannot be turned off")
def a10(ends: ExitStack, length: int = 3_000) -> Found:
    """The small ones."""
    world = World(ends, TRUSTED_PROXIES="0", PAGES="applications")
    world.place.lines("")
    world.at("198.51.100.1").get(f"/v1/verifications/{'x' * length}")
    longest = max((len(json.dumps(line)) for line in world.place.lines("client_refused")), default=0)
    form = world.at("198.51.100.1")
    first = form.get("/").status
    form.post("/request", {"phone": fresh_number(), "nonce": fresh_number()})
    other = World(ends, TRUSTED_PROXIES="0")
    other.starts(other.at("198.51.100.1"), fresh_number())
    said = len(other.place.lines("proxy_not_trusted"))
    now = f"the longest line has {longest} bytes; GET / {first}; a hidden proxy is said {said} time(s)"
    return Found(now, 0 < longest < 1_000 and first != OK and said == 1)  # noqa: PLR2004


# -- Pages and settings


@recipe("any code confirms the other number; five end the other's verification")
def b5(ends: ExitStack, tries: int = 5) -> Found:
    """Two tabs of one browser, a number in each."""
    world, numbers = World(ends), [fresh_number(), fresh_number()]
    browser = world.somebody()
    world.starts(browser, numbers[0])
    first = fields(browser.get("/verify").text)
    world.starts(browser, numbers[1])
    told = [browser.post("/verify", {**first, "token": world.code(numbers[0])}).status for _ in range(tries)]
    left = browser.status()["checks_left"]
    done = browser.type(world.code(numbers[1])).status
    late = browser.post("/verify", {**first, "token": "000000"})
    now = f"the first tab {told}, the second has {left} checks left and {done}; then 000000 in the first: {late.status}"
    is_kept = set(told) == {OTHER_TAB} and left == 5 and done == OK  # noqa: PLR2004
    return Found(now, is_kept and late.status != OK and "is confirmed" not in words(late.text))


@recipe("a broken template: 500 after the message is paid; Kubernetes' variables stop it; no cap without a price")
def b6(_ends: ExitStack) -> Found:
    """Set wrongly."""
    demo = 'SENDER = "demo"\n'
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "verify.html").write_text("{% if %}")
        broken, said = command("run", config=demo, TEXTPROOF_TEMPLATES=folder)
    links = {"TEXTPROOF_PORT": "tcp://10.0.0.1:80", "TEXTPROOF_SERVICE_HOST": "10.0.0.1"}
    linked, _ = command("settings", config=demo, **links)
    unpriced, _ = command(
        "settings", config=demo + 'ALLOWED_REGIONS = ["US", "GB"]\nSPEND_PER_DAY = 5\nMESSAGE_PRICES = ["US=0.01"]\n'
    )
    line = re.search(r"verify\.html, line \d+", said)
    now = (
        f"run ends with {broken} ({line[0] if line else 'no line'}); service links {linked}; no price for GB {unpriced}"
    )
    return Found(now, bool(broken and line and not linked and unpriced))


@recipe("set and not understood: in silence, or a traceback")
def b7(ends: ExitStack) -> Found:
    """Settings that nobody understands."""
    seen = list(field_operator.not_understood(FieldRun(ends)))
    odd = [one.tried for one in seen if not one.well]
    return Found(
        f"{len(seen) - len(odd)} of {len(seen)} refused with words{': not ' if odd else ''}{', '.join(odd)}", not odd
    )


def rows(names: Sequence[str]) -> Iterator[bool]:
    """Play recipes, print a line for each, and yield whether it is kept."""
    print("| recipe | with | before | now | |\n|---|---|---|---|---|", flush=True)
    for name in names:
        play, before = BEFORE[name]
        with ExitStack() as ends:
            try:
                found = play(ends)
            except Exception as error:  # noqa: BLE001 - a recipe that breaks is a line as well
                found = Found(f"{type(error).__name__}: {error}", kept=False)
        amounts = [one for one in inspect.signature(play).parameters.values() if one.default is not one.empty]
        given = ", ".join(f"{one.name.replace('_', ' ')} {one.default:,}" for one in amounts)
        mark = "kept" if found.kept else "**not kept**"
        print(f"| {name} {play.__doc__} | {given} | {before} | {found.now} | {mark} |", flush=True)
        yield found.kept


def main(names: list[str]) -> int:
    """Play these recipes, or all; return how many are not kept."""
    logging.disable()  # of the rules that run here; services have logs of their own
    order = sorted(BEFORE, key=lambda name: (name[0], int(name[1:])))
    unknown = set(names) - set(order)
    if unknown:
        print(f"There is no {', '.join(sorted(unknown))}: {', '.join(order)}")
        return 1
    return sum(not kept for kept in rows(names or order))


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
