"""Normalization of what people type, for phone numbers and codes alike.

By what Unicode says of each character, not by lists of them: keyboards, spreadsheets, contact lists and messengers
put marks around a number that nobody sees, and half of the world types digits that are not 0 to 9.
"""

import functools
import unicodedata

INVISIBLE = frozenset({"Cf", "Mn", "Me"})  # formats, and marks that only change the look of what they follow
# Dashes that Unicode does not count among them: the minus, and the mark that Japanese keyboards have on that key.
DASHES = frozenset("\u2212\u30fc")


def plain(typed: str) -> str:
    """Return what was typed in ASCII as far as it means that; what means nothing here stays, to be refused by name."""
    if typed.isascii() and typed.isprintable():
        return typed
    return "".join(map(meaning, typed))


@functools.lru_cache(maxsize=4096)  # a few alphabets
def meaning(character: str) -> str:
    """Return what one character means: a digit by its value, " " for a space, "-" for a dash, "" for what is unseen.

    Anything else is taken for its plainest form (a full-width plus is a plus), but for digits that are raised, lowered
    or ringed: those are notes, and no part of a number.
    """
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in INVISIBLE:
        return ""
    if category == "Zs" or character.isspace():
        return " "
    form = unicodedata.normalize("NFKC", character)
    if category == "Pd" or form in DASHES:
        return "-"
    return form if len(form) == 1 and form.isascii() and not form.isdigit() else character
