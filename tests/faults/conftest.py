"""One replica on a store that can be harmed, with a carrier that counts what it is sent.

| fixture | is |
|---|---|
| `ends` | what a test starts for itself goes in here, and ends with it |
| `keyring_of` | makes the keyring of a store: `keyring_of(store)` |
| `lossy` | a store server behind a network that loses answers, for as long as a test sets `drop` |
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from service.verification.envelope import Keys
from service.verification.keys import Keyring
from service.verification.ports import Store
from tests.support.proxy import DroppingProxy
from tests.support.servers import StoreServer


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
