"""Limits, on a real server: Valkey, as the scripts do the same on all.

| fixture | is |
|---|---|
| `engine` | a running store, empty |
| `desk` | makes a `Desk`, the service with some settings: `desk(SPEND_PER_DAY=1)`; those of a test share the store |
| `scattered` | phone numbers, each in a range of its own |
| `strangers` | addresses, each of another network |
| `news` | what the limiter has logged: what happened, and to which limit |
"""

import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import OLD_SECRET, SECRET
from tests.limits.desk import Desk, ranges
from tests.store.engines import QUICK, Engine, Engines


@pytest.fixture(scope="session")
def running() -> Iterator[Engines]:
    with ExitStack() as ends:
        yield Engines(ends)


@pytest.fixture
def engine(running) -> Engine:
    return running.get(QUICK)


@pytest.fixture
def desk(engine, settings, sender, clock) -> Callable[..., Desk]:
    return lambda **changes: Desk(engine, settings(**changes), sender, (SECRET, OLD_SECRET), clock)


@pytest.fixture
def scattered() -> Iterator[str]:
    return (f"{prefix}0143" for prefix in ranges())


@pytest.fixture
def strangers() -> Iterator[str]:
    return (f"100.{64 + index // 256}.{index % 256}.9" for index in itertools.count())


@pytest.fixture
def news(caplog) -> Callable[[], list[str]]:
    """Reasons are in the lines' own facts, so that they can be counted."""
    caplog.set_level(logging.INFO, logger="textproof")
    return lambda: [
        " ".join([record.news, *([record.limit] if hasattr(record, "limit") else [])])
        for record in caplog.records
        if record.getMessage() == "limiter"
    ]
