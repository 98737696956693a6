"""The four verbs: start, check, resend, cancel. Pages and API call these, and nobody else touches a token."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from .errors import (
    AlreadyApproved,
    Limit,
    Limited,
    SendRefused,
    SendUncertain,
    TokenRejected,
    UnknownVerification,
    VerificationError,
    VerificationLocked,
)
from .keys import Handle, Keyring
from .message import Message, compose
from .phone import PhoneNumber, read_number
from .policy import Policy
from .ports import Answer, Delivery, Record, Sender, Status, Store, Verdict

log = logging.getLogger("textproof")

LIMITS = {
    Verdict.TOO_SOON: Limit.RESEND_WAIT,
    Verdict.NUMBER_SENDS_SPENT: Limit.SENDS_OF_NUMBER,
    Verdict.NUMBER_CHECKS_SPENT: Limit.CHECKS_OF_NUMBER,
}
NONCE_BYTES = 12  # 96 bits: two requests meet as rarely as two numbers do


@dataclass(frozen=True, slots=True)
class Verification:
    """One attempt to prove that a person holds a number, as it stands now. Durations are whole seconds from now."""

    id: str
    to: PhoneNumber
    status: Status
    created_at: int
    """Seconds since 1970."""
    expires_in: int
    next_send_in: int | None
    """0 when it is allowed now; None when there will be none."""
    sends: int
    sends_left: int
    checks_left: int
    delivery: Delivery


class Verifier:
    """The rules of phone verification over a store and a sender."""

    def __init__(
        self,
        policy: Policy,
        *,
        store: Store,
        sender: Sender,
        keyring: Callable[[], Keyring],
        clock: Callable[[], float],
    ) -> None:
        """Take what the rules need.

        Args:
            policy: The numbers.
            store: Where verifications are remembered.
            sender: Who delivers messages.
            keyring: Gives the keys; asked on each use, because they may have to come from the store.
            clock: Seconds since 1970.
        """
        self.policy = policy
        self._store = store
        self._sender = sender
        self._keyring = keyring
        self._clock = clock

    def start(self, typed: str, *, nonce: str = "") -> Verification:
        """Text a token to a number and return the verification.

        Args:
            typed: The phone number in any spelling.
            nonce: Names the request; the same request again returns the same verification and sends nothing.

        Raises:
            InvalidNumber: It cannot be texted. Nothing was spent.
            Limited: Too many sends to, or wrong checks of, this number. Nothing was spent.
            SendRefused: The carrier refused; the verification is canceled.
            StoreUnavailable: Nothing was sent.
        """
        number = read_number(typed, home=self.policy.home_region, allowed=self.policy.allowed_regions)
        handle = self._keyring().new_handle(number.e164)
        key = self._keyring().of(handle)
        answer = self._store.start(
            handle,
            now=self._now(),
            to=number.e164,
            token_digest=key.token_digest(handle, key.token(handle, self.policy.token_format)),
            nonce=nonce and key.start_digest(number.e164, nonce),
        )
        if answer.verdict is Verdict.REPEATED:
            return self._earlier(answer.repeated_id, typed)
        record = self._accept(answer, handle)
        log.info("verification_started", extra={"id": handle.id, "to": number.masked})
        return self._deliver(handle, record)

    def check(self, id_: str, typed: str, *, nonce: str = "") -> Verification:
        """Return the approved verification, and spend its token.

        Counts the check before it looks, so two guesses sent at once cost two.

        Args:
            id_: As returned by `start`.
            typed: What the person typed. Spaces, hyphens and lower case are forgiven.
            nonce: Names the request; the same request again costs nothing and is answered the same.

        Raises:
            MalformedToken: It cannot be a token. Nothing was spent.
            TokenRejected: Wrong.
            VerificationLocked: Too many were wrong.
            Limited: Too many were wrong for this number, over all its verifications
                (SP 800-63B-4, 3.1.3.2: a new token does not reset the count).
            AlreadyApproved: The token was spent earlier.
            UnknownVerification: Expired, canceled or never existed.
            StoreUnavailable: Nothing was accepted.
        """
        handle = Handle.parse(id_)
        key = self._keyring().of(handle)
        token = self.policy.token_format.read(typed)
        answer = self._store.check(
            handle,
            now=self._now(),
            token_digest=key.token_digest(handle, token),
            nonce=key.request_digest(handle, nonce or secrets.token_urlsafe(NONCE_BYTES), token.reveal()),
        )
        record = self._accept(answer, handle)
        log.info("verification_approved", extra={"id": id_, "to": PhoneNumber(record.to).masked})
        return self._verification(handle, record)

    def resend(self, id_: str, *, nonce: str = "") -> Verification:
        """Text the same token again, and return the verification.

        Raises:
            Limited: Too soon, or no send is left for the verification or the number. Nothing was spent.
            SendRefused: The carrier refused; the earlier message still counts.
            VerificationLocked, AlreadyApproved, UnknownVerification, StoreUnavailable: As for `check`.
        """
        handle = Handle.parse(id_)
        caller = secrets.token_urlsafe(NONCE_BYTES)
        answer = self._store.resend(
            handle,
            now=self._now(),
            token_digest=self._token_digest(handle),
            nonce=self._keyring().of(handle).request_digest(handle, nonce or caller),
            caller=caller,
        )
        record = self._accept(answer, handle)
        if answer.verdict is Verdict.REPEATED:
            return self._verification(handle, record)
        log.info(
            "verification_resent",
            extra={"id": id_, "to": PhoneNumber(record.to).masked, "send": record.sends},
        )
        return self._deliver(handle, record)

    def cancel(self, id_: str) -> Verification:
        """End a pending verification and return it; its token is accepted no more.

        Raises:
            VerificationLocked, AlreadyApproved, UnknownVerification, StoreUnavailable: As for `check`.
        """
        handle = Handle.parse(id_)
        answer = self._store.cancel(handle, now=self._now(), token_digest=self._token_digest(handle))
        record = self._accept(answer, handle)
        log.info("verification_canceled", extra={"id": id_})
        return self._verification(handle, record)

    def show(self, id_: str) -> Verification:
        """Return the verification as it stands.

        Raises:
            UnknownVerification: Expired or never existed.
            StoreUnavailable: The store did not answer.
        """
        handle = Handle.parse(id_)
        self._keyring().of(handle)
        return self._verification(handle, self._accept(self._store.show(handle, now=self._now()), handle))

    def _earlier(self, id_: str, typed: str) -> Verification:
        """Return the verification that the same request was given before, or a new one when that has ended."""
        try:
            earlier = self.show(id_)
        except UnknownVerification:
            return self.start(typed)
        return earlier if earlier.status in (Status.PENDING, Status.APPROVED) else self.start(typed)

    def _deliver(self, handle: Handle, record: Record) -> Verification:
        """Send the token, and note what became of it where it is not simply on its way."""
        token = self._keyring().of(handle).token(handle, self.policy.token_format)
        life = timedelta(milliseconds=record.expires - record.begun)
        message = Message(
            to=PhoneNumber(record.to),
            text=compose(token, brand=self.policy.brand, life=life, host=self.policy.host),
            key=f"{handle.id}-{record.sends}",
        )
        try:
            self._sender.send(message)
        except SendRefused:
            self._report(handle, record.sends, Delivery.REFUSED)
            raise
        except SendUncertain:
            return self._verification(handle, self._report(handle, record.sends, Delivery.UNCERTAIN))
        return self._verification(handle, record)

    def _report(self, handle: Handle, send: int, delivery: Delivery) -> Record:
        log.warning("send_failed", extra={"id": handle.id, "send": send, "delivery": delivery.value})
        digest = self._token_digest(handle)
        answer = self._store.report(handle, now=self._now(), token_digest=digest, send=send, delivery=delivery)
        return self._accept(answer, handle)

    def _accept(self, answer: Answer, handle: Handle) -> Record:
        """Return the record of an answer that says yes; raise what the answer says no with."""
        if answer.record is not None and answer.verdict in (Verdict.DONE, Verdict.REPEATED):
            return answer.record
        log.info("verification_refused", extra={"id": handle.id, "verdict": answer.verdict.value})
        error = self._refusal(answer)
        if answer.record is not None:
            error.verification = self._verification(handle, answer.record)
        raise error

    def _refusal(self, answer: Answer) -> VerificationError:
        match answer.verdict:
            case Verdict.TOO_SOON | Verdict.NUMBER_SENDS_SPENT | Verdict.NUMBER_CHECKS_SPENT:
                return Limited(LIMITS[answer.verdict], _seconds(answer.wait))
            case Verdict.SENDS_SPENT:
                return Limited(Limit.SENDS_OF_VERIFICATION, None)
            case Verdict.REJECTED if answer.record:
                return TokenRejected(self.policy.max_checks - answer.record.checks)
            case Verdict.LOCKED:
                return VerificationLocked()
            case Verdict.APPROVED:
                return AlreadyApproved()
        return UnknownVerification()

    def _verification(self, handle: Handle, record: Record) -> Verification:
        pending = record.status is Status.PENDING
        sends_left = max(0, self.policy.max_sends - record.sends) if pending else 0
        return Verification(
            id=handle.id,
            to=PhoneNumber(record.to),
            status=record.status,
            created_at=record.begun // 1000,
            expires_in=_seconds(record.expires - record.now) if pending else 0,
            next_send_in=_seconds(record.wait) if sends_left else None,
            sends=record.sends,
            sends_left=sends_left,
            checks_left=self.policy.max_checks - record.checks if pending else 0,
            delivery=record.delivery,
        )

    def _token_digest(self, handle: Handle) -> str:
        key = self._keyring().of(handle)
        return key.token_digest(handle, key.token(handle, self.policy.token_format))

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _seconds(milliseconds: int) -> int:
    """Round up, so that whoever waits that long has waited long enough."""
    return max(0, -(-milliseconds // 1000))
