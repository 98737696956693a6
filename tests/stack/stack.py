"""Three replicas, one store, one Telnyx."""

import json
from contextlib import ExitStack
from typing import Any

from tests.store.engines import TOLD
from tests.support.processes import LONG_SECONDS, wait_until
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess, together
from tests.support.telnyx import FakeTelnyx

PUBLIC = "https://verify.example.com"
FROM = "+13125550001"
# Of service/store/key_names.py:
PAUSE = "{tp}:p"  # u is until when, in ms
SENDER = "{tp}:f"  # when it is free, in ms
RECORDS = "{tp}:v:*"  # b is when it was begun, l when it was sent last, in ms
# Of one Telnyx that is told to hold its answers, and one that answers as soon as it can.
HOLDING = {"service.sender.telnyx.ANSWER_SECONDS": LONG_SECONDS, "service.sender.telnyx.WHOLE_SECONDS": LONG_SECONDS}
PATIENT = HOLDING | {"service.verification.outbox.PATIENCE_SECONDS": LONG_SECONDS}
HASTY = HOLDING | {"service.verification.outbox.PATIENCE_SECONDS": 0.01}


def settings_for(store: StoreServer, telnyx: FakeTelnyx) -> dict[str, str]:
    """Return the environment of a replica. Budgets of many numbers are only watched: one test is one address."""
    return {
        "TEXTPROOF_SENDER": "telnyx",
        "TEXTPROOF_API_KEY": telnyx.api_key,
        "TEXTPROOF_FROM_NUMBER": FROM,
        "TEXTPROOF_TELNYX_BASE_URL": telnyx.base_url,
        "TEXTPROOF_TELNYX_PUBLIC_KEY": telnyx.public_key,
        "TEXTPROOF_PUBLIC_URL": PUBLIC,
        "TEXTPROOF_REDIS_URL": store.url,
        "TEXTPROOF_SECRET_KEY": "0123456789abcdef" * 2,
        "TEXTPROOF_LIMITS_MODE": "observe",
    }


class Stack:
    """Runs until `ends` does.

    Attributes:
        one: The replica that Telnyx's webhooks come to.
        other: The second one. A request waits for Telnyx's answer, however long that takes.
        hasty: A third, whose requests do not.
    """

    def __init__(self, ends: ExitStack) -> None:
        self.store = ends.enter_context(StoreServer())
        self.telnyx = ends.enter_context(FakeTelnyx())
        self.settings = settings_for(self.store, self.telnyx)
        replicas = [ServiceProcess(self.settings, seconds=seconds) for seconds in (PATIENT, PATIENT, HASTY)]
        self.one, self.other, self.hasty = ends.enter_context(together(replicas))
        self._read: dict[int, int] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.store.flush()
        self.telnyx.clear()
        self.telnyx.webhooks = self.telnyx.disorder = False
        self.telnyx.receipt = "delivered"
        self.telnyx.webhook_origin = self.one.url
        self._read = {replica.port: len(replica.log()) for replica in (self.one, self.other, self.hasty)}

    def settle(self) -> None:
        """Let what is under way come to its end, so that the next test has its peace."""
        self.telnyx.clear()
        self.telnyx.await_webhooks()
        wait_until(lambda: not self.telnyx.held, what="nothing hangs")

    def lines(self, event: str, replica: ServiceProcess | None = None) -> list[dict[str, Any]]:
        """Return what a replica (the first one) has logged of an event since the test began."""
        chosen = replica or self.one
        written = chosen.log()[self._read[chosen.port] :]
        lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def await_line(self, event: str, replica: ServiceProcess | None = None) -> dict[str, Any]:
        """Return the first line of an event, as soon as it is there."""
        wait_until(lambda: self.lines(event, replica), what=f"{event} is logged")
        return self.lines(event, replica)[0]

    def end_pause(self) -> None:
        """Let the time of a pause be over, as if it had passed: what comes next is a trial."""
        assert self.store.ask("HGET", PAUSE, "u") is not None, "nothing is paused"
        self.store.ask("HSET", PAUSE, "u", 1)

    def lift_pause(self) -> None:
        """Forget that there was a pause."""
        self.store.ask("DEL", PAUSE)

    def end_wait(self) -> None:
        """Let the wait of the only verification for its next message be over, as if it had passed."""
        [record] = self.keys(RECORDS)
        self.store.ask("HSET", record, "l", int(self.store.ask("HGET", record, "b")) - 60_000)

    def keys(self, pattern: str = "*") -> list[str]:
        """Return the name of every key like this that decides anything."""
        found: list[str] = self.store.ask("KEYS", pattern)
        return sorted(name for name in found if name.split(":")[1] not in TOLD)
