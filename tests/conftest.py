"""What every test may ask for by name. All of it comes together in the real `create_app`.

| fixture | is |
|---|---|
| `clock` | the time; `clock.advance(seconds)` is how a test waits |
| `sender` | a carrier that remembers: `sender.messages`; `sender.refuse()` and `sender.lose()` |
| `settings` | makes `Settings`, with what differs from a plain production set: `settings(MAX_CHECKS=1)` |
| `policy` | the rules in numbers, of those plain settings |
| `make_store`, `store` | a `RedisStore` on a fakeredis that nobody else has |
| `redis` | a client of the same fakeredis, to see what is remembered |
| `keys`, `keyring` | the keyring of that store, sealed under a secret and a fallback |
| `make_verifier`, `verifier` | the four verbs over `store`, `sender`, `keys` and `clock` |
| `make_app`, `app`, `client` | the service by `create_app`, and a browser for it that keeps cookies |
| `lend_app` | a service that all tests share, with the ports of this one |
| `number`, `numbers` | a phone number that no other test has; an endless supply of them |

`store` is the fast one. The tests that hold the store to its promises (`tests/store`) override it, and
nothing else, with real servers in a conftest of their own; every other fixture follows.
"""

import functools
import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
import pytest
from fakeredis import FakeRedis, FakeServer
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from xdist.scheduler import LoadFileScheduling

from service.app import create_app
from service.config import Settings
from service.store.redis import RedisStore
from service.verification import outbox
from service.verification.envelope import Keys
from service.verification.keyring import Keyring
from service.verification.policy import Policy
from service.verification.ports import Store
from service.verification.verifier import Verifier
from tests.fakes import FakeClock, Lent, RecordingSender
from tests.fakes import numbers as endless_numbers

USUAL = hypothesis.settings(
    deadline=None,  # a busy machine is not a fault of the product
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("usual", USUAL)
hypothesis.settings.register_profile("quick", USUAL, max_examples=10)  # `make check`
hypothesis.settings.register_profile("thorough", USUAL, max_examples=1_500)  # ARGS=--hypothesis-profile=thorough
hypothesis.settings.load_profile("usual")
# Nor is it that a message is handed over late: who starts waits for that, for as long as it takes. Tests of the outbox
# shorten it.
outbox.PATIENCE_SECONDS = None  # type: ignore[assignment]

SECRET = "a secret of the tests, long enough to be one"
OLD_SECRET = "the secret before it, which still opens what it closed"
PLAIN = {
    "SENDER": "telnyx",
    "API_KEY": "KEY0123456789ABCDEF",
    "FROM_NUMBER": "+12025550100",
    "SECRET_KEY": SECRET,
    "SECRET_KEY_FALLBACKS": (OLD_SECRET,),
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


@pytest.fixture
def settings() -> Callable[..., Settings]:
    return lambda **changes: Settings(**{**PLAIN, **changes})


@pytest.fixture
def policy(settings) -> Policy:
    return settings().policy


@pytest.fixture
def fake_server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def redis(fake_server) -> FakeRedis:
    return FakeRedis(server=fake_server)


@pytest.fixture
def make_store(fake_server) -> Callable[[Policy], Store]:
    """Stores of one test share one server, as replicas do."""
    return lambda policy: RedisStore(FakeRedis(server=fake_server), policy)


@pytest.fixture
def store(make_store, policy) -> Store:
    return make_store(policy)


@pytest.fixture
def keys(store) -> Keys:
    return Keys(store.keyring, [SECRET, OLD_SECRET], prefix="tp")


@pytest.fixture
def keyring(keys) -> Keyring:
    return keys()


@pytest.fixture
def make_verifier(settings, make_store, sender, clock) -> Callable[..., Verifier]:
    """`make_verifier(MAX_CHECKS=1)` changes settings; `secrets=` brings other ones."""

    def make(*, secrets=(SECRET, OLD_SECRET), **changes) -> Verifier:
        rules = settings(**changes).policy
        store = make_store(rules)
        keys = Keys(store.keyring, secrets, prefix="tp")
        return Verifier(rules, store=store.verifications, sender=sender, keys=keys, clock=clock)

    return make


@pytest.fixture
def verifier(policy, store, sender, keys, clock) -> Verifier:
    return Verifier(policy, store=store.verifications, sender=sender, keys=keys, clock=clock)


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory) -> FileSystemBytecodeCache:
    """Each template is compiled once for all the services that tests make, not once for each."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@contextmanager
def our_own_logging() -> Iterator[None]:
    """The service takes over the process's logging, as it should; a test takes it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def make_app(settings, make_store, sender, clock, compiled_templates) -> Iterator[Callable[..., Flask]]:
    """`make_app(PUBLIC_URL=…)` changes settings; `store=`, `sender=` and `clock=` go to `create_app` as they are."""

    def make(*, store=None, sender=sender, clock=clock, **changes) -> Flask:
        changed = settings(**changes)
        app = create_app(changed, store=store or make_store(changed.policy), sender=sender, clock=clock)
        app.jinja_env.bytecode_cache = compiled_templates
        return app

    with our_own_logging():
        yield make


@pytest.fixture(scope="session")
def lend_app(compiled_templates) -> Callable[..., Flask]:
    """Lend one service of each kind to all tests, since making one takes longer than most tests do.

    It comes from the real `create_app` as well; only its ports lead to those of the running test.
    """
    ports: dict[str, Any] = {"store": Lent(), "sender": Lent(), "clock": Lent()}

    @functools.cache
    def made(settings: Settings) -> Flask:
        with our_own_logging():
            app = create_app(settings, **ports)
        app.jinja_env.bytecode_cache = compiled_templates
        return app

    def lend(settings: Settings, **ports_of_the_test) -> Flask:
        for name, port in ports_of_the_test.items():
            ports[name].now = port
        return made(settings)

    return lend


@pytest.fixture
def app(lend_app, settings, store, sender, clock) -> Flask:
    return lend_app(settings(), store=store, sender=sender, clock=clock)


@pytest.fixture
def client(app) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def numbers() -> Iterator[str]:
    return endless_numbers()


@pytest.fixture
def number(numbers) -> str:
    return next(numbers)


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not look at it again and again, which costs a tenth of the time."""
    gc.freeze()


# Servers, or a library that takes long to import, serve all files of a directory: they are started once, on one worker.
TOGETHER = ("tests/races/", "tests/stack/", "tests/store/", "tests/sender/", "tests/doctor/")
LONG = ("tests/api/contract/", *TOGETHER, "tests/faults/")


class LongFirst(LoadFileScheduling):  # type: ignore[misc]
    """The tests of one file stay together. What takes longest comes first, so that nobody waits for it in the end."""

    def _split_scope(self, nodeid: str) -> str:
        return next(filter(nodeid.startswith, TOGETHER), None) or super()._split_scope(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        long = next((scope for start in LONG for scope in self.workqueue if scope.startswith(start)), None)
        if long is not None:
            self.workqueue.move_to_end(long, last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config, log):
    return LongFirst(config, log)
