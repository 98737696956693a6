"""Applications with keys, in front of the real service.

| fixture | is |
|---|---|
| `add_client` | makes an application's key: `add_client("shop", redirect_uris=(…,))` |
| `shop`, `rival` | two applications at the same service, as an `Application` |
"""

import functools
import os
from collections.abc import Callable

import pytest

from service.commands.keys import ClientKeys
from service.web import oidc_keys
from tests.api.application import REDIRECT_URI, RIVAL_URI, Application

collect_ignore = [] if os.environ.get("EXAMPLES") else ["test_libraries.py"]  # which says when


@pytest.fixture
def add_client(store, clock, settings) -> Callable[..., str]:
    return functools.partial(ClientKeys(store, settings()).add, now=clock())


@functools.cache
def _made():
    return oidc_keys.made()


@pytest.fixture(autouse=True)
def made_once(monkeypatch) -> None:
    """Making an RSA key takes longer than most tests do."""
    keys = _made()
    monkeypatch.setattr(oidc_keys, "made", lambda: list(keys))


@pytest.fixture
def shop(app, add_client) -> Application:
    return Application(app.test_client(), add_client("shop", redirect_uris=(REDIRECT_URI,)))


@pytest.fixture
def rival(app, add_client) -> Application:
    return Application(app.test_client(), add_client("rival", redirect_uris=(RIVAL_URI,)))
