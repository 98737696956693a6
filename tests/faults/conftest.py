"""One replica on a store that can be harmed, with a carrier that counts what it is sent.

| fixture | is |
|---|---|
| `ends` | what a test starts for itself goes in here, and ends with it |
| `keyring_of` | makes the keyring of a store: `keyring_of(store)` |
| `server` | a store server |
| `replica_with` | starts a replica on it: `replica_with(SECRET, OLD_SECRET)` |
| `lossy` | a store server behind a network that loses answers, for as long as a test sets `drop` |
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from service.verification.envelope import Keys
from service.verification.keyring import Keyring
from service.verification.ports import Store
from tests.support.proxy import DroppingProxy
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def keyring_of() -> Callable[[Store], Keyring]:
    return lambda store: Keys(store.keyring, [], prefix="tp")()


@pytest.fixture
def lossy(ends) -> DroppingProxy:
    server = ends.enter_context(StoreServer())
    return ends.enter_context(DroppingProxy(server.port, drop=0))


@pytest.fixture
def server(ends) -> StoreServer:
    return ends.enter_context(StoreServer())


@pytest.fixture
def replica_with(ends, server) -> Callable[..., ServiceProcess]:
    """Start a replica with these secrets, the current one first."""

    def start(*secrets: str) -> ServiceProcess:
        settings = {
            "TEXTPROOF_REDIS_URL": server.url,
            "TEXTPROOF_SENDER": "demo",
            "TEXTPROOF_LIMITS_MODE": "observe",
            "TEXTPROOF_SECRET_KEY": secrets[0],
            "TEXTPROOF_SECRET_KEY_FALLBACKS": ",".join(secrets[1:]),
        }
        started = ServiceProcess(settings)
        ends.callback(started.kill)  # who is killed need not be waited for
        return started.start()

    return start
