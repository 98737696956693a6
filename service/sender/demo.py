"""The demo sender: puts messages into an inbox that everybody can read. Nothing is sent.

The inbox lies in the store, so that every worker shows it, and is sealed, so that the store
holds no token and no number.
"""

import json
from collections.abc import Callable

from ..verification.envelope import Keys
from ..verification.message import Message
from ..verification.ports import Accepted, Notes

INBOX = "demo"
MESSAGES = 50
SECONDS = 600  # as long as a token lives at most


class DemoSender:
    """Implements `Sender`: puts every message into the inbox."""

    def __init__(self, notes: Notes, keys: Keys, clock: Callable[[], float]) -> None:
        """Take where the inbox lies, what seals it, and the time."""
        self._notes = notes
        self._keys = keys
        self._clock = clock

    def send(self, message: Message) -> Accepted:
        """See `Sender`."""
        letter = {"to": message.to.e164, "text": message.text, "sent_at": int(self._clock())}
        sealed = self._keys.sealed("demo", json.dumps(letter).encode())
        self._keys.using(
            lambda keyring: self._notes.push(INBOX, sealed, keyring=keyring.id, most=MESSAGES, seconds=SECONDS)
        )
        return Accepted()

    def inbox(self) -> list[dict[str, str | int]]:
        """Return what was sent lately, newest first: `to`, `text`, and `sent_at` in seconds since 1970."""
        opened = (self._keys.unsealed("demo", sealed) for sealed in self._notes.list(INBOX))
        return [json.loads(letter) for letter in opened if letter is not None]
