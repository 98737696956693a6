"""The page that waits with people: countdown, news, the end of the code's life, and other tabs."""

import re

import pytest
from playwright.sync_api import expect

from service.languages import NAMES
from service.verification.errors import Delivery
from tests.browser.states import STATES
from tests.browser.visitor import SMALL, new_number

CONFIRMED = "Your number is confirmed – Textproof"
LISTEN = """
window.said = [];
for (const region of document.querySelectorAll("[role=status], [role=alert], [aria-live]")) {
  const listen = () => said.push(region.textContent);
  new MutationObserver(listen).observe(region, { childList: true, characterData: true, subtree: true });
}
"""
TOP = "button => button.getBoundingClientRect().top + scrollY"


@pytest.fixture
def waiting(visitor):
    """Somebody who has to wait 30 s for the next message, with a clock that can be turned."""
    visitor.page.clock.install()
    visitor.begin(at=visitor.places.hasty)
    return visitor


def again(visitor):
    return visitor.page.get_by_role("button", name="Resend code")


def test_the_wait_is_counted_down(waiting):
    expect(waiting.page.get_by_text(re.compile(r"You can resend the code in \d+ seconds"))).to_be_visible()
    expect(again(waiting)).to_be_disabled()

    waiting.page.clock.run_for(15_000)

    expect(waiting.page.get_by_text(re.compile(r"You can resend the code in \d+ seconds"))).to_be_visible()
    expect(again(waiting)).to_be_disabled()


def test_the_button_opens_when_the_wait_is_over(visitor):
    visitor.begin()

    expect(again(visitor)).to_be_enabled()
    expect(visitor.page.locator("#wait")).to_have_text("You can resend the code now.")


def test_the_servers_clock_is_the_one_that_counts(waiting):
    """Whoever turns the page's clock forward is told the truth with the next poll."""
    waiting.page.clock.fast_forward(31_000)

    expect(waiting.page.get_by_text(re.compile(r"You can resend the code in \d+ seconds"))).to_be_visible()


def test_the_countdown_is_not_read_out(waiting):
    """A screen reader hears that the wait is over, once, and nothing in between."""
    waiting.page.route("**/verify/status*", lambda route: route.abort())
    waiting.page.evaluate(LISTEN)

    waiting.page.clock.run_for(35_000)

    said = waiting.page.evaluate("said")
    waiting.noise.clear()  # the aborted polls
    assert said == ["You can resend the code now."]


@pytest.mark.parametrize("language", NAMES)
def test_the_end_of_the_wait_moves_nothing(bring, language):
    """On a small screen the words of the wait take two lines, and those of its end one."""
    visitor = bring(viewport=SMALL)
    visitor.page.clock.install()
    visitor.open(f"/?lang={language}", at=visitor.places.hasty)
    visitor.ask(new_number())
    visitor.page.route("**/verify/status*", lambda route: route.abort())
    button = visitor.page.locator("#resend")
    expect(button).to_be_disabled()
    before = button.evaluate(TOP)

    visitor.page.clock.run_for(35_000)

    expect(button).to_be_enabled()
    visitor.noise.clear()  # the aborted polls
    assert button.evaluate(TOP) == before


def test_the_end_of_the_code_is_announced_once(visitor):
    visitor.page.clock.install()
    visitor.begin()
    expect(visitor.page.get_by_text(re.compile("Your code expires at"))).to_be_visible()
    expect(visitor.page.get_by_text("You can resend the code now.").first).to_be_visible()
    visitor.page.route("**/verify/status*", lambda route: route.abort())
    visitor.page.evaluate(LISTEN)

    visitor.page.clock.fast_forward(455_000)
    visitor.page.clock.run_for(10_000)

    visitor.noise.clear()  # the aborted polls
    expect(visitor.page.locator("#expiry")).to_have_class(re.compile("soon"))
    assert visitor.page.evaluate("said") == [visitor.page.locator("#expiry").text_content()]


def test_the_page_moves_on_when_the_code_has_expired(visitor):
    visitor.begin(at=visitor.places.late)

    expect(visitor.page).to_have_title("Error: That code no longer works – Textproof")


def test_without_scripts_the_times_are_there_to_read(bring):
    visitor = bring(java_script_enabled=False)
    visitor.begin(at=visitor.places.hasty)

    words = visitor.page.locator("main").inner_text()

    assert re.search(r"You can resend the code from \d\d:\d\d UTC\.", words)
    assert re.search(r"Your code expires at \d\d:\d\d UTC\.", words)
    assert again(visitor).is_enabled()


def test_times_are_those_of_the_readers_clock(bring):
    visitor = bring(locale="de-DE", timezone_id="Asia/Kathmandu")
    visitor.begin()

    moment = visitor.page.locator("#expiry time")

    in_kathmandu = "at => new Date(at).toLocaleTimeString('de-DE', {timeStyle: 'short', timeZone: 'Asia/Kathmandu'})"
    expect(moment).to_have_text(visitor.page.evaluate(in_kathmandu, moment.get_attribute("datetime")))


def test_asking_too_soon_says_when_it_is_possible(visitor):
    STATES["code-too-soon"](visitor)

    expect(visitor.page.locator(".problem")).to_contain_text("You can resend it in")


def test_help_comes_with_the_second_message_and_opens_with_the_third(visitor):
    visitor.begin()
    tip = visitor.page.get_by_text("Turn the phone off and on again")
    assert not tip.count()

    visitor.resend()
    expect(tip).to_be_hidden()
    visitor.resend()

    expect(tip).to_be_visible()


def test_every_message_has_the_same_code(visitor):
    number = visitor.begin()

    visitor.resend()

    first, second = (message.split()[0] for message in visitor.messages(number))
    assert first == second


def test_after_the_last_message_there_is_no_button(visitor):
    STATES["code-sent-often"](visitor)

    assert not again(visitor).count()
    expect(visitor.page.get_by_text("We cannot send this code again.")).to_be_visible()


def test_what_became_of_the_message_is_told_without_a_reload(visitor):
    STATES["code-delivered"](visitor)

    expect(visitor.page.locator("#delivery")).to_have_attribute("data-delivery", "delivered")


@pytest.mark.parametrize("language", NAMES)
def test_news_of_the_message_moves_nothing(visitor, language):
    visitor.open(f"/?lang={language}", at=visitor.places.demo)
    visitor.ask(new_number())
    longest = visitor.page.locator("#delivery").get_attribute("data-longest")
    news = {"status": "pending", "delivery": "unreachable", "message": longest, "expires_in": 500, "next_send_in": None}
    visitor.page.route("**/verify/status*", lambda route: route.fulfill(json=news))
    expect(visitor.page.locator("#delivery span")).to_have_text(longest)

    assert visitor.shifted() == 0


def test_what_became_of_the_message_differs_in_shape_and_colour(visitor):
    """The sign, its outline, and the box around it; forced colours leave the sign and the words."""
    visitor.begin()
    box = visitor.page.locator("#delivery")
    look = """(box, delivery) => {
      box.dataset.delivery = delivery;
      const [around, sign] = [getComputedStyle(box), getComputedStyle(box, "::before")];
      return [around.backgroundColor + around.borderInlineStartColor, sign.content, sign.clipPath + sign.borderRadius];
    }"""

    looks = {delivery: tuple(box.evaluate(look, delivery)) for delivery in Delivery}

    (waiting,) = {looks[delivery] for delivery in (Delivery.ON_ITS_WAY, Delivery.BUSY, Delivery.SENT)}
    (unknown,) = {looks[delivery] for delivery in (Delivery.UNCERTAIN, Delivery.UNCONFIRMED)}
    there = looks[Delivery.DELIVERED]
    (failed,) = {looks[delivery] for delivery in Delivery} - {waiting, unknown, there}
    boxes, signs, outlines = zip(waiting, unknown, there, failed, strict=True)
    assert (len(set(boxes)), len(set(signs)), len(set(outlines))) == (3, 4, 3)


# -- Other tabs


def test_another_tab_notices_the_success(visitor):
    number = visitor.begin()
    other = visitor.tab("/verify")

    visitor.type(visitor.code(number))

    expect(other).to_have_title(CONFIRMED)


def test_another_tab_notices_that_the_number_was_given_up(visitor):
    visitor.begin()
    other = visitor.tab("/verify")

    visitor.press("Change it")

    expect(other).to_have_title("What is your mobile number? – Textproof")


def test_another_tab_says_that_another_number_counts_now_and_confirms_nothing(visitor):
    first = visitor.begin()
    code = visitor.code(first)
    waiting, typing = visitor.tab("/verify"), visitor.tab("/verify")
    typing.locator("#token").fill(code)
    typing.route("**/verify/status*", lambda route: route.abort())  # it has not asked yet
    visitor.open("/")
    second = new_number()
    visitor.ask(second)
    visitor.page.wait_for_url("**/verify")

    for tab in (waiting, typing):
        if tab is typing:
            tab.locator("#token ~ button").click()
        expect(tab).to_have_title("Error: You started again – Textproof")
        expect(tab.get_by_text(f"+1 {second[2:5]}-{second[5:8]}-{second[8:]}")).to_be_visible()

    visitor.type(visitor.code(second))
    expect(visitor.page).to_have_title(CONFIRMED)


def test_another_tab_that_was_an_error_moves_on_without_asking(visitor):
    """The page came by POST: a reload would ask whether to send the wrong code again."""
    number = visitor.begin()
    other = visitor.tab("/verify")
    visitor.type("000000")
    visitor.page, mistaken = other, visitor.page

    visitor.type(visitor.code(number))

    expect(mistaken).to_have_title(CONFIRMED)
