"""Ports: the interfaces of the store and of the sender, and what each method promises.

The tests under `tests/store` and `tests/sender` hold every implementation to these promises. Every method of a store
raises StoreUnavailable, within 2 s, when it cannot keep its promise. Every method that takes a keyring writes nothing
and raises KeyringChanged when the store has another one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from .clients import Client
from .envelope import KeyringStore
from .errors import Delivery, Hold, Limit
from .limits import Send, Subjects
from .message import Message


class Status(StrEnum):
    """The states of a verification."""

    PENDING = "pending"
    APPROVED = "approved"
    CANCELED = "canceled"
    EXPIRED = "expired"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class About:
    """What an application attaches to a verification; returned unchanged."""

    reference: str = ""
    locale: str = ""
    """A language tag (BCP 47)."""


NOTHING = About()


@dataclass(frozen=True, slots=True)
class Record:
    """What the store remembers of one verification. Times are ms since 1970, by the store's clock."""

    status: Status
    begun: int
    expires: int
    now: int
    sends: int
    checks: int
    """Wrong checks so far."""
    wait: int
    """Milliseconds until the waits and the number's budget allow the next send; 0: it is allowed now."""
    delivery: Delivery
    about: About = NOTHING
    is_silent: bool = False
    """No message was sent for it: it shares the token of one that somebody else asked for."""


class Kind(StrEnum):
    """The kind of a number, which decides its own budgets."""

    USUAL = "usual"
    KNOWN = "known"
    """The caller vouches for it: it may get twice as many messages, even if its range is closed."""
    TEST = "test"
    """It is never texted, so no send is counted."""


class Verdict(StrEnum):
    """What a script decided."""

    DONE = "done"
    REPEATED = "repeated"
    """This request was carried out before; the answer is the same."""
    SHARED = "shared"
    """No message is sent: this verification shares the token of another one of the same number."""
    REJECTED = "rejected"
    GONE = "gone"
    APPROVED = "approved"
    LOCKED = "locked"
    OPTED_OUT = "opted_out"
    LIMITED = "limited"
    """A limit refuses; nothing was spent."""
    HELD = "held"
    """Nothing is sent to anybody at the moment; nothing was spent."""


@dataclass(frozen=True, slots=True)
class News:
    """What an operator should know about a limit: `event` names what happened."""

    event: str
    limit: Limit | None = None
    """`would_refuse`: which limit, if it were enforced."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict and its details."""

    verdict: Verdict
    wait: int = 0
    """In ms. LIMITED, HELD: when to come back; 0 when waiting does not help. DONE: how long the sender queues the
    message behind others."""
    record: Record | None = None
    other: str = ""
    """`start` only. REPEATED: the memo of the id that the first of two equal requests got. SHARED, DONE: the seed of
    the shared token, if it shares one."""
    limit: Limit | None = None
    hold: Hold | None = None
    is_trial: bool = False
    """Sending is paused, and this send tests whether the pause is over."""
    news: tuple[News, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What every step of a verification passes to the store: digests, never a number, a token or an address."""

    keyring: str
    """The id of the keyring that the digests were made with."""
    now: int
    """The caller's clock in ms; the store decides by the later of that and its own."""
    record: str
    """The randomness of the verification's id: names its record."""
    number: str
    source: str
    """The source that started it: wrong checks count against their own source only."""
    is_told_apart: bool = True
    """Whether the source is one person, and not all people of an application."""
    client: str = ""
    """The application that asks. A verification of another application is GONE, and nothing is counted. "" for pages
    and internal calls, which are not checked."""
    token: str = ""
    """The digest of the typed token, or of the right one; "" where a step needs none."""
    country: str = ""
    """Of the number, for the day's figures; "" for a test number, which they leave out."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """The carrier's own identifiers."""

    code: str = ""
    """Its code for why a message did not arrive."""
    message: str = ""
    """Its id of the message."""


SILENT = Carrier()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a carrier reports about a message later."""

    id: str
    """The verification's id; empty when the carrier does not say which."""
    event: str
    """Names the report: carriers repeat them."""
    delivery: Delivery
    pause: bool = False
    """Whether the carrier would refuse everybody's messages now."""
    cost: float | None = None
    """What the message cost, once that is final."""
    carrier: Carrier = SILENT


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody texted STOP (`out`) or START."""

    e164: str
    out: bool
    event: str = ""
    """Names the report."""


class Verifications(Protocol):
    """Remembers verifications, and spends limits.

    Each method is one atomic step, however many callers on however many machines, and the same step again (same
    arguments, after a lost reply) changes nothing and answers the same.
    """

    def start(  # noqa: D417 - `about` and `nonce` say it
        self,
        step: Step,
        *,
        memo: str,
        seed: str,
        nonce: str,
        kind: Kind,
        send: Send | None,
        has_slot: bool,
        about: About = NOTHING,
    ) -> Answer:
        """Decide all limits, spend them, and remember a verification and its token.

        Args:
            step: `token` is the digest of its own token.
            memo: Returned when the same request comes again.
            seed: Its token is drawn from it; returned to verifications that share the token.
            nonce: Names the request; "" where it has no name.
            kind: The kind of the number.
            send: The message and its charges; None for a test number.
            has_slot: Whether a message can be sent now; if not and one is needed, the answer is HELD.

        Verdicts: DONE; REPEATED when `nonce` is known; SHARED when it shares the token of a recent message that another
        source asked for, and nothing is spent; LIMITED, HELD and OPTED_OUT.
        """

    def check(self, step: Step, subjects: Subjects, *, nonce: str) -> Answer:
        """Count one check, and spend the token when the digest matches.

        An approval refunds what its start spent, in the same step.

        Verdicts: DONE, once for each token; REPEATED after a DONE with the same nonce; REJECTED; APPROVED, LOCKED or
        GONE by the state; LIMITED.
        """

    def resend(self, step: Step, *, seed: str, nonce: str, caller: str, send: Send | None, has_slot: bool) -> Answer:
        """Spend one more send; the caller that gets DONE sends.

        Verdicts: DONE, also again for the same nonce and caller; REPEATED for the same nonce of another caller;
        LIMITED, HELD, OPTED_OUT; APPROVED, LOCKED or GONE.
        """

    def cancel(self, step: Step) -> Answer:
        """End a pending verification; its token is no longer accepted. Verdicts: DONE, APPROVED, LOCKED, GONE."""

    def report(
        self, step: Step, *, delivery: Delivery, event: str = "", beyond: float = 0, carrier: Carrier = SILENT
    ) -> Answer:
        """Record the delivery state of a verification's messages, unless a later state is recorded.

        `event` names the report; the same report again changes nothing. `beyond` is the cost above the message's price
        (negative when below) and is added to the money spent today. Verdicts: DONE, REPEATED, GONE.
        """

    def unsend(
        self,
        step: Step,
        send: Send,
        *,
        number: int,
        delivery: Delivery,
        is_refused: bool,
        is_undo: bool = False,
        carrier: Carrier = SILENT,
    ) -> Answer:
        """Record that message `number` of a verification was not sent, and refund what it spent.

        When the carrier refused it (`is_refused`), its start stays counted, so that nobody can try numbers which the
        carrier refuses without limit. A verification without another message is canceled.

        `is_undo` is for a start whose answer was lost. Nothing changes if the same request came again and got the
        verification (see `show`): REPEATED, and the message has to be sent. Verdicts: DONE, GONE, REPEATED.
        """

    def show(self, step: Step, *, is_repeat: bool = False) -> Answer:
        """Read; with `is_repeat`, also record that a repeated request got the verification.

        Verdicts: DONE, GONE.
        """

    def opt_out(self, number: str, *, keyring: str, out: bool, event: str = "", now: int = 0) -> None:
        """Remember, or forget, that the number of this digest opted out.

        Opting in also clears what strangers did to the number. `now` is the caller's clock in ms; with 0 only the
        store's clock counts.
        """

    def pause(self, *, keyring: str, now: int, is_trial: bool) -> None:
        """Hold all sends for a while, longer each time in a row; then one trial at a time tests whether it is over."""

    def resume(self) -> None:
        """Resume sending."""


@dataclass(frozen=True, slots=True)
class Forgiven:
    """What was cleared from a number."""

    checks: int
    """Wrong checks in a row."""
    sources: int
    """Sources with wrong checks, messages or shared tokens of that number."""


class Spent(NamedTuple):
    """What counts for a limit."""

    limit: str
    subject: str
    """As the store names it."""
    times: list[int]
    """Of messages or wrong checks, in ms since 1970."""
    label: str = ""
    """The subject in readable form, sealed, where the store has it."""
    client: str = ""
    """The application whose messages these are; "" for those of the pages."""


class LimitsView(Protocol):
    """What an operator sees of the limits, and changes."""

    def forgive(self, number: str, *, keyring: str) -> Forgiven:
        """Forget what strangers did to the number of this digest, and return what there was.

        For ten minutes it may be texted though its range is closed by the conversion limit.
        """

    def close(self, kind: str, subject: str, *, label: str) -> None:
        """Close a number, range or country until it is opened; `label` is its readable name, sealed."""

    def open(self, kind: str, subject: str) -> bool:
        """Open it, and forget its conversion; return whether it was closed."""

    def closed(self) -> list[tuple[str, str, int | None, str]]:
        """Return what is closed: kind, sealed label, remaining ms (None: until it is opened), application.

        The application is "" for everybody, where an operator closed it, and for the pages, where a limit did.
        """

    def paused_until(self) -> int:
        """Return when sending resumes, in ms since 1970; 0 when it is not paused."""

    def spent(self) -> Iterator[Spent]:
        """Yield the counters of messages and wrong checks.

        Two names are not limits: `network` has the unfinished messages of a network, with each of its addresses after
        a space, and `unfinished` those of the pages or of one application.
        """

    def countries(self, now: int) -> Iterator[tuple[str, str, int, int]]:
        """Yield the day's conversion of countries: country, application, begun, approved."""

    def sums(self, now: int) -> tuple[int, int, int]:
        """Return the money spent today in millionths, and the right and wrong checks of the hour; `now` is in ms."""


class Notes(Protocol):
    """Opaque notes with a life in seconds. The caller seals them."""

    def claim(self, name: str, note: bytes, *, keyring: str, seconds: int) -> bytes | None:
        """Write a note unless the name has one. Return the existing note, or None when this one was written."""

    def count(self, name: str, *, keyring: str, seconds: int) -> int:
        """Add one to a counter that lives for `seconds`, and return its value."""

    def write(self, name: str, note: bytes, *, keyring: str, seconds: int) -> None:
        """Write a note; replace an earlier one."""

    def read(self, name: str) -> bytes | None:
        """Return the note of a name."""

    def drop(self, name: str) -> None:
        """Forget the note of a name."""

    def push(self, name: str, note: bytes, *, keyring: str, most: int, seconds: int) -> None:
        """Prepend a note to a list that keeps at most `most`."""

    def list(self, name: str) -> list[bytes]:
        """Return the notes of a list, newest first."""


class Clients(Protocol):
    """The keys of applications."""

    def find(self, prefix: str) -> Client | None:
        """Return the application whose key has this prefix; None when there is none."""

    def named(self, name: str) -> list[Client]:
        """Return the keys of an application, oldest first."""

    def add(self, client: Client) -> bool:
        """Store an application's key for good; False when another key has its prefix."""

    def all(self) -> list[Client]:
        """Return all applications' keys, by name."""

    def revoke(self, prefix: str) -> None:
        """Delete the key with this prefix."""


class Store(Protocol):
    """The store: one port for each purpose."""

    @property
    def verifications(self) -> Verifications: ...  # noqa: D102
    @property
    def limits(self) -> LimitsView: ...  # noqa: D102
    @property
    def notes(self) -> Notes: ...  # noqa: D102
    @property
    def clients(self) -> Clients: ...  # noqa: D102
    @property
    def keyring(self) -> KeyringStore: ...  # noqa: D102
    @property
    def signing(self) -> KeyringStore: ...  # noqa: D102

    def memory_used(self) -> float:
        """Return the share of its memory that was in use when `ready` was asked last; 0 where it has no limit."""

    def ready(self) -> list[str]:
        """Return the faults that make this store untrustworthy, in words; an empty list when there are none."""


class Accepted(NamedTuple):
    """What a carrier answers about a message that it accepts."""

    queued: int = 0
    """Seconds for which it queues the message behind others."""
    message_id: str = ""
    """Its id of the message; "" where it has none."""


class Sender(Protocol):
    """Delivers messages. Called from several threads at once."""

    def send(self, message: Message) -> Accepted:
        """Hand one message to the carrier, once.

        Raises:
            SendRefused: The carrier refused; nothing was sent.
            SendUncertain: No answer, or an unreadable one; the message may be on its way.
        """
