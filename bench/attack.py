"""What an attack costs, with limits and without: `python -m bench.attack`.

Each trace is played twice against the real rules on a real Valkey, in virtual time, mixed with honest people: once with
every limit off, and once as shipped. The table goes to the terminal and to `docs/attack.md`. Ends with 1 when something
was missed that we promise.
"""

import heapq
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import phonenumbers

from service.config import Settings
from service.store import verifications as store_module
from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification import outbox as outbox_module
from service.verification.caller import Caller
from service.verification.envelope import Keys
from service.verification.errors import (
    InvalidNumber,
    Limit,
    Limited,
    TokenRejected,
    VerificationError,
    VerificationLocked,
)
from service.verification.message import Message
from service.verification.phone import read_number
from service.verification.policy import Policy, Window
from service.verification.ports import Accepted, OptOut
from service.verification.verifier import Verification, Verifier
from tests.support.servers import StoreServer

REPORT = Path(__file__).parents[1] / "docs" / "attack.md"
SECRET = "a secret for the traces, known to nobody in them"
HOME = "US"
ABROAD = ("CA", "GB", "FR", "DE", "ES", "PL", "ID", "PH", "NG")
AREAS = (202, 212, 213, 303, 312, 404, 415, 503, 602, 617)
HOUR = 3600.0
HONEST = 2000
HONEST_ABROAD = 0.05
VICTIMS = 8
SEED = 20_260_101

# What we promise.
PUMPED_MAX = 0.02
REFUSED_MAX = 0.005
BOMBS_MAX = 5
SECONDS_MAX = 60
GIVES_UP = 3 * HOUR  # a victim who is refused tries again for so long
TEXTING = 20  # seconds to text START, which the page says helps
PHONE_HELPS = (Limit.SENDS_OF_NUMBER, Limit.CHECKS_OF_NUMBER, Limit.STARTS_OF_PREFIX, Limit.CLOSED)
UNLIMITED = (Window(999_999, timedelta(hours=1)),)

Step = Callable[[], object]


class Carrier:
    """Delivers at once, and remembers who paid for what."""

    def __init__(self) -> None:
        self.payer = ""
        self.now: Callable[[], float] = time.time
        self.paid: Counter[str] = Counter()
        self.phones: dict[str, list[tuple[float, str, str]]] = {}
        """By number: when, the token, and who asked for it."""

    def send(self, message: Message) -> Accepted:
        """See `Sender`."""
        self.paid[self.payer] += 1
        self.phones.setdefault(message.to.e164, []).append((self.now(), message.text.split()[0], self.payer))
        return Accepted()


@dataclass
class Outcome:
    """What came of one run."""

    paid: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    guessed: int = 0
    honest: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Honest people who were refused once or more, by the reason."""
    bombs: int = 0
    """The most messages within an hour that others had sent to a victim."""
    by_start: int = 0
    """Victims who texted START, as the page told them."""
    waits: list[float] = field(default_factory=list)
    """Seconds from each victim's first click to the confirmed number."""


class World:
    """The service, a carrier, and everybody's next steps, in virtual time."""

    def __init__(self, server: StoreServer, policy: Policy, hours: float) -> None:
        self.start = self.now = time.time() + 1
        self.end = self.start + hours * HOUR
        self.hours = hours
        self.random = random.Random(SEED)  # noqa: S311 - the same trace each time
        self.carrier = Carrier()
        self.carrier.now = self.clock
        self.outcome = Outcome(paid=self.carrier.paid)
        self.client = connect(server.url)
        store = RedisStore(self.client, policy)
        keys = Keys(store.keyring, [SECRET], prefix="tp")
        self.verifier = Verifier(policy, store=store.verifications, sender=self.carrier, keys=keys, clock=self.clock)
        self.victims: list[str] = []
        self._closed: dict[bytes, float] = {}
        self._counted: dict[bytes, float] = {}
        self._steps: list[tuple[float, int, Step]] = []
        self._order = count()

    def clock(self) -> float:
        """Return the virtual time."""
        return self.now

    def at(self, moment: float, step: Step) -> None:
        """Do a step then."""
        heapq.heappush(self._steps, (moment, next(self._order), step))

    def after(self, seconds: float, step: Step) -> None:
        """Do a step so much later."""
        self.at(self.now + seconds, step)

    def run(self) -> Outcome:
        """Play everything."""
        self.at(self.start + HOUR / 6, self._forget)
        while self._steps:
            self.now, _, step = heapq.heappop(self._steps)
            step()
        for victim in self.victims:
            times = [moment for moment, _, payer in self.carrier.phones.get(victim, []) if payer == "attack"]
            most = max((sum(early <= other < early + HOUR for other in times) for early in times), default=0)
            self.outcome.bombs = max(self.outcome.bombs, most)
        self.client.close()
        return self.outcome

    def _forget(self) -> None:
        """Let keys end that would have: the server's own clock hardly moves. What holds times needs no help."""
        for name in self.client.scan_iter(match="{tp}:[aw]:*", count=1000):
            born = self._counted.setdefault(name, self.now)
            if self.now - born >= HOUR:
                self.client.delete(name)
                del self._counted[name]
        closed_for = self.verifier.policy.shared.closed_for
        for name in self.client.scan_iter(match="{tp}:z:*", count=1000):
            born = self._closed.setdefault(name, self.now)
            if self.now - born >= closed_for.total_seconds():
                self.client.delete(name)
                del self._closed[name]
        if self.now < self.end:
            self.after(HOUR / 6, self._forget)

    @contextmanager
    def paying(self, who: str) -> Iterator[None]:
        """Count messages for somebody."""
        self.carrier.payer = who
        yield

    # -- What attackers do. Whatever they are told, they go on.

    def attack(self, number: str, address: str, *, resends: int = 0, client: str = "") -> Verification | None:
        """Start, or be refused; then have the message sent again so often, each as soon as the wait is over."""
        with self.paying("attack"):
            try:
                one = self.verifier.start(number, caller=replace(Caller.at(address), client=client))
            except VerificationError:
                return None
        self._again_later(one, address, resends)
        return one

    def _again_later(self, one: Verification, address: str, resends: int) -> None:
        if resends and one.next_send_in is not None:
            self.after(one.next_send_in + 1, lambda: self._resend(one, address, resends))

    def _resend(self, one: Verification, address: str, resends: int) -> None:
        with self.paying("attack"), suppress(VerificationError):
            self._again_later(self.verifier.resend(one.id, caller=Caller.at(address)), address, resends - 1)

    def again(self, one: Verification, address: str) -> None:
        """Have the message sent once more, or be refused."""
        with self.paying("attack"), suppress(VerificationError):
            self.verifier.resend(one.id, caller=Caller.at(address))

    def guess(self, one: Verification, address: str) -> bool:
        """Try some token; tell whether the verification is good for another."""
        token = f"{self.random.randrange(16**6):06X}"
        try:
            self.verifier.check(one.id, token, caller=Caller.at(address))
            self.outcome.guessed += 1
        except TokenRejected as error:
            self.outcome.compared += 1
            return error.checks_left > 0
        except VerificationError:
            return False
        self.outcome.compared += 1
        return False

    # -- Honest people

    def honest_person(self, moment: float, number: str, address: str) -> None:
        """Let somebody ask, read and type; one in ten mistypes once."""

        def ask() -> None:
            self.outcome.honest += 1
            with self.paying("honest"):
                try:
                    one = self.verifier.start(number, caller=Caller.at(address))
                except VerificationError as error:
                    self.outcome.refused[_reason(error)] += 1
                    return
            self.after(self.random.uniform(20, 60), lambda: read(one, mistypes=self.random.random() < 0.1))  # noqa: PLR2004

        def read(one: Verification, *, mistypes: bool) -> None:
            token = self.carrier.phones[number][-1][1]
            try:
                self.verifier.check(one.id, _other(token) if mistypes else token, caller=Caller.at(address))
            except TokenRejected:
                self.after(10, lambda: read(one, mistypes=False))
            except VerificationError as error:
                self.outcome.refused[_reason(error)] += 1

        self.at(moment, ask)

    def victim(  # noqa: C901 - one life, from the first click on
        self, moment: float, number: str, address: str
    ) -> None:
        """Let somebody under attack ask until the number is confirmed: 20 s to read and type, and no second is lost."""
        self.victims.append(number)
        started: list[float] = []

        def ask() -> None:
            if self.now - moment > GIVES_UP:
                self.outcome.waits.append(float("inf"))
                return
            with self.paying("honest"):
                try:
                    one = self.verifier.start(number, caller=Caller.at(address))
                except Limited as error:
                    if error.limit in PHONE_HELPS and not started:
                        started.append(self.now)
                        self.after(TEXTING, text_start)
                    else:
                        self.after(min(error.retry_after or 60, 600), ask)
                    return
                except VerificationError:
                    self.after(30, ask)
                    return
            self.after(20, lambda: read(one))

        def text_start() -> None:
            self.outcome.by_start += 1
            self.verifier.receive(OptOut(number, out=False, event=f"START {number}"))
            self.after(1, ask)

        def read(one: Verification) -> None:
            texts = self.carrier.phones.get(number, [])
            try:
                self.verifier.check(one.id, texts[-1][1] if texts else "000000", caller=Caller.at(address))
            except TokenRejected:
                self.after(10, lambda: read(one))
            except (Limited, VerificationLocked, VerificationError):
                self.after(5, ask)
            else:
                self.outcome.waits.append(self.now - moment)

        self.at(moment, ask)


# -- Who is where


def _reason(error: VerificationError) -> str:
    return str(error.limit) if isinstance(error, Limited) else type(error).__name__


def _other(token: str) -> str:
    return ("1" if token[0] == "0" else "0") + token[1:]


def ipv4(dice: random.Random) -> str:
    """Return somebody's address."""
    return f"{dice.randrange(20, 90)}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"


def ipv6(dice: random.Random) -> str:
    """Return an address in somebody's /64."""
    return f"2a{dice.randrange(256):02x}:{dice.randrange(65536):x}:{dice.randrange(65536):x}:{dice.randrange(16):x}::9"


def at_home(dice: random.Random) -> str:
    """Return an address of a home: of three, one has IPv6."""
    return ipv6(dice) if dice.random() < 1 / 3 else ipv4(dice)


def number_at(prefix: str, dice: random.Random) -> str:
    """Return a number of a range."""
    return f"{prefix}{dice.randrange(10_000):04}"


def ranges(region: str, many: int, dice: random.Random) -> list[str]:
    """Return ranges of a country that can be texted."""
    found: set[str] = set()
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None  # noqa: S101 - each of these countries has mobile numbers
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    while len(found) < many:
        if region == HOME:
            prefix = f"+1{dice.choice(AREAS)}{dice.randrange(200, 1000)}"
        else:
            prefix = f"{e164[:-7]}{dice.randrange(1000):03}"
        try:
            read_number(f"{prefix}4321", home=HOME, allowed=[region])
        except InvalidNumber:
            continue
        found.add(prefix)
    return sorted(found)


def honest_people(world: World) -> None:
    """Let 2,000 people come in the course of the trace, more in its middle: from homes, carriers and offices."""
    dice = random.Random(SEED + 1)  # noqa: S311 - the same people each time
    towns = ranges(HOME, 400, dice)
    abroad = [prefix for region in ABROAD for prefix in ranges(region, 10, dice)]
    carriers = [ipv4(dice) for _ in range(6)]
    offices = [ipv4(dice) for _ in range(2)]
    for person in range(HONEST):
        moment = world.start + dice.triangular(0, world.hours, world.hours / 2) * HOUR
        prefix = dice.choice(abroad) if dice.random() < HONEST_ABROAD else dice.choice(towns)
        match person % 25:
            case 0 | 1 | 2 | 3 | 4 | 5:
                address = dice.choice(carriers)
            case 6:
                address = dice.choice(offices)
            case _:
                address = at_home(dice)
        world.honest_person(moment, number_at(prefix, dice), address)


# -- The traces


@dataclass(frozen=True)
class Trace:
    """One attack."""

    name: str
    what: str
    hours: float
    play: Callable[[World, random.Random], None]
    is_pumping: bool = False
    has_victims: bool = False


def evenly(world: World, steps: Sequence[Step], dice: random.Random) -> None:
    """Spread steps over the trace."""
    pace = world.hours * HOUR / len(steps)
    for place, step in enumerate(steps):
        world.at(world.start + (place + dice.random()) * pace, step)


def pumping(world: World, dice: random.Random) -> None:
    """10,000 starts over 500 addresses into 50 ranges of 10 countries, in turn."""
    addresses = [ipv4(dice) for _ in range(500)]
    bought = [prefix for region in (HOME, *ABROAD) for prefix in ranges(region, 5, dice)]
    dice.shuffle(bought)

    def start(place: int) -> Step:
        return lambda: world.attack(number_at(bought[place % 50], dice), addresses[place % 500], resends=4)

    evenly(world, [start(place) for place in range(10_000)], dice)


def slow_pumping(world: World, dice: random.Random) -> None:
    """19 starts an hour into each of 10 countries: under every single limit, for a day."""
    addresses = [ipv4(dice) for _ in range(500)]
    bought = {region: ranges(region, 5, dice) for region in (HOME, *ABROAD)}
    steps: list[Step] = []
    for place in range(int(world.hours) * 19):
        for prefixes in bought.values():
            address, prefix = addresses[len(steps) % 500], prefixes[place % 5]
            steps.append(partial(world.attack, number_at(prefix, dice), address, resends=4))
    evenly(world, steps, dice)


def emptying(networks: int, each: float) -> Callable[[World, random.Random], None]:
    """Let so many addresses, each of its own network, ask for other numbers every so many seconds, with resends."""

    def play(world: World, dice: random.Random) -> None:
        addresses, towns = [ipv4(dice) for _ in range(networks)], ranges(HOME, 3000, dice)
        steps: list[Step] = [
            partial(world.attack, number_at(dice.choice(towns), dice), addresses[place % networks], resends=4)
            for place in range(int(world.hours * HOUR / each) * networks)
        ]
        evenly(world, steps, dice)

    return play


def closing(networks: int) -> Callable[[World, random.Random], None]:
    """Let so many networks each ask for a number in every range that honest people live in, all day long."""

    def play(world: World, dice: random.Random) -> None:
        towns = ranges(HOME, 400, random.Random(SEED + 1))  # noqa: S311 - those of the honest people
        addresses = [ipv4(dice) for _ in range(networks)]
        steps: list[Step] = [
            partial(world.attack, number_at(prefix, dice), address) for prefix in towns for address in addresses * 5
        ]
        dice.shuffle(steps)
        evenly(world, steps, dice)

    return play


def brute_force(world: World, dice: random.Random) -> None:
    """4,000 starts at one number from 200 addresses, and as many guesses at each as are compared."""
    number = number_at("+1202777", dice)
    guess_at(world, dice, [ipv4(dice) for _ in range(200)], [number] * 4000)


def inverted(world: World, dice: random.Random) -> None:
    """A start at each of 5,000 numbers from 500 addresses, and as many guesses as are compared."""
    numbers = [number_at(prefix, dice) for prefix in ranges(HOME, 1000, dice) for _ in range(5)]
    dice.shuffle(numbers)
    guess_at(world, dice, [ipv4(dice) for _ in range(500)], numbers)


def guess_at(world: World, dice: random.Random, addresses: list[str], numbers: list[str]) -> None:
    """Start at each number, from one address after the other, and guess every five seconds."""

    def step(number: str, address: str) -> Step:
        def go_on(one: Verification) -> None:
            if world.guess(one, address):
                world.after(5, lambda: go_on(one))

        def begin() -> None:
            one = world.attack(number, address)
            if one is not None:
                go_on(one)

        return begin

    evenly(world, [step(number, addresses[place % len(addresses)]) for place, number in enumerate(numbers)], dice)


def under_attack(addresses: int, each: float, *, guesses: bool) -> Callable[[World, random.Random], None]:
    """Let every victim have strangers who ask, ask again, and guess, each every so many seconds."""

    def play(world: World, dice: random.Random) -> None:
        for number in (number_at(prefix, dice) for prefix in ranges(HOME, VICTIMS, dice)):
            strangers = [ipv4(dice) for _ in range(addresses)]
            open_: dict[str, Verification] = {}

            def act(number: str, stranger: str, open_: dict[str, Verification]) -> None:
                one = open_.pop(stranger, None)
                if one is not None:
                    world.again(one, stranger)
                begun = world.attack(number, stranger)
                if begun is None:
                    return
                open_[stranger] = begun
                while guesses and world.guess(begun, stranger):
                    pass

            steps: list[Step] = [
                partial(act, number, strangers[place % addresses], open_)
                for place in range(int(world.hours * HOUR / each) * addresses)
            ]
            evenly(world, steps, dice)
            world.victim(world.start + dice.uniform(0.2, 0.9) * world.hours * HOUR, number, at_home(dice))

    return play


def full_range(world: World, dice: random.Random) -> None:
    """One address asks for other numbers of the victim's range, ten an hour and more."""
    for prefix in ranges(HOME, VICTIMS, dice):
        address = ipv4(dice)
        steps = [partial(world.attack, number_at(prefix, dice), address) for _ in range(int(world.hours * 30))]
        evenly(world, steps, dice)
        moment = world.start + dice.uniform(0.2, 0.9) * world.hours * HOUR
        world.victim(moment, number_at(prefix, dice), at_home(dice))


def neighbours(world: World, dice: random.Random) -> None:
    """One address asks for the victim's neighbours, one after the other, and has the range closed."""
    for prefix in ranges(HOME, VICTIMS, dice):
        address, moment = ipv4(dice), world.start + dice.uniform(0.2, 0.9) * world.hours * HOUR
        for place in range(6):
            number = f"{prefix}{4000 + place}"
            world.at(moment - 300 + place, partial(world.attack, number, address))
        world.victim(moment, f"{prefix}4100", at_home(dice))


TRACES = (
    Trace("a", "pumping: 10,000 starts, 500 addresses, 50 ranges, 10 countries", 8, pumping, is_pumping=True),
    Trace("b", "slow pumping, under every single limit, for a day", 24, slow_pumping, is_pumping=True),
    Trace("b2", "emptying the budget: 10 networks, an attempt a minute each, with resends", 8, emptying(10, 60)),
    Trace("b3", "emptying the budget: 100 networks, an attempt in 5 minutes each", 8, emptying(100, 300)),
    Trace("b4", "emptying the budget: 300 networks, an attempt in 5 minutes each", 8, emptying(300, 300)),
    Trace("b5", "closing ranges: 1 network asks five times in each of 400 ranges", 8, closing(1)),
    Trace("b6", "closing ranges: 5 networks ask five times in each of 400 ranges", 8, closing(5)),
    Trace("c", "brute force: 4,000 starts at one number, 200 addresses", 6, brute_force),
    Trace("d", "inverted: 5,000 numbers, 500 addresses", 8, inverted),
    Trace("e1", "bombing from 1 address", 4, under_attack(1, 30, guesses=False), has_victims=True),
    Trace("e2", "bombing from 100 addresses", 4, under_attack(100, 3000, guesses=False), has_victims=True),
    Trace("f1", "locking out, from 5 addresses", 4, under_attack(5, 240, guesses=True), has_victims=True),
    Trace("f0", "locking out, from 2 addresses, every 10 s", 1, under_attack(2, 10, guesses=True), has_victims=True),
    Trace("f2", "locking out, from 100 addresses", 4, under_attack(100, 3000, guesses=True), has_victims=True),
    Trace("f3", "locking out by filling the range, from 1 address", 6, full_range, has_victims=True),
    Trace("f4", "locking out by having the range closed, from 1 address", 6, neighbours, has_victims=True),
)


# -- Playing and telling


def shipped(hours: float) -> Policy:
    """Return the policy as shipped, with everything set to three times the honest peak, as README says."""
    peak = round(HONEST / hours * 2)  # in the middle of a triangle
    settings = Settings(
        SENDER="demo",
        ALLOWED_REGIONS=(HOME, *ABROAD),
        SENDS_IN_ALL=(
            Window(3 * peak, timedelta(hours=1)),
            Window(3 * round(HONEST * max(1, 24 / hours)), timedelta(days=1)),
        ),
    )
    return settings.policy


def unlimited(policy: Policy) -> Policy:
    """Return the policy with every limit off, but for those of a single verification."""
    return replace(
        policy,
        shared=Settings(SENDER="demo", LIMITS_MODE="observe").policy.shared,
        sends_of_number=UNLIMITED,
        sends_an_hour=0,
        checks_of_number=UNLIMITED,
        checks_in_a_row=UNLIMITED,
    )


def play(name: str, *, limits: bool) -> Outcome:
    """Return what comes of a trace."""
    logging.getLogger("textproof").setLevel(logging.CRITICAL)
    trace = next(trace for trace in TRACES if trace.name == name)
    policy = shipped(trace.hours)
    with ExitStack() as ends:
        ends.enter_context(patch.object(outbox_module, "PATIENCE_SECONDS", 60))  # virtual time waits for each message
        if not limits:
            policy = unlimited(policy)
            ends.enter_context(patch.object(store_module, "SHARE", timedelta(days=1)))  # no token lives as long
        server = ends.enter_context(StoreServer())
        world = World(server, policy, trace.hours)
        honest_people(world)
        trace.play(world, random.Random(SEED + 2))  # noqa: S311 - the same attack each time
        return world.run()


@dataclass(frozen=True)
class Row:
    """A trace, without limits and with them."""

    trace: Trace
    off: Outcome
    on: Outcome

    @property
    def ratio(self) -> float:
        """How much of the attack is still paid for."""
        return self.on.paid["attack"] / max(1, self.off.paid["attack"])

    @property
    def refused(self) -> float:
        """How many of the honest people were refused."""
        return self.on.refused.total() / self.on.honest

    def cells(self) -> list[str]:
        """Return the line of the table."""
        victims = [f"{self.off.bombs} → {self.on.bombs}", _seconds(self.on.waits), str(self.on.by_start)]
        return [
            f"({self.trace.name}) {self.trace.what}",
            f"{self.off.paid['attack']:,} → {self.on.paid['attack']:,}",
            f"{self.ratio:.1%}",
            f"{self.off.paid['honest']:,} → {self.on.paid['honest']:,}",
            f"{self.off.compared:,} → {self.on.compared:,}",
            f"{self.off.guessed} → {self.on.guessed}",
            f"{self.refused:.2%}",
            *(victims if self.trace.has_victims else ["", "", ""]),
        ]

    def missed(self) -> list[str]:
        """Return what was promised and is not so."""
        name, found = f"({self.trace.name})", []
        if self.trace.is_pumping and self.ratio > PUMPED_MAX:
            found.append(f"{name} {self.ratio:.1%} of the messages are paid for, at most {PUMPED_MAX:.0%} promised")
        if self.refused > REFUSED_MAX:
            why = ", ".join(f"{reason} {many}" for reason, many in self.on.refused.most_common())
            found.append(f"{name} {self.refused:.2%} of honest people are refused, at most {REFUSED_MAX:.1%}: {why}")
        if self.on.guessed:
            found.append(f"{name} {self.on.guessed} tokens were guessed")
        if self.trace.has_victims and self.trace.name[0] == "e" and self.on.bombs > BOMBS_MAX:
            found.append(f"{name} a victim got {self.on.bombs} messages in an hour, at most {BOMBS_MAX} promised")
        late = sum(wait > SECONDS_MAX for wait in self.on.waits)
        if late:
            many = len(self.on.waits)
            found.append(f"{name} {late} of {many} victims were not in within a minute; {_seconds(self.on.waits)}")
        return found


HEAD = (
    "trace",
    "messages of the attack",
    "paid",
    "honest messages",
    "guesses compared",
    "guessed",
    "honest refused",
    "most in an hour, unasked",
    "victim is in: median, worst",
    "with START",
)


def _seconds(waits: list[float]) -> str:
    if not waits:
        return ""
    ordered = sorted(waits)
    return ", ".join(_duration(ordered[place]) for place in (len(ordered) // 2, -1))


def _duration(seconds: float) -> str:
    if seconds == float("inf"):
        return "never in 3 h"
    return f"{seconds:.0f} s" if seconds < 2 * SECONDS_MAX else f"{seconds / 60:.0f} min"


def report(rows: list[Row]) -> str:
    """Return the page for the docs."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", *(f"| {' | '.join(row.cells())} |" for row in rows)]
    missed = [f"* {line}" for row in rows for line in row.missed()]
    return "\n".join(
        [
            "# What an attack costs",
            "",
            "`make attack` plays each trace against the rules on a real Valkey, in virtual time, mixed with 2,000",
            "honest people (homes, six carriers' shared addresses, two offices; one in twenty abroad; one in ten",
            "mistypes once). Before the arrow every limit is off, behind it everything is as shipped, with ten",
            "countries allowed and `SENDS_IN_ALL` at three times the honest peak, all day. Victims, eight in a trace,",
            "need 20 seconds to read and type, and 20 to text START where the page says that it helps.",
            "",
            *lines,
            "",
            "## What we promise and do not keep" if missed else "Everything that we promise is kept.",
            *(["", *missed] if missed else []),
            "",
        ]
    )


def main(names: Sequence[str]) -> int:
    """Play the traces, all or those named, and return 1 when a promise is not kept."""
    chosen = [trace for trace in TRACES if trace.name in names or not names]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        runs = [(pool.submit(play, one.name, limits=False), pool.submit(play, one.name, limits=True)) for one in chosen]
        rows = [Row(one, off.result(), on.result()) for one, (off, on) in zip(chosen, runs, strict=True)]
    page = report(rows)
    sys.stdout.write(page)
    if not names:
        REPORT.write_text(page)
    return int(any(row.missed() for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
