"""One verification, asked about as the verifier asks: with real keys, digests and nonces."""

import itertools
from collections.abc import Callable

from service.config import Settings
from service.verification.caller import Caller
from service.verification.errors import Delivery
from service.verification.keyring import Handle, Keyring
from service.verification.limits import Charge, Send, Subjects, subjects_of
from service.verification.phone import PhoneNumber
from service.verification.ports import Answer, Kind, Record, Step, Store, Verdict
from service.verification.token import Token, TokenFormat

FORM = TokenFormat("hex", 6)
SOMEBODY = "somebody"
NOBODY = Caller()
POLICY = Settings(SENDER="demo").policy  # says where home is
_names = itertools.count()


def fresh() -> str:
    """Return a nonce that no other request has."""
    return f"nonce-{next(_names)}"


class Attempt:
    """One verification of one number.

    Args:
        store: Who is asked.
        keyring: Makes the id, the token and their digests.
        clock: Seconds since 1970.
        number: E.164.
        source: The digest of who asks.
        is_told_apart: Whether that is one person.
        kind: Of the number.
        caller: Where they are, as far as limits count.
        charges: What each of its messages spends of the limits that many numbers share.
        price: Of a message.
        after: Called after each step; may look at the store and object.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        clock: Callable[[], float],
        number: str,
        *,
        source: str = SOMEBODY,
        is_told_apart: bool = True,
        kind: Kind = Kind.USUAL,
        caller: Caller = NOBODY,
        charges: tuple[Charge, ...] = (),
        price: float = 0,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._charges = charges
        self._price = price
        self._after = after
        self.number = number
        self._is_told_apart = is_told_apart
        self.kind = kind
        self._caller = caller
        self.source = source
        self.handle: Handle = keyring.new_handle(
            PhoneNumber(number, "US"), address=caller.address, network=caller.network
        )

    @property
    def now(self) -> int:
        """The caller's clock in ms."""
        return round(self._clock() * 1000)

    @property
    def token(self) -> Token:
        """The right one: its own, or the one that it shares."""
        return self._keyring.token(self.handle, FORM)

    @property
    def wrong(self) -> Token:
        """One that is not right."""
        right = self.token.reveal()
        return Token(("1" if right[0] == "0" else "0") + right[1:])

    @property
    def digest(self) -> str:
        """The name of the token in the store."""
        return self._keyring.token_digest(self.handle, self.token)

    @property
    def digest_of_number(self) -> str:
        """The name of the number in the store."""
        return self._keyring.number_digest(self.number)

    @property
    def record(self) -> Record:
        """What the store remembers of it, which must be something."""
        record = self.show().record
        assert record is not None
        return record

    @property
    def subjects(self) -> Subjects:
        """Whom it counts for."""
        return subjects_of(self.handle, self._caller, policy=POLICY, keyring=self._keyring)

    @property
    def send(self) -> Send:
        """What a message of it spends."""
        return Send(self.subjects, "sealed", price=self._price, charges=self._charges)

    def step(self, token: str | None = None) -> Step:
        """Return what every step tells; with the digest of its own token unless another one is given."""
        return Step(
            keyring=self._keyring.id,
            now=self.now,
            record=self.handle.random,
            number=self.digest_of_number,
            source=self.source,
            is_told_apart=self._is_told_apart,
            token=self.digest if token is None else token,
            country=self.handle.number.region,
        )

    def start(self, nonce: str = "", *, has_slot: bool = True) -> Answer:
        """Start; unnamed unless a nonce is given."""
        answer = self._store.verifications.start(
            self.step(),
            memo=self.handle.memo,
            seed=self.handle.seed,
            nonce=nonce and self._keyring.request_digest(self.number, nonce),
            kind=self.kind,
            send=None if self.kind is Kind.TEST else self.send,
            has_slot=has_slot,
        )
        if answer.verdict in {Verdict.DONE, Verdict.SHARED} and answer.other and not self.handle.shares:
            self.handle = self._keyring.sharing(self.handle, answer.other)
        return self._looked_at(answer)

    def check(self, typed: Token | None = None, nonce: str | None = None) -> Answer:
        """Check what was typed: the right token unless another is given, as a new request unless it is named."""
        token = typed or self.token
        name = self._keyring.request_digest(self.handle.random, nonce or fresh(), token.reveal())
        step = self.step(self._keyring.token_digest(self.handle, token))
        return self._looked_at(self._store.verifications.check(step, self.subjects, nonce=name))

    def miss(self, times: int = 1) -> Answer:
        """Check a wrong token that many times, and return the last answer."""
        return [self.check(self.wrong) for _ in range(times)][-1]

    def resend(
        self, nonce: str | None = None, caller: str | None = None, digest: str | None = None, *, has_slot: bool = True
    ) -> Answer:
        """Ask for one more send, as a new request of a new caller unless they are named."""
        return self._looked_at(
            self._store.verifications.resend(
                self.step(digest),
                seed=self.handle.seed,
                nonce=self._keyring.request_digest(self.handle.random, nonce or fresh()),
                caller=caller or fresh(),
                send=None if self.kind is Kind.TEST else self.send,
                has_slot=has_slot,
            )
        )

    def cancel(self) -> Answer:
        """End it."""
        return self._looked_at(self._store.verifications.cancel(self.step("")))

    def report(self, delivery: Delivery, event: str = "") -> Answer:
        """Say what is known of its messages; unnamed news unless an event is given."""
        name = event and self._keyring.request_digest(self.handle.random, event)
        return self._looked_at(self._store.verifications.report(self.step(""), delivery=delivery, event=name))

    def unsend(
        self, number: int, delivery: Delivery = Delivery.FAILED, *, is_refused: bool = False, is_undo: bool = False
    ) -> Answer:
        """Say that a send was not made."""
        return self._looked_at(
            self._store.verifications.unsend(
                self.step(), self.send, number=number, delivery=delivery, is_refused=is_refused, is_undo=is_undo
            )
        )

    def opt_out(self, *, out: bool = True, event: str = "") -> None:
        """Say that its number wants no messages, or wants them again; unnamed news unless an event is given."""
        name = event and self._keyring.request_digest(self.number, event)
        self._store.verifications.opt_out(self.digest_of_number, keyring=self._keyring.id, out=out, event=name)
        self._after()

    def forgive(self) -> None:
        """Forget what strangers did to its number, as the operator does."""
        self._store.limits.forgive(self.digest_of_number, keyring=self._keyring.id)
        self._after()

    def show(self, *, is_repeat: bool = False) -> Answer:
        """Read, as a request that came again where it is one."""
        return self._looked_at(self._store.verifications.show(self.step(""), is_repeat=is_repeat))

    def _looked_at(self, answer: Answer) -> Answer:
        self._after()
        return answer
