"""The doors of the ground floor: what it asks of a store and of a sender, and what they owe it.

Whoever implements them keeps the promises written here; the tests under `tests/store` and
`tests/sender` hold every implementation to them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from .clients import Client
from .errors import Delivery, Limit
from .keys import Handle
from .message import Message
from .policy import Window


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

    to: str
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
    origin: str
    """What the verifier wrote about where it came from, to give budgets back with."""
    about: About = NOTHING
    is_known: bool = False
    """Whoever started it vouches for the number."""


class Verdict(StrEnum):
    """What a script decided."""

    DONE = "done"
    REPEATED = "repeated"
    """This request was carried out before; here is the same answer."""
    REJECTED = "rejected"
    GONE = "gone"
    APPROVED = "approved"
    LOCKED = "locked"
    TOO_SOON = "too_soon"
    SENDS_SPENT = "sends_spent"
    NUMBER_SENDS_SPENT = "number_sends_spent"
    NUMBER_CHECKS_SPENT = "number_checks_spent"
    SHARED = "shared"
    """No message is sent: that of another verification of the same number is good for this one too."""
    OPTED_OUT = "opted_out"
    PAUSED = "paused"
    SENDER_FULL = "sender_full"
    CLOSED = "closed"
    BUDGET_SPENT = "budget_spent"
    MONEY_SPENT = "money_spent"
    GUESSING = "guessing"


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, the wait that goes with it in ms, and the record where there is one."""

    verdict: Verdict
    wait: int
    record: Record | None
    other: str = ""
    """`start` only. REPEATED: the id that the first of two equal requests was given. SHARED: the randomness of the
    verification whose token it is."""


@dataclass(frozen=True, slots=True)
class Use:
    """One budget that a send spends."""

    limit: Limit
    subject: str
    """The digest of an address or prefix; a country or client by its name."""
    windows: tuple[Window, ...]
    enforced: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """A send, as far as the budgets go that many numbers share. Subjects are digests."""

    number: str
    prefix: str
    prefix_label: str
    """The prefix as people read it."""
    line: int
    """The last four digits."""
    country: str
    """ISO 3166."""
    is_home: bool
    place: str
    """Who asks for numbers of the prefix: an address there; empty for nobody in particular."""
    is_start: bool
    """The first message of a verification, not a further one."""
    budgets: tuple[Use, ...]
    is_known: bool = False
    """The caller vouches for the number: what its range does is not held against it."""
    checks: int = 0
    """How many checks there were in this process since it last asked."""
    wrong_checks: int = 0
    name: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    """Of this ask: the same again, after a lost answer, spends nothing more."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a start spent that gives it back because its verification was approved. Subjects are digests."""

    stamp: int
    """When it was spent, in ms."""
    address: str
    network: str
    prefix: str
    line: int
    """The last four digits."""
    country: str
    """ISO 3166."""
    place: str
    """As in `Ask`."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether a send may be made as far as the budgets go that many numbers share."""

    verdict: Verdict
    wait: int
    """DONE: how long the sender will keep the message waiting behind others. Else: when to come back; 0 when waiting
    does not help. In ms."""
    is_trial: bool = False
    """Sending is paused, and this send finds out whether it still has to be."""
    stamp: int = 0
    """When it was spent, in ms: names what is given back."""
    limit: Limit | None = None
    """BUDGET_SPENT: which."""
    news: tuple[str, ...] = ()
    """What an operator should know: what would have been refused, what was closed, what looks wrong."""


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


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody answered that they want no messages (`out`), or want them again."""

    e164: str
    out: bool
    event: str = ""
    """Names the news."""


class Store(Protocol):
    """Remembers verifications and the budgets of numbers.

    Each method is one atomic step, however many callers on however many machines, and the
    same step again (same arguments, after a lost reply) changes nothing and answers the same.
    Every method raises StoreUnavailable when it cannot keep that, within 2 s. `now` is the
    caller's clock in ms; the store decides by the later of that and its own. `source` is a digest of who asks:
    strangers' mistakes are not held against the person. `owner` is the client that asks: what another one started is
    GONE to it, and nothing is counted; empty for pages and for ourselves, who know that it is the right one.
    """

    def secret(self) -> bytes:
        """Return the secret that all replicas share because none was set; make it when there is none."""

    def allow(self, ask: Ask, *, now: int) -> Leave:
        """Spend the budgets that many numbers share; a refusal spends none of them.

        Verdicts: DONE; PAUSED, SENDER_FULL, CLOSED, BUDGET_SPENT, MONEY_SPENT or GUESSING with a wait.
        """

    def begun(self, handle: Handle, *, nonce: str) -> str:
        """Return the id that a request to start was given before; "" when it was not here."""

    def give_back(self, ask: Ask, *, stamp: int, is_trial: bool = False) -> None:
        """Give back what `allow` spent, because no send was made."""

    def settle(self, starts: Sequence[Start]) -> None:
        """Give starts back that were approved, and remember that they ended well."""

    def charge(self, amount: float, *, now: int) -> None:
        """Add to the money spent today what a message cost beyond its price; negative when it was less."""

    def pause(self, *, now: int, is_trial: bool) -> None:
        """Hold all sends for a while, longer each time in a row; one at a time finds out whether it is over."""

    def resume(self) -> None:
        """Go on sending."""

    def start(
        self,
        handle: Handle,
        *,
        now: int,
        source: str,
        to: str,
        token_digest: str,
        nonce: str,
        origin: str,
        is_test: bool,
        is_known: bool = False,
        owner: str = "",
        about: About = NOTHING,
    ) -> Answer:
        """Remember a verification and its token, and spend a send of the number; a known one has twice as many.

        Verdicts: DONE; REPEATED with the earlier id when `nonce` (empty: none) was here before; SHARED when another
        `source` had a message sent to the number a moment ago, which is good for this verification as well;
        NUMBER_SENDS_SPENT or NUMBER_CHECKS_SPENT with a wait, OPTED_OUT, and nothing spent. For a test number no
        message goes out, and so no send is counted.
        """

    def check(self, handle: Handle, *, now: int, source: str, token_digest: str, nonce: str, owner: str = "") -> Answer:
        """Count one check, and spend the token when the digest is that of its token.

        Verdicts: DONE, once for each token; REPEATED after a DONE with the same nonce;
        REJECTED; APPROVED, LOCKED or GONE by the state; NUMBER_CHECKS_SPENT with a wait.
        """

    def resend(
        self, handle: Handle, *, now: int, source: str, token_digest: str, nonce: str, caller: str, owner: str = ""
    ) -> Answer:
        """Spend one more send; the caller that gets DONE is the one that sends.

        Verdicts: DONE, also again for the same nonce and caller; REPEATED for the same nonce of
        another caller; TOO_SOON or NUMBER_SENDS_SPENT with a wait; SENDS_SPENT; APPROVED, LOCKED or GONE.
        """

    def cancel(self, handle: Handle, *, now: int, source: str, owner: str = "") -> Answer:
        """End a pending verification; its token is accepted no more. Verdicts: DONE, APPROVED, LOCKED, GONE."""

    def report(self, handle: Handle, *, now: int, delivery: Delivery, event: str = "") -> Answer:
        """Note what is known of the messages of a verification, unless more was known before.

        `event` names the news; the same news again changes nothing. Verdicts: DONE, REPEATED, GONE.
        """

    def unsend(
        self, handle: Handle, *, now: int, source: str, token_digest: str, send: int, delivery: Delivery
    ) -> Answer:
        """Note that send number `send` was not made, and give it back to the number.

        A verification without another send is canceled. Verdicts: DONE, GONE.
        """

    def opt_out(self, number: str, *, out: bool, event: str = "") -> None:
        """Remember, or forget, that the number of this digest wants no messages.

        Whoever answers from the phone itself that they want messages is forgiven as well.
        """

    def forgive(self, number: str) -> None:
        """Forget what strangers did to the number of this digest: their wrong checks in a row, their sends.

        For ten minutes it may be texted though its range or country is closed by the brake.
        """

    def show(self, handle: Handle, *, now: int, source: str, owner: str = "") -> Answer:
        """Read without changing anything. Verdicts: DONE, GONE."""

    def keep(self, shelf: str, sealed: bytes, *, most: int, seconds: int) -> None:
        """Put one opaque thing in front of a shelf that holds `most` of them for `seconds`."""

    def kept(self, shelf: str) -> list[bytes]:
        """Return what is on a shelf, newest first."""

    def claim(self, name: str, note: bytes, *, seconds: int) -> bytes | None:
        """Write an opaque note unless there is one of that name: return that one, or None when there is this one."""

    def write(self, name: str, note: bytes, *, seconds: int) -> None:
        """Write an opaque note, whatever was there."""

    def read(self, name: str) -> bytes | None:
        """Return the note of a name."""

    def drop(self, name: str) -> None:
        """Forget the note of a name."""

    def client(self, prefix: str) -> Client | None:
        """Return the application whose key begins so; None when there is none, or none any more."""

    def add_client(self, client: Client) -> bool:
        """Remember an application's key for good; False when another key begins like it."""

    def clients(self) -> list[Client]:
        """Return all applications' keys, by name."""

    def revoke_client(self, prefix: str) -> None:
        """Forget the key that begins so."""

    def ready(self) -> list[str]:
        """Return what keeps this store from being trusted, in words; nothing when all is well."""


class Sender(Protocol):
    """Delivers messages. Called from several threads at once."""

    def send(self, message: Message) -> int:
        """Hand one message to the carrier, once, and return for how many seconds it will queue it.

        Raises:
            SendRefused: The carrier said no; nothing was sent.
            SendUncertain: No answer, or none that can be read; the message may be on its way.
        """
