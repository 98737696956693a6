"""Errors, raised as facts. `web/refusals.py` has their words and status codes.

VerificationError
├── InvalidNumber            reason, odd
├── MalformedToken           length, got, odd
├── TokenRejected            checks_left
├── UnknownVerification
│   └── AlreadyApproved
├── VerificationLocked
├── Limited                  limit, retry_after
├── SendRefused              delivery, pause, retry_after
├── SendUncertain
├── SendingHeld              hold, retry_after
├── ForgedReceipt
└── StoreUnavailable
    └── WrongSecret
"""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .verifier import Verification


class NumberFault(StrEnum):
    """Why a typed phone number is not taken."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CHARACTERS = "characters"
    EXTENSION = "extension"
    IMPOSSIBLE = "impossible"
    NOT_A_COUNTRY = "not_a_country"
    NOT_MOBILE = "not_mobile"
    REGION_NOT_ALLOWED = "region_not_allowed"
    TEST_ENDED = "test_ended"
    """A test number after its last day."""


class Delivery(StrEnum):
    """What is known of a message."""

    ON_ITS_WAY = "on_its_way"
    BUSY = "busy"
    """Taken, but it waits behind others."""
    UNCERTAIN = "uncertain"
    """No answer that can be read: it may have been taken or not."""
    SENT = "sent"
    """Handed on to the network of the phone."""
    UNCONFIRMED = "unconfirmed"
    """The network does not tell; often it was delivered."""
    DELIVERED = "delivered"
    INVALID_NUMBER = "invalid_number"
    LANDLINE = "landline"
    OPTED_OUT = "opted_out"
    COUNTRY = "country"
    BLOCKED = "blocked"
    """A filter on the way took it for spam."""
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    """For a reason that the person can do nothing about."""

    @property
    def rank(self) -> int:
        """How much it says: news replaces what says less."""
        ranks = {
            Delivery.ON_ITS_WAY: 0,
            Delivery.BUSY: 0,
            Delivery.UNCERTAIN: 0,
            Delivery.SENT: 1,
            Delivery.UNCONFIRMED: 2,
            Delivery.DELIVERED: 4,  # of several messages of a verification, one that arrived is what counts
        }
        return ranks.get(self, 3)

    @property
    def is_refusal(self) -> bool:
        """Tell whether the message did not arrive, and will not."""
        return self.rank == 3  # noqa: PLR2004 - of the failures above


class Hold(StrEnum):
    """Why nothing is sent at the moment, to anybody."""

    NO_PLACE = "no_place"
    """As many sends as this process makes at once are waiting for the carrier."""
    PAUSED = "paused"
    """The carrier refuses everything."""
    SENDER_RATE = "sender_rate"
    """The sender is as fast as its kind may be."""


class Limit(StrEnum):
    """Which budget is spent."""

    RESEND_WAIT = "resend_wait"
    SENDS_OF_VERIFICATION = "sends_of_verification"
    SENDS_OF_NUMBER = "sends_of_number"
    CHECKS_OF_NUMBER = "checks_of_number"
    STARTS_OF_ADDRESS = "starts_of_address"
    STARTS_OF_NETWORK = "starts_of_network"
    STARTS_OF_PREFIX = "starts_of_prefix"
    SENDS_OF_COUNTRY = "sends_of_country"
    SENDS_OF_CLIENT = "sends_of_client"
    SENDS_IN_ALL = "sends_in_all"
    SPENT_TODAY = "spent_today"
    WRONG_CHECKS_IN_ALL = "wrong_checks_in_all"
    """Somebody tries one token on many numbers."""
    CLOSED = "closed"
    """The number's range or country is closed, by a limit for a while or by the operator."""


class VerificationError(Exception):
    """A refusal, or a failure."""

    verification: "Verification | None" = None
    """How the verification stands, where there is one."""


class InvalidNumber(VerificationError):
    """The phone number cannot be texted; nothing was spent."""

    def __init__(self, reason: NumberFault, odd: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.odd = odd
        """CHARACTERS: the first character that is in no phone number."""


class MalformedToken(VerificationError):
    """What was typed cannot be a token; no check was spent."""

    def __init__(self, length: int, got: int | None = None, *, alphabet: str = "hex", odd: str = "") -> None:
        super().__init__(f"{length} characters expected")
        self.length = length
        self.alphabet = alphabet
        """Of the token: "hex" or "digits"."""
        self.got = got
        """How many characters were typed; None when some of them can be in no token."""
        self.odd = odd
        """The first character that can be in no token."""


class TokenRejected(VerificationError):
    """The token is wrong; a check was spent."""

    def __init__(self, checks_left: int) -> None:
        super().__init__(f"{checks_left} checks left")
        self.checks_left = checks_left


class UnknownVerification(VerificationError):
    """Expired, canceled, used up, or never existed."""


class AlreadyApproved(UnknownVerification):
    """The token was spent earlier: the number is confirmed, the token is not accepted again."""


class VerificationLocked(VerificationError):
    """All checks of this verification are spent; only a new one helps."""


class Limited(VerificationError):
    """A budget is spent; nothing else was."""

    def __init__(self, limit: Limit, retry_after: int | None) -> None:
        super().__init__(f"{limit.value}, retry after {retry_after} s")
        self.limit = limit
        self.retry_after = retry_after
        """Seconds from now; None when waiting does not help."""


class SendRefused(VerificationError):
    """The carrier did not take the message, or would not: nothing was sent."""

    def __init__(
        self, delivery: Delivery, *, pause: bool = False, retry_after: int | None = None, code: str = ""
    ) -> None:
        super().__init__(delivery.value)
        self.delivery = delivery
        self.pause = pause
        """Whether it would refuse everybody else's as well."""
        self.retry_after = retry_after
        """Seconds from now; None when the carrier did not say, or when waiting does not help."""
        self.code = code
        """The carrier's, for why; "" when it gave none."""


class SendUncertain(VerificationError):
    """The carrier's answer is unknown: the message may be on its way."""


class SendingHeld(VerificationError):
    """Nothing is sent at the moment; nothing was spent."""

    def __init__(self, hold: Hold, retry_after: int) -> None:
        super().__init__(hold.value)
        self.hold = hold
        self.retry_after = retry_after
        """Seconds from now."""


class ForgedReceipt(VerificationError):
    """What came is not from the carrier, or not lately; nothing of it is believed."""


class StoreUnavailable(VerificationError):
    """The store did not answer in time, or refused. Nothing may be sent or approved."""


class WrongSecret(StoreUnavailable):
    """The keyring in the store is sealed under secrets that this process does not have."""
