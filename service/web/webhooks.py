"""`POST /webhooks/telnyx`. Nothing that comes here can make a number verified."""

import logging
from collections.abc import Callable
from contextlib import suppress

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from ..verification.errors import ForgedReceipt, UnknownVerification
from ..verification.ports import OptOut, Receipt
from ..verification.verifier import Verifier

log = logging.getLogger("textproof")

BODY_MAX = 65_536  # bytes; ours: the samples have 1,600

ReadWebhook = Callable[[bytes, str, str, str], Receipt | OptOut | None]
"""Takes the body, what signs it and when, and the `send` of the address; raises ForgedReceipt."""


def routes(verifier: Verifier, read: ReadWebhook) -> Blueprint:
    """Return the route. The carrier tells again what is not answered with a 2xx within 2 s."""
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.post("/webhooks/telnyx")
    def telnyx() -> ResponseReturnValue:
        request.max_content_length = BODY_MAX
        raw = request.get_data()
        signature = request.headers.get("telnyx-signature-ed25519", "")
        timestamp = request.headers.get("telnyx-timestamp", "")
        try:
            news = read(raw, signature, timestamp, request.args.get("send", ""))
        except ForgedReceipt as error:
            log.warning("webhook_refused", extra={"why": str(error)})
            raise
        if news is not None:
            with suppress(UnknownVerification):  # it has ended: nobody waits for this
                verifier.receive(news)
        return "", 204

    return blueprint
