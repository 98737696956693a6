"""What holds for every page in every state, light and dark, wide and narrow."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.states import STATES
from tests.browser.visitor import DESKTOP, SMALL, ZOOMED, Visitor
from tests.browser.visitor import visitor as one_visitor

TARGET = 24  # CSS pixels; WCAG 2.2, 2.5.8
LIGHT = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
DARK = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}  # what else there is, is there in the light
AXE = Axe()
ICONS = "link[rel=icon], link[rel=stylesheet], script[src], img"


@pytest.fixture(scope="module", params=STATES)
def shown(request, browser, places) -> Iterator[Visitor]:
    """Somebody who has got there; the page stays as it is for all tests of one state."""
    with one_visitor(browser, places) as visitor:
        STATES[request.param](visitor)
        visitor.shift = visitor.shifted()  # before a test turns and squeezes the page
        yield visitor


@pytest.mark.parametrize(("scheme", "rules"), [("light", LIGHT), ("dark", DARK)], ids=["light", "dark"])
def test_axe_finds_nothing(shown, scheme, rules):
    shown.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    found = AXE.run(shown.page, options=rules)

    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_scrolls_sideways(shown, direction):
    """At 320 pixels, and at 1280 by 1024 that are zoomed to 400 % (WCAG 2.2, 1.4.10)."""
    own = shown.page.evaluate("document.documentElement.dir")
    shown.page.evaluate("direction => { document.documentElement.dir = direction }", direction)

    wide = shown.has_sideways_scroll()
    shown.page.set_viewport_size(SMALL)
    small = shown.has_sideways_scroll()
    shown.page.set_viewport_size(ZOOMED)
    zoomed = shown.has_sideways_scroll()
    shown.page.set_viewport_size(DESKTOP)
    shown.page.evaluate("dir => { document.documentElement.dir = dir }", own)

    assert (wide, small, zoomed) == (False, False, False)


def test_there_is_one_heading_of_the_first_rank_and_the_title_repeats_it(shown):
    headings = shown.page.locator("h1").all_inner_texts()

    assert len(headings) == 1
    assert re.fullmatch(rf"((Error|خطأ): )?{re.escape(headings[0])} – (Textproof|Acme)", shown.page.title())


def test_an_error_is_said_in_the_title_and_has_the_focus(shown):
    """Whoever hears the page, hears that first: in the summary, or as the first of what describes the field.

    A number that is confirmed already is no error.
    """
    summaries, faults = shown.page.locator(".problem"), shown.page.locator(".fault")
    is_refused = shown.page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus") >= 400
    is_good_news = shown.page.locator("h1").inner_text() == "Your number is confirmed"

    assert shown.page.title().startswith(("Error: ", "خطأ: ")) == (is_refused and not is_good_news)
    assert summaries.count() + faults.count() <= 1, "an error is said once"
    if summaries.count():
        assert shown.page.evaluate("document.querySelector('.problem') === document.activeElement")
    if faults.count():
        assert shown.focused.get_attribute("aria-invalid") == "true"
        assert shown.focused.get_attribute("aria-describedby").split()[0] == faults.get_attribute("id")


def test_one_thing_at_most_is_the_thing_to_do(shown):
    primary = shown.page.locator("main :is(button, .button):not(.quiet, .link, .phone *)")

    assert primary.count() <= 1


def test_no_language_stands_alone_in_a_line(shown):
    shown.page.set_viewport_size(SMALL)
    lines = shown.page.eval_on_selector_all(".languages a", "all => all.map(one => one.getBoundingClientRect().top)")
    shown.page.set_viewport_size(DESKTOP)

    assert [line for line in lines if lines.count(line) == 1] == []


def test_what_is_pressed_is_large_enough(shown):
    boxes = [
        target.bounding_box()
        for target in shown.page.locator("button, summary, .button, input, select, .languages a, footer a").all()
    ]

    assert {min(box["width"], box["height"]) < TARGET for box in boxes if box} <= {False}


def test_every_field_has_a_label_and_its_description_exists(shown):
    for field in shown.page.locator("input:not([type=hidden]), select").all():
        assert field.evaluate("field => field.labels.length") == 1
        for id_ in (field.get_attribute("aria-describedby") or "").split():
            assert shown.page.locator(f"#{id_}").inner_text().strip()


def test_nothing_moves_while_the_page_comes(shown):
    assert shown.shift == 0


def test_the_console_is_silent(shown):
    assert shown.noise == []


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(shown):
    """The policy forbids it; this says that we do not even try."""
    addresses = shown.page.eval_on_selector_all(ICONS, "all => all.map(one => one.src || one.href)")

    assert {address.startswith(shown.page.url.split("/", 3)[0]) and "/static/" in address for address in addresses} == {
        True
    }
    assert shown.page.locator("style, script:not([src]), [style], [onclick]").count() == 0
