"""Three replicas on one store."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.races.people import Person, arrive
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess, service_group


@pytest.fixture(scope="session")
def shared_store() -> Iterator[StoreServer]:
    with StoreServer() as server:
        yield server


@pytest.fixture(scope="session")
def replicas(shared_store) -> Iterator[Sequence[ServiceProcess]]:
    """They were told no secret, so they agree on one. Everybody comes from one address, which is no attack here."""
    settings = {
        "TEXTPROOF_REDIS_URL": shared_store.url,
        "TEXTPROOF_SENDER": "demo",
        "TEXTPROOF_RESEND_WAITS_SECONDS": "1",
        "TEXTPROOF_LIMITS_MODE": "observe",
    }
    with service_group(3, **settings) as started:
        yield started
        for replica in started:
            replica.kill()  # in no order: who is killed need not be waited for


@pytest.fixture
def person(numbers) -> Callable[[ServiceProcess], Person]:
    """Asks for a code at a replica, as a fresh number."""
    return lambda replica: arrive(replica, next(numbers))
