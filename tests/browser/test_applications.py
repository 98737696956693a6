"""Applications that send people here by OpenID Connect, in a real browser: where each gets back to."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import permutations
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from service.commands.keys import ClientKeys
from service.config import Settings
from service.store.connect import connect
from service.store.redis import RedisStore
from tests.browser.visitor import leave_untold, new_number
from tests.support.processes import free_port


class Application(BaseHTTPRequestHandler):
    """Leads on to another host at once, as many do that keep the code out of the history."""

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path == "/callback":
            self.send_response(303)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/home?{path.query}")  # type: ignore[attr-defined]
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<title>Application</title>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def applications(places) -> Iterator[list[str]]:
    """Where each of two applications sends the browser."""
    store = RedisStore(connect(places.store.url), Settings().policy)
    addresses = []
    with ThreadingHTTPServer(("127.0.0.1", free_port()), Application) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        back = f"http://127.0.0.1:{server.server_port}/callback"
        for brand in ("Shop", "Rival"):
            name = f"{brand.lower()}{new_number().removeprefix('+')}"
            ClientKeys(store).add(name, now=1, redirect_uris=(back,), brand=brand)
            asked = {"client_id": name, "redirect_uri": back, "response_type": "code", "scope": "openid"}
            addresses.append(f"{places.demo}/authorize?{urlencode(asked | {'state': brand})}")
        yield addresses
        server.shutdown()


def _begin(page: Page, address: str, number: str) -> None:
    page.goto(address)
    page.locator("#phone").fill(number)
    page.get_by_role("button", name="Text me a code").click()
    expect(page.locator("#token")).to_be_visible()


def _type(page: Page, code: str) -> None:
    page.locator("#token").fill(code)
    page.locator("#token ~ button").click()


def test_an_application_may_lead_on_to_another_host_at_once(visitor, applications):
    """Chromium holds every redirect after a form against the policy of the page that had the form."""
    number = new_number()
    _begin(visitor.page, applications[0], number)

    _type(visitor.page, visitor.code(number))

    visitor.page.wait_for_url("http://localhost:*/home?**")
    assert parse_qs(urlsplit(visitor.page.url).query)["state"] == ["Shop"]


def test_the_pages_say_for_whom_they_ask_and_lead_back_there(visitor, applications):
    visitor.page.goto(applications[0])
    expect(visitor.page).to_have_title("What is your mobile number? – Shop")

    visitor.page.get_by_role("link", name="Back to Shop").click()

    visitor.page.wait_for_url("http://localhost:*/home?**")
    query = parse_qs(urlsplit(visitor.page.url).query)
    assert (query["error"], query["state"]) == (["access_denied"], ["Shop"])


STEPS = [
    order
    for order in permutations([(0, "begin"), (0, "type"), (1, "begin"), (1, "type")])
    if all(order.index((tab, "begin")) < order.index((tab, "type")) for tab in (0, 1))
]


@pytest.mark.parametrize("order", STEPS, ids=lambda order: " ".join(f"{step}{tab + 1}" for tab, step in order))
def test_two_applications_in_two_tabs_each_get_their_own_code_or_none(visitor, applications, order):
    """The tab that began last goes on; an earlier one is told so, and nothing is confirmed to the wrong application."""
    tabs, numbers = [visitor.page, visitor.page.context.new_page()], [new_number(), new_number()]
    for page in tabs:
        leave_untold(page)
    last, back = None, {}
    for tab, step in order:
        page = tabs[tab]
        if step == "begin":
            _begin(page, applications[tab], numbers[tab])
            last = tab
            continue
        _type(page, visitor.code(numbers[tab]))
        if tab == last:
            page.wait_for_url("http://localhost:*/home?**")
            back[tab] = parse_qs(urlsplit(page.url).query)
        else:
            expect(page.locator("h1")).to_contain_text("You started again")

    assert last in back
    for tab, query in back.items():
        assert query["state"] == [("Shop", "Rival")[tab]]
        assert len(query["code"][0]) == 43
