"""The text message: token first, for the lock screen, then brand, life and a warning.

With a public host, the last line binds the token to it, so that phones offer it on that site
only (WICG, Origin-bound one-time codes delivered via SMS). One message is one segment in every language: where the
script has 70 characters instead of 160, what matters least is left out.
"""

from dataclasses import dataclass
from datetime import timedelta

from ..languages import ENGLISH, Language
from .phone import PhoneNumber
from .token import Token

LONGEST_WORDS = 119  # seconds: no other life takes more letters to write
SEGMENT = 160  # septets in one GSM-7 message (3GPP TS 23.038); one more and two are paid for
WIDE_SEGMENT = 70  # UTF-16 units in one UCS-2 message, which is what any other character makes of it
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


def compose(token: Token, *, brand: str, life: timedelta, host: str | None, language: Language = ENGLISH) -> str:
    """Return the text that carries `token`, which lives for `life` from its first send.

    In GSM-7 it is always whole. In UCS-2 the warning, the life and the brand are left out, in this order, until it is
    one segment; the token and the last line never are.
    """
    characters = token.reveal()
    # Translators: a text message. In Spanish, French and German only characters of GSM-7, so no á ç ê í ó ú.
    begins = language.gettext("{token} is your {brand} code.").format(token=characters, brand=brand)
    expires = language.gettext("It expires in {life}.").format(life=_at_most(int(life.total_seconds()), language))
    warns = language.gettext("Do not share it.")
    last = f"\n\n@{host} #{characters}" if host else ""
    texts = [
        f"{words}{last}"
        for words in (
            f"{begins} {expires} {warns}",
            f"{begins} {expires}",
            begins,
            language.gettext("{token} is your code.").format(token=characters),
        )
    ]
    if septets(texts[0]) is not None:
        return texts[0]
    return next(filter(is_one_segment, texts), texts[-1])


def _at_most(seconds: int, language: Language) -> str:
    """Return a duration in words, rounded down: nobody should believe a token that has expired."""
    if seconds > LONGEST_WORDS:
        count = seconds // 60
        words = language.ngettext("{count} minute", "{count} minutes", count)
    else:
        count = seconds
        words = language.ngettext("{count} second", "{count} seconds", count)
    return words.format(count=count)


def is_one_segment(text: str) -> bool:
    """Tell whether phones get `text` as one message."""
    length = septets(text)
    return length <= SEGMENT if length is not None else len(text.encode("utf-16-le")) <= 2 * WIDE_SEGMENT


def septets(text: str) -> int | None:
    """Return the length of `text` in GSM-7 septets, or None when it has other characters."""
    if not BASIC.union(EXTENDED).issuperset(text):
        return None
    return len(text) + sum(character in EXTENDED for character in text)
