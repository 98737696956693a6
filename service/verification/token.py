"""The token: the characters in the message.

A token is never stored. It is drawn from a keyed hash of its verification, so that a resend
repeats it, and it is recognised by a keyed digest of what was typed.
"""

import hmac
import math
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import MalformedToken
from .normalize import meaning, plain

ALPHABETS = {"hex": "0123456789ABCDEF", "digits": "0123456789"}
BITS_MIN = 20  # SP 800-63B-4, 3.1.3.2: at least 20 bits, six decimal digits being enough
# Neither alphabet has these letters, so whoever types them read a digit. ASCII only: `str.upper`
# would turn a dotless i into an I.
LOOKALIKES = str.maketrans("abcdefOoIil", "ABCDEF00111", " -")


class Token:
    """The characters of one token, which show only when asked for."""

    __slots__ = ("_characters",)

    def __init__(self, characters: str) -> None:
        self._characters = characters

    def reveal(self) -> str:
        """Return the characters, for the message and for digests; never for a log."""
        return self._characters

    def __repr__(self) -> str:
        return "Token(•)"


@dataclass(frozen=True, slots=True)
class TokenFormat:
    """How the tokens of this service look: `alphabet` is a name of `ALPHABETS`, `length` is in characters."""

    alphabet: str
    length: int

    @property
    def characters(self) -> str:
        """The characters that a token is made of."""
        return ALPHABETS[self.alphabet]

    @property
    def is_weak(self) -> bool:
        """Tell whether a guess is likelier than SP 800-63B-4 allows. Six digits count as 20 bits there."""
        return round(self.length * math.log2(len(self.characters))) < BITS_MIN

    def draw(self, key: bytes, seed: bytes) -> Token:
        """Return the token of `seed`: the same one each time, and none that the seed alone tells.

        Every token has at least one digit, so that phones recognise it as a code.
        """
        stream = _uniform(key, seed, len(self.characters))
        while True:
            drawn = "".join(self.characters[next(stream)] for _ in range(self.length))
            if any(character in ALPHABETS["digits"] for character in drawn):
                return Token(drawn)

    def read(self, typed: str) -> Token:
        """Return the token that somebody typed, forgiving what people do to codes.

        Digits of any script are digits; spaces, hyphens and what is invisible are dropped; lower case is raised; `O` is
        0 and `I` or `l` is 1.

        Raises:
            MalformedToken: It has another length, or characters that no token has.
        """
        read = plain(typed).translate(LOOKALIKES)
        if not set(read) <= set(self.characters):
            odd = next(one for one in typed if not set(meaning(one).translate(LOOKALIKES)) <= set(self.characters))
            raise MalformedToken(self.length, alphabet=self.alphabet, odd=odd)
        if len(read) != self.length:
            raise MalformedToken(self.length, got=len(read), alphabet=self.alphabet)
        return Token(read)


def _uniform(key: bytes, seed: bytes, size: int) -> Iterator[int]:
    """Yield numbers below `size` (at most 256), all as likely: bytes that would favour some are dropped."""
    fair = 256 - 256 % size
    block = 0
    while True:
        for byte in hmac.digest(key, block.to_bytes(4) + seed, "sha256"):
            if byte < fair:
                yield byte % size
        block += 1
