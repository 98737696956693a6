"""People who ask for a code at a replica, read it, and type it in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.http import Browser, Response, fields
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess

TOKEN = re.compile(r"^[0-9A-F]{6}(?= )")


@dataclass(frozen=True)
class Person:
    """Somebody who has asked for a code: the number, the browser's cookies, and the code in the message."""

    number: str
    token: str
    cookies: Mapping[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> str:
        """A token that is not theirs."""
        return ("1" if self.token[0] == "0" else "0") + self.token[1:]


def ask_for_code(browser: Browser, number: str, **more: str) -> Response:
    """Fill in the phone form and send it."""
    return browser.post("/request", fields(browser.get("/").text) | {"phone": number, **more})


def texts_to(replica: ServiceProcess, number: str) -> list[str]:
    """Return what the demo texted to a number lately, newest first."""
    with Browser(replica.url) as browser:
        return [letter["text"] for letter in browser.get("/demo/messages").json() if letter["to"] == number]


def token_in(text: str) -> str:
    """Return the token of a message."""
    found = TOKEN.match(text)
    assert found is not None, text
    return found[0]


def code_of(replica: ServiceProcess, number: str) -> str:
    """Return the code that the demo texted to a number last."""
    return token_in(texts_to(replica, number)[0])


def arrive(replica: ServiceProcess, number: str) -> Person:
    """Return somebody whose code the demo has just texted; it may still be on its way when the page is shown."""
    with Browser(replica.url) as browser:
        wait_until(lambda: ask_for_code(browser, number).status == 303, seconds=10, what="a code is sent")
        wait_until(lambda: texts_to(replica, number), seconds=10, what="a code arrives")
        return Person(number, code_of(replica, number), dict(browser.cookies))
