"""People who read something else: the switch, and the whole way in Arabic, from right to left."""

import re

import pytest
from playwright.sync_api import expect

from service.languages import NAMES, RIGHT_TO_LEFT
from tests.browser.bound_code import read
from tests.browser.states import new_session
from tests.browser.visitor import SMALL, new_number

ARABIC = {"locale": "ar-EG", "timezone_id": "Africa/Cairo"}


def expect_spoken(visitor, tag):
    """Wait until the page is in a language: a click returns before the next page is there."""
    root = visitor.page.locator("html")
    expect(root).to_have_attribute("lang", tag)
    expect(root).to_have_attribute("dir", "rtl" if tag in RIGHT_TO_LEFT else "ltr")


def left(visitor, selector):
    return visitor.page.locator(selector).first.bounding_box()["x"]


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no-scripts"])
def test_the_whole_way_in_arabic(bring, javascript):
    visitor = bring(java_script_enabled=javascript, **ARABIC)
    number = visitor.begin(at=visitor.places.demo)
    expect_spoken(visitor, "ar")

    visitor.type("0000 00")
    expect(visitor.page.locator(".fault")).to_contain_text("بقيت 4 محاولات.")
    visitor.type(visitor.code(number))

    expect(visitor.page).to_have_title("تم تأكيد رقمك – Textproof")


def test_the_message_in_arabic_binds_its_code_as_in_english(bring):
    """In production, where there is a host to bind it to."""
    visitor = bring(**ARABIC)
    number = visitor.begin(at=visitor.places.real)

    text = visitor.places.telnyx.texts_to(number)[0]

    bound = read(text)
    assert bound is not None
    assert (bound.host, bound.code) == ("verify.example.com", text.split()[0])
    assert "رمزك" in text


def test_numbers_and_codes_run_from_left_to_right(bring):
    visitor = bring(**ARABIC)
    visitor.begin(at=visitor.places.demo)

    directions = visitor.page.eval_on_selector_all(
        "#token, .to bdi", "all => all.map(one => getComputedStyle(one).direction)"
    )

    assert directions == ["ltr", "ltr"]
    assert not re.search("[\u0660-\u0669]", visitor.page.locator("main").inner_text())  # the message's own digits


def test_what_stands_at_the_start_stands_on_the_right(bring):
    """The brand in the header, and the sign before what became of the message."""
    visitor = bring(viewport=SMALL, **ARABIC)
    visitor.open("/", at=visitor.places.real)
    arabic = left(visitor, "header img")
    visitor.open("/?lang=en")

    assert left(visitor, "header img") < SMALL["width"] / 2 < arabic


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no-scripts"])
def test_the_switch_changes_the_page_and_stays(bring, javascript):
    visitor = bring(java_script_enabled=javascript)
    visitor.begin()

    for tag, name in reversed(NAMES.items()):
        visitor.page.get_by_role("navigation").get_by_role("link", name=name).click()
        expect_spoken(visitor, tag)
        visitor.open("/verify")
        expect_spoken(visitor, tag)

    expect(visitor.page).to_have_title("Check your phone – Textproof")


def test_the_switch_can_be_used_after_a_mistake(visitor):
    """That page came by POST; its language is another page's address."""
    visitor.begin()
    visitor.type("12")
    visitor.page.get_by_role("link", name="Español").click()

    expect(visitor.page).to_have_title("Revisa tu teléfono – Textproof")


def test_an_application_chooses_for_its_people(visitor):
    visitor.page.goto(new_session(visitor, locale="fr"))
    expect_spoken(visitor, "fr")

    number = new_number()
    visitor.ask(number)

    expect_spoken(visitor, "fr")
    assert " est votre code " in visitor.messages(number)[0]


def test_waits_are_counted_in_the_language_of_the_page(bring):
    """By the server first, and then by the script."""
    visitor = bring(locale="de-DE")
    visitor.begin(at=visitor.places.hasty)

    expect(visitor.page.locator("#expiry")).to_have_text(re.compile(r"Ihr Code gilt bis \d\d:\d\d\."))
    expect(visitor.page.locator("#wait")).to_have_text(
        re.compile(r"Sie können den Code in \d+ Sekunden erneut senden\.")
    )


def test_a_country_code_keeps_its_plus_in_front_in_arabic(bring):
    """Its characters are isolated; where each is painted, the picture says: see `first-of-an-operator` in Arabic."""
    visitor = bring(**ARABIC)
    visitor.open("/?lang=ar", at=visitor.places.own)

    options = visitor.page.locator("#region option").all_inner_texts()

    assert {re.search("\u2066(.*)\u2069$", option)[1] for option in options} == {"+1", "+44"}


def test_a_number_that_was_wrong_can_be_mended(visitor):
    number = visitor.begin()

    visitor.press("Change it")

    assert visitor.page.locator("#phone").input_value() == f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}"


def test_a_country_can_be_chosen_and_has_its_name(bring):
    visitor = bring(locale="de-DE")
    visitor.open("/", at=visitor.places.own)

    country = visitor.page.locator("#region")
    country.select_option("GB")
    expect(country.locator(":checked")).to_have_text("Vereinigtes Königreich \u2066+44\u2069")
    visitor.ask("07400 123456")

    expect(visitor.page.locator(".to strong")).to_have_text("+44 7400 123456")


def test_the_phone_of_the_demo_copies_the_code_and_no_more(bring):
    """In Arabic, the code has a line of its own."""
    visitor = bring(**ARABIC)
    number = visitor.begin(at=visitor.places.demo)
    visitor.open("/demo")
    card = visitor.page.locator("#demo-phone li", has_text=number)

    expect(card.locator("button b")).to_have_text(re.compile("^[0-9A-F]{6}$"))
    assert card.locator("button b").text_content() == visitor.code(number)
