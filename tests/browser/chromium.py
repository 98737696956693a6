"""A real Chromium: the one on the PATH, else the one that Playwright brings."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoChromium(Exception):
    """There is none on this machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start one, and end it afterwards.

    Raises:
        NoChromium: There is none.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(playwright), args=list(_arguments()))
        try:
            yield browser
        finally:
            browser.close()


def _executable(playwright: Playwright) -> str:
    installed = next((path for path in map(shutil.which, NAMES) if path), None)
    path = installed or playwright.chromium.executable_path
    if not Path(path).exists():
        raise NoChromium("there is no Chromium here: `make browser` installs one")
    return path


def _arguments() -> Iterator[str]:
    yield "--disable-dev-shm-usage"  # containers give little of it
    if os.geteuid() == 0:
        yield "--no-sandbox"  # as root, Chromium does not start with it
