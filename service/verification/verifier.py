"""The four verbs: start, check, resend, cancel. Pages and API call these, and nobody else touches a token."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ..languages import Languages
from .batches import Batches
from .budgets import ask_for, messages_of, number_of, origin_of, start_of
from .caller import Caller
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
from .keys import Handle, Key, Keyring
from .message import Message, compose
from .outbox import Outbox, Place
from .phone import PhoneNumber, read_number
from .policy import Policy
from .ports import NOTHING, About, Answer, Ask, Leave, OptOut, Receipt, Record, Sender, Status, Store, Verdict
from .tally import Tally
from .token import Token

log = logging.getLogger("textproof")

LIMITS = {
    Verdict.TOO_SOON: Limit.RESEND_WAIT,
    Verdict.NUMBER_SENDS_SPENT: Limit.SENDS_OF_NUMBER,
    Verdict.NUMBER_CHECKS_SPENT: Limit.CHECKS_OF_NUMBER,
    Verdict.CLOSED: Limit.CLOSED,
    Verdict.MONEY_SPENT: Limit.SPENT_TODAY,
    Verdict.GUESSING: Limit.WRONG_CHECKS_IN_ALL,
}
HOLDS = {Verdict.PAUSED: Hold.PAUSED, Verdict.SENDER_FULL: Hold.SENDER_RATE}
UNDO_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0)  # seconds between tries; ours: longer than a restart of Redis takes
BUSY_SECONDS = 10  # ours: a wait that people should be told about
NONCE_BYTES = 12  # 96 bits: two requests meet as rarely as two numbers do
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
        store: Store,
        sender: Sender,
        keyring: Callable[[], Keyring],
        clock: Callable[[], float],
        sends_at_once: int = 16,
        languages: Languages | None = None,
    ) -> None:
        """Take what the rules need.

        Args:
            policy: The numbers.
            store: Where verifications are remembered.
            sender: Who delivers messages.
            keyring: Gives the keys; asked on each use, because they may have to come from the store.
            clock: Seconds since 1970.
            sends_at_once: Places in the outbox of this process.
            languages: What messages are written in, by the locale of a verification; every one there is unless given.
        """
        self.policy = policy
        self._outbox = Outbox(sends_at_once)
        self._settling = Batches(self._settle)
        self._store = store
        self._sender = sender
        self._keyring = keyring
        self._clock = clock
        self._tally = Tally()
        self._languages = languages or Languages()

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
        handle = self._keyring().new_handle(number.e164)
        key = self._keyring().of(handle)
        named = nonce and key.start_digest(number.e164, nonce)
        if number.e164 in self.policy.test_numbers:
            return self._start_test(handle, number, caller, named, about)
        ask = ask_for(number, caller, policy=self.policy, key=key, is_start=True)
        try:
            with self._turn(ask) as (place, leave):
                origin = origin_of(caller, number, key=key, stamp=leave.stamp)
                try:
                    answer = self._begin(handle, number, caller, nonce=named, origin=origin, about=about)
                except StoreUnavailable:
                    self._undo(handle, caller)
                    raise
                if answer.verdict is Verdict.SHARED and answer.record:
                    shared = handle.sharing(answer.other)
                    log.info("verification_shared", extra={"id": self._keyring().sealed(shared), **_facts(number)})
                    return self._verification(shared, answer.record)
                if answer.verdict is not Verdict.REPEATED:
                    record = self._accept(answer, handle)
                    log.info("verification_started", extra={"id": handle.id, **_facts(number)})
                    return self._deliver(place, ask, leave, handle, record, caller)
        except (SendingHeld, Limited):
            # The same request was carried out a moment ago, and took what is missing now.
            earlier = named and self._store.begun(handle, nonce=named)
            if not earlier:
                raise
            return self._earlier(Handle.parse(earlier), typed, caller, nonce, about)
        return self._earlier(Handle.parse(answer.other), typed, caller, nonce, about)

    def check(self, id_: str, typed: str, *, caller: Caller = NOBODY, nonce: str = "") -> Verification:
        """Return the approved verification, and spend its token.

        Counts the check before it looks, so two guesses sent at once cost two.

        Args:
            id_: As returned by `start`.
            typed: What the person typed. Spaces, hyphens and lower case are forgiven.
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
        handle = self._keyring().opened(id_)
        key = self._keyring().of(handle)
        token = self.policy.token_format.read(typed)
        answer = self._store.check(
            handle,
            now=self._now(),
            source=self._source(caller),
            token_digest=key.token_digest(handle, token),
            nonce=key.request_digest(handle, nonce or secrets.token_urlsafe(NONCE_BYTES), token.reveal()),
            owner=caller.client,
        )
        self._tally.count(answer.verdict)
        record = self._accept(answer, handle)
        if answer.verdict is Verdict.DONE:
            log.info("verification_approved", extra={"id": id_, **_facts(number_of(record))})
            if record.origin:
                self._settling.add((key, record))
        return self._verification(handle, record)

    def resend(self, id_: str, *, caller: Caller = NOBODY, nonce: str = "") -> Verification:
        """Text the same token again, and return the verification.

        Raises:
            Limited: Too soon, or no send is left for the verification, the number or everybody. Nothing was spent.
            SendRefused: The carrier refused; the earlier message still counts.
            SendingHeld: As for `start`.
            VerificationLocked, AlreadyApproved, UnknownVerification, StoreUnavailable: As for `check`.
        """
        handle = self._keyring().opened(id_)
        earlier = self._shown(handle, caller)
        number, caller = number_of(earlier), replace(caller, vouches=earlier.is_known)
        if number.e164 in self.policy.test_numbers:
            return self._verification(handle, self._again(handle, caller, nonce)[0])
        ask = ask_for(number, caller, policy=self.policy, key=self._keyring().of(handle), is_start=False)
        with self._turn(ask) as (place, leave):
            record, is_ours = self._again(handle, caller, nonce)
            if not is_ours:
                return self._verification(handle, record)
            log.info("verification_resent", extra={"id": id_, **_facts(number), "send": record.sends})
            return self._deliver(place, ask, leave, handle, record, caller)

    def cancel(self, id_: str, *, caller: Caller = NOBODY) -> Verification:
        """End a pending verification and return it; its token is accepted no more.

        Raises:
            VerificationLocked, AlreadyApproved, UnknownVerification, StoreUnavailable: As for `check`.
        """
        handle = self._keyring().opened(id_)
        answer = self._store.cancel(handle, now=self._now(), source=self._source(caller), owner=caller.client)
        record = self._accept(answer, handle)
        log.info("verification_canceled", extra={"id": id_})
        return self._verification(handle, record)

    def show(self, id_: str, *, caller: Caller = NOBODY) -> Verification:
        """Return the verification as it stands.

        Raises:
            UnknownVerification: Expired or never existed.
            StoreUnavailable: The store did not answer.
        """
        handle = self._keyring().opened(id_)
        return self._verification(handle, self._shown(handle, caller))

    def settled(self) -> None:
        """Return when every start that was approved until now is given back, or cannot be."""
        self._settling.finish()

    def receive(self, news: Receipt | OptOut) -> None:
        """Note what the carrier tells. It changes what pages say and who is texted, never whether a number is verified.

        Raises:
            UnknownVerification: It is about none of ours, or about one that ended long ago.
            StoreUnavailable: It was not noted; have it told again.
        """
        if isinstance(news, OptOut):
            log.info("opted_out" if news.out else "opted_in", extra={"to": f"•{news.e164[-4:]}"})
            key = self._keyring().current
            event = key.start_digest(news.e164, news.event)
            self._store.opt_out(key.number_digest(news.e164), out=news.out, event=event)
            return
        is_new = True
        try:
            is_new = self._note(news)
        finally:
            if news.pause and is_new:
                log.error("sending_paused")
                self._store.pause(now=self._now(), is_trial=False)

    def _note(self, news: Receipt) -> bool:
        """Note a receipt; tell whether it was news."""
        handle = Handle.parse(news.id)
        event = self._keyring().of(handle).request_digest(handle, news.event)
        answer = self._store.report(handle, now=self._now(), delivery=news.delivery, event=event)
        facts = {
            "id": self._keyring().sealed(handle),
            "delivery": news.delivery.value,
            "verdict": answer.verdict.value,
            "cost": news.cost,
        }
        if answer.record is not None:
            facts |= _facts(number_of(answer.record))
        log.info("receipt", extra=facts)
        record = self._accept(answer, handle)
        if news.cost is not None and answer.verdict is Verdict.DONE:
            price = self.policy.brake.price(number_of(record).region)
            self._store.charge(news.cost - price, now=self._now())
        return answer.verdict is Verdict.DONE

    @contextmanager
    def _turn(self, ask: Ask) -> Iterator[tuple[Place, Leave]]:
        """Take a place in the outbox, and spend what many numbers share; both are given back unless a send is made.

        Raises:
            SendingHeld: Nothing is sent at the moment.
            Limited: A budget is spent.
        """
        with self._outbox.place() as place:
            wrong, checks = self._tally.take()
            leave = self._store.allow(replace(ask, checks=checks, wrong_checks=wrong), now=self._now())
            self._judge(leave, ask)
            try:
                yield place, leave
            except StoreUnavailable:
                raise  # there is nobody to give it back to
            except VerificationError:
                if not place.is_used:
                    self._store.give_back(ask, stamp=leave.stamp, is_trial=leave.is_trial)
                raise
            if not place.is_used:
                self._store.give_back(ask, stamp=leave.stamp, is_trial=leave.is_trial)

    def _judge(self, leave: Leave, ask: Ask) -> None:
        """Raise what a decision says no with, and log it with its reason."""
        for news in leave.news:
            facts = {"news": news, "prefix": ask.prefix_label, "country": ask.country}
            log.warning("brake", extra=facts | _watched(news))
        if leave.verdict is Verdict.DONE:
            return
        limit = leave.limit or LIMITS.get(leave.verdict)
        reason = limit.value if limit else leave.verdict.value
        log.warning("send_not_allowed", extra={"reason": reason, "prefix": ask.prefix_label, "country": ask.country})
        wait = _seconds(leave.wait)
        if leave.verdict in HOLDS:
            raise SendingHeld(HOLDS[leave.verdict], wait)
        raise Limited(limit or Limit.SENDS_IN_ALL, wait or None)

    def _begin(
        self,
        handle: Handle,
        number: PhoneNumber,
        caller: Caller,
        *,
        nonce: str,
        origin: str,
        about: About,
        is_test: bool = False,
    ) -> Answer:
        return self._store.start(
            handle,
            now=self._now(),
            source=self._source(caller),
            to=number.e164,
            token_digest=self._token_digest(handle),
            nonce=nonce,
            origin=origin,
            is_test=is_test,
            is_known=caller.vouches,
            owner=caller.client,
            about=about,
        )

    def _start_test(
        self, handle: Handle, number: PhoneNumber, caller: Caller, nonce: str, about: About
    ) -> Verification:
        """Begin a verification whose token is known beforehand; nothing is sent."""
        if self._clock() >= self.policy.test_numbers[number.e164].ends:
            raise InvalidNumber(NumberFault.TEST_ENDED)
        answer = self._begin(handle, number, caller, nonce=nonce, origin="", about=about, is_test=True)
        if answer.verdict is Verdict.REPEATED:
            return self.show(answer.other, caller=caller)
        log.info("verification_started", extra={"id": handle.id, **_facts(number), "test": True})
        return self._verification(handle, self._accept(answer, handle))

    def _undo(self, handle: Handle, caller: Caller) -> None:
        """Take back a start whose answer was lost: it may have been made, and nobody will send its message.

        In the background and for a few seconds, because the caller has to be told now. Later it expires by itself.
        """

        def undo() -> None:
            for pause in UNDO_PAUSES:
                time.sleep(pause)
                with suppress(StoreUnavailable):
                    answer = self._unsend(handle, caller, 1, Delivery.FAILED)
                    log.warning("start_undone", extra={"id": handle.id, "verdict": answer.verdict.value})
                    return

        threading.Thread(target=undo, name="undo", daemon=True).start()

    def _again(self, handle: Handle, caller: Caller, nonce: str) -> tuple[Record, bool]:
        """Spend one more send of a verification; tell whether it is ours to make, or was made by an equal request."""
        mark = secrets.token_urlsafe(NONCE_BYTES)
        answer = self._store.resend(
            handle,
            now=self._now(),
            source=self._source(caller),
            token_digest=self._token_digest(handle),
            nonce=self._keyring().of(handle).request_digest(handle, nonce or mark),
            caller=mark,
            owner=caller.client,
        )
        return self._accept(answer, handle), answer.verdict is Verdict.DONE

    def _shown(self, handle: Handle, caller: Caller) -> Record:
        answer = self._store.show(handle, now=self._now(), source=self._source(caller), owner=caller.client)
        return self._accept(answer, handle)

    def _settle(self, approved: Sequence[tuple[Key, Record]]) -> None:
        """Give the starts of approved verifications back: what pumping never does is finish."""
        try:
            self._store.settle([start_of(record, key=key) for key, record in approved])
        except StoreUnavailable:
            log.warning("not_settled", extra={"starts": len(approved)})  # the numbers are confirmed all the same

    def _earlier(self, handle: Handle, typed: str, caller: Caller, nonce: str, about: About) -> Verification:
        """Return the verification that the same request was given before, or a new one when that has ended.

        The new one has a name as well, which follows from the first: a request that comes a third time finds it.
        """
        try:
            earlier = self.show(self._keyring().sealed(handle), caller=caller)
        except UnknownVerification:
            earlier = None
        if earlier is not None and earlier.status in (Status.PENDING, Status.APPROVED):
            return earlier
        return self.start(typed, caller=caller, nonce=f"{nonce}'", about=about)

    def _deliver(  # noqa: PLR0917 - what a start or a resend has found out, in that order
        self, place: Place, ask: Ask, leave: Leave, handle: Handle, record: Record, caller: Caller
    ) -> Verification:
        """Send the token, and return how the verification stands then, or while the send goes on."""
        token = self._token(handle)
        life = timedelta(milliseconds=record.expires - record.now)
        message = Message(
            to=number_of(record),
            text=compose(
                token,
                brand=self.policy.brand,
                life=life,
                host=self.policy.host,
                language=self._languages.of(record.about.locale),
            ),
            id=handle.id,
            send=record.sends,
        )
        news = place.run(lambda: self._hand_over(message, ask, leave, handle, caller))
        return self._verification(handle, news or record)

    def _hand_over(self, message: Message, ask: Ask, leave: Leave, handle: Handle, caller: Caller) -> Record | None:
        """Send, and note what became of it unless it is simply on its way. Runs on a thread of the outbox."""
        facts = {"id": self._keyring().sealed(handle), "send": message.send, "country": message.to.region}
        try:
            queued = self._sender.send(message)
        except SendRefused as error:
            log.warning("send_refused", extra=facts | {"delivery": error.delivery.value})
            if error.pause:
                log.error("sending_paused")
                self._store.pause(now=self._now(), is_trial=leave.is_trial)
            self._store.give_back(messages_of(ask), stamp=leave.stamp)
            answer = self._unsend(handle, caller, message.send, error.delivery)
            error.verification = self._verification(handle, self._accept(answer, handle))
            raise
        except SendUncertain:
            log.warning("send_uncertain", extra=facts)
            return self._report(handle, Delivery.UNCERTAIN)
        log.info("send_accepted", extra=facts | {"price": self.policy.brake.price(message.to.region)})
        if leave.is_trial:
            self._store.resume()
        if queued + _seconds(leave.wait) >= BUSY_SECONDS:
            return self._report(handle, Delivery.BUSY)
        return None

    def _report(self, handle: Handle, delivery: Delivery) -> Record:
        return self._accept(self._store.report(handle, now=self._now(), delivery=delivery), handle)

    def _unsend(self, handle: Handle, caller: Caller, send: int, delivery: Delivery) -> Answer:
        return self._store.unsend(
            handle,
            now=self._now(),
            source=self._source(caller),
            token_digest=self._token_digest(handle),
            send=send,
            delivery=delivery,
        )

    def _accept(self, answer: Answer, handle: Handle) -> Record:
        """Return the record of an answer that says yes; raise what the answer says no with."""
        if answer.record is not None and answer.verdict in (Verdict.DONE, Verdict.REPEATED):
            return answer.record
        log.info("verification_refused", extra={"id": self._keyring().sealed(handle), "verdict": answer.verdict.value})
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
            id=self._keyring().sealed(handle),
            to=number_of(record),
            status=record.status,
            created_at=record.begun // 1000,
            expires_in=_seconds(record.expires - record.now) if pending else 0,
            next_send_in=_seconds(record.wait) if sends_left else None,
            sends=record.sends,
            sends_left=sends_left,
            checks_left=self.policy.max_checks - record.checks if pending else 0,
            delivery=record.delivery,
            about=record.about,
            is_shared=bool(handle.shares),
        )

    def _source(self, caller: Caller) -> str:
        """Return the digest of who asks, as far as a number's own budgets count."""
        return self._keyring().current.subject_digest("source", caller.address or caller.client)

    def _token(self, handle: Handle) -> Token:
        key = self._keyring().of(handle)
        for e164, test in self.policy.test_numbers.items():
            if key.number_digest(e164) == handle.number:
                return Token(test.token)
        return key.token(handle, self.policy.token_format)

    def _token_digest(self, handle: Handle) -> str:
        return self._keyring().of(handle).token_digest(handle, self._token(handle))

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _facts(number: PhoneNumber) -> dict[str, Any]:
    """Return what the log may say of a number."""
    return {"to": number.masked, "country": number.region}


def _watched(news: str) -> dict[str, str]:
    """Return which limit would have refused, where one that is only watched would have."""
    kind, _, rest = news.partition(":")
    if kind != "would_refuse":
        return {}
    verdict, _, which = rest.partition(":")
    return {"limit": which if which != "0" else LIMITS[Verdict(verdict)].value}


def _seconds(milliseconds: int) -> int:
    """Round up, so that whoever waits that long has waited long enough."""
    return max(0, -(-milliseconds // 1000))
