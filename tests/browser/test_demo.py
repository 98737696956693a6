"""The demo's phone: it rings by itself, and shows a first visitor what this is about."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import SMALL, new_number


def card(page, number):
    return page.locator(".messages li", has_text=number)


def test_a_message_arrives_by_itself(visitor):
    visitor.open("/demo")
    phone = visitor.page
    number = new_number()
    visitor.page = visitor.tab("/")

    visitor.ask(number)

    expect(card(phone, number)).to_contain_text("is your Textproof code")


def test_beside_the_forms_is_the_phone_where_there_is_room(visitor):
    number = visitor.begin()

    expect(card(visitor.page, number)).to_be_visible()


def test_on_a_small_screen_it_is_a_link_away(bring):
    visitor = bring(viewport=SMALL)
    number = visitor.begin()
    expect(visitor.page.locator("#demo-phone")).to_be_hidden()

    with visitor.page.expect_popup() as opened:
        visitor.page.get_by_role("link", name="Open the demo phone").click()

    expect(card(opened.value, number)).to_be_visible()


def test_a_code_is_copied_with_one_click(bring):
    visitor = bring(permissions=["clipboard-read", "clipboard-write"])
    number = visitor.begin()

    card(visitor.page, number).get_by_role("button").click()
    visitor.page.get_by_label("Code", exact=True).focus()
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Control+V")
        visitor.page.keyboard.press("Enter")

    expect(visitor.page).to_have_title("Your number is confirmed – Textproof")


def test_a_code_is_copied_where_the_browser_gives_no_clipboard(bring):
    """Without HTTPS, and not on this machine, there is no `navigator.clipboard`."""
    visitor = bring(permissions=["clipboard-read"])
    number = visitor.begin()
    visitor.page.evaluate("Object.defineProperty(navigator.clipboard, 'writeText', { value: undefined })")

    card(visitor.page, number).get_by_role("button").click()

    expect(visitor.page.locator("#demo-phone [role=status]")).to_have_text("Copied")
    assert visitor.page.evaluate("navigator.clipboard.readText()") == visitor.code(number)


def test_only_what_is_new_is_read_out(visitor):
    visitor.begin()
    visitor.open("/demo")
    said = visitor.page.locator("#demo-phone [role=status]")
    expect(visitor.page.get_by_role("button", name=re.compile("Copy")).first).to_be_visible()
    expect(said).to_be_empty()
    number = new_number()
    phone = visitor.page
    visitor.page = visitor.tab("/")

    visitor.ask(number)

    expect(said).to_have_text(visitor.messages(number)[0])
    assert phone.locator(".messages li").first.inner_text().count(number) == 1


def test_without_scripts_the_phone_is_there_after_a_reload(bring):
    visitor = bring(java_script_enabled=False)
    number = visitor.begin()

    visitor.open("/demo")

    expect(card(visitor.page, number)).to_be_visible()
    expect(visitor.page.locator("noscript p")).to_be_visible()
    assert not visitor.page.get_by_role("button", name=re.compile("Copy")).first.is_visible()


@pytest.mark.parametrize("path", ["/", "/demo", "/nowhere"])
def test_every_page_says_that_nothing_is_sent(visitor, path):
    visitor.open(path)

    expect(visitor.page.get_by_text("No texts are sent")).to_be_visible()


def test_production_has_no_phone(visitor):
    visitor.open("/", at=visitor.places.real)

    assert not visitor.page.locator("#demo-phone").count()
    assert "demo" not in visitor.page.content()
