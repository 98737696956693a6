"""The four verbs: start, check, resend, cancel. Pages and API call these, and nobody else touches a token."""

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from .errors import (
    AlreadyApproved,
    Delivery,
    Hold,
    Limit,
    Limited,
    SendingHeld,
    SendRefused,
    SendUncertain,
    StoreUnavailable,
    TokenRejected,
    UnknownVerification,
    VerificationError,
    VerificationLocked,
)
from .keys import Handle, Keyring
from .message import Message, compose
from .outbox import Outbox, Place
from .phone import PhoneNumber, read_number
from .policy import Policy
from .ports import Answer, Leave, OptOut, Receipt, Record, Sender, Status, Store, Verdict

log = logging.getLogger("textproof")

LIMITS = {
    Verdict.TOO_SOON: Limit.RESEND_WAIT,
    Verdict.NUMBER_SENDS_SPENT: Limit.SENDS_OF_NUMBER,
    Verdict.NUMBER_CHECKS_SPENT: Limit.CHECKS_OF_NUMBER,
}
HOLDS = {Verdict.PAUSED: Hold.PAUSED, Verdict.SENDER_FULL: Hold.SENDER_RATE}
BUSY_SECONDS = 10  # ours: a wait that people should be told about
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
        sends_at_once: int = 16,
    ) -> None:
        """Take what the rules need.

        Args:
            policy: The numbers.
            store: Where verifications are remembered.
            sender: Who delivers messages.
            keyring: Gives the keys; asked on each use, because they may have to come from the store.
            clock: Seconds since 1970.
            sends_at_once: Places in the outbox of this process.
        """
        self.policy = policy
        self._outbox = Outbox(sends_at_once)
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
            SendingHeld: Nothing is sent to anybody at the moment. Nothing was spent.
            StoreUnavailable: Nothing was sent.
        """
        number = read_number(typed, home=self.policy.home_region, allowed=self.policy.allowed_regions)
        handle = self._keyring().new_handle(number.e164)
        with self._turn() as (place, leave):
            answer = self._store.start(
                handle,
                now=self._now(),
                to=number.e164,
                token_digest=self._token_digest(handle),
                nonce=nonce and self._keyring().of(handle).start_digest(number.e164, nonce),
            )
            if answer.verdict is not Verdict.REPEATED:
                record = self._accept(answer, handle)
                log.info("verification_started", extra={"id": handle.id, "to": number.masked})
                return self._deliver(place, leave, handle, record)
        return self._earlier(answer.repeated_id, typed)

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
            SendingHeld: As for `start`.
            VerificationLocked, AlreadyApproved, UnknownVerification, StoreUnavailable: As for `check`.
        """
        handle = Handle.parse(id_)
        caller = secrets.token_urlsafe(NONCE_BYTES)
        with self._turn() as (place, leave):
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
                "verification_resent", extra={"id": id_, "to": PhoneNumber(record.to).masked, "send": record.sends}
            )
            return self._deliver(place, leave, handle, record)

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

    def receive(self, news: Receipt | OptOut) -> None:
        """Note what the carrier tells. It changes what pages say and who is texted, never whether a number is verified.

        Raises:
            UnknownVerification: It is about none of ours, or about one that ended long ago.
            StoreUnavailable: It was not noted; have it told again.
        """
        if isinstance(news, OptOut):
            log.info("opted_out" if news.out else "opted_in", extra={"to": news.e164})
            self._store.opt_out(self._keyring().current.number_digest(news.e164), out=news.out)
            return
        if news.pause:
            log.error("sending_paused")
            self._store.pause(now=self._now(), is_trial=False)
        handle = Handle.parse(news.id)
        event = self._keyring().of(handle).request_digest(handle, news.event)
        answer = self._store.report(handle, now=self._now(), delivery=news.delivery, event=event)
        log.info("receipt", extra={"id": handle.id, "delivery": news.delivery.value, "verdict": answer.verdict.value})
        self._accept(answer, handle)

    @contextmanager
    def _turn(self) -> Iterator[tuple[Place, Leave]]:
        """Take a place in the outbox, and spend what all numbers share; both are given back unless a send is made.

        Raises:
            SendingHeld: Nothing is sent at the moment.
        """
        with self._outbox.place() as place:
            leave = self._store.allow(now=self._now())
            if leave.verdict is not Verdict.DONE:
                log.warning("sending_held", extra={"verdict": leave.verdict.value})
                raise SendingHeld(HOLDS[leave.verdict], _seconds(leave.wait))
            try:
                yield place, leave
            except StoreUnavailable:
                raise  # there is nobody to give it back to
            except VerificationError:
                if not place.is_used:
                    self._store.give_back()
                raise
            if not place.is_used:
                self._store.give_back()

    def _earlier(self, id_: str, typed: str) -> Verification:
        """Return the verification that the same request was given before, or a new one when that has ended."""
        try:
            earlier = self.show(id_)
        except UnknownVerification:
            return self.start(typed)
        return earlier if earlier.status in (Status.PENDING, Status.APPROVED) else self.start(typed)

    def _deliver(self, place: Place, leave: Leave, handle: Handle, record: Record) -> Verification:
        """Send the token, and return how the verification stands then, or while the send goes on."""
        token = self._keyring().of(handle).token(handle, self.policy.token_format)
        life = timedelta(milliseconds=record.expires - record.begun)
        message = Message(
            to=PhoneNumber(record.to),
            text=compose(token, brand=self.policy.brand, life=life, host=self.policy.host),
            id=handle.id,
            send=record.sends,
        )
        news = place.run(lambda: self._hand_over(message, leave, handle))
        return self._verification(handle, news or record)

    def _hand_over(self, message: Message, leave: Leave, handle: Handle) -> Record | None:
        """Send, and note what became of it unless it is simply on its way. Runs on a thread of the outbox."""
        try:
            queued = self._sender.send(message)
        except SendRefused as error:
            log.warning("send_refused", extra={"id": handle.id, "delivery": error.delivery.value})
            if error.pause:
                self._store.pause(now=self._now(), is_trial=leave.is_trial)
            error.verification = self._verification(handle, self._unsend(handle, message.send, error.delivery))
            raise
        except SendUncertain:
            log.warning("send_uncertain", extra={"id": handle.id})
            return self._report(handle, Delivery.UNCERTAIN)
        log.info("send_accepted", extra={"id": handle.id, "send": message.send})
        if leave.is_trial:
            self._store.resume()
        if queued + _seconds(leave.wait) >= BUSY_SECONDS:
            return self._report(handle, Delivery.BUSY)
        return None

    def _report(self, handle: Handle, delivery: Delivery) -> Record:
        return self._accept(self._store.report(handle, now=self._now(), delivery=delivery), handle)

    def _unsend(self, handle: Handle, send: int, delivery: Delivery) -> Record:
        digest = self._token_digest(handle)
        answer = self._store.unsend(handle, now=self._now(), token_digest=digest, send=send, delivery=delivery)
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
            case Verdict.OPTED_OUT:
                return SendRefused(Delivery.OPTED_OUT)
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
