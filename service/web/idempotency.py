"""`Idempotency-Key`: the same request again gets the same answer, and nothing is done twice.

The answer of a request that changed something is kept sealed, under a keyed digest of client, route and key: of a start
for a day, of everything else for an hour. One that says "come back later" is not kept: the same
request may succeed then.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..verification.envelope import Keys
from ..verification.errors import StoreUnavailable, VerificationError
from ..verification.ports import Notes
from .problems import Refused, as_content

KEPT_SECONDS = 86_400  # the answer to a start
KEPT_SECONDS_OF_OTHERS = 3_600  # ours: what they are about is over within ten minutes
ALLOWANCE = 20_000  # requests with a key in an hour, of one application; ours: 12 MB of Redis
ALLOWANCE_SECONDS = 3_600
AT_WORK_SECONDS = 30  # ours: longer than any request takes; then that replica is taken to be dead
RETRY_SECONDS = 1
DIGEST = 22  # characters
AT_WORK, DONE = b"?", b"="
CREATED, ERRORS, FAULTS = 201, 400, 500
CHANGING = frozenset({"token_rejected", "locked", "send_refused"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    content: dict[str, Any]
    is_replay: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the same request would be answered the same later."""
        return self.status < FAULTS and "retry_after" not in self.content

    @property
    def has_changed(self) -> bool:
        """Whether the request changed something. What did not is answered anew: keeping it would cost memory."""
        return self.status < ERRORS or self.content.get("code") in CHANGING


Act = Callable[[str], Reply]
"""Does what was asked for; takes the name of the request, or "" when it has none."""


class Idempotency:
    """Sees to it that requests with a key are carried out once."""

    def __init__(self, notes: Notes, keys: Keys) -> None:
        """Take where answers are kept, and what seals them."""
        self._notes = notes
        self._keys = keys

    def spend(self, client: str) -> None:
        """Count one more thing that an application has us remember.

        Raises:
            Refused: It had us remember too much within the hour.
        """
        name = self._digest("allowance", client)
        many = self._keys.using(lambda keyring: self._notes.count(name, keyring=keyring.id, seconds=ALLOWANCE_SECONDS))
        if many > ALLOWANCE:
            raise Refused("too_many_requests", retry_after=ALLOWANCE_SECONDS)

    def answer(self, key: str | None, client: str, path: str, fields: Mapping[str, str], act: Act) -> Reply:
        """Return what `act` returns, or what it returned to the same request before.

        Args:
            key: As the client sent it; None when it sent none.
            client: Who asks.
            path: For what.
            fields: The body: with the same key it has to be the same.
            act: Does it.

        Raises:
            Refused: The key is none, came with another body, or its first request is still being worked on.
        """
        if key is None:
            return _reply_of(act, "")
        if not 0 < len(key) <= 255 or not (key.isascii() and key.isprintable()):  # noqa: PLR2004 - as its words say
            raise Refused("bad_idempotency_key")
        self.spend(client)
        name = self._digest("name", f"{client} {path} {key}")
        body = self._digest("body", json.dumps(fields, sort_keys=True)).encode()
        before = self._claim(name, body + AT_WORK + secrets.token_bytes(12))
        if before is not None:
            return self._earlier(before, body)
        reply = None
        try:
            reply = _reply_of(act, name)
        finally:
            with suppress(StoreUnavailable):  # the claim ends by itself, and the verb knows the request by its name
                if reply is not None and reply.is_final and reply.has_changed:
                    content = json.dumps([reply.status, reply.content]).encode()
                    self._keep(
                        name, body + DONE + self._keys.sealed("idempotency", content), is_start=reply.status == CREATED
                    )
                else:
                    self._notes.drop(name)
        return reply

    def _earlier(self, note: bytes, body: bytes) -> Reply:
        if not hmac.compare_digest(note[:DIGEST], body):
            raise Refused("idempotency_conflict")
        if note[DIGEST : DIGEST + 1] == AT_WORK:
            raise Refused("in_flight", retry_after=RETRY_SECONDS)
        kept = self._keys.unsealed("idempotency", note[DIGEST + 1 :])
        if kept is None:
            raise StoreUnavailable("the answer was sealed under another keyring")
        status, content = json.loads(kept)
        return Reply(status, content, is_replay=True)

    def _claim(self, name: str, note: bytes) -> bytes | None:
        return self._keys.using(
            lambda keyring: self._notes.claim(name, note, keyring=keyring.id, seconds=AT_WORK_SECONDS)
        )

    def _keep(self, name: str, note: bytes, *, is_start: bool) -> None:
        seconds = KEPT_SECONDS if is_start else KEPT_SECONDS_OF_OTHERS
        self._keys.using(lambda keyring: self._notes.write(name, note, keyring=keyring.id, seconds=seconds))

    def _digest(self, purpose: str, text: str) -> str:
        key = self._keys().derive(f"idempotency {purpose}")
        return urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).decode()[:DIGEST]


def _reply_of(act: Act, name: str) -> Reply:
    try:
        return act(name)
    except (VerificationError, Refused) as error:
        return Reply(*as_content(error))
