"""Notes: opaque things under a name, for a while. What they are is known to who writes them, who also seals them."""

from typing import cast

from .script import Scripts


class Notes:
    """The part of the store that remembers what others wrote. Each note is one key, wherever in a cluster."""

    _scripts: Scripts

    def claim(self, name: str, note: bytes, *, seconds: int) -> bytes | None:
        """See `Store`."""
        client = self._scripts.client
        before = self._scripts.guarded(lambda: client.set(_key(name), note, nx=True, get=True, ex=seconds))
        return None if before == note else cast("bytes | None", before)

    def write(self, name: str, note: bytes, *, seconds: int) -> None:
        """See `Store`."""
        self._scripts.guarded(lambda: self._scripts.client.set(_key(name), note, ex=seconds))

    def read(self, name: str) -> bytes | None:
        """See `Store`."""
        return self._scripts.guarded(lambda: cast("bytes | None", self._scripts.client.get(_key(name))))

    def drop(self, name: str) -> None:
        """See `Store`."""
        self._scripts.guarded(lambda: self._scripts.client.delete(_key(name)))


def _key(name: str) -> str:
    return f"i:{name}"
