"""The whole way through: by mouse, by keyboard, without scripts, on small screens; and what impatient people do."""

import itertools
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import expect

from tests.browser.places import service_on
from tests.browser.states import new_session
from tests.browser.visitor import SMALL, ZOOMED, new_number
from tests.support.http import Browser as PlainBrowser
from tests.support.processes import wait_until
from tests.support.servers import StoreServer

CONFIRMED = "Your number is confirmed – Textproof"
HAND = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True}
WAYS = {
    "desktop": {},
    "320-pixels": {"viewport": SMALL},
    "400-percent": {"viewport": ZOOMED},
    "touch": HAND,
    "dark": {"color_scheme": "dark"},
    "high-contrast": {"forced_colors": "active"},
    "no-script": {"java_script_enabled": False},
    "no-script-at-400-percent": {"java_script_enabled": False, "viewport": ZOOMED},
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_a_number_is_confirmed(bring, options):
    visitor = bring(**options)
    number = visitor.begin()

    visitor.type(visitor.code(number))

    expect(visitor.page).to_have_title(CONFIRMED)


def test_the_keyboard_alone_is_enough(bring):
    visitor = bring()
    number = new_number()
    visitor.open("/")
    keyboard = visitor.page.keyboard

    _tab_to(visitor, "Mobile number")
    keyboard.type(number)
    with visitor.page.expect_navigation():
        keyboard.press("Enter")
    keyboard.type(visitor.code(number))  # the field has the focus already
    with visitor.page.expect_navigation():
        keyboard.press("Enter")

    expect(visitor.page).to_have_title(CONFIRMED)


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(visitor):
    visitor.begin()
    visitor.resend()
    visitor.resend()
    expect(visitor.page.get_by_role("button", name="Resend code")).to_be_enabled()
    visitor.page.get_by_role("link", name="Open the demo phone").focus()

    met = []
    for _ in range(5):
        visitor.page.keyboard.press("Tab")
        met.append(visitor.focused.evaluate("one => one.labels?.[0]?.innerText || one.innerText"))

    assert met == ["Change it", "Code", "Confirm", "Resend code", "Still nothing?"]


def test_what_has_the_focus_shows_it(visitor):
    visitor.begin()

    for _ in range(3):
        visitor.page.keyboard.press("Tab")

        assert visitor.focused.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"


def _tab_to(visitor, label):
    for _ in range(5):
        visitor.page.keyboard.press("Tab")
        if visitor.focused.evaluate("one => one.labels?.[0]?.innerText") == label:
            return
    pytest.fail(f"Tab never reaches {label!r}")


# -- Once is once


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_a_double_click_sends_one_message(bring, scripts):
    visitor = bring(java_script_enabled=scripts)
    number = new_number()
    visitor.open("/")
    visitor.page.get_by_label("Mobile number").fill(number)

    visitor.page.get_by_role("button", name="Text me a code").dblclick()

    expect(visitor.page).to_have_title("Check your phone – Textproof")
    assert len(visitor.messages(number)) == 1


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_a_double_click_sends_one_more_message(bring, scripts):
    visitor = bring(java_script_enabled=scripts)
    number = visitor.begin()
    again = visitor.page.get_by_role("button", name="Resend code")
    wait_until(lambda: _may_send(visitor), what="the wait is over")
    expect(again).to_be_enabled()

    again.dblclick()

    expect(visitor.page.get_by_text("We sent the same code again")).to_be_visible()
    assert len(visitor.messages(number)) == 2


def _may_send(visitor):
    return visitor.page.request.get(visitor.page.url + "/status").json()["next_send_in"] == 0


def test_a_refresh_sends_nothing(visitor):
    number = visitor.begin()

    visitor.page.reload()

    assert len(visitor.messages(number)) == 1


def test_a_refresh_after_a_wrong_code_costs_no_try(visitor):
    visitor.begin()
    visitor.type("000000")

    visitor.page.reload()

    expect(visitor.page.get_by_text("4 tries left")).to_be_visible()


def test_a_refresh_after_the_success_shows_the_success(visitor):
    number = visitor.begin()
    visitor.type(visitor.code(number))

    visitor.page.reload()

    expect(visitor.page).to_have_title(CONFIRMED)


def test_back_and_forward_send_nothing(visitor):
    number = visitor.begin()

    visitor.page.go_back()
    expect(visitor.page).to_have_title("What is your mobile number? – Textproof")
    visitor.page.go_forward()

    expect(visitor.page).to_have_title("Check your phone – Textproof")
    assert len(visitor.messages(number)) == 1


def test_back_after_the_success_and_the_same_code_again_is_no_error(visitor):
    number = visitor.begin()
    code = visitor.code(number)
    visitor.type(code)

    visitor.page.go_back()
    if visitor.page.get_by_label("Code", exact=True).count():  # a browser may have kept the page
        visitor.type(code)

    expect(visitor.page).to_have_title(CONFIRMED)


def test_a_wrong_number_can_be_changed(visitor):
    wrong = visitor.begin()

    visitor.press("Change it")
    right = new_number()
    visitor.ask(right)
    visitor.type(visitor.code(wrong))
    expect(visitor.page.get_by_text("That code is wrong")).to_be_visible()
    visitor.type(visitor.code(right))

    expect(visitor.page).to_have_title(CONFIRMED)


def test_what_was_typed_is_kept_when_it_is_wrong(visitor):
    visitor.open("/")

    visitor.ask("+1 (202) 555 01")

    expect(visitor.page.get_by_label("Mobile number")).to_have_value("+1 (202) 555 01")


def test_whoever_mistyped_can_go_on_typing(bring):
    """The field has the focus, and what is wrong is seen with it, also at 400 %."""
    visitor = bring(viewport=ZOOMED)
    visitor.open("/")
    visitor.ask("12")

    expect(visitor.page.get_by_label("Mobile number")).to_be_focused()
    expect(visitor.page.locator(".fault")).to_be_in_viewport()
    expect(visitor.page.get_by_label("Mobile number")).to_be_in_viewport()


def test_the_last_try_counts_and_then_only_a_new_code_helps(visitor):
    visitor.begin()
    for left in (4, 3, 2, 1):
        visitor.type("000000")
        expect(visitor.page.get_by_text(f"{left} {'try' if left == 1 else 'tries'} left")).to_be_visible()

    visitor.type("000000")
    expect(visitor.page.get_by_text("That was the last try")).to_be_visible()
    visitor.open("/verify")

    expect(visitor.page).to_have_title("Error: Too many wrong codes – Textproof")
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("link", name="Get a new code").click()
    expect(visitor.page).to_have_title("What is your mobile number? – Textproof")


def test_the_same_page_works_again_when_the_store_is_back(bring):
    with StoreServer(appendonly=True) as store, service_on(store) as service, PlainBrowser(service.url) as probe:
        visitor = bring()
        number = visitor.begin(at=service.url)
        code = visitor.code(number)

        store.kill()
        visitor.type(code)
        expect(visitor.page.get_by_text("Nothing was lost")).to_be_visible()
        store.start()
        wait_until(lambda: probe.get("/readyz").status == 200, what="the service is ready")
        visitor.type(code)

        expect(visitor.page).to_have_title(CONFIRMED)


def test_nobody_is_texted_twice_by_any_of_this(visitor):
    """Every way of asking again without pressing "Resend code"."""
    number = visitor.begin()

    for _, again in itertools.product(range(2), (visitor.page.reload, visitor.page.go_back, visitor.page.go_forward)):
        again()

    assert len(visitor.messages(number)) == 1


def test_whoever_comes_from_an_application_goes_back_to_it_with_a_result(visitor):
    """Browsers apply the policy for forms to where their answer leads as well."""
    visitor.page.goto(new_session(visitor))
    number = new_number()
    visitor.ask(number)

    visitor.type(visitor.code(number))

    address, query = visitor.page.url.split("?")
    assert address == visitor.places.hasty + "/"
    assert {"result", "state"} <= set(parse_qs(query))
