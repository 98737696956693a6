"""Telnyx's webhooks: delivery receipts, and the STOP and START of people.

Only what Telnyx signed within the last five minutes is believed.
"""

import base64
import logging
import re
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .. import strict_json
from ..verification.envelope import Keys
from ..verification.errors import Delivery, ForgedReceipt
from ..verification.phone import as_texted
from ..verification.ports import Carrier, OptOut, Receipt
from .error_codes import UNREACHABLE, error_in, facts_of, meaning_of

log = logging.getLogger("textproof.telnyx")

NAME = re.compile("[A-Za-z0-9-]{1,64}")  # ours: Telnyx's are UUIDs
TOLERANCE_SECONDS = 300  # Telnyx, "Receiving webhooks"
STATUSES = {
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "delivery_unconfirmed": Delivery.UNCONFIRMED,
    "expired": Delivery.UNREACHABLE,
    "sending_failed": Delivery.UNREACHABLE,
    "delivery_failed": Delivery.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class TelnyxReceipts:
    """Reads webhooks, and makes the address that they come to."""

    public_key: Ed25519PublicKey
    address: str
    """Of the webhook, as Telnyx reaches it."""
    keys: Keys
    clock: Callable[[], float]

    @classmethod
    def with_key(cls, public_key: str, *, address: str, keys: Keys, clock: Callable[[], float]) -> "TelnyxReceipts":
        """Take the key as Telnyx's portal shows it: base64 of 32 bytes. Raises ValueError when it is not."""
        raw = base64.b64decode(public_key, validate=True)
        return cls(Ed25519PublicKey.from_public_bytes(raw), address, keys, clock)

    def url(self, id_: str) -> str:
        """Return the address for receipts of a verification.

        It carries the id sealed, so that a receipt is understood even when the answer to its send was lost, and the
        address tells nobody anything.
        """
        return f"{self.address}?send={quote(self.keys.sealed('receipt', id_.encode()))}"

    def read(self, raw: bytes, signature: str, timestamp: str, send: str) -> Receipt | OptOut | None:
        """Return what a webhook tells; None when that is nothing to us.

        Args:
            raw: The body as it came.
            signature: base64 of 64 bytes.
            timestamp: When it was signed, in seconds since 1970.
            send: Of the address.

        Raises:
            ForgedReceipt: It is not Telnyx's.
        """
        self._prove(raw, signature, timestamp)
        try:
            event = strict_json.read(raw)["data"]
            payload = event["payload"]
            if event["event_type"] == "message.received":
                return _opt_out(event, payload)
            return self._receipt(event, payload, send)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            log.error("webhook_unreadable", extra={"cause": type(error).__name__})
            return None

    def _prove(self, raw: bytes, signature: str, timestamp: str) -> None:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):  # noqa: PLR2004 - digits
            raise ForgedReceipt("no timestamp")
        if abs(self.clock() - int(timestamp)) > TOLERANCE_SECONDS:
            raise ForgedReceipt("too old, or a clock is wrong")
        try:
            self.public_key.verify(base64.b64decode(signature, validate=True), timestamp.encode() + b"|" + raw)
        except (NotBase64, InvalidSignature, ValueError) as error:
            raise ForgedReceipt("the signature is not Telnyx's: check TELNYX_PUBLIC_KEY") from error

    def _receipt(self, event: dict[str, Any], payload: dict[str, Any], send: str) -> Receipt | None:
        status = payload["to"][0]["status"]
        delivery = STATUSES.get(status)
        if delivery is None:
            return None
        id_ = (self.keys.unsealed("receipt", send.encode()) or b"").decode()
        pause, code = False, ""
        if delivery is Delivery.UNREACHABLE:
            code, words = error_in(payload)
            meaning = meaning_of(code, words) if code else UNREACHABLE
            facts = {"id": id_, "status": status} | facts_of(code, meaning)
            log.log(logging.ERROR if meaning.operator else logging.INFO, "telnyx_undelivered", extra=facts)
            pause = meaning.pause
            delivery = delivery if meaning.uncertain else meaning.delivery
        cost = _cost(payload) if event["event_type"] == "message.finalized" else None
        return Receipt(
            id=id_,
            event=str(event["id"]),
            delivery=delivery,
            pause=pause,
            cost=cost,
            carrier=Carrier(code, message_id_of(payload.get("id"))),
        )


def message_id_of(said: object) -> str:
    """Return Telnyx's id of a message; "" for what is none."""
    return said if isinstance(said, str) and NAME.fullmatch(said) else ""


def _cost(payload: dict[str, Any]) -> float | None:
    """Return what a message cost, where that can be read."""
    try:
        cost = float(payload["cost"]["amount"])
    except (KeyError, TypeError, ValueError):
        return None
    return cost if isfinite(cost) else None


def _opt_out(event: dict[str, Any], payload: dict[str, Any]) -> OptOut | None:
    answer = payload.get("autoresponse_type")
    if answer not in ("STOP", "START"):
        return None
    # In our spelling: whoever texts STOP means their phone, however the carrier writes its number.
    number = as_texted(str(payload["from"]["phone_number"]))
    return OptOut(number, out=answer == "STOP", event=str(event["id"]))
