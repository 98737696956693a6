"""The store that nearly everybody writes first: read, compare, write. It must fail what ours passes."""

from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any, Literal

ALONE_SECONDS = 5
Outcome = Literal["accepted", "rejected", "locked", "gone"]


class NaiveStore:
    """One hash for each verification: its token, and how many wrong ones were typed.

    Who has read waits for a second one that has: some do meet there in production, and here they always do.
    """

    def __init__(self, client: Any, max_checks: int) -> None:
        self._client = client
        self._max_checks = max_checks
        self._two = Barrier(2)

    def start(self, id_: str, token: str) -> None:
        """Remember a token."""
        self._client.hset(id_, mapping={"token": token, "checks": 0})
        self._client.expire(id_, 600)

    def check(self, id_: str, typed: str) -> Outcome:
        """Read, compare, write; everything else happens in between."""
        record = self._client.hgetall(id_)
        if not record:
            return "gone"
        with suppress(BrokenBarrierError):  # the last of all may be alone
            self._two.wait(ALONE_SECONDS)
        checks = int(record[b"checks"])
        if checks >= self._max_checks:
            return "locked"
        if record[b"token"].decode() == typed:
            self._client.delete(id_)
            return "accepted"
        self._client.hset(id_, "checks", checks + 1)
        return "rejected"
