"""The store that nearly everybody writes first: read, compare, write. It must fail what ours passes."""

from typing import Any, Literal

Outcome = Literal["accepted", "rejected", "locked", "gone"]


class NaiveStore:
    """One hash for each verification: its token, and how many wrong ones were typed."""

    def __init__(self, client: Any, max_checks: int) -> None:
        self._client = client
        self._max_checks = max_checks

    def start(self, id_: str, token: str) -> None:
        """Remember a token."""
        self._client.hset(id_, mapping={"token": token, "checks": 0})
        self._client.expire(id_, 600)

    def check(self, id_: str, typed: str) -> Outcome:
        """Read, compare, write; everything else happens in between."""
        record = self._client.hgetall(id_)
        if not record:
            return "gone"
        checks = int(record[b"checks"])
        if checks >= self._max_checks:
            return "locked"
        if record[b"token"].decode() == typed:
            self._client.delete(id_)
            return "accepted"
        self._client.hset(id_, "checks", checks + 1)
        return "rejected"
