"""What Telnyx asks of a send, and what it answers to a good one.

After the schemas `CreateMessageRequest` and `OutboundMessagePayload` of Telnyx's OpenAPI.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tests.support.telnyx.errors import ERRORS, TelnyxError

PROFILE = "83d2343b-553f-4c5f-b8c8-fd27004f94bf"
ORGANIZATION = "9d76d591-1b7d-405d-8c64-1320ee070245"

E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
SHORT_CODE = re.compile(r"[0-9]{4,8}", re.ASCII)
ALPHA_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", re.ASCII)

TEXTS = ("to", "from", "text", "messaging_profile_id", "subject", "webhook_url", "webhook_failover_url")
FLAGS = ("auto_detect", "use_profile_webhooks")
CHOICES = {"type": ("SMS", "MMS"), "encoding": ("auto", "gsm7", "ucs2")}

# GSM 03.38; those of the second line count as two characters.
GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_TWO = set("^{}\\[~]|€\f")


def fault_of(body: Any) -> TelnyxError | None:
    """Return what Telnyx would refuse in this request, or None."""
    if not isinstance(body, dict):
        return ERRORS["10015"]
    if body.get("to") is None:
        return ERRORS["10004"]
    return _wrong_type(body) or _wrong_value(body)


def _wrong_type(body: Mapping[str, Any]) -> TelnyxError | None:
    for name, value in body.items():
        fits = (
            (name not in TEXTS or isinstance(value, str))
            and (name not in FLAGS or isinstance(value, bool))
            and (name not in CHOICES or value in CHOICES[name])
        )
        if not fits:
            return replace(ERRORS["10023"], status=422, pointer=f"/{name}")
    return None


def _wrong_value(body: Mapping[str, Any]) -> TelnyxError | None:
    sender, profile = body.get("from"), body.get("messaging_profile_id")
    text = body.get("text", "")
    if not (E164.fullmatch(body["to"]) or SHORT_CODE.fullmatch(body["to"])):
        return ERRORS["40310"]
    if sender is None and profile is None:
        return replace(ERRORS["10004"], pointer="/from")
    if sender is not None and not _can_send(sender, profile):
        return ERRORS["40305"]
    if not text and not body.get("media_urls"):
        return ERRORS["40316"]
    if body.get("encoding") == "gsm7" and encoding_of(text) != "GSM-7":
        return replace(ERRORS["40009"], detail="The text has characters outside GSM-7.")
    if parts_of(text) > 10:
        return ERRORS["40302"]
    for name in ("webhook_url", "webhook_failover_url"):
        if name in body and urlsplit(body[name]).scheme not in ("http", "https"):
            return replace(ERRORS["10015"], status=422, pointer=f"/{name}")
    return None


def _can_send(sender: str, profile: str | None) -> bool:
    number = E164.fullmatch(sender) or SHORT_CODE.fullmatch(sender)
    return bool(number or (profile is not None and ALPHA_SENDER.fullmatch(sender)))


def encoding_of(text: str) -> str:
    """Return `GSM-7` or `UCS-2`."""
    return "GSM-7" if set(text) <= GSM7 | GSM7_TWO else "UCS-2"


def parts_of(text: str) -> int:
    """Return how many segments carry the text: 160 or 153 characters each, 70 or 67 in UCS-2."""
    if encoding_of(text) == "GSM-7":
        length, alone, each = len(text) + sum(one in GSM7_TWO for one in text), 160, 153
    else:
        length, alone, each = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // each)


def accepted_message(body: Mapping[str, Any], *, wait_seconds: float = 0.0) -> dict[str, Any]:
    """Return `data` of the answer to a send: queued, under a new id.

    Args:
        body: The request; at least `to`.
        wait_seconds: How long the message stays queued for a rate limit.
    """
    text = body.get("text", "")
    parts = parts_of(text)
    now = datetime.now(UTC)
    return {
        "record_type": "message",
        "direction": "outbound",
        "id": str(uuid.uuid4()),
        "type": body.get("type", "SMS"),
        "messaging_profile_id": body.get("messaging_profile_id", PROFILE),
        "organization_id": ORGANIZATION,
        "from": {"phone_number": body.get("from", "+13125550001"), "carrier": "Telnyx", "line_type": "Wireless"},
        "to": [
            {"phone_number": body["to"], "status": "queued", "carrier": "T-MOBILE USA, INC.", "line_type": "Wireless"}
        ],
        "cc": [],
        "text": text,
        "subject": body.get("subject"),
        "encoding": encoding_of(text),
        "num_chars": len(text),
        "parts": parts,
        "media": [],
        "tags": [],
        "errors": [],
        "cost": _usd(0.0051 * parts),
        "cost_breakdown": {"carrier_fee": _usd(0.00305 * parts), "rate": _usd(0.00205 * parts)},
        "received_at": moment(now),
        "sent_at": None,
        "completed_at": None,
        "valid_until": moment(now + timedelta(hours=1)),
        "wait_seconds": wait_seconds,
        "webhook_url": body.get("webhook_url"),
        "webhook_failover_url": body.get("webhook_failover_url"),
        "tcr_campaign_id": "CNZO3VL",
        "tcr_campaign_billable": True,
        "tcr_campaign_registered": "REGISTERED",
    }


def _usd(amount: float) -> dict[str, str]:
    return {"amount": f"{amount:.5f}".rstrip("0"), "currency": "USD"}


def moment(when: datetime) -> str:
    """Return the moment as Telnyx writes it, milliseconds and offset included."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds")
