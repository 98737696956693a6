"""A fake Telnyx: the carrier's side of a send and of its receipts, over real sockets.

It accepts what Telnyx accepts, refuses as Telnyx refuses, fails as networks fail, and signs its
webhooks. The real SDK talks to it unchanged; Telnyx's OpenAPI keeps its answers honest.

    with FakeTelnyx() as telnyx:
        client = telnyx_sdk.Telnyx(api_key=telnyx.api_key, base_url=telnyx.base_url)
        telnyx.answer("40333")

| module | knows |
|---|---|
| `errors` | Telnyx's error codes and how they come |
| `messages` | what a send must look like, and the answer to a good one |
| `webhooks` | events and their signatures |
| `account` | what a GET tells about the account |
| `fake` | the server: records, scripts, magic numbers, faults |
"""

from tests.support.telnyx.errors import ERRORS, RECEIPT_ERRORS, TelnyxError
from tests.support.telnyx.fake import FAULTS, MAGIC_NUMBERS, FakeTelnyx, Recorded, number_for
from tests.support.telnyx.messages import accepted_message
from tests.support.telnyx.webhooks import Delivery, delivered, event, failed, received, sent, unconfirmed

__all__ = [
    "ERRORS",
    "FAULTS",
    "MAGIC_NUMBERS",
    "RECEIPT_ERRORS",
    "Delivery",
    "FakeTelnyx",
    "Recorded",
    "TelnyxError",
    "accepted_message",
    "delivered",
    "event",
    "failed",
    "number_for",
    "received",
    "sent",
    "unconfirmed",
]
