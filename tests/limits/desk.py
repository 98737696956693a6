"""The service at a desk: people come from somewhere and ask, and are told why not."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from service.commands.limits import Limits
from service.config import Settings
from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.envelope import Keys
from service.verification.errors import Limit, Limited, TokenRejected
from service.verification.keyring import Keyring
from service.verification.policy import Window
from service.verification.verifier import Verification, Verifier
from tests.fakes import FakeClock, RecordingSender, wrong
from tests.store.engines import KEYRING, Engine

AREAS = (202, 212, 213, 303, 312, 404, 415, 503, 602, 617)
HERE = "192.0.2.7"


def ranges(areas: tuple[int, ...] = AREAS) -> Iterator[str]:
    """Yield ranges of the US: numbers without their last four digits. No two in a row are consecutive."""
    for exchange in range(220, 900):
        if exchange % 100 != 11 and exchange != 555:
            yield from (f"+1{area}{exchange}" for area in areas)


def lines(prefix: str, step: int = 7) -> Iterator[str]:
    """Yield numbers of a range, far enough from each other not to be a sequence unless `step` is 1."""
    return (f"{prefix}{line:04}" for line in range(1000, 10_000, step))


def every(count: int, seconds: int) -> tuple[Window, ...]:
    """Return a limit of so many in so many seconds."""
    return (Window(count, timedelta(seconds=seconds)),)


class Desk:
    """One replica.

    Args:
        engine: Where its store is.
        settings: Its settings.
        sender: Its carrier.
        secrets: Open its keyring.
        clock: Its time.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        sender: RecordingSender,
        secrets: Sequence[str],
        clock: FakeClock,
    ) -> None:
        self.engine = engine
        self.sender = sender
        self.clock = clock
        self.store = RedisStore(engine.client, settings.policy, messages_per_second=settings.SENDER_RATE_PER_SECOND)
        self.keys = Keys(self.store.keyring, secrets, prefix="tp")
        self.verifier = Verifier(
            settings.policy,
            store=self.store.verifications,
            sender=sender,
            keys=self.keys,
            clock=clock,
            sends_at_once=64,
        )

    @property
    def keyring(self) -> Keyring:
        """The keyring that it has."""
        return self.keys()

    @property
    def operator(self) -> Limits:
        """What its operator sees and changes."""
        return Limits(self.store, self.keys(), self.verifier.policy)

    @property
    def sent(self) -> int:
        """How many messages have gone out, from all desks."""
        return len(self.sender.messages)

    def start(self, number: str, at: str = HERE, **options: Any) -> Verification:
        """Ask for a message, from an address."""
        return self.verifier.start(number, caller=Caller.at(at), **options)

    def resend(self, one: Verification, at: str = HERE, *, wait: float = 30) -> Verification:
        """Wait, and ask for the same message again."""
        self.clock.advance(wait)
        return self.verifier.resend(one.id, caller=Caller.at(at))

    def check(self, one: Verification, token: str, at: str = HERE) -> Verification:
        """Type a token."""
        return self.verifier.check(one.id, token, caller=Caller.at(at))

    def miss(self, one: Verification, times: int = 1, at: str = HERE) -> None:
        """Type a wrong token so many times; each is compared."""
        for _ in range(times):
            with pytest.raises(TokenRejected):
                self.check(one, wrong(self.token_of(one)), at)

    def token_of(self, one: Verification) -> str:
        """Return the token of the latest message to its number."""
        texts = [message.text for message in self.sender.messages if message.to.e164 == one.to.e164]
        return texts[-1].split()[0]

    def approve(self, number: str, at: str = HERE) -> None:
        """Ask, read and type."""
        one = self.start(number, at)
        self.check(one, self.token_of(one), at)

    def refusal(self, number: str, at: str = HERE) -> tuple[Limit, int | None]:
        """Return why a start is refused, and for how many seconds."""
        return refused(lambda: self.start(number, at))

    def contents(self) -> dict[str, Any]:
        """Return everything that the store remembers."""
        return contents(self.engine)

    def number(self, e164: str) -> dict[Any, Any]:
        """Return what the store remembers of a number's messages."""
        (node,) = self.engine.nodes
        return node.hgetall(f"{{tp}}:n:{self.keyring.number_digest(e164)}")

    def closed(self) -> list[tuple[str, str, int | None]]:
        """Return what is closed: its kind, what it is, and for how many ms."""
        return [(kind, self.keys().opened_label(label), left) for kind, label, left, _ in self.store.limits.closed()]

    def budget(self, limit: Limit) -> list[int]:
        """Return how many entries each list of a limit has."""
        (node,) = self.engine.nodes
        return sorted(node.llen(name) for name in node.scan_iter(f"{{tp}}:l:{limit}:*"))

    def unfinished(self) -> list[int]:
        """Return how many messages of each address no approval followed."""
        (node,) = self.engine.nodes
        entries = [entry for name in node.scan_iter("{tp}:u:*") for entry in node.lrange(name, 0, -1)]
        return sorted(Counter(entry[25:] for entry in entries).values())


def refused(step: Callable[[], Any]) -> tuple[Limit, int | None]:
    """Return which limit refuses a step, and for how many seconds."""
    with pytest.raises(Limited) as refusal:
        step()
    return refusal.value.limit, refusal.value.retry_after


def contents(engine: Engine) -> dict[str, Any]:
    """Return what decides, by key, but for the keyring."""
    return {name: value for name, value in engine.deciding().items() if name != KEYRING}
