"""The service as it runs in production: gunicorn, a real store, and a Telnyx of our own that it reaches by TCP.

| fixture | is |
|---|---|
| `stack` | three replicas on one store, empty and with a Telnyx that accepts; what a test left behind is cleared away |
| `store`, `telnyx` | of that stack |
| `someone` | makes people, each with a browser: `someone()`, or `someone(stack.other)` at the other replica |
| `fresh` | phone numbers that nobody has used |
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.stack.people import Person
from tests.stack.stack import Stack
from tests.support.servers import StoreServer
from tests.support.telnyx import FakeTelnyx, prism

collect_ignore = [] if prism.is_wanted() else ["test_prism.py"]  # which says when
_numbers = itertools.count()


@pytest.fixture(scope="session")
def running_stack() -> Iterator[Stack]:
    with ExitStack() as ends:
        yield Stack(ends)


@pytest.fixture
def stack(running_stack) -> Iterator[Stack]:
    running_stack.clear()
    yield running_stack
    running_stack.settle()


@pytest.fixture
def store(stack) -> StoreServer:
    return stack.store


@pytest.fixture
def telnyx(stack) -> FakeTelnyx:
    return stack.telnyx


@pytest.fixture
def someone(stack) -> Iterator[Callable[..., Person]]:
    with ExitStack() as ends:
        yield lambda replica=stack.one: ends.enter_context(Person(replica.url))


@pytest.fixture
def fresh() -> Iterator[str]:
    """Away from the numbers of fiction, which are the fake's magic ones."""
    return (f"+1617555{2000 + index % 8000:04}" for index in _numbers)
