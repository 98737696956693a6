"""Applications with keys, in front of the real service.

| fixture | is |
|---|---|
| `add_client` | makes an application's key: `add_client("shop", redirect_uris=(…,))` |
| `server`, `real_store`, `add` | a store server of this file, a store on it, and what makes a key there |
| `shop`, `rival` | two applications at the same service, as an `Application` |
"""

import functools
import os
import time
from collections.abc import Callable, Iterator

import pytest

from service.commands.keys import ClientKeys
from service.store.connect import connect
from service.store.redis import RedisStore
from service.web import oidc_keys
from tests.api.application import REDIRECT_URI, RIVAL_URI, Application
from tests.support.servers import StoreServer

collect_ignore = [] if os.environ.get("EXAMPLES") else ["test_libraries.py"]  # which says when


@pytest.fixture
def add_client(store, clock, settings) -> Callable[..., str]:
    return functools.partial(ClientKeys(store, settings()).add, now=clock())


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    with StoreServer() as started:
        yield started


@pytest.fixture
def real_store(server, policy) -> Iterator[RedisStore]:
    with connect(server.url) as client:
        yield RedisStore(client, policy)


@pytest.fixture
def add(real_store) -> Callable[..., str]:
    """Make an application's key at `server`: `add("shop", redirect_uris=(…,))`."""
    return functools.partial(ClientKeys(real_store).add, now=time.time())


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
