"""Ports: what the domain asks of a store and of a sender, and what they promise.

Whoever implements a port keeps the promises written here; the tests under `tests/store` and `tests/sender` hold every
implementation to them. Every method of a store raises StoreUnavailable, within 2 s, when it cannot keep its promise;
and every method that is told a keyring writes nothing and raises KeyringChanged when the store has another one.
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
    """What an application tells of a verification, and gets back as it is."""

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
    """Until the next send is allowed by the waits and by the number's budget, in ms; 0 when it is now."""
    delivery: Delivery
    about: About = NOTHING
    is_silent: bool = False
    """No message was sent for it: it shares the token of one that somebody else asked for."""


class Kind(StrEnum):
    """Of a number, as far as its own budgets go."""

    USUAL = "usual"
    KNOWN = "known"
    """The caller vouches for it: it may have twice as many messages, whatever its range does."""
    TEST = "test"
    """It is never texted, so no send is counted."""


class Verdict(StrEnum):
    """What a script decided."""

    DONE = "done"
    REPEATED = "repeated"
    """This request was carried out before; here is the same answer."""
    SHARED = "shared"
    """No message is sent: that of another verification of the same number is good for this one too."""
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
    """A verdict, and what goes with it."""

    verdict: Verdict
    wait: int = 0
    """LIMITED, HELD: when to come back; 0 when waiting does not help. DONE: how long the sender keeps the message
    waiting behind others. In ms."""
    record: Record | None = None
    other: str = ""
    """`start` only. REPEATED: the memo of the id that the first of two equal requests was given. SHARED, DONE: the seed
    of the token that it shares, if it does."""
    limit: Limit | None = None
    hold: Hold | None = None
    is_trial: bool = False
    """Sending is paused, and this send finds out whether it still has to be."""
    news: tuple[News, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What every step of a verification tells the store. Digests: no number, no token, no address."""

    keyring: str
    """The id of the keyring that the digests were made with."""
    now: int
    """The caller's clock in ms; the store decides by the later of that and its own."""
    record: str
    """The randomness of the verification's id: names its record."""
    number: str
    source: str
    """Who started it: strangers' mistakes are not held against the person."""
    is_told_apart: bool = True
    """Whether the source is one person, and not all people of an application."""
    client: str = ""
    """The application that asks: what another one started is GONE to it, and nothing is counted. "" for pages and for
    ourselves, who know that it is the right one."""
    token: str = ""
    """The digest of the typed token, or of the right one; "" where a step needs none."""
    country: str = ""
    """Of the number, for the day's figures; "" for a test number, which they leave out."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """What the carrier calls what it tells about."""

    code: str = ""
    """Its code for why a message did not arrive."""
    message: str = ""
    """Its own name of the message."""


SILENT = Carrier()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a carrier tells about a message later."""

    id: str
    """The verification's id; empty when the carrier does not say which."""
    event: str
    """Names the news: carriers tell the same more than once."""
    delivery: Delivery
    pause: bool = False
    """Whether the carrier would refuse everybody's messages now."""
    cost: float | None = None
    """What the message cost, when the carrier says so for good."""
    carrier: Carrier = SILENT


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody answered that they want no messages (`out`), or want them again."""

    e164: str
    out: bool
    event: str = ""
    """Names the news."""


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
            memo: Returned to the same request when it comes again.
            seed: What its token is drawn from: returned to whoever shares the token.
            nonce: Names the request; "": it has no name.
            kind: Of the number.
            send: The message, and what it spends; None for a test number.
            has_slot: Whether a message can be sent now; if not and one is needed, the answer is HELD.

        Verdicts: DONE; REPEATED when `nonce` was here before; SHARED when another source had a message sent to the
        number a moment ago, which is good for this verification as well, and nothing is spent; LIMITED, HELD and
        OPTED_OUT.
        """

    def check(self, step: Step, subjects: Subjects, *, nonce: str) -> Answer:
        """Count one check, and spend the token when the digest is that of its token.

        An approval gives back what its start spent, in the same step.

        Verdicts: DONE, once for each token; REPEATED after a DONE with the same nonce; REJECTED; APPROVED, LOCKED or
        GONE by the state; LIMITED.
        """

    def resend(self, step: Step, *, seed: str, nonce: str, caller: str, send: Send | None, has_slot: bool) -> Answer:
        """Spend one more send; the caller that gets DONE is the one that sends.

        Verdicts: DONE, also again for the same nonce and caller; REPEATED for the same nonce of another caller;
        LIMITED, HELD, OPTED_OUT; APPROVED, LOCKED or GONE.
        """

    def cancel(self, step: Step) -> Answer:
        """End a pending verification; its token is accepted no more. Verdicts: DONE, APPROVED, LOCKED, GONE."""

    def report(
        self, step: Step, *, delivery: Delivery, event: str = "", beyond: float = 0, carrier: Carrier = SILENT
    ) -> Answer:
        """Note what is known of the messages of a verification, unless more was known before.

        `event` names the news; the same news again changes nothing. `beyond` is what the message cost beyond its price,
        and is added to the money spent today; negative when it was less. Verdicts: DONE, REPEATED, GONE.
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
        """Note that message `number` of a verification was not sent, and give back what it spent.

        When the carrier refused it (`is_refused`), its start stays counted, so that numbers which the carrier refuses
        cannot be tried without end. A verification without another message is canceled.

        With `is_undo`, of a start whose answer was lost, nothing is changed once the same request came again and was
        told of the verification (see `show`): REPEATED, and the message has to be sent. Verdicts: DONE, GONE, REPEATED.
        """

    def show(self, step: Step, *, is_repeat: bool = False) -> Answer:
        """Read without changing anything, but that a request that came again was told of it (`is_repeat`).

        Verdicts: DONE, GONE.
        """

    def opt_out(self, number: str, *, keyring: str, out: bool, event: str = "", now: int = 0) -> None:
        """Remember, or forget, that the number of this digest wants no messages.

        Whoever answers from the phone itself that they want messages is forgiven as well. `now` is the caller's clock
        in ms; 0 goes by the store's alone.
        """

    def pause(self, *, keyring: str, now: int, is_trial: bool) -> None:
        """Hold all sends for a while, longer each time in a row; one at a time finds out whether it is over."""

    def resume(self) -> None:
        """Go on sending."""


@dataclass(frozen=True, slots=True)
class Forgiven:
    """What a number is rid of."""

    checks: int
    """Wrong checks in a row."""
    sources: int
    """Sources whose own waits it took part in: for wrong checks, for messages, for shares of a token."""


class Spent(NamedTuple):
    """What counts for a limit."""

    limit: str
    subject: str
    """As the store names it."""
    times: list[int]
    """Of messages or wrong checks, in ms since 1970."""
    label: str = ""
    """The subject to read, sealed, where the store has it."""
    client: str = ""
    """The application whose own messages these are; empty: those of the pages."""


class LimitsView(Protocol):
    """What an operator sees of the limits, and changes."""

    def forgive(self, number: str, *, keyring: str) -> Forgiven:
        """Forget what strangers did to the number of this digest, and return what there was.

        For ten minutes it may be texted though its range is closed by the conversion limit.
        """

    def close(self, kind: str, subject: str, *, label: str) -> None:
        """Close a number, range or country until it is opened; `label` is what it is, sealed."""

    def open(self, kind: str, subject: str) -> bool:
        """Open what was closed, and forget what came of its starts; tell whether it was closed."""

    def closed(self) -> list[tuple[str, str, int | None, str]]:
        """Return what is closed: kind, sealed label, for how many more ms (None: until it is opened), and for whom.

        That is an application, or "": everybody where an operator closed it, and the pages where a limit did.
        """

    def paused_until(self) -> int:
        """Return when sending goes on, in ms since 1970; 0 when it is not held up."""

    def spent(self) -> Iterator[Spent]:
        """Yield what counts messages and wrong checks.

        Two names are no limits': `network` has the unfinished messages of a network, with each of its addresses after
        a blank, and `unfinished` those of the pages or of one application.
        """

    def countries(self, now: int) -> Iterator[tuple[str, str, int, int]]:
        """Yield what came of messages to countries within a day: country, application, begun, approved."""

    def sums(self, now: int) -> tuple[int, int, int]:
        """Return the money spent today in millionths, and the right and wrong checks of the hour; `now` is in ms."""


class Notes(Protocol):
    """Opaque notes with a life, in seconds. Whoever writes them seals them."""

    def claim(self, name: str, note: bytes, *, keyring: str, seconds: int) -> bytes | None:
        """Write a note unless there is one of that name: return that one, or None when there is this one."""

    def count(self, name: str, *, keyring: str, seconds: int) -> int:
        """Count one more under a name, and return how many there were within a stretch of `seconds`."""

    def write(self, name: str, note: bytes, *, keyring: str, seconds: int) -> None:
        """Write a note, whatever was there."""

    def read(self, name: str) -> bytes | None:
        """Return the note of a name."""

    def drop(self, name: str) -> None:
        """Forget the note of a name."""

    def push(self, name: str, note: bytes, *, keyring: str, most: int, seconds: int) -> None:
        """Put a note in front of a list that holds `most` of them."""

    def list(self, name: str) -> list[bytes]:
        """Return the notes of a list, newest first."""


class Clients(Protocol):
    """The keys of applications."""

    def find(self, prefix: str) -> Client | None:
        """Return the application whose key begins so; None when there is none, or none any more."""

    def named(self, name: str) -> list[Client]:
        """Return the keys of an application, oldest first."""

    def add(self, client: Client) -> bool:
        """Remember an application's key for good; False when another key begins like it."""

    def all(self) -> list[Client]:
        """Return all applications' keys, by name."""

    def revoke(self, prefix: str) -> None:
        """Forget the key that begins so."""


class Store(Protocol):
    """All that is remembered, a port for each purpose."""

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
        """Return what keeps this store from being trusted, in words; nothing when all is well."""


class Accepted(NamedTuple):
    """What a carrier tells of a message that it takes."""

    queued: int = 0
    """Seconds for which it keeps the message waiting behind others."""
    message_id: str = ""
    """Its own id of the message; empty where it has none."""


class Sender(Protocol):
    """Delivers messages. Called from several threads at once."""

    def send(self, message: Message) -> Accepted:
        """Hand one message to the carrier, once.

        Raises:
            SendRefused: The carrier said no; nothing was sent.
            SendUncertain: No answer, or none that can be read; the message may be on its way.
        """
