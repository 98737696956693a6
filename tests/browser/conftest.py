"""Visitors in a real Chromium, in front of the real service.

| fixture | is |
|---|---|
| `places` | where visitors can go: see `places.py`; started once |
| `visitor` | somebody with a fresh profile, who must have heard nothing from the console in the end |
| `bring` | the same, more of them, and with Playwright's options for a context: `bring(java_script_enabled=False)` |
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.places import Places
from tests.browser.places import places as all_places
from tests.browser.visitor import Visitor
from tests.browser.visitor import visitor as one_visitor


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Without one the tests fail: a page that nobody looked at is not a page that passed."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    with all_places() as started:
        yield started


@pytest.fixture
def bring(browser, places) -> Iterator[Callable[..., Visitor]]:
    brought: list[Visitor] = []
    with ExitStack() as ends:

        def one_more(**options: object) -> Visitor:
            brought.append(ends.enter_context(one_visitor(browser, places, **options)))
            return brought[-1]

        yield one_more

        assert [noise for visitor in brought for noise in visitor.noise] == []


@pytest.fixture
def visitor(bring) -> Visitor:
    return bring()
