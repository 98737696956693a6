"""The four verbs: start, check, resend, cancel. All routes call these; nothing else touches a token."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..languages import Languages
from .caller import Caller
from .envelope import Keys
from .errors import (
    AlreadyApproved,
    Delivery,
    Hold,
    InvalidNumber,
    Limit,
    Limited,
    NumberFault,
    SendingHeld,
    SendRefused,
    SendUncertain,
    StoreUnavailable,
    TokenRejected,
    UnknownVerification,
    VerificationError,
    VerificationLocked,
)
from .keyring import Handle, Keyring, is_id
from .limits import Send, send_of, subjects_of
from .message import Message, compose
from .outbox import RETRY_SECONDS, Outbox, Slot
from .phone import PhoneNumber, masked, read_number
from .policy import Policy
from .ports import (
    NOTHING,
    SILENT,
    About,
    Answer,
    Carrier,
    Kind,
    OptOut,
    Receipt,
    Record,
    Sender,
    Status,
    Step,
    Verdict,
    Verifications,
)
from .token import Token
from .turn import Turn

log = logging.getLogger("textproof")

UNDO_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0)  # seconds between tries; ours: longer than a restart of Redis takes
UNDO_AT_ONCE = 64  # threads; ours: as many starts as a worker has under way at most
BUSY_SECONDS = 10  # ours: a wait that people should be told about
NONCE_BYTES = 12  # 96 bits: two requests meet as rarely as two numbers do
OWN_LIMITS = frozenset(  # of one verification and its number: shown with the verification, and no news to an operator
    {Limit.RESEND_WAIT, Limit.SENDS_OF_VERIFICATION, Limit.SENDS_OF_NUMBER, Limit.CHECKS_OF_NUMBER}
)
NOBODY = Caller()


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
    about: About = NOTHING
    is_shared: bool = False
    """No message was sent for it: one that went to the number a moment ago is good for it."""


class Verifier:
    """The rules of phone verification over a store and a sender."""

    def __init__(
        self,
        policy: Policy,
        *,
        store: Verifications,
        sender: Sender,
        keys: Keys,
        clock: Callable[[], float],
        sends_at_once: int = 16,
        languages: Languages | None = None,
    ) -> None:
        """Take what the rules need.

        Args:
            policy: The numbers.
            store: Where verifications are remembered.
            sender: Who delivers messages.
            keys: The keyring, which may change.
            clock: Seconds since 1970.
            sends_at_once: Slots in the outbox of this process.
            languages: What messages are written in, by the locale of a verification; every one there is unless given.
        """
        self.policy = policy
        self._outbox = Outbox(sends_at_once)
        self.turn = Turn()
        """Of the starts and resends of this process."""
        self._undoing = threading.BoundedSemaphore(UNDO_AT_ONCE)
        self._store = store
        self._sender = sender
        self._keys = keys
        self._clock = clock
        self._languages = languages or Languages()

    def waiting(self) -> int:
        """Return how many threads of this process do nothing but wait for the carrier."""
        return self._outbox.waiting

    def number(self, typed: str, *, caller: Caller = NOBODY, home: str = "") -> PhoneNumber:
        """Return the number that somebody typed, if it may be texted; raise InvalidNumber.

        A number without `+` is read as dialled in the region `home`, or in the home of the policy.
        """
        allowed = self.policy.allowed_regions
        if caller.regions:
            allowed = [region for region in allowed if region in caller.regions]
        return read_number(typed, home=home or self.policy.home_region, allowed=allowed)

    def start(self, typed: str, *, caller: Caller = NOBODY, nonce: str = "", about: About = NOTHING) -> Verification:
        """Text a token to a number and return the verification.

        Args:
            typed: The phone number in any spelling.
            caller: Who asks, as far as limits count.
            nonce: Names the request; the same request again returns the same verification and sends nothing.
            about: Given back as it is.

        Raises:
            InvalidNumber: It cannot be texted. Nothing was spent.
            Limited: A budget of the number, of the caller, or of many numbers is spent. Nothing else was.
            SendRefused: The carrier refused; the verification is canceled.
            SendingHeld: Nothing is sent to anybody at the moment. Nothing was spent.
            StoreUnavailable: Nothing was sent.
        """
        number = self.number(typed, caller=caller)
        return self._keys.using(lambda keyring: self._start(keyring, number, caller, nonce, about))

    def check(self, id_: str, typed: str, *, caller: Caller = NOBODY, nonce: str = "") -> Verification:
        """Return the approved verification, and spend its token.

        Counts the check before it looks, so two guesses sent at once cost two.

        Args:
            id_: As returned by `start`.
            typed: What the person typed. What people do to codes is forgiven.
            caller: Who asks, as far as limits count.
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
        token = self.policy.token_format.read(typed)

        handle = self._opened(id_)
        own_nonce = nonce or secrets.token_urlsafe(NONCE_BYTES)  # one for both tries, or a lost answer is a lost token

        def check(keyring: Keyring) -> Verification:
            step = self._step(keyring, handle, caller, token)
            name = keyring.request_digest(handle.random, own_nonce, token.reveal())
            subjects = subjects_of(handle, caller, policy=self.policy, keyring=keyring)
            answer = self._store.check(step, subjects, nonce=name)
            record = self._accept(answer, handle, caller)
            if answer.verdict is Verdict.DONE:
                log.info("verification_approved", extra=_facts(handle, caller, record))
            return self._verification(handle, record)

        return self._keys.using(check)

    def resend(self, id_: str, *, caller: Caller = NOBODY, nonce: str = "") -> Verification:
        """Text the same token again, and return the verification.

        Raises:
            Limited: Too soon, or no send is left for the verification, the number or everybody. Nothing was spent.
            SendRefused: The carrier refused; the earlier message still counts.
            SendingHeld: As for `start`.
            VerificationLocked, AlreadyApproved, UnknownVerification, StoreUnavailable: As for `check`.
        """
        handle = self._opened(id_)
        mark = secrets.token_urlsafe(NONCE_BYTES)
        return self._keys.using(lambda keyring: self._resend(keyring, handle, caller, nonce or mark, mark))

    def cancel(self, id_: str, *, caller: Caller = NOBODY) -> Verification:
        """End a pending verification and return it; its token is accepted no more.

        Raises:
            VerificationLocked, AlreadyApproved, UnknownVerification, StoreUnavailable: As for `check`.
        """
        handle = self._opened(id_)
        answer = self._keys.using(lambda keyring: self._store.cancel(self._step(keyring, handle, caller)))
        record = self._accept(answer, handle, caller)
        log.info("verification_canceled", extra=_facts(handle, caller, record))
        return self._verification(handle, record)

    def show(self, id_: str, *, caller: Caller = NOBODY) -> Verification:
        """Return the verification as it stands.

        Raises:
            UnknownVerification: Expired or never existed.
            StoreUnavailable: The store did not answer.
        """
        handle = self._opened(id_)
        return self._keys.using(lambda keyring: self._show(keyring, handle, caller))

    def receive(self, news: Receipt | OptOut) -> None:
        """Note what the carrier tells. It changes what pages say and who is texted, never whether a number is verified.

        Raises:
            UnknownVerification: It is about none of ours, or about one that ended long ago.
            StoreUnavailable: It was not noted; have it told again.
        """
        if isinstance(news, OptOut):
            log.info("opted_out" if news.out else "opted_in", extra={"to": masked(news.e164)})
            self._keys.using(lambda keyring: self._opt(keyring, news))
            return
        is_new = True
        try:
            handle = self._opened(news.id)
            is_new = self._keys.using(lambda keyring: self._note(keyring, handle, news))
        finally:
            if news.pause and is_new:
                self._pause(is_trial=False)

    # -- Start and resend

    def _start(self, keyring: Keyring, number: PhoneNumber, caller: Caller, nonce: str, about: About) -> Verification:
        handle = keyring.new_handle(number, address=caller.address, network=caller.network)
        kind = self._kind(number, caller)
        send = None if kind is Kind.TEST else send_of(handle, caller, policy=self.policy, keyring=keyring)
        with self._outbox.slot() as slot:
            step = self._step(keyring, handle, caller, self._token(keyring, handle))
            try:
                with self.turn.passed_on():
                    answer = self._store.start(
                        step,
                        memo=handle.memo,
                        seed=handle.seed,
                        nonce=nonce and keyring.request_digest(number.e164, nonce),
                        kind=kind,
                        send=send,
                        has_slot=slot is not None,
                        about=about,
                    )
            except StoreUnavailable:
                if send:
                    self._undo(handle, caller, send)
                raise
            self._log_news(answer, number)
            if answer.verdict is Verdict.REPEATED:
                memo, _, shares = answer.other.partition(" ")
                earlier = keyring.recalled(number, memo)
                earlier = keyring.sharing(earlier, shares) if shares else earlier
            else:
                if answer.other:
                    handle = keyring.sharing(handle, answer.other)
                if answer.verdict is Verdict.SHARED and answer.record:
                    log.info("verification_shared", extra=_facts(handle, caller, answer.record))
                    return self._verification(handle, answer.record)
                record = self._accept(answer, handle, caller)
                facts = {"test": True} if send is None else {}
                log.info("verification_started", extra=_facts(handle, caller, record) | facts)
                return self._deliver(slot, keyring, handle, caller, send, answer, record)
        return self._earlier(keyring, earlier, caller, nonce, about)

    def _earlier(self, keyring: Keyring, handle: Handle, caller: Caller, nonce: str, about: About) -> Verification:
        """Return the verification that the same request was given before, or a new one when that has ended.

        The new one has a name as well, which follows from the first: a request that comes a third time finds it.
        """
        with suppress(UnknownVerification):
            earlier = self._show(keyring, handle, caller, is_repeat=True)
            if earlier.status in (Status.PENDING, Status.APPROVED):
                return earlier
        return self._start(keyring, handle.number, caller, f"{nonce}'", about)

    def _resend(self, keyring: Keyring, handle: Handle, caller: Caller, nonce: str, mark: str) -> Verification:
        """`mark` names who asks: of several that ask the same, one sends."""
        is_test = handle.number.e164 in self.policy.test_numbers
        send = None if is_test else send_of(handle, caller, policy=self.policy, keyring=keyring)
        with self._outbox.slot() as slot:
            step = self._step(keyring, handle, caller, self._token(keyring, handle))
            with self.turn.passed_on():
                answer = self._store.resend(
                    step,
                    seed=handle.seed,
                    nonce=keyring.request_digest(handle.random, nonce),
                    caller=mark,
                    send=send,
                    has_slot=slot is not None,
                )
            self._log_news(answer, handle.number)
            record = self._accept(answer, handle, caller)
            if answer.verdict is Verdict.REPEATED:
                return self._verification(handle, record)
            log.info("verification_resent", extra=_facts(handle, caller, record) | {"send": record.sends})
            return self._deliver(slot, keyring, handle, caller, send, answer, record)

    def _deliver(  # noqa: PLR0917 - what a start or a resend has found out, in that order
        self,
        slot: Slot | None,
        keyring: Keyring,
        handle: Handle,
        caller: Caller,
        send: Send | None,
        answer: Answer,
        record: Record,
    ) -> Verification:
        """Send the token, and return how the verification stands then, or while the send goes on."""
        if send is None or slot is None:  # a test number; the store refuses everything else without a slot
            return self._verification(handle, record)
        text = compose(
            self._token(keyring, handle),
            brand=caller.brand or self.policy.brand,
            life=timedelta(milliseconds=record.expires - record.now),
            host=self.policy.host,
            language=self._languages.of(record.about.locale),
        )
        message = Message(to=handle.number, text=text, id=handle.id, send=record.sends)
        try:
            with self.turn.passed_on():
                news = slot.run(lambda: self._hand_over(message, handle, caller, send, answer))
        except SendingHeld:
            self._unsend(handle, caller, send, record.sends, Delivery.FAILED, is_refused=False)
            raise
        return self._verification(handle, news or record)

    def _hand_over(self, message: Message, handle: Handle, caller: Caller, send: Send, answer: Answer) -> Record | None:
        """Send, and note what became of it unless it is simply on its way. Runs on a thread of the outbox."""
        facts = _facts(handle, caller, answer.record) | {"send": message.send}
        try:
            accepted = self._sender.send(message)
        except SendRefused as error:
            log.warning("send_refused", extra=facts | {"delivery": error.delivery.value})
            if error.pause:
                self._pause(is_trial=answer.is_trial)
            unsent = self._unsend(
                handle, caller, send, message.send, error.delivery, is_refused=True, carrier=Carrier(error.code)
            )
            error.verification = self._verification(handle, self._accept(unsent, handle))
            raise
        except SendUncertain:
            log.warning("send_uncertain", extra=facts)
            return self._report(handle, Delivery.UNCERTAIN)
        told = {"message_id": accepted.message_id} if accepted.message_id else {}
        log.info("send_accepted", extra=facts | told | {"price": self.policy.shared.price(message.to.region)})
        if answer.is_trial:
            self._store.resume()
            log.info("sending_resumed")
        if accepted.queued + _seconds(answer.wait) >= BUSY_SECONDS:
            return self._report(handle, Delivery.BUSY)
        return None

    def _undo(self, handle: Handle, caller: Caller, send: Send) -> None:
        """Take back a start whose answer was lost: it may have been made, and nobody will send its message.

        Unless the same request came again meanwhile, and was told of the verification: then the message is sent now.
        In the background and for a few seconds, because the caller has to be told now. Later it expires by itself.
        """

        def undo() -> None:
            for pause in UNDO_PAUSES:
                time.sleep(pause)
                with suppress(StoreUnavailable):
                    answer = self._unsend(handle, caller, send, 1, Delivery.FAILED, is_refused=False, is_undo=True)
                    break
            else:
                return
            log.warning("start_undone", extra=_facts(handle, caller) | {"verdict": answer.verdict.value})
            if answer.verdict is Verdict.REPEATED:
                with suppress(VerificationError):
                    self._send_late(handle, caller, send, answer)

        def bounded() -> None:
            try:
                undo()
            finally:
                self._undoing.release()

        # Beyond so many the store is down: what was not made needs no undoing, and what was expires by itself.
        if self._undoing.acquire(blocking=False):
            threading.Thread(target=bounded, name="undo", daemon=True).start()

    def _send_late(self, handle: Handle, caller: Caller, send: Send, answer: Answer) -> None:
        """Send the message of a start that could not be taken back."""
        with self._outbox.slot() as slot:
            if slot is None:
                self._unsend(handle, caller, send, 1, Delivery.FAILED, is_refused=False)
                return
            self._deliver(slot, self._keys(), handle, caller, send, answer, self._accept(answer, handle))

    def _unsend(
        self,
        handle: Handle,
        caller: Caller,
        send: Send,
        number: int,
        delivery: Delivery,
        *,
        is_refused: bool,
        is_undo: bool = False,
        carrier: Carrier = SILENT,
    ) -> Answer:
        def unsend(keyring: Keyring) -> Answer:
            step = self._step(keyring, handle, caller, self._token(keyring, handle))
            return self._store.unsend(
                step,
                send,
                number=number,
                delivery=delivery,
                is_refused=is_refused,
                is_undo=is_undo,
                carrier=carrier,
            )

        return self._keys.using(unsend)

    def _kind(self, number: PhoneNumber, caller: Caller) -> Kind:
        test = self.policy.test_numbers.get(number.e164)
        if test is None:
            return Kind.KNOWN if caller.vouches else Kind.USUAL
        if self._clock() >= test.ends:
            raise InvalidNumber(NumberFault.TEST_ENDED)
        return Kind.TEST

    # -- What the carrier and the operator tell

    def _opt(self, keyring: Keyring, news: OptOut) -> None:
        event = keyring.request_digest(news.e164, news.event)
        number, now = keyring.number_digest(news.e164), self._now()
        self._store.opt_out(number, keyring=keyring.id, out=news.out, event=event, now=now)

    def _note(self, keyring: Keyring, handle: Handle, news: Receipt) -> bool:
        """Note a receipt; tell whether it was news."""
        event = keyring.request_digest(handle.random, news.event)
        beyond = 0.0 if news.cost is None else news.cost - self.policy.shared.price(handle.number.region)
        step = self._step(keyring, handle, NOBODY)
        answer = self._store.report(step, delivery=news.delivery, event=event, beyond=beyond, carrier=news.carrier)
        facts = {"delivery": news.delivery.value, "verdict": answer.verdict.value, "cost": news.cost}
        carrier = {"code": news.carrier.code, "message_id": news.carrier.message}
        said = _facts(handle, record=answer.record) | facts | {name: told for name, told in carrier.items() if told}
        log.info("receipt", extra=said)
        self._accept(answer, handle)
        return answer.verdict is Verdict.DONE

    def _pause(self, *, is_trial: bool) -> None:
        log.error("sending_paused")
        now = self._now()
        self._keys.using(lambda keyring: self._store.pause(keyring=keyring.id, now=now, is_trial=is_trial))

    def _report(self, handle: Handle, delivery: Delivery) -> Record:
        return self._keys.using(
            lambda keyring: self._accept(
                self._store.report(self._step(keyring, handle, NOBODY), delivery=delivery), handle
            )
        )

    def _show(self, keyring: Keyring, handle: Handle, caller: Caller, *, is_repeat: bool = False) -> Verification:
        answer = self._store.show(self._step(keyring, handle, caller), is_repeat=is_repeat)
        return self._verification(handle, self._accept(answer, handle))

    # -- Answers

    def _accept(self, answer: Answer, handle: Handle, caller: Caller = NOBODY) -> Record:
        """Return the record of an answer that says yes; raise what the answer says no with, and log it."""
        if answer.record is not None and answer.verdict in (Verdict.DONE, Verdict.REPEATED):
            return answer.record
        if answer.hold or (answer.limit and answer.limit not in OWN_LIMITS):
            reason = answer.hold or answer.limit
            facts = _facts(handle, caller, answer.record) | _range(handle.number)
            log.warning("send_not_allowed", extra=facts | {"reason": str(reason)})
        else:
            verdict = str(answer.limit or answer.verdict)
            log.info("verification_refused", extra=_facts(handle, caller, answer.record) | {"verdict": verdict})
        error = self._refusal(answer)
        if answer.record is not None:
            error.verification = self._verification(handle, answer.record)
        raise error

    def _refusal(self, answer: Answer) -> VerificationError:
        wait = _seconds(answer.wait)
        match answer:
            case Answer(limit=Limit() as limit):
                return Limited(limit, wait or None)
            case Answer(hold=Hold() as hold):
                return SendingHeld(hold, wait or RETRY_SECONDS)
            case Answer(verdict=Verdict.REJECTED, record=Record() as record):
                return TokenRejected(self.policy.max_checks - record.checks)
            case Answer(verdict=Verdict.LOCKED):
                return VerificationLocked()
            case Answer(verdict=Verdict.APPROVED):
                return AlreadyApproved()
            case Answer(verdict=Verdict.OPTED_OUT):
                return SendRefused(Delivery.OPTED_OUT)
        return UnknownVerification()

    def _log_news(self, answer: Answer, number: PhoneNumber) -> None:
        for news in answer.news:
            facts = {"limit": news.limit.value} if news.limit else {}
            log.warning("limiter", extra={"news": news.event, **_range(number), **facts})

    def _verification(self, handle: Handle, record: Record) -> Verification:
        pending = record.status is Status.PENDING
        sends_left = max(0, self.policy.max_sends - record.sends) if pending else 0
        return Verification(
            id=handle.id,
            to=handle.number,
            status=record.status,
            created_at=record.begun // 1000,
            expires_in=_seconds(record.expires - record.now) if pending else 0,
            next_send_in=_seconds(record.wait) if sends_left else None,
            sends=record.sends,
            sends_left=sends_left,
            checks_left=self.policy.max_checks - record.checks if pending else 0,
            delivery=record.delivery,
            about=record.about,
            is_shared=record.is_silent,
        )

    # -- Small things

    def _opened(self, id_: str) -> Handle:
        if not is_id(id_):  # then no other keyring opens it either
            raise UnknownVerification
        return self._keys.opening(lambda keyring: keyring.opened(id_))

    def _step(self, keyring: Keyring, handle: Handle, caller: Caller, token: Token | None = None) -> Step:
        is_test = handle.number.e164 in self.policy.test_numbers  # no limit but that of starts counts, so by networks
        return Step(
            keyring=keyring.id,
            now=self._now(),
            record=handle.random,
            number=keyring.number_digest(handle.number.e164),
            source=(is_test and handle.network) or handle.address or keyring.subject_digest("client", caller.client),
            is_told_apart=bool(handle.address or not caller.client),
            client=caller.client,
            token=keyring.token_digest(handle, token) if token else "",
            country="" if is_test else handle.number.region,
        )

    def _token(self, keyring: Keyring, handle: Handle) -> Token:
        test = self.policy.test_numbers.get(handle.number.e164)
        return Token(test.token) if test else keyring.token(handle, self.policy.token_format)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _facts(handle: Handle, caller: Caller = NOBODY, record: Record | None = None) -> dict[str, Any]:
    """Return what each line of the log says of a verification, as far as it is known."""
    facts = {"id": handle.id, "to": handle.number.masked, "country": handle.number.region, "client": caller.client}
    facts["reference"] = record.about.reference if record else ""
    return {name: value for name, value in facts.items() if value}


def _range(number: PhoneNumber) -> dict[str, str]:
    """Return what the log may say of a number's range."""
    return {"range": number.range, "country": number.region}


def _seconds(milliseconds: int) -> int:
    """Round up, so that whoever waits that long has waited long enough."""
    return max(0, -(-milliseconds // 1000))
