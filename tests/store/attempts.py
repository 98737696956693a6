"""One verification, asked about as the verifier asks: with real keys, digests and nonces."""

import itertools
from collections.abc import Callable

from service.verification.errors import Delivery
from service.verification.keys import Handle, Keyring
from service.verification.ports import Answer, Record, Store, Verdict
from service.verification.token import Token, TokenFormat

FORM = TokenFormat("hex", 6)
SOMEBODY = "somebody"
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
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._key = keyring.current
        self._clock = clock
        self._after = after
        self.number = number
        self.source = source
        self.handle: Handle = keyring.new_handle(number)

    @property
    def now(self) -> int:
        """The caller's clock in ms."""
        return round(self._clock() * 1000)

    @property
    def token(self) -> Token:
        """The right one: its own, or the one that it shares."""
        return self._key.token(self.handle, FORM)

    @property
    def wrong(self) -> Token:
        """One that is not right."""
        right = self.token.reveal()
        return Token(("1" if right[0] == "0" else "0") + right[1:])

    @property
    def digest(self) -> str:
        """The name of the token in the store."""
        return self._key.token_digest(self.handle, self.token)

    @property
    def record(self) -> Record:
        """What the store remembers of it, which must be something."""
        record = self.show().record
        assert record is not None
        return record

    def start(self, nonce: str = "", *, is_test: bool = False, is_known: bool = False) -> Answer:
        """Start; unnamed unless a nonce is given."""
        answer = self._store.start(
            self.handle,
            now=self.now,
            source=self.source,
            to=self.number,
            token_digest=self.digest,
            nonce=nonce and self._key.start_digest(self.number, nonce),
            origin="from:somewhere",
            is_test=is_test,
            is_known=is_known,
        )
        if answer.verdict is Verdict.SHARED and not self.handle.shares:
            self.handle = self.handle.sharing(answer.other)
        return self._looked_at(answer)

    def check(self, typed: Token | None = None, nonce: str | None = None) -> Answer:
        """Check what was typed: the right token unless another is given, as a new request unless it is named."""
        token = typed or self.token
        return self._looked_at(
            self._store.check(
                self.handle,
                now=self.now,
                source=self.source,
                token_digest=self._key.token_digest(self.handle, token),
                nonce=self._key.request_digest(self.handle, nonce or fresh(), token.reveal()),
            )
        )

    def miss(self, times: int = 1) -> Answer:
        """Check a wrong token that many times, and return the last answer."""
        return [self.check(self.wrong) for _ in range(times)][-1]

    def resend(self, nonce: str | None = None, caller: str | None = None, digest: str | None = None) -> Answer:
        """Ask for one more send, as a new request of a new caller unless they are named."""
        return self._looked_at(
            self._store.resend(
                self.handle,
                now=self.now,
                source=self.source,
                token_digest=digest or self.digest,
                nonce=self._key.request_digest(self.handle, nonce or fresh()),
                caller=caller or fresh(),
            )
        )

    def cancel(self) -> Answer:
        """End it."""
        return self._looked_at(self._store.cancel(self.handle, now=self.now, source=self.source))

    def report(self, delivery: Delivery, event: str = "") -> Answer:
        """Say what is known of its messages; unnamed news unless an event is given."""
        name = event and self._key.request_digest(self.handle, event)
        return self._looked_at(self._store.report(self.handle, now=self.now, delivery=delivery, event=name))

    def unsend(self, send: int, delivery: Delivery = Delivery.FAILED) -> Answer:
        """Say that a send was not made."""
        return self._looked_at(
            self._store.unsend(
                self.handle,
                now=self.now,
                source=self.source,
                token_digest=self.digest,
                send=send,
                delivery=delivery,
            )
        )

    def opt_out(self, *, out: bool = True, event: str = "") -> None:
        """Say that its number wants no messages, or wants them again; unnamed news unless an event is given."""
        self._store.opt_out(self.handle.number, out=out, event=event and self._key.start_digest(self.number, event))
        self._after()

    def forgive(self) -> None:
        """Forget what strangers did to its number, as the operator does."""
        self._store.forgive(self.handle.number)
        self._after()

    def show(self) -> Answer:
        """Read."""
        return self._looked_at(self._store.show(self.handle, now=self.now, source=self.source))

    def _looked_at(self, answer: Answer) -> Answer:
        self._after()
        return answer
