"""Telnyx's error codes: title, HTTP status, and the field they point at.

Titles follow Telnyx's published lists. Telnyx publishes no HTTP status per code and says that it
may vary, so a status here is one that was seen or one that fits: decide on the code.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = "https://developers.telnyx.com/docs/overview/errors/"


@dataclass(frozen=True)
class TelnyxError:
    """One refusal.

    Attributes:
        pointer: JSON pointer to the offending field, or None.
        headers: Sent with the answer besides the usual ones.
    """

    status: int
    code: str
    title: str
    detail: str
    pointer: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def entry(self) -> dict[str, Any]:
        """Return it as an item of an `errors` list."""
        found: dict[str, Any] = {
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "meta": {"url": DOCS + self.code},
        }
        if self.pointer is not None:
            found["source"] = {"pointer": self.pointer}
        return found

    def body(self) -> dict[str, Any]:
        """Return the whole answer."""
        return {"errors": [self.entry()]}


RATE_LIMIT_HEADERS = (
    ("Retry-After", "3"),  # seconds
    ("X-RateLimit-Limit", "50"),
    ("X-RateLimit-Remaining", "0"),
    ("X-RateLimit-Reset", "3"),  # seconds
)
# status|a name of ours, where a code has two faces|code|JSON pointer|title|detail; `later` instead of a status: with a
# receipt. 40300 has two meanings in Telnyx's own documentation; only the words tell them apart.
_, *ROWS = [row.split("|") for row in Path(__file__).with_name("errors.psv").read_text().splitlines()]

ERRORS: dict[str, TelnyxError] = {
    name or code: TelnyxError(
        int(status), code, title, detail, pointer or None, RATE_LIMIT_HEADERS if code == "10011" else ()
    )
    for status, name, code, pointer, title, detail in ROWS
    if status != "later"
}
"""Every refusal of a send, by its name."""

RECEIPT_ERRORS: dict[str, tuple[str, str]] = {
    code: (title, detail) for status, _name, code, _pointer, title, detail in ROWS if status == "later"
}
"""Why a taken message did not arrive: title and detail by code, as in `payload.errors` of `message.finalized`."""
