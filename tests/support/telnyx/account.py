"""What Telnyx tells about an account: balance, messaging profiles, numbers, the public key.

After the response models of Telnyx's SDK; `/public_key` after Telnyx's answer to it, for which the SDK
has no model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.telnyx.messages import ORGANIZATION, PROFILE

NUMBER = "+12025550100"
THEN = "2026-01-23T18:10:02.574+00:00"


class FakeAccount:
    """One account. A test changes it in place: `account.profiles[PROFILE]["enabled"] = False`.

    Attributes:
        balance: `data` of GET /balance.
        profiles: `data` of GET /messaging_profiles/{id}, by id.
        numbers: The profile's id, or None, of every number of the account.
        public_key: As the portal shows it; None where Telnyx does not tell.
    """

    def __init__(self, public_key: str) -> None:
        self.balance = {
            "record_type": "balance",
            "pending": "10.00",
            "balance": "300.00",
            "credit_limit": "100.00",
            "available_credit": "400.00",
            "currency": "USD",
        }
        self.profiles: dict[str, dict[str, Any]] = {PROFILE: messaging_profile()}
        self.numbers: dict[str, str | None] = {NUMBER: PROFILE}
        self.public_key: str | None = public_key

    def answer(self, path: str, query: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
        """Return the answer to a GET, or None where there is nothing at this path.

        Args:
            path: Without `/v2`.
            query: Its parameters, as `parse_qs` returns them.
        """
        match path.strip("/").split("/"):
            case ["balance"]:
                return {"data": self.balance}
            case ["public_key"] if self.public_key is not None:
                return {
                    "data": {
                        "public": self.public_key,
                        "record_type": "public_key",
                        "organization_id": ORGANIZATION,
                    }
                }
            case ["messaging_profiles"]:
                return _page(list(self.profiles.values()), query)
            case ["messaging_profiles", id_] if id_ in self.profiles:
                return {"data": self.profiles[id_]}
            case ["phone_numbers", "messaging"]:
                wanted = query.get("filter[phone_number]", [",".join(self.numbers)])[0].split(",")
                found = [number for number in self.numbers if number in wanted]
                return _page([messaging_settings(number, self.numbers[number]) for number in found], query)
        return None


def messaging_profile() -> dict[str, Any]:
    """Return a profile that texts the US only, and may spend 50 USD a day."""
    return {
        "record_type": "messaging_profile",
        "id": PROFILE,
        "organization_id": ORGANIZATION,
        "name": "Profile for Messages",
        "enabled": True,
        "webhook_url": None,
        "webhook_failover_url": None,
        "webhook_api_version": "2",
        "whitelisted_destinations": ["US"],
        "number_pool_settings": None,
        "url_shortener_settings": None,
        "alpha_sender": None,
        "daily_spend_limit": "50.00",
        "daily_spend_limit_enabled": True,
        "mms_fall_back_to_sms": False,
        "mms_transcoding": False,
        "mobile_only": False,
        "smart_encoding": False,
        "redaction_enabled": True,
        "redaction_level": 2,
        "v1_secret": "rP1VamejkU2v0qIUxntqLW2c",
        "created_at": THEN,
        "updated_at": THEN,
    }


def number_pool() -> dict[str, Any]:
    """Return `number_pool_settings` of a profile whose pool is on."""
    return {
        "toll_free_weight": 10,
        "long_code_weight": 1,
        "skip_unhealthy": True,
        "sticky_sender": False,
        "geomatch": False,
    }


def messaging_settings(number: str, profile: str | None) -> dict[str, Any]:
    """Return a number with its messaging settings."""
    return {
        "record_type": "messaging_settings",
        "id": "1293384261075731499",
        "phone_number": number,
        "messaging_profile_id": profile,
        "organization_id": ORGANIZATION,
        "country_code": "US",
        "type": "longcode",
        "messaging_product": "A2P",
        "traffic_type": "A2P",
        "eligible_messaging_products": ["A2P"],
        "features": {
            "sms": {"domestic_two_way": True, "international_inbound": True, "international_outbound": True},
            "mms": None,
        },
        "health": {"message_count": 122, "inbound_outbound_ratio": 0.43, "success_ratio": 0.94, "spam_ratio": 0.06},
        "tags": [],
        "created_at": THEN,
        "updated_at": THEN,
    }


def _page(rows: list[dict[str, Any]], query: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    size = int(query.get("page[size]", ["20"])[0])
    meta = {"page_number": 1, "page_size": size, "total_pages": -(-len(rows) // size), "total_results": len(rows)}
    return {"data": rows[:size], "meta": meta}
