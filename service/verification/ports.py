"""The doors of the ground floor: what it asks of a store and of a sender, and what they owe it.

Whoever implements them keeps the promises written here; the tests under `tests/store` and
`tests/sender` hold every implementation to them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .errors import Delivery
from .keys import Handle
from .message import Message


class Status(StrEnum):
    """The states of a verification."""

    PENDING = "pending"
    APPROVED = "approved"
    CANCELED = "canceled"
    EXPIRED = "expired"
    LOCKED = "locked"


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
    OPTED_OUT = "opted_out"
    PAUSED = "paused"
    SENDER_FULL = "sender_full"


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, the wait that goes with it in ms, and the record where there is one."""

    verdict: Verdict
    wait: int
    record: Record | None
    repeated_id: str = ""
    """`start` only: the id that the first of two equal requests was given."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether a send may be made as far as the budgets go that all numbers share."""

    verdict: Verdict
    """DONE, PAUSED or SENDER_FULL."""
    wait: int
    """DONE: how long the sender will keep the message waiting behind others. Else: when to come back. In ms."""
    is_trial: bool = False
    """Sending is paused, and this send finds out whether it still has to be."""


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


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody answered that they want no messages (`out`), or want them again."""

    e164: str
    out: bool


class Store(Protocol):
    """Remembers verifications and the budgets of numbers.

    Each method is one atomic step, however many callers on however many machines, and the
    same step again (same arguments, after a lost reply) changes nothing and answers the same.
    Every method raises StoreUnavailable when it cannot keep that, within 2 s. `now` is the
    caller's clock in ms; the store decides by the later of that and its own.
    """

    def secret(self) -> bytes:
        """Return the secret that all replicas share because none was set; make it when there is none."""

    def allow(self, *, now: int) -> Leave:
        """Spend the budgets that all numbers share; a refusal spends none of them."""

    def give_back(self) -> None:
        """Give back what the last `allow` spent, for a send that was not made."""

    def pause(self, *, now: int, is_trial: bool) -> None:
        """Hold all sends for a while, longer each time in a row; one at a time finds out whether it is over."""

    def resume(self) -> None:
        """Go on sending."""

    def start(self, handle: Handle, *, now: int, to: str, token_digest: str, nonce: str) -> Answer:
        """Remember a verification and its token, and spend a send of the number.

        Verdicts: DONE; REPEATED with the earlier id when `nonce` (empty: none) was here before;
        NUMBER_SENDS_SPENT or NUMBER_CHECKS_SPENT with a wait, OPTED_OUT, and nothing spent.
        """

    def check(self, handle: Handle, *, now: int, token_digest: str, nonce: str) -> Answer:
        """Count one check, and spend the token when the digest is that of its token.

        Verdicts: DONE, once for each token; REPEATED after a DONE with the same nonce;
        REJECTED; APPROVED, LOCKED or GONE by the state; NUMBER_CHECKS_SPENT with a wait.
        """

    def resend(self, handle: Handle, *, now: int, token_digest: str, nonce: str, caller: str) -> Answer:
        """Spend one more send; the caller that gets DONE is the one that sends.

        Verdicts: DONE, also again for the same nonce and caller; REPEATED for the same nonce of
        another caller; TOO_SOON or NUMBER_SENDS_SPENT with a wait; SENDS_SPENT; APPROVED, LOCKED or GONE.
        """

    def cancel(self, handle: Handle, *, now: int, token_digest: str) -> Answer:
        """End a pending verification; its token is accepted no more. Verdicts: DONE, APPROVED, LOCKED, GONE."""

    def report(self, handle: Handle, *, now: int, delivery: Delivery, event: str = "") -> Answer:
        """Note what is known of the messages of a verification, unless more was known before.

        `event` names the news; the same news again changes nothing. Verdicts: DONE, REPEATED, GONE.
        """

    def unsend(self, handle: Handle, *, now: int, token_digest: str, send: int, delivery: Delivery) -> Answer:
        """Note that send number `send` was not made, and give it back to the number.

        A verification without another send is canceled. Verdicts: DONE, GONE.
        """

    def opt_out(self, number: str, *, out: bool) -> None:
        """Remember, or forget, that the number of this digest wants no messages."""

    def show(self, handle: Handle, *, now: int) -> Answer:
        """Read without changing anything. Verdicts: DONE, GONE."""

    def keep(self, shelf: str, sealed: bytes, *, most: int, seconds: int) -> None:
        """Put one opaque thing in front of a shelf that holds `most` of them for `seconds`."""

    def kept(self, shelf: str) -> list[bytes]:
        """Return what is on a shelf, newest first."""

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
