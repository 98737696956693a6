"""The contract of `Store`, on real servers: `engine`, and on top of it `make_store` and `store`.

The scripts do the same on every engine, so most tests need one of them. The walk in `test_trips.py` takes every verb to
all of them, and `test_rules.py` holds every order of verbs against a model.

| fixture | is |
|---|---|
| `engine` | a running store, empty: Valkey, unless a test names others with `engines(…)` |
| `attempt` | makes an `Attempt` at a number: `attempt()` a fresh one, `attempt(number)` this one |
| `begun` | the same, started |

After every step of an attempt every key must have an end, unless it is `watched=False`: looking takes time.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from service.store.redis import RedisStore
from service.verification.policy import Policy
from service.verification.ports import Store, Verdict
from tests.store.attempts import Attempt
from tests.store.engines import QUICK, Engine, Engines


@pytest.fixture(scope="session")
def running() -> Iterator[Engines]:
    with ExitStack() as ends:
        yield Engines(ends)


@pytest.fixture
def engine(request, running) -> Engine:
    return running.get(getattr(request, "param", QUICK))


@pytest.fixture
def make_store(engine) -> Callable[[Policy], Store]:
    return lambda policy: RedisStore(engine.client, policy)


@pytest.fixture
def attempt(engine, store, keyring, clock, numbers) -> Callable[..., Attempt]:
    def every_key_ends() -> None:
        assert engine.immortal() == []

    def make(number: str | None = None, *, on: Store = store, watched: bool = True, **facts: Any) -> Attempt:
        after = every_key_ends if watched else lambda: None
        return Attempt(on, keyring, clock, number or next(numbers), after=after, **facts)

    return make


@pytest.fixture
def begun(attempt) -> Callable[..., Attempt]:
    def make(*arguments, **options) -> Attempt:
        made: Attempt = attempt(*arguments, **options)
        assert made.start().verdict is Verdict.DONE
        return made

    return make


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """Ends with the test: what it starts for itself goes in here."""
    with ExitStack() as stack:
        yield stack
