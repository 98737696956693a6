"""Every page in every state, and how a visitor gets there.

The tests try them all, and `bench/pages.py` takes their pictures.
"""

import logging
import time
from collections.abc import Callable
from urllib.parse import urlencode

from playwright.sync_api import Route, expect

from service.app import create_app
from service.commands.keys import ClientKeys
from service.config import Settings
from service.store.connect import connect
from service.store.redis import RedisStore
from tests.browser.visitor import Visitor, leave_untold, new_number, spend_sends
from tests.fakes import GoneStore
from tests.support.telnyx import number_for

State = Callable[[Visitor], None]
STATES: dict[str, State] = {}


def state(way: State) -> State:
    """Enter a way into the table, under its name."""
    STATES[way.__name__.replace("_", "-")] = way
    return way


# -- The phone form


@state
def first(visitor: Visitor) -> None:
    visitor.open("/", at=visitor.places.demo)


@state
def first_in_production(visitor: Visitor) -> None:
    visitor.open("/", at=visitor.places.real)


@state
def first_wrong_number(visitor: Visitor) -> None:
    first(visitor)
    visitor.ask("202 555 01")


@state
def first_other_country(visitor: Visitor) -> None:
    first_in_production(visitor)
    visitor.ask("+44 7400 123456")


@state
def first_limited(visitor: Visitor) -> None:
    number = new_number()
    spend_sends(visitor.places.demo, number)
    first(visitor)
    visitor.ask(number)


@state
def first_landline(visitor: Visitor) -> None:
    first_in_production(visitor)
    visitor.ask(number_for("40001"))


@state
def first_carrier_down(visitor: Visitor) -> None:
    first_in_production(visitor)
    visitor.ask(number_for("40333"))
    visitor.places.real_store.flush()  # or nobody is texted for the next minute


@state
def first_store_down(visitor: Visitor) -> None:
    visitor.open("/", at=visitor.places.down)
    visitor.ask(new_number())


@state
def first_of_an_operator(visitor: Visitor) -> None:
    """Another name and colour, links, and several countries."""
    visitor.open("/", at=visitor.places.own)


@state
def code_of_an_operator(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.own)


@state
def first_fixed(visitor: Visitor) -> None:
    """An application has said which number it has to be."""
    visitor.page.goto(sent_by_an_application(visitor, login_hint=new_number()))


# -- The code form


@state
def code(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.demo)
    expect(visitor.page.get_by_text("You can resend the code now.").first).to_be_visible()


@state
def code_in_production(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.real)


@state
def code_wrong(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.demo)
    visitor.type("0000 00")


@state
def code_too_short(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.demo)
    visitor.type("12 34")


@state
def code_expires_soon(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.hasty)


@state
def code_too_soon(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.hasty)
    with visitor.page.expect_navigation():  # as from another tab: the button here is disabled anew each second
        visitor.page.evaluate("document.getElementById('resend').form.requestSubmit()")


@state
def code_sent_again(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.demo)
    visitor.resend()


@state
def code_help(visitor: Visitor) -> None:
    code_sent_again(visitor)
    visitor.resend()


@state
def code_sent_often(visitor: Visitor) -> None:
    code_help(visitor)
    visitor.resend()
    visitor.resend()


@state
def code_delivered(visitor: Visitor) -> None:
    first_in_production(visitor)
    visitor.ask(number_for("receipt:delivered"))
    _await_delivery(visitor, "The text was delivered to your phone.")


@state
def code_undelivered(visitor: Visitor) -> None:
    first_in_production(visitor)
    visitor.ask(number_for("receipt:40008"))
    _await_delivery(visitor, "We could not deliver the text.")


@state
def code_carrier_silent(visitor: Visitor) -> None:
    first_in_production(visitor)
    visitor.ask(number_for("bad_gateway"))
    _await_delivery(visitor, "We cannot tell yet")


@state
def code_store_down(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.demo)
    visitor.open("/verify", at=visitor.places.down)


def _await_delivery(visitor: Visitor, words: str) -> None:
    expect(visitor.page.get_by_text(words)).to_be_visible()


# -- In other languages


@state
def first_in_arabic(visitor: Visitor) -> None:
    visitor.open("/?lang=ar", at=visitor.places.demo)


@state
def first_in_spanish(visitor: Visitor) -> None:
    visitor.open("/?lang=es", at=visitor.places.real)


@state
def code_in_arabic(visitor: Visitor) -> None:
    first_in_arabic(visitor)
    visitor.ask(new_number())
    visitor.type("0000 00")


@state
def code_in_german(visitor: Visitor) -> None:
    visitor.open("/?lang=de", at=visitor.places.real)
    visitor.ask(new_number())


@state
def confirmed_in_arabic(visitor: Visitor) -> None:
    first_in_arabic(visitor)
    number = new_number()
    visitor.ask(number)
    visitor.type(visitor.code(number))


# -- The ends


@state
def confirmed(visitor: Visitor) -> None:
    number = visitor.begin(at=visitor.places.demo)
    visitor.type(visitor.code(number))


@state
def used(visitor: Visitor) -> None:
    """Somebody goes back after the success, and types the code once more."""
    number = visitor.begin(at=visitor.places.demo)
    form = visitor.tab("/verify")
    leave_untold(form)
    visitor.type(visitor.code(number))
    visitor.page.close()
    visitor.page = form
    form.evaluate("document.getElementById('token').value = '123456'")
    with form.expect_navigation():
        form.evaluate("document.getElementById('token').form.submit()")


@state
def locked(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.demo)
    for _ in range(5):
        visitor.type("000000")
    visitor.open("/verify")


@state
def expired(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.late)
    expect(visitor.page).to_have_title("Error: That code no longer works – Textproof")


@state
def back_to_the_application(visitor: Visitor) -> None:
    """Somebody who came from an application was confirmed, and did not get back."""
    visitor.page.goto(sent_by_an_application(visitor))
    number = new_number()
    visitor.ask(number)
    visitor.type(visitor.code(number))
    visitor.open("/verify")


def sent_by_an_application(visitor: Visitor, **more: str) -> str:
    """Return where an application sends the browser, at the demo.

    The application is another of the places: any page of another origin will do.
    """
    store = RedisStore(connect(visitor.places.store.url), Settings().policy)
    name = f"shop{new_number().removeprefix('+')}"
    ClientKeys(store).add(name, redirect_uris=(visitor.places.hasty + "/",), now=time.time())
    asked = {"client_id": name, "redirect_uri": visitor.places.hasty + "/", "response_type": "code", "scope": "openid"}
    return f"{visitor.places.demo}/authorize?{urlencode(asked | {'state': 'as it was', **more})}"


# -- What else can go wrong


@state
def nothing_there(visitor: Visitor) -> None:
    visitor.open("/nowhere", at=visitor.places.demo)


@state
def only_posted(visitor: Visitor) -> None:
    visitor.open("/request", at=visitor.places.demo)


@state
def other_site(visitor: Visitor) -> None:
    """Another site sends our form."""
    visitor.page.route("https://elsewhere.example/", _page_of_another_site(visitor.places.demo))
    visitor.page.goto("https://elsewhere.example/")
    with visitor.page.expect_navigation():
        visitor.page.evaluate("document.forms[0].submit()")


@state
def our_fault(visitor: Visitor) -> None:
    """A bug. Visitors can reach none, so the page comes from a service that has one."""
    page = _page_of_a_bug()
    visitor.page.route(
        visitor.places.demo + "/", lambda route: route.fulfill(status=500, content_type="text/html", body=page)
    )
    visitor.open("/", at=visitor.places.demo)


def _page_of_a_bug() -> str:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    app = create_app(Settings(SENDER="demo", SECRET_KEY="x" * 40), store=GoneStore())
    app.view_functions["pages.index"] = lambda: str(1 // 0)
    try:
        return app.test_client().get("/").text
    finally:
        root.handlers[:] = handlers  # the service takes over the process's logging, as it should
        root.setLevel(level)


def _page_of_another_site(target: str) -> Callable[[Route], None]:
    form = f'<form method="post" action="{target}/request"><input name="phone" value="+12025550143"></form>'
    return lambda route: route.fulfill(content_type="text/html", body=form)


# -- For developers


@state
def api(visitor: Visitor) -> None:
    visitor.open("/v1/docs", at=visitor.places.real)


@state
def api_problem(visitor: Visitor) -> None:
    visitor.open("/v1/problems/token_rejected", at=visitor.places.real)


# -- The demo's phone


@state
def phone_empty(visitor: Visitor) -> None:
    visitor.page.route("**/demo/messages", lambda route: route.fulfill(json=[]))
    visitor.open("/demo", at=visitor.places.demo)
    expect(visitor.page.get_by_text("No texts yet.")).to_be_visible()


@state
def phone(visitor: Visitor) -> None:
    visitor.begin(at=visitor.places.demo)
    visitor.open("/demo")
    expect(visitor.page.get_by_role("button", name="Copy").first).to_be_visible()
