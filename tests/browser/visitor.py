"""Somebody in front of a browser, and what they do again and again."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.browser.places import Places
from tests.support.http import Browser as PlainBrowser
from tests.support.http import fields
from tests.support.processes import LONG_SECONDS, wait_until

DESKTOP = {"width": 1200, "height": 800}
SMALL = {"width": 320, "height": 568}  # WCAG 2.2, 1.4.10
ZOOMED = {"width": 320, "height": 256}  # 1280 by 1024 at 400 %
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.shifted += shift.value;
}).observe({ type: "layout-shift", buffered: true });
"""
_lines = itertools.count()
expect.set_options(timeout=LONG_SECONDS * 1000)


class Visitor:
    """One browser profile with one tab, more on demand.

    Attributes:
        page: The tab.
        noise: What the console said, apart from the browser's own notes that an answer was a 4xx or 5xx, and that
            somebody was faster than `autofocus`, as only a test can be.
        shift: For whoever measures it once and looks at it later.
    """

    def __init__(self, page: Page, places: Places) -> None:
        self.page = page
        self.places = places
        self.noise: list[str] = []
        self.shift = 0.0
        self._place = places.demo
        self._listen(page)

    # Getting around.

    def open(self, path: str = "/", *, at: str = "") -> None:
        """Go to a page of a place; of the same place as before where none is named."""
        self._place = at or self._place
        self.page.goto(self._place + path)

    def tab(self, path: str) -> Page:
        """Open a page in another tab of the same profile."""
        page = self.page.context.new_page()
        self._listen(page)
        page.goto(self._place + path)
        return page

    def press(self, button: Locator | str) -> None:
        """Press what leads to another page, and wait for that."""
        target = self.page.get_by_role("button", name=button) if isinstance(button, str) else button
        with self.page.expect_navigation():
            target.click()

    # The two forms.

    def ask(self, phone: str) -> None:
        """Fill in the phone form and send it."""
        self.page.locator("#phone").fill(phone)
        self.press(self.page.locator("#phone ~ button"))

    def begin(self, *, at: str = "") -> str:
        """Ask for a code with a number that nobody else has, and return the number."""
        number = new_number()
        self.open("/", at=at)
        self.ask(number)
        self.page.wait_for_url("**/verify")
        return number

    def type(self, code: str) -> None:
        """Fill in the code form and send it."""
        self.page.locator("#token").fill(code)
        self.press(self.page.locator("#token ~ button"))

    def resend(self) -> None:
        """Have the code sent again as soon as that is possible."""
        again = self.page.locator("#resend")
        expect(again).to_be_enabled()
        self.press(again)

    # What came of it.

    def messages(self, number: str) -> list[str]:
        """Return what the demo sent to a number, newest first."""
        inbox = self.page.request.get(f"{self._place}/demo/messages").json()
        return [message["text"] for message in inbox if message["to"] == number]

    def code(self, number: str) -> str:
        """Return the code in the latest message to a number."""
        return self.messages(number)[0].split()[0]

    def has_sideways_scroll(self) -> bool:
        """Tell whether the page is wider than its window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def shifted(self) -> float:
        """Return the page's cumulative layout shift, after everything has been painted."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        return float(self.page.evaluate("window.shifted"))

    @property
    def focused(self) -> Locator:
        """What has the focus."""
        return self.page.locator(":focus")

    def _listen(self, page: Page) -> None:
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.noise.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        path = urlsplit(message.location["url"]).path
        is_refusal = message.text.startswith("Failed to load resource") and not path.startswith("/static/")
        if not is_refusal and not message.text.startswith("Autofocus processing was blocked"):
            self.noise.append(f"{message.type}: {message.text} ({path})")


def leave_untold(page: Page) -> None:
    """Answer nothing when a page asks how its verification stands: it must find out from its own form."""
    page.route("**/verify/status*", lambda _: None)


@contextmanager
def visitor(browser: Browser, places: Places, **options: object) -> Iterator[Visitor]:
    """Bring somebody with a fresh profile; `options` are Playwright's for a context."""
    whole = {"viewport": DESKTOP, "locale": "en-US", "timezone_id": "America/New_York", **options}
    context = browser.new_context(**whole)  # type: ignore[arg-type]
    context.set_default_timeout(LONG_SECONDS * 1000)
    context.add_init_script(WATCH_SHIFTS)
    try:
        yield Visitor(context.new_page(), places)
    finally:
        context.close()


def new_number() -> str:
    """Return a mobile number of the US that nobody else asks with; no two in a row share all but four digits."""
    line = next(_lines)
    return f"+1{('202', '212', '312', '415')[line % 4]}55{50000 + line // 4}"


def spend_sends(place: str, number: str) -> None:
    """Ask for codes, from elsewhere, until the number gets no more."""
    with PlainBrowser(place) as other:
        form = lambda: {"phone": number, "nonce": fields(other.get("/").text)["nonce"]}  # noqa: E731
        wait_until(lambda: other.post("/request", form()).status == 429, what="limited")
