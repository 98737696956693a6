"""No start in the last tenth of Redis's memory: it is for codes that are already on their way."""

import mmap

from flask import Flask, Response, request

from ..verification.errors import StoreUnavailable
from ..verification.ports import Store

FULL = 0.9  # of maxmemory; ours: what is left serves the checks of ten minutes
BEGINNINGS = frozenset({"pages.request", "pages.resend", "api.start", "api.resend"})


def protect(app: Flask, store: Store) -> None:
    """Refuse what would begin something while memory is short, as the latest `/readyz` found it in any worker."""
    is_full = mmap.mmap(-1, 1)  # shared by the processes that are forked later

    @app.after_request
    def look(response: Response) -> Response:
        if request.endpoint == "health.readyz":
            is_full[0] = store.memory_used() >= FULL
        return response

    @app.before_request
    def refuse() -> None:
        if is_full[0] and request.endpoint in BEGINNINGS:
            raise StoreUnavailable("memory is short")
