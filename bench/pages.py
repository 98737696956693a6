"""The pages, weighed and pictured.

`python -m bench.pages` prints figures, `python -m bench.pages screens` takes pictures; `screens code used` only those.

The figures are those of a page that is loaded with an empty cache in a real Chromium on this machine.
The pictures go to `docs/screens`: every page in every state, in light; some in dark, and on a small screen.
"""

import base64
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser

from bench.picture import shrink
from tests.browser.chromium import chromium
from tests.browser.places import Places, places
from tests.browser.states import STATES
from tests.browser.visitor import SMALL, new_number, visitor
from tests.browser.weight import Weight, weigh

SCREENS = Path(__file__).parents[1] / "docs" / "screens"
BYTES_MAX = 60_000  # of a picture
SETTLED_MS = 1500  # until the demo's phone has rung
WIDE = {"width": 1060, "height": 780}
NARROW = {"width": 560, "height": 400}
BROAD = {"first", "code", "confirmed", "api", "first-in-arabic"}  # the first three with the demo's phone beside them
DARK = {"first", "code", "code-wrong", "confirmed", "phone", "code-in-arabic", "first-of-an-operator"}
LONG = {"api"}  # the beginning is enough
TINY = {"first", "first-wrong-number", "code", "code-help", "phone", "code-in-arabic"}
BARE = {"code-expires-soon"}  # pictured without scripts, too
OVERVIEW = "overview"  # the README's first picture: the way through, with the phone
HAND = {"width": 340, "height": 640}  # a page in it, and the phone
SHEET = """
body { margin: 0; padding: 28px; display: flex; gap: 24px; background: #dfe8e6; inline-size: max-content; }
img { block-size: 640px; }
img { border-radius: 20px; box-shadow: 0 1px 6px #0004; }
.phone { border-radius: 44px; }
"""


def main() -> None:
    """Do as the command line says."""
    with places() as started, chromium() as browser:
        if sys.argv[1:2] == ["screens"]:
            take_pictures(browser, started, sys.argv[2:] or [OVERVIEW, *STATES])
        else:
            print_figures(browser, started)


def print_figures(browser: Browser, started: Places) -> None:
    """Print a table of what the pages cost."""
    tell("page               bytes  requests  late  shift  blocked ms  readable ms")
    for name, weight in _weights(browser, started):
        tell(
            f"{name:<16} {weight.transferred:>7,}  {weight.requests:>8}  {weight.late_requests:>4}"
            f"  {weight.shift:>5.3f}  {weight.blocked:>10.0f}  {weight.painted:>11.0f}"
        )


def _weights(browser: Browser, started: Places) -> Iterator[tuple[str, Weight]]:
    with visitor(browser, started) as somebody:
        yield "first", weigh(somebody, "/", at=started.real)
    with visitor(browser, started) as somebody:
        STATES["code-in-production"](somebody)
        yield "code, after it", weigh(somebody, "/verify", at=started.real)
    with visitor(browser, started) as somebody:
        yield "first, demo", weigh(somebody, "/", at=started.demo)
    with visitor(browser, started) as somebody:
        yield "demo phone", weigh(somebody, "/demo", at=started.demo)


def take_pictures(browser: Browser, started: Places, names: Sequence[str]) -> None:
    """Write pictures of pages in these states."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name == OVERVIEW:
            _take_overview(browser, started)
            continue
        _take(browser, started, name, name, viewport=WIDE if name in BROAD else NARROW)
        if name in DARK:
            _take(
                browser, started, name, f"{name}-dark", viewport=WIDE if name in BROAD else NARROW, color_scheme="dark"
            )
        if name in TINY:
            _take(browser, started, name, f"{name}-small", viewport=SMALL)
        if name in BARE:
            _take(browser, started, name, f"{name}-no-script", viewport=NARROW, java_script_enabled=False)


def _take(browser: Browser, started: Places, state: str, name: str, **options: object) -> None:
    started.store.flush()  # so that the demo's phone has this visitor's messages only
    with visitor(browser, started, reduced_motion="reduce", **options) as somebody:
        STATES[state](somebody)
        somebody.page.mouse.move(0, 0)
        somebody.page.wait_for_timeout(SETTLED_MS)
        taken = somebody.page.screenshot(full_page=state not in LONG, animations="disabled")
    _write(browser, name, taken)


def _take_overview(browser: Browser, started: Places) -> None:
    """Take one picture of the three pages and the phone, in the order in which people meet them."""
    started.store.flush()
    with visitor(browser, started, reduced_motion="reduce", viewport=HAND) as somebody:
        somebody.open("/", at=started.demo)
        number = new_number()
        somebody.page.locator("#phone").press_sequentially(number[2:])
        taken = [somebody.page.screenshot(animations="disabled")]
        somebody.press("Text me a code")
        phone = somebody.tab("/demo")
        phone.set_viewport_size({"width": HAND["width"] + 40, "height": 2 * HAND["height"]})  # all of it, with its edge
        phone.wait_for_timeout(SETTLED_MS)
        taken.append(phone.locator("#demo-phone").screenshot(animations="disabled", omit_background=True))
        phone.close()
        somebody.page.locator("#token").press_sequentially(somebody.code(number))
        taken.append(somebody.page.screenshot(animations="disabled"))
        somebody.press("Confirm")
        taken.append(somebody.page.screenshot(animations="disabled"))
    sheet = browser.new_page(viewport={"width": 1500, "height": 700})
    images = [f'<img src="data:image/png;base64,{base64.b64encode(one).decode()}">' for one in taken]
    images[1] = images[1].replace("<img", '<img class="phone"')
    sheet.set_content(f"<style>{SHEET}</style>{''.join(images)}")
    whole = sheet.locator("body").screenshot()
    sheet.close()
    _write(browser, OVERVIEW, whole)


def _write(browser: Browser, name: str, taken: bytes) -> None:
    counter = browser.new_page()
    picture = shrink(counter, taken)
    counter.close()
    (SCREENS / f"{name}.png").write_bytes(picture)
    tell(f"{len(picture):>7,}  {name}.png")
    if len(picture) > BYTES_MAX:
        sys.exit(f"{name}.png is larger than {BYTES_MAX:,} bytes")


def tell(line: str) -> None:
    """Write a line to the terminal, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
