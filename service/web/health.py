"""`/livez` and `/readyz`: is the process up, and does its store take writes?"""

import logging
import mmap
import re
import time
from concurrent.futures import ThreadPoolExecutor

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue

from ..verification.envelope import Keys
from ..verification.errors import StoreUnavailable
from ..verification.ports import Store

log = logging.getLogger("textproof")

AGAIN_SECONDS = 60  # ours: a replica that stays as it is says so once a minute, not at each probe


def watch(app: Flask, store: Store, keys: Keys) -> None:
    """Add `/livez`, which touches nothing, and `/readyz`, which asks the store.

    `app.extensions["drain"]` is called before the service stops: from then on `/readyz`
    answers 503 in all workers, so that the balancer sends no more.
    """
    draining = mmap.mmap(-1, 1)  # shared by the processes that are forked later
    app.extensions["drain"] = lambda: draining.__setitem__(0, 1)
    changes = Changes()
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/livez")
    def livez() -> ResponseReturnValue:
        return {"status": "live"}

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        found = ["this replica is stopping"] if draining[0] else faults(store, keys)
        changes.note(found)
        if not found:
            return {"status": "ready"}
        return {"status": "not ready", "faults": found}, 503, {"Retry-After": "1"}

    app.register_blueprint(blueprint)


def faults(store: Store, keys: Keys | None = None) -> list[str]:
    """Return what keeps a replica from being sent requests: for `/readyz`, and without its keyring for the doctor.

    Everything is asked at once: a balancer waits a second for the answer, and Redis may be slow.
    """
    try:
        with ThreadPoolExecutor(1) as beside:
            asked = beside.submit(store.ready)
            if keys is not None:
                keys.read_again()
            return asked.result()
    except StoreUnavailable as error:
        return [str(error)]


class Changes:
    """Logs whether this process is ready when that changes, and while it is not, once in AGAIN_SECONDS."""

    def __init__(self) -> None:
        self._kinds: list[str] = []
        self._at = 0.0

    def note(self, found: list[str]) -> None:
        """Log what was found, if it is to be logged."""
        kinds = [re.sub(r"[-+.0-9]+", "", fault) for fault in found]  # another figure is no other fault
        if kinds == self._kinds and (not found or time.monotonic() < self._at + AGAIN_SECONDS):
            return
        self._kinds, self._at = kinds, time.monotonic()
        if found:
            log.warning("not_ready", extra={"faults": found})
        else:
            log.info("ready_again")
