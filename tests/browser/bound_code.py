"""Reads an origin-bound one-time code as phones do.

WICG, Origin-bound one-time codes delivered via SMS, section 3.2.
"""

from dataclasses import dataclass

WHITESPACE = "\t\n\f\r "


@dataclass(frozen=True)
class BoundCode:
    """A code, and where it may be filled in."""

    host: str
    code: str
    embedded_host: str | None = None


def read(message: str) -> BoundCode | None:
    """Return what the last line of a message says, or None where it is not of this form."""
    line = message.replace("\r\n", "\n").replace("\r", "\n").split("\n")[-1]
    host, rest = _marked(line, "@")
    if not host or not rest.startswith(" "):
        return None
    code, rest = _marked(rest[1:], "#")
    if not code:
        return None
    embedded, _ = _marked(rest[1:], "%") if rest.startswith(" ") else ("", "")
    return BoundCode(host, code, embedded or None)


def _marked(text: str, marker: str) -> tuple[str, str]:
    """Return what follows the marker up to white space, and the rest; two empty texts where there is none."""
    if not text.startswith(marker):
        return "", ""
    end = next((place for place, character in enumerate(text) if character in WHITESPACE), len(text))
    return text[1:end], text[end:]
