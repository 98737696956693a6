"""Languages: one catalogue each, for the pages and the text messages.

The words in the code are English. `<tag>/LC_MESSAGES/textproof.po` has them in another language, and the `.mo` beside
it is the same for machines; `make languages` keeps them in step with the code. Knows nothing of HTTP: what a person
asks for is a language tag here, wherever it came from.
"""

import gettext as catalogues
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PLACE = Path(__file__).parent
DOMAIN = "textproof"
NAMES = {"en": "English", "es": "Español", "fr": "Français", "de": "Deutsch", "ar": "العربية"}
"""Every language that there is, by its tag (BCP 47), as those who speak it call it."""
REVIEWED = ("en", "es", "fr", "de")
"""Those that are offered unless an operator says otherwise."""
RIGHT_TO_LEFT = frozenset({"ar"})


def marked(text: str) -> str:
    """Return `text` as it is, for a catalogue to find it; `gettext` translates it later, when it is known for whom."""
    return text


class Language:
    """One language, and the words in it."""

    def __init__(self, tag: str) -> None:
        """Take a tag of `NAMES`."""
        self.tag = tag
        self.name = NAMES[tag]
        self.direction = "rtl" if tag in RIGHT_TO_LEFT else "ltr"
        self._words = catalogues.NullTranslations() if tag == "en" else catalogues.translation(DOMAIN, PLACE, [tag])

    def gettext(self, text: str) -> str:
        """Return `text` in this language."""
        return self._words.gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the form of a text that goes with `count` things; `{count}` in it is left to be filled in."""
        return self._words.ngettext(one, many, count)


class Languages:
    """The languages that are offered. The first one is for people who ask for none of them."""

    def __init__(self, tags: Sequence[str] = tuple(NAMES)) -> None:
        """Take at least one tag of `NAMES`."""
        self.offered = tuple(map(language, dict.fromkeys(tags)))
        self.default = self.offered[0]

    def pick(self, locale: str) -> Language | None:
        """Return the language of a locale (`es`, `es-MX`), or None when it is not offered."""
        tag = locale.replace("_", "-").split("-")[0].lower()
        return next((one for one in self.offered if one.tag == tag), None)

    def of(self, locale: str) -> Language:
        """Return the language of a locale, or the first one."""
        return self.pick(locale) or self.default


@cache
def language(tag: str) -> Language:
    """Return a language; its catalogue is read once."""
    return Language(tag)


ENGLISH = language("en")
