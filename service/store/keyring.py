"""The keyring and the signing keys in Redis: sealed, without a TTL, a hash each."""

from typing import cast

from ..verification.envelope import Fields
from .script import Scripts


class Sealed:
    """Implements `KeyringStore`."""

    def __init__(self, scripts: Scripts, name: str, *, replicas: int = 0) -> None:
        """Take what reaches the server, the name of the hash, and how many replicas must have what is written."""
        self._scripts = scripts
        self._name = name
        self._replicas = replicas

    def read(self) -> Fields:
        """See `KeyringStore`."""
        found = self._scripts.guarded(lambda: cast("dict[bytes, bytes]", self._scripts.client.hgetall(self._name)))
        return {name.decode(): value for name, value in found.items()}

    def put(self, envelope: Fields, *, instead_of: str) -> Fields:
        """See `KeyringStore`."""
        return self._write("put", instead_of, envelope)

    def add(self, wraps: Fields, *, to: str) -> None:
        """See `KeyringStore`."""
        self._write("add", to, wraps)

    def drop(self) -> None:
        """See `KeyringStore`."""
        self._scripts.guarded(lambda: self._scripts.client.delete(self._name))

    def _write(self, how: str, id_: str, fields: Fields) -> Fields:
        flat = [part for field in fields.items() for part in field]
        reply = self._scripts.evaluate("envelope", [self._name], [how, id_, *flat], replicas=self._replicas)
        found = cast("list[bytes]", reply)
        return {name.decode(): value for name, value in zip(found[::2], found[1::2], strict=True)}
