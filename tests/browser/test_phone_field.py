"""The number while it is typed: grouped as the example is, with the caret where it was."""

import pytest
from playwright.sync_api import expect

from service.web.assets import FILES
from tests.browser.states import new_session
from tests.browser.visitor import new_number

AUTOFILL = """(field, value) => {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}"""
SCRIPT_MAX = 4096  # bytes
LEFT, BACK = "ArrowLeft", "Backspace"
FULL = ("type", "2015550123")
# What somebody does, one after the other, and what is in the field then; | is the caret.
US = {
    "one-digit": ([("type", "2")], "2|"),
    "one-group": ([("type", "201")], "201|"),
    "a-second-group": ([("type", "2015")], "201-5|"),
    "whole": ([FULL], "201-555-0123|"),
    "with-its-code": ([("type", "+12015550123")], "+1 201-555-0123|"),
    "only-a-plus": ([("type", "+")], "+|"),
    "as-dialled": ([("type", "12015550123")], "1-201-555-0123|"),
    "spaces-typed": ([("type", "201 555 0123")], "201-555-0123|"),
    "hyphens-typed": ([("type", "201-555-0123")], "201-555-0123|"),
    "own-brackets": ([("type", "(201) 555-0123")], "(201) 555-0123|"),
    "own-dots": ([("type", "201.555.0123")], "201.555.0123|"),
    "a-digit-too-many": ([("type", "20155501234")], "201-555-01234|"),
    "another-country": ([("type", "+44 7400 123456")], "+44 7400 123456|"),
    "as-dialled-from-abroad": ([("type", "0044 7400 123456")], "0044 7400 123456|"),
    "letters": ([("type", "2o1")], "2o1|"),
    "other-digits": ([("type", "٢٠١٥")], "٢٠١٥|"),
    "the-last-digit-deleted": ([("type", "2015"), ("press", BACK)], "201-|"),
    "a-group-deleted": ([("type", "2015"), ("press", BACK, BACK)], "201|"),
    "deleted-and-typed": ([("type", "2015"), ("press", BACK, BACK), ("type", "7")], "201-7|"),
    "the-first-deleted": ([FULL, ("press", "Home", "Delete")], "|01-555-0123"),
    "a-digit-put-in": ([FULL, ("press", *[LEFT] * 4), ("type", "9")], "201-555-9|0123"),
    "a-digit-taken-out": ([FULL, ("press", *[LEFT] * 5, BACK)], "201-55|-0123"),
    "a-hyphen-taken-out": ([FULL, ("press", *[LEFT] * 4, BACK)], "201-555|0123"),
    "put-in-and-gone-on": (
        [("type", "20155"), ("press", "Home"), ("type", "9"), ("press", "End"), ("type", "0")],
        "920-155-0|",
    ),
    "a-plus-put-before": ([FULL, ("press", "Home"), ("type", "+")], "+|201-555-0123"),
    "all-replaced": ([FULL, ("press", "Control+A"), ("type", "3")], "3|"),
    "pasted": ([("paste", "2015550123")], "201-555-0123|"),
    "pasted-with-its-code": ([("paste", "+12015550123")], "+1 201-555-0123|"),
    "pasted-with-a-space-behind": ([("paste", "2015550123 ")], "201-555-0123|"),
    "pasted-in-its-own-spelling": ([("paste", "+1 (201) 555-0123")], "+1 (201) 555-0123|"),
    "a-link-pasted": ([("paste", "tel:+12015550123")], "tel:+12015550123|"),
    "pasted-in-the-middle": ([("type", "2010123"), ("press", *[LEFT] * 5), ("paste", "555")], "201-555|012-3"),
    "autofilled": ([("autofill", "2015550123")], "2015550123|"),
    "autofilled-with-its-code": ([("autofill", "+12015550123")], "+12015550123|"),
    "being-composed": ([("compose", "2015")], "2015|"),
    "composed": ([("compose", "2015"), ("commit", "2015550123")], "2015550123|"),
    "composed-behind-what-was-typed": ([("type", "201"), ("compose", "555"), ("commit", "555")], "201555|"),
    "composed-and-gone-on": ([("compose", "2015"), ("commit", "2015"), ("type", "5")], "201-55|"),
    "all-at-once-by-a-keyboard": ([("commit", "2015550123")], "201-555-0123|"),
}
CHOSEN = {
    "within": ("GB", "07400123456", "07400 123456|"),
    "without-the-zero": ("GB", "7400123456", "7400 123456|"),
    "whole": ("GB", "+447400123456", "+44 7400 123456|"),
    "another-of-the-list": ("US", "+447400123456", "+44 7400 123456|"),
    "none-of-the-list": ("GB", "+33612345678", "+33612345678|"),
}


@pytest.fixture(scope="module")
def open_page(browser, places):
    """One page for the table; each row reloads it."""
    context = browser.new_context(locale="en-US", permissions=["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def do(page, what, *more):
    """Do one thing in the field that has the focus."""
    cdp = page.context.new_cdp_session(page)
    match what:
        case "type":
            page.keyboard.type(*more)
        case "press":
            for key in more:
                page.keyboard.press(key)
        case "paste":
            page.evaluate("text => navigator.clipboard.writeText(text)", *more)
            page.keyboard.press("Control+V")
        case "autofill":
            page.locator("#phone").evaluate(AUTOFILL, *more)
        case "compose":
            cdp.send(
                "Input.imeSetComposition",
                {"text": more[0], "selectionStart": len(more[0]), "selectionEnd": len(more[0])},
            )
        case "commit":
            cdp.send("Input.insertText", {"text": more[0]})
    cdp.detach()


def shown(page):
    return page.locator("#phone").evaluate(
        "({ value, selectionStart: at }) => value.slice(0, at) + '|' + value.slice(at)"
    )


@pytest.mark.parametrize(("steps", "expected"), US.values(), ids=US)
def test_what_is_typed_is_grouped_and_the_caret_stays(open_page, places, steps, expected):
    open_page.goto(places.real)
    open_page.locator("#phone").focus()

    for step in steps:
        do(open_page, *step)

    assert shown(open_page) == expected


@pytest.mark.parametrize(("country", "typed", "expected"), CHOSEN.values(), ids=CHOSEN)
def test_it_is_grouped_as_in_its_country(open_page, places, country, typed, expected):
    open_page.goto(places.own)
    open_page.locator("#region").select_option(country)
    open_page.locator("#phone").focus()

    do(open_page, "type", typed)

    assert shown(open_page) == expected


def test_the_example_is_one_of_the_chosen_country(visitor):
    visitor.open("/", at=visitor.places.own)
    examples = visitor.page.locator(".example")
    expect(examples).to_have_text(["+1 201-555-0123"] * 2)

    visitor.page.locator("#region").select_option("GB")
    expect(examples).to_have_text(["+44 7400 123456"] * 2)
    visitor.ask("12")

    expect(examples).to_have_text(["+44 7400 123456"] * 2)


def test_the_script_is_small():
    assert (FILES / "page.js").stat().st_size < SCRIPT_MAX


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no-scripts"])
def test_a_number_that_the_application_fixed_is_said_and_not_asked_for(bring, javascript):
    visitor = bring(java_script_enabled=javascript)
    number = new_number()
    readable = f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}"
    visitor.page.goto(new_session(visitor, to=number))

    expect(visitor.page.locator("main")).to_contain_text(f"We’ll text {readable} a code")
    assert visitor.page.locator("main").locator("input:not([type=hidden]), select").count() == 0
    visitor.press(visitor.page.locator("main button"))

    expect(visitor.page.locator(".to")).to_contain_text(readable)
    assert visitor.page.get_by_text("Wrong number?").count() == 0
    assert len(visitor.messages(number)) == 1
