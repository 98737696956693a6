"""Events as Telnyx posts them, and the signature that proves them.

Signed is `timestamp + "|" + raw body`, with Ed25519; the public key is 32 bytes in base64, as the
portal shows it.
"""

import base64
import copy
import http.client
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.processes import LONG_SECONDS
from tests.support.telnyx.errors import RECEIPT_ERRORS
from tests.support.telnyx.messages import ORGANIZATION, PROFILE, moment

ATTEMPTS = 3  # Telnyx's, for each URL
BACKOFF_SECONDS = 0.1  # ours, doubled each time; Telnyx waits longer


@dataclass(frozen=True)
class Delivery:
    """One POST of an event. `status` is None where no answer came in time."""

    event: dict[str, Any]
    attempt: int
    status: int | None


class Signer:
    """Holds the key pair of a fake Telnyx."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        raw = self._key.public_key().public_bytes_raw()
        self.public_key = base64.b64encode(raw).decode()

    def headers(self, body: bytes, timestamp: int | str | None = None) -> dict[str, str]:
        """Return the two headers that prove `body`; `timestamp` in unix seconds, now where None."""
        stamp = str(int(time.time()) if timestamp is None else timestamp)
        signature = self._key.sign(stamp.encode() + b"|" + body)
        return {"telnyx-signature-ed25519": base64.b64encode(signature).decode(), "telnyx-timestamp": stamp}


def event(event_type: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event around the payload, under a new id. Post it twice for a duplicate."""
    return {
        "data": {
            "event_type": event_type,
            "id": str(uuid.uuid4()),
            "occurred_at": moment(datetime.now(UTC)),
            "payload": dict(payload),
            "record_type": "event",
        },
        "meta": {"attempt": 1, "delivered_to": payload.get("webhook_url")},
    }


def sent(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return `message.sent`: handed to the carrier.

    Args:
        message: As `accepted_message` returns it and as `FakeTelnyx.messages` keeps it.
    """
    payload = _with_status(message, "sent")
    payload["sent_at"] = moment(datetime.now(UTC))
    return event("message.sent", payload)


def delivered(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return `message.finalized`: the phone has it."""
    return event("message.finalized", _final(message, "delivered"))


def unconfirmed(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return `message.finalized`: no receipt came from the carrier; often it was delivered."""
    return event("message.finalized", _final(message, "delivery_unconfirmed"))


def failed(message: Mapping[str, Any], code: str = "40008", *, status: str = "delivery_failed") -> dict[str, Any]:
    """Return `message.finalized`: not delivered, for the reason with this code.

    Args:
        message: As for `sent`.
        code: A key of `RECEIPT_ERRORS`, or any other for one that nobody knows.
        status: Or `sending_failed`, where it never left Telnyx.
    """
    title, detail = RECEIPT_ERRORS.get(code, ("Unknown error", "Something else went wrong."))
    payload = _final(message, status)
    payload["errors"] = [{"code": code, "title": title, "detail": detail}]
    return event("message.finalized", payload)


def received(text: str, *, sender: str, to: str = "+13125550001", autoresponse: str | None = None) -> dict[str, Any]:
    """Return `message.received`: somebody wrote to us.

    Args:
        text: What they wrote.
        sender: Who wrote.
        to: Our number.
        autoresponse: `STOP`, `START` or `HELP`, where Telnyx took the text for one.
    """
    payload: dict[str, Any] = {
        "record_type": "message",
        "direction": "inbound",
        "id": str(uuid.uuid4()),
        "type": "SMS",
        "messaging_profile_id": PROFILE,
        "organization_id": ORGANIZATION,
        "from": {"phone_number": sender, "carrier": "T-Mobile USA", "line_type": "Wireless"},
        "to": [{"phone_number": to, "carrier": "Telnyx", "line_type": "Wireless", "status": "webhook_delivered"}],
        "text": text,
        "encoding": "GSM-7",
        "parts": 1,
        "media": [],
        "tags": [],
        "errors": [],
        "cost": {"amount": "0.0000", "currency": "USD"},
        "received_at": moment(datetime.now(UTC)),
        "sent_at": None,
        "completed_at": None,
        "valid_until": None,
        "webhook_url": None,
        "webhook_failover_url": None,
    }
    if autoresponse is not None:
        payload["autoresponse_type"] = autoresponse
    return event("message.received", payload)


def _with_status(message: Mapping[str, Any], status: str) -> dict[str, Any]:
    payload = copy.deepcopy(dict(message))
    payload["to"][0]["status"] = status
    payload.pop("wait_seconds", None)  # belongs to the answer of a send
    return payload


def _final(message: Mapping[str, Any], status: str) -> dict[str, Any]:
    payload = _with_status(message, status)
    now = moment(datetime.now(UTC))
    payload["sent_at"] = payload["sent_at"] or now
    payload["completed_at"] = now
    payload["from"]["status"] = "webhook_delivered"
    return payload


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
    """POST once and return the status, or None where none came. Telnyx itself waits for 2 s, whatever the load."""
    where = urlsplit(url)
    path = (where.path or "/") + (f"?{where.query}" if where.query else "")
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=LONG_SECONDS)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def deliver(signer: Signer, url: str, occurred: Mapping[str, Any]) -> list[Delivery]:
    """POST an event until a 2xx comes, as often as Telnyx would. A redirect counts as a failure."""
    made: list[Delivery] = []
    for attempt in range(1, ATTEMPTS + 1):
        told = {**occurred, "meta": {"attempt": attempt, "delivered_to": url}}
        body = json.dumps(told).encode()
        status = post(url, body, signer.headers(body))
        made.append(Delivery(told, attempt, status))
        if status is not None and 200 <= status < 300:
            break
        time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
    return made
