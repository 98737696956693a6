"""The first page is small, and comes at once: one round trip after its HTML, and nothing moves."""

import pytest

from tests.browser.weight import weigh

FIRST_PAGE_MAX = 15 * 1024  # bytes over the wire, headers included
DEMO_MAX = FIRST_PAGE_MAX  # also with the demo's phone beside it
REQUESTS_MAX = 5  # the page, its sheet, its script, the icon twice: in the page and in the browser's tab


@pytest.fixture
def first(visitor):
    return weigh(visitor, "/", at=visitor.places.real)


def test_the_first_page_is_small(first):
    assert 0 < first.transferred < FIRST_PAGE_MAX


def test_the_first_page_of_the_demo_is_not_much_larger(visitor):
    assert 0 < weigh(visitor, "/", at=visitor.places.demo).transferred < DEMO_MAX


def test_a_second_page_costs_only_itself(visitor):
    """Everything else was kept."""
    weigh(visitor, "/", at=visitor.places.real)

    assert 0 < weigh(visitor, "/", at=visitor.places.real).transferred < 5 * 1024


def test_it_takes_few_requests(first):
    assert first.requests <= REQUESTS_MAX


@pytest.mark.parametrize("place", ["real", "demo"])
def test_everything_is_named_in_the_html(visitor, place):
    """So all of it is asked for at the same time."""
    assert weigh(visitor, "/", at=getattr(visitor.places, place)).late_requests == 0


@pytest.mark.parametrize("size", [{"width": 1200, "height": 800}, {"width": 320, "height": 568}], ids=["wide", "small"])
@pytest.mark.parametrize("place", ["real", "demo"])
def test_nothing_moves(bring, place, size):
    visitor = bring(viewport=size)

    assert weigh(visitor, "/", at=getattr(visitor.places, place)).shift == 0
