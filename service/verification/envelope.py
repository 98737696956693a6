"""Envelope encryption of the keyring: how all processes of an installation come to have the same one.

It lies in the store, sealed under each SECRET_KEY that may open it (a wrap each), or open where no secret is set.
"""

import functools
import hmac
import logging
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from .errors import StoreUnavailable, UnknownVerification, WrongSecret
from .keyring import Keyring

ID = "id"
OPEN = "open"
WRAP = "wrap "

T = TypeVar("T")
log = logging.getLogger("textproof")

Fields = Mapping[str, bytes]
"""An envelope: the keyring's id, and its wraps by name."""


class KeyringChanged(Exception):
    """The store has another keyring than the one that a step was made with; nothing was written."""


class CannotRotate(Exception):
    """The envelope has a wrap that could not be made again."""


@dataclass(frozen=True, slots=True)
class EnvelopeState:
    """What an envelope is like."""

    is_open: bool
    """Whoever reads the store has the keyring."""
    others: int
    """Secrets that open it and are not set here."""


class KeyringStore(Protocol):
    """Where the envelope lies. Every method raises StoreUnavailable."""

    def read(self) -> Fields:
        """Return the envelope; empty when there is none."""

    def put(self, envelope: Fields, *, instead_of: str) -> Fields:
        """Put an envelope in place of the one of this id ("": none), and return the one that is there then."""

    def add(self, wraps: Fields, *, to: str) -> None:
        """Add wraps to the envelope of this id."""

    def drop(self) -> None:
        """Remove the envelope."""


class Keys:
    """The keyring of one process: read when it is first needed, and again when the store says that it changed.

    Safe to share between threads. Calling it returns the keyring.
    """

    def __init__(self, store: KeyringStore, secrets: Sequence[str], *, prefix: str) -> None:
        """Take the secrets, the current one first.

        Args:
            store: Where the envelope lies.
            secrets: `SECRET_KEY` and `SECRET_KEY_FALLBACKS`; none when no secret is set.
            prefix: Of the installation; a wrap of one installation opens nothing in another.
        """
        self._store = store
        self._seals = {_name(secret): _seal(secret) for secret in secrets}
        self._prefix = prefix
        self._keyring: Keyring | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Keyring:
        """Return the keyring that this process has, or that of the store when it has none yet.

        Raises:
            WrongSecret: It cannot be opened.
            StoreUnavailable: It is not known yet, and the store does not answer.
        """
        return self._keyring or self.read_again()

    def read_again(self) -> Keyring:
        """Return the keyring of the store.

        This process puts back what it has when the store has none, or an earlier state of it.

        Raises:
            WrongSecret: It cannot be opened.
            StoreUnavailable: The store does not answer.
        """
        found = self._store.read()
        mine = self._keyring
        if not found:
            found = self._store.put(self._sealed(mine or Keyring.make()), instead_of="")
        opened = self._opened(found)
        if mine is not None and opened.is_before(mine):
            found = self._store.put(self._sealed(mine), instead_of=opened.id)
            opened = self._opened(found)
        missing = {name: wrap for name, wrap in self._sealed(opened).items() if name not in found}
        if missing:
            self._store.add(missing, to=opened.id)
        with self._lock:
            if self._keyring is None or self._keyring.id != opened.id:
                self._keyring = opened
            return self._keyring

    def using(self, step: Callable[[Keyring], T]) -> T:
        """Do a step with the keyring; once more when the store says that it has another one."""
        try:
            return step(self())
        except KeyringChanged:
            return self._again(step)

    def opening(self, step: Callable[[Keyring], T]) -> T:
        """Do a step that opens something; once more when the store has another keyring, which may be what closed it.

        The step raises UnknownVerification for what it cannot open.
        """
        before = self()
        try:
            return step(before)
        except UnknownVerification:
            after = self.read_again()
            if after.id == before.id:
                raise
            return step(after)

    def _again(self, step: Callable[[Keyring], T]) -> T:
        try:
            return step(self.read_again())
        except KeyringChanged as error:  # twice within a request: nobody can say which one is right
            raise StoreUnavailable("the keyring changes all the time") from error

    # -- Sealing for others

    def sealed(self, purpose: str, plain: bytes) -> bytes:
        """Return bytes that only holders of the keyring can open, for the same purpose; printable ASCII."""
        return _fernet(self(), purpose).encrypt(plain)

    def unsealed(self, purpose: str, sealed: bytes) -> bytes | None:
        """Return what `sealed` sealed, under this generation or an earlier one; None when nothing here opens it."""

        def unseal(keyring: Keyring) -> bytes:
            try:
                return _fernet(keyring, purpose).decrypt(sealed)
            except InvalidToken as error:
                raise UnknownVerification from error

        try:
            return self.opening(unseal)
        except UnknownVerification:
            return None

    # -- For the operator

    def state(self) -> EnvelopeState | None:
        """Return what the envelope is like, and change nothing; None when there is none.

        Raises:
            WrongSecret: It cannot be opened.
            StoreUnavailable: The store does not answer.
        """
        found = self._store.read()
        if not found:
            return None
        return EnvelopeState(
            is_open=OPEN in found, others=len(set(found) - {OPEN} - set(self._sealed(self._opened(found))))
        )

    def rotate(self) -> Keyring:
        """Add a generation, and return the keyring.

        Raises:
            CannotRotate: Others open the envelope, and could not open the new one: by a secret that is not set here, or
                without one. `reseal` shuts them out.
        """
        current = self.read_again()
        others = set(self._store.read()) - set(self._sealed(current))
        if others == {OPEN}:
            raise CannotRotate(
                "The keyring lies open as well, for replicas without SECRET_KEY, which a new one would shut out: set "
                "it on all of them, then run `textproof keys reseal`"
            )
        if others:
            raise CannotRotate(
                "The keyring is sealed under a secret that is not set here, which a new one would shut out: name it in "
                "SECRET_KEY_FALLBACKS, or run `textproof keys reseal`"
            )
        self._store.put(self._sealed(current.rotated()), instead_of=current.id)
        return self.read_again()

    def reseal(self) -> int:
        """Remove every wrap but those of the secrets that are set here; return how many there were."""
        current = self.read_again()
        others = set(self._store.read()) - set(self._sealed(current))
        self._store.put(self._sealed(current), instead_of=current.id)
        return len(others)

    def discard(self) -> None:
        """Remove the keyring from the store; a process that has one puts it back."""
        self._store.drop()

    def _sealed(self, keyring: Keyring) -> Fields:
        """Return the envelope of a keyring."""
        wraps = {
            WRAP + name: seal.encrypt(keyring.contents, self._bound_to(keyring.id))
            for name, seal in self._seals.items()
        }
        return {ID: keyring.id.encode(), **(wraps or {OPEN: keyring.contents})}

    def _opened(self, envelope: Fields) -> Keyring:
        bound_to = self._bound_to(envelope[ID].decode())
        for name, seal in self._seals.items():
            wrap = envelope.get(WRAP + name)
            if wrap is not None:
                try:
                    return Keyring.of(seal.decrypt(wrap, bound_to))
                except InvalidTag:
                    continue
        # Beside wraps of a secret it proves nothing: whoever can write to the store could have put it there.
        if OPEN in envelope and not (self._seals and any(name.startswith(WRAP) for name in envelope)):
            return Keyring.of(envelope[OPEN])
        raise WrongSecret(
            "SECRET_KEY does not open the keyring in Redis, which is sealed under another one: set the same on every "
            "replica; where a wrong one came first to an empty Redis, run `textproof keys discard` after that"
        )

    def _bound_to(self, id_: str) -> list[bytes]:
        return [self._prefix.encode(), id_.encode()]


@functools.lru_cache(maxsize=16)  # a handful of purposes, of this keyring and the one before
def _fernet(keyring: Keyring, purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in keyring.seals(purpose)])


def _name(secret: str) -> str:
    return urlsafe_b64encode(hmac.digest(secret.encode(), b"textproof wrap name", "sha256")).decode()[:8]


def _seal(secret: str) -> AESSIV:
    return AESSIV(b"".join(hmac.digest(secret.encode(), f"textproof wrap {n}".encode(), "sha256") for n in (1, 2)))
