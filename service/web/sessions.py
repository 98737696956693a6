"""Hosted sessions: what an application asked for when it sends somebody to our pages. Sealed in the store."""

import json
import secrets
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from ..verification.envelope import Keys
from ..verification.ports import Clients, Notes
from .problems import Refused

LIFE_SECONDS = 1800  # ours: time to find the phone
KEPT_SECONDS = LIFE_SECONDS + 1800  # as long as the cookie of whoever began at the last moment
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Session:
    """One person's way from an application to our pages and back."""

    id: str
    """128 random bits, in its address; whoever opens that begins, and that is all it is good for."""
    prefix: str
    """Of the key that opened it: revoked with it."""
    client: str
    return_url: str
    ends: int
    """When it cannot be begun any more, in seconds since 1970."""
    issuer: str
    state: str = ""
    nonce: str = ""
    to: str = ""
    """The only number that it is good for; empty: any."""
    subject: str = "number"
    reference: str = ""
    locale: str = ""

    @property
    def result(self) -> str:
        """The name of its one result."""
        return _name("result", self.id)


@dataclass(frozen=True, slots=True)
class Approval:
    """How a session came to its end."""

    verification: str
    at: int
    """Seconds since 1970."""


class Sessions:
    """Remembers sessions. The store sees neither their addresses nor what is in them."""

    def __init__(self, notes: Notes, clients: Clients, keys: Keys) -> None:
        """Take where they lie, and what seals them."""
        self._notes = notes
        self._clients = clients
        self._keys = keys

    def add(self, **facts: Any) -> Session:  # noqa: ANN401 - the fields of a session
        """Remember a new session, and return it."""
        session = Session(id=secrets.token_urlsafe(ID_BYTES), **facts)
        note = self._sealed(asdict(session))
        self._keys.using(
            lambda keyring: self._notes.write(
                _name("session", session.id), note, keyring=keyring.id, seconds=KEPT_SECONDS
            )
        )
        return session

    def find(self, id_: str) -> Session:
        """Return a session.

        Raises:
            Refused: It has ended, or its application's key was revoked.
        """
        facts = self._opened(self._notes.read(_name("session", id_)))
        if facts is None or self._clients.find(facts["prefix"]) is None:
            raise Refused("session_gone")
        return Session(**facts)

    def is_spent(self, session: Session) -> bool:
        """Tell whether a number was confirmed in it."""
        return self._notes.read(_name("approval", session.id)) is not None

    def spend(self, session: Session, verification: str, *, now: int) -> Approval:
        """End a session with an approved verification, and return its end: the same one, however often this is said.

        Raises:
            Refused: It ended with another verification.
        """
        sealed = self._sealed({"verification": verification, "at": now})
        before = self._claim(_name("approval", session.id), sealed)
        facts = self._opened(before or sealed)
        if facts is None or facts["verification"] != verification:
            raise Refused("session_gone")
        return Approval(**facts)

    def redeem(self, jti: str, name: str) -> bool:
        """Use a result up; tell whether it was still there to be used, or was used by this very request."""
        mark = name.encode() or secrets.token_bytes(ID_BYTES)  # the same when the store is asked twice
        return self._claim(_name("redeemed", jti), mark) is None

    def _claim(self, name: str, note: bytes) -> bytes | None:
        return self._keys.using(lambda keyring: self._notes.claim(name, note, keyring=keyring.id, seconds=KEPT_SECONDS))

    def _sealed(self, facts: dict[str, Any]) -> bytes:
        written = json.dumps({name: fact for name, fact in facts.items() if fact != ""})
        return self._keys.sealed("session", written.encode())

    def _opened(self, note: bytes | None) -> dict[str, Any] | None:
        plain = self._keys.unsealed("session", note) if note else None
        opened: dict[str, Any] | None = json.loads(plain) if plain else None
        return opened


def _name(kind: str, id_: str) -> str:
    """Return the name of a note. The id has 128 random bits, so nobody finds it from its hash."""
    return sha256(f"{kind} {id_}".encode()).hexdigest()[:32]
