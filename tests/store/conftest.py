"""The contract of `Store`, on every engine: `engine`, and on top of it `make_store` and `store`.

| fixture | is |
|---|---|
| `engine` | a running store, empty; every test runs on each, unless it says which ones it needs |
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
from tests.store.engines import EVERY, Engine, Engines, engines


@pytest.fixture(scope="session")
def running() -> Iterator[Engines]:
    with ExitStack() as ends:
        yield Engines(ends)


@pytest.fixture(params=engines(*EVERY))
def engine(request, running) -> Engine:
    return running.get(request.param)


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
