"""Notes: opaque values under a name, with a TTL."""

from typing import cast

from .key_names import Names
from .script import Scripts


class NoteStore:
    """Implements `Notes`. Each note is one key."""

    def __init__(self, scripts: Scripts, names: Names) -> None:
        """Take what reaches the server."""
        self._scripts = scripts
        self._names = names

    def claim(self, name: str, note: bytes, *, keyring: str, seconds: int) -> bytes | None:
        """See `Notes`."""
        before = self._write("claim", name, note, keyring, seconds)
        return None if before == note else before

    def count(self, name: str, *, keyring: str, seconds: int) -> int:
        """See `Notes`."""
        reply = self._write("count", name, b"", keyring, seconds)
        return int(reply or 0)

    def write(self, name: str, note: bytes, *, keyring: str, seconds: int) -> None:
        """See `Notes`."""
        self._write("write", name, note, keyring, seconds)

    def read(self, name: str) -> bytes | None:
        """See `Notes`."""
        return self._scripts.guarded(lambda: cast("bytes | None", self._scripts.client.get(self._names.note(name))))

    def drop(self, name: str) -> None:
        """See `Notes`."""
        self._scripts.guarded(lambda: self._scripts.client.delete(self._names.note(name)))

    def push(self, name: str, note: bytes, *, keyring: str, most: int, seconds: int) -> None:
        """See `Notes`."""
        self._write("push", name, note, keyring, seconds, most)

    def list(self, name: str) -> list[bytes]:
        """See `Notes`."""
        return self._scripts.guarded(
            lambda: cast("list[bytes]", self._scripts.client.lrange(self._names.note(name), 0, -1))
        )

    def _write(self, how: str, name: str, note: bytes, keyring: str, *numbers: int) -> bytes | None:
        keys = [self._names.keyring, self._names.note(name)]
        reply = self._scripts.evaluate("note", keys, [keyring, how, note, *numbers])
        return reply[0] if isinstance(reply, list) else None
