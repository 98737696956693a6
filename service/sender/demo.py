"""The demo's carrier: an inbox that everybody can look into. Nothing is sent.

The inbox lies in the store, so that every worker shows it, and is sealed, so that the store
holds no token and no number.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ..verification.keys import Keyring
from ..verification.message import Message

SHELF = "textproof:demo"
MESSAGES = 50
SECONDS = 600  # as long as a token lives at most


class Shelf(Protocol):
    """Where the inbox lies: see `Store.keep` and `Store.kept`."""

    def keep(self, shelf: str, sealed: bytes, *, most: int, seconds: int) -> None: ...  # noqa: D102
    def kept(self, shelf: str) -> list[bytes]: ...  # noqa: D102


class DemoSender:
    """Implements `Sender`: puts every message into the inbox."""

    def __init__(self, shelf: Shelf, keyring: Callable[[], Keyring], clock: Callable[[], float]) -> None:
        """Take where the inbox lies, what seals it, and the time."""
        self._shelf = shelf
        self._keyring = keyring
        self._clock = clock

    def send(self, message: Message) -> int:
        """See `Sender`."""
        letter = {"to": message.to.e164, "text": message.text, "sent_at": int(self._clock())}
        sealed = self._seal().encrypt(json.dumps(letter).encode())
        self._shelf.keep(SHELF, sealed, most=MESSAGES, seconds=SECONDS)
        return 0

    def inbox(self) -> list[dict[str, str | int]]:
        """Return what was sent lately, newest first: `to`, `text`, and `sent_at` in seconds since 1970."""
        letters = []
        for sealed in self._shelf.kept(SHELF):
            try:
                letters.append(json.loads(self._seal().decrypt(sealed)))
            except InvalidToken:
                continue  # sealed under a secret that is no longer set
        return letters

    def _seal(self) -> MultiFernet:
        return MultiFernet([Fernet(urlsafe_b64encode(key.derive("demo"))) for key in self._keyring().keys])
