"""Is the process up, and may it be trusted with requests?"""

import logging
import mmap

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue

from ..verification.envelope import Keys
from ..verification.errors import StoreUnavailable, WrongSecret
from ..verification.ports import Store

log = logging.getLogger("textproof")


def watch(app: Flask, store: Store, keys: Keys) -> None:
    """Add `/livez`, which touches nothing, and `/readyz`, which asks the store.

    `app.extensions["drain"]` is for whoever is about to stop the service: once called, `/readyz`
    says no in all workers, so that the balancer sends no more.
    """
    draining = mmap.mmap(-1, 1)  # shared by the processes that are forked later
    app.extensions["drain"] = lambda: draining.__setitem__(0, 1)
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/livez")
    def livez() -> ResponseReturnValue:
        return {"status": "live"}

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        faults = ["this replica is stopping"] if draining[0] else _faults(store, keys)
        if not faults:
            return {"status": "ready"}
        log.warning("not_ready", extra={"faults": faults})
        return {"status": "not ready", "faults": faults}, 503, {"Retry-After": "1"}

    app.register_blueprint(blueprint)


def _faults(store: Store, keys: Keys) -> list[str]:
    try:
        keys.read_again()
        return store.ready()
    except WrongSecret as error:
        return [str(error)]
    except StoreUnavailable:
        return ["Redis does not answer"]
