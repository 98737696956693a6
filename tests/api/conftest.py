"""Applications with keys, in front of the real service.

| fixture | is |
|---|---|
| `add_client` | makes an application's key: `add_client("shop", return_urls=[…])` |
| `shop`, `rival` | two applications at the same service, as an `Application` |
"""

import os
from collections.abc import Callable

import pytest

from service.clients import ClientKeys
from tests.api.application import RETURN_URL, Application

collect_ignore = [] if os.environ.get("EXAMPLES") else ["test_jose.py"]  # which says when


@pytest.fixture
def add_client(store, clock) -> Callable[..., str]:
    def add(name: str, *, regions=(), return_urls=(), quota=()) -> str:
        keys = ClientKeys(store)
        return keys.add(name, regions=regions, return_urls=return_urls, quota=quota, now=clock())

    return add


@pytest.fixture
def shop(app, add_client) -> Application:
    return Application(app.test_client(), add_client("shop", return_urls=[RETURN_URL]))


@pytest.fixture
def rival(app, add_client) -> Application:
    return Application(app.test_client(), add_client("rival", return_urls=["https://rival.example.com/back"]))
