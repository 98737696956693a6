"""The text message: the token first, for the lock screen, then who sends it, how long it lives, and a warning.

With a public host, the last line binds the token to it, so that phones offer it on that site
only (WICG, Origin-bound one-time codes delivered via SMS).
"""

from dataclasses import dataclass
from datetime import timedelta

from .phone import PhoneNumber
from .token import Token

LONGEST_WORDS = 119  # seconds: no other life takes more letters to write
SEGMENT = 160  # septets in one GSM-7 message (3GPP TS 23.038); one more and two are paid for
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€")  # two septets each


@dataclass(frozen=True, slots=True)
class Message:
    """One send."""

    to: PhoneNumber
    text: str
    id: str
    """The verification's id."""
    send: int
    """1 for its first message, 2 for the next."""

    @property
    def key(self) -> str:
        """Names this send for the carrier, so that it is never sent twice. Holds no number and no token."""
        return f"{self.id}-{self.send}"

    def __repr__(self) -> str:
        return f"Message(to={self.to!r}, key={self.key!r})"


def compose(token: Token, *, brand: str, life: timedelta, host: str | None) -> str:
    """Return the text that carries `token`, which lives for `life` from its first send."""
    characters = token.reveal()
    text = f"{characters} is your {brand} code. It expires in {_at_most(int(life.total_seconds()))}. Do not share it."
    return f"{text}\n\n@{host} #{characters}" if host else text


def _at_most(seconds: int) -> str:
    """Return a duration in words, rounded down: nobody should believe a token that has expired."""
    count, unit = (seconds // 60, "minute") if seconds > LONGEST_WORDS else (seconds, "second")
    return f"1 {unit}" if count == 1 else f"{count} {unit}s"


def septets(text: str) -> int | None:
    """Return the length of `text` in GSM-7 septets, or None when it has other characters."""
    if not BASIC.union(EXTENDED).issuperset(text):
        return None
    return len(text) + sum(character in EXTENDED for character in text)
