"""People: they open the page, type, and read what it says."""

import html
import re
from typing import Any

from service.verification.errors import Delivery
from tests.support.http import Browser, Response, fields
from tests.support.processes import wait_until

TAGS = re.compile(r"<[^>]+>")
SENDS = 5  # to a number in ten minutes
# What the person has to read: what happened, and what to do next.
SAID = {
    Delivery.INVALID_NUMBER: ("This number is not in service.", "Check it, or use another number."),
    Delivery.LANDLINE: ("This is a landline", "Use a mobile number."),
    Delivery.OPTED_OUT: ("opted out", "Reply START"),
    Delivery.COUNTRY: ("that country", "Use another number."),
    Delivery.BLOCKED: ("The mobile network blocked", "Use another number."),
    Delivery.UNREACHABLE: ("could not deliver", "resend the code, or use another number."),
    Delivery.FAILED: ("could not send", "on our side", "Try again in a few minutes."),
    Delivery.BUSY: ("could not send", "Try again in a few minutes."),
}


def words(page: str) -> str:
    """Return what a page says, without its markup."""
    return " ".join(html.unescape(TAGS.sub(" ", page)).split())


class Person(Browser):
    """One visitor.

    Attributes:
        asked_for: The number that they gave last.
    """

    asked_for = ""

    def ask(self, number: str, *, nonce: str | None = None) -> Response:
        """Ask for a code. The request is named as the form names it, unless a name is given."""
        self.asked_for = number
        given = fields(self.get("/").text)
        return self.post("/request", {**given, "phone": number, "nonce": nonce or given["nonce"]})

    def type(self, token: str) -> Response:
        """Type a code."""
        return self.post("/verify", {**fields(self.get("/verify").text), "token": token})

    def ask_again(self) -> Response:
        """Ask for the same code once more."""
        return self.post("/resend", {"nonce": fields(self.get("/verify").text)["nonce"]})

    def status(self) -> dict[str, Any]:
        """Return what the waiting page is told."""
        return dict(self.get("/verify/status").json())

    def page(self) -> str:
        """Return what the page says after a reload."""
        return words(self.get("/verify").text)

    def await_delivery(self, delivery: str) -> dict[str, Any]:
        """Return the status as soon as it says this of the message."""
        wait_until(lambda: self.status()["delivery"] == delivery, what=f"delivery is {delivery}")
        return self.status()


def token_in(text: str) -> str:
    """Return what somebody types who reads this message."""
    return text.split(maxsplit=1)[0]


def sends_left(person: Person, number: str) -> int:
    """Ask until the number's budget is spent, and return how often that worked."""
    for count in range(SENDS + 2):
        answer = person.ask(number)
        if answer.status == 429:
            return count
        assert answer.status == 303, words(answer.text)
    raise AssertionError("the budget has no end")
