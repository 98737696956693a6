"""The fake account answers as Telnyx does: the SDK's own models take every answer whole, and know every field of it."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.support.telnyx.account import NUMBER, number_pool
from tests.support.telnyx.messages import PROFILE

ANSWERS = {
    "balance": lambda client: client.balance.retrieve(),
    "a profile": lambda client: client.messaging_profiles.retrieve(PROFILE),
    "profiles": lambda client: client.messaging_profiles.list(page_size=1),
    "a number": lambda client: client.phone_numbers.messaging.list(filter_phone_number=NUMBER),
}


@pytest.fixture
def sdk() -> Any:
    """Imported here, because it takes two seconds that other tests should not wait for."""
    return import_module("telnyx")


@pytest.fixture
def client(telnyx, sdk) -> Iterator[Any]:
    with sdk.Telnyx(
        api_key=telnyx.api_key, base_url=telnyx.base_url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)
def test_the_sdk_knows_the_answer(client, sdk, telnyx, ask):
    telnyx.account.profiles[PROFILE]["number_pool_settings"] = number_pool()

    answer = ask(client)

    assert answer.data
    assert list(_unknown(sdk, answer)) == []


def test_the_public_key_is_found_where_telnyx_has_it(client, telnyx):
    answer = client.get("/public_key", cast_to=object)

    assert answer["data"]["public"] == telnyx.public_key


def test_a_number_is_found_alone(client, telnyx):
    telnyx.account.numbers |= {"+12025550101": None}

    assert [one.phone_number for one in client.phone_numbers.messaging.list(filter_phone_number=NUMBER)] == [NUMBER]


def _unknown(sdk: Any, answer: Any) -> Iterator[str]:
    """Name the fields that no model declares, at any depth; `meta` of a page has more than the SDK reads."""
    if isinstance(answer, list):
        for item in answer:
            yield from _unknown(sdk, item)
    elif isinstance(answer, sdk.BaseModel):
        yield from answer.model_extra or {}
        for name in type(answer).model_fields:
            if name != "meta":
                yield from _unknown(sdk, getattr(answer, name))
