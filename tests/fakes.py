"""Stand-ins that tests hand to the real `create_app`: a clock, a carrier, a store that is gone.

Each is small, keeps its port's promise, and remembers what it was asked.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from service.verification.errors import Delivery, SendRefused, SendUncertain, StoreUnavailable
from service.verification.message import Message
from service.verification.ports import Accepted

ROOM = 8_000_000  # from 202-200-0000 to 202-999-9999
STRIDE = 3_234_577  # shares no factor with it, so that every place is visited once
_handed_out = itertools.count()


class FakeClock:
    """A clock that stands still until it is told to move. Seconds since 1970.

    It starts an hour ahead of the real one: the scripts take the later of the caller's clock and the
    server's, so they go by this one to the millisecond, however long a test takes.
    """

    def __init__(self) -> None:
        self.now = int(time.time()) + 3600.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float | timedelta) -> None:
        """Move on."""
        self.now += seconds.total_seconds() if isinstance(seconds, timedelta) else seconds


class RecordingSender:
    """A carrier that takes every message, until it is told to `refuse` or to `lose` the next ones.

    Attributes:
        messages: What may have reached a phone: taken and lost ones, oldest first.
        refused: What surely reached none.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refused: list[Message] = []
        self._script: list[SendRefused | SendUncertain] = []

    def refuse(self, times: int = 1, *, delivery: Delivery = Delivery.FAILED, code: str = "") -> None:
        """Say no to the next messages."""
        self._script += [SendRefused(delivery, code=code) for _ in range(times)]

    def lose(self, times: int = 1) -> None:
        """Take the next messages, and let nobody know."""
        self._script += [SendUncertain() for _ in range(times)]

    def send(self, message: Message) -> Accepted:
        """See `Sender`."""
        outcome = self._script.pop(0) if self._script else None
        (self.refused if isinstance(outcome, SendRefused) else self.messages).append(message)
        if outcome is not None:
            raise outcome
        return Accepted()


class GonePort:
    """A port of a store that does not answer, whatever it is asked."""

    def __getattr__(self, verb: str):
        def refuse(*_args: object, **_facts: object) -> None:
            raise StoreUnavailable("Redis does not answer")

        return refuse


class GoneStore:
    """A store that does not answer, whatever it is asked."""

    def __init__(self) -> None:
        self.verifications = self.limits = self.notes = self.clients = GonePort()
        self.keyring: Any = GonePort()
        self.signing: Any = GonePort()

    def memory_used(self) -> float:
        """See `Store`."""
        return 0.0

    def ready(self) -> list[str]:
        """See `Store`."""
        raise StoreUnavailable("Redis does not answer")


class KeyringInMemory:
    """Implements `KeyringStore` in this process."""

    def __init__(self) -> None:
        self.envelope: dict[str, bytes] = {}

    def read(self) -> dict[str, bytes]:
        """See `KeyringStore`."""
        return dict(self.envelope)

    def put(self, envelope, *, instead_of: str) -> dict[str, bytes]:
        """See `KeyringStore`."""
        if self.envelope.get("id", b"").decode() == instead_of:
            self.envelope = dict(envelope)
        return dict(self.envelope)

    def add(self, wraps, *, to: str) -> None:
        """See `KeyringStore`."""
        if self.envelope.get("id", b"").decode() == to:
            self.envelope |= wraps

    def drop(self) -> None:
        """See `KeyringStore`."""
        self.envelope = {}


class ReadyStore(GoneStore):
    """A store that has a keyring and can say whether it is ready, and nothing else."""

    def __init__(self, *faults: str) -> None:
        super().__init__()
        self.keyring = KeyringInMemory()
        self._faults = list(faults)

    def ready(self) -> list[str]:
        """See `Store`."""
        return self._faults


class Lent:
    """Stands for whatever the running test has in its place, also for callers that keep hold of a part of it."""

    def __init__(self, found: Callable[[], Any] | None = None) -> None:
        self.now: Any = None
        self._found = found or (lambda: self.now)

    def __getattr__(self, name: str) -> "Lent":
        return Lent(lambda: getattr(self._found(), name))

    def __call__(self, *arguments: Any, **facts: Any) -> Any:
        return self._found()(*arguments, **facts)


def numbers() -> Iterator[str]:
    """Yield mobile numbers of the US in E.164, valid, nobody's, and no number twice in one process.

    They are far from each other, so that no two share a prefix soon, nor look like a row that is worked through.
    """
    for index in _handed_out:
        yield f"+1202{2_000_000 + index * STRIDE % ROOM}"


def typed_token(sender: RecordingSender) -> str:
    """Return what somebody types who has read the latest message."""
    return sender.messages[-1].text.split()[0]


def wrong(token: str) -> str:
    """Return a token of the same form that is not this one."""
    return ("1" if token[0] == "0" else "0") + token[1:]
