"""The names of all keys. They are short because there are many, and lie in one slot: a script reaches all of them.

{prefix}:keyring                  the keyring, sealed (hash)
{prefix}:clients                  keys of applications (hash)
{prefix}:v:random                 a verification (hash)
{prefix}:t:digest                 its token (string, empty: the name says it all)
{prefix}:n:number                 sends to the number and who asked for them, its latest token, and requests to start,
                                  so that each is carried out once (hash)
{prefix}:c:number                 wrong checks of the number in a row (list of ms)
{prefix}:c:number:source          wrong checks of the number from one source (list of ms)
{prefix}:o:number                 the number wants no messages (string, empty)
{prefix}:e:number:digest          news of a message that was noted (string, empty)
{prefix}:p                        sending is paused (hash)
{prefix}:f                        when the sender is free again (string, ms)
{prefix}:m:day                    money spent that day, in millionths (string)
{prefix}:g                        checks of all numbers within the hour (hash)
{prefix}:z:kind:subject           a number, range or country that is closed (string: what it is, sealed)
{prefix}:h:kind:subject           what came of starts to a range or country within a day (hash)
{prefix}:k:address:range          when an address began something in a range that did not end well (list of ms)
{prefix}:q:range                  lines of a range that were asked for within a day, unless it ended well (sorted set)
{prefix}:l:limit:subject          entries of a limit (list of ms)
{prefix}:i:name                   a note (string or list, opaque)
{prefix}:r                        whoever asked whether they can write could, a second ago (string, empty)

Digests stand for numbers, addresses and ranges.
"""

from ..verification.errors import Limit
from ..verification.limits import Charge, Subjects

DAY_MS = 86_400_000


class Names:
    """The names of one installation."""

    def __init__(self, prefix: str) -> None:
        """Take `KEY_PREFIX`."""
        self._begin = f"{{{prefix}}}:"
        self.keyring = f"{self._begin}keyring"
        self.clients = f"{self._begin}clients"
        self.pause = f"{self._begin}p"
        self.sender = f"{self._begin}f"
        self.guesses = f"{self._begin}g"
        self.ready = f"{self._begin}r"

    def record(self, random: str) -> str:
        return f"{self._begin}v:{random}"

    def token(self, digest: str) -> str:
        return f"{self._begin}t:{digest}"

    def number(self, number: str) -> str:
        return f"{self._begin}n:{number}"

    def checks(self, number: str, source: str = "") -> str:
        return f"{self._begin}c:{number}:{source}" if source else f"{self._begin}c:{number}"

    def opted_out(self, number: str) -> str:
        return f"{self._begin}o:{number}"

    def event(self, number: str, digest: str) -> str:
        return f"{self._begin}e:{number}:{digest}"

    def money(self, now: int) -> str:
        """Return the name of a day's money; `now` is in ms."""
        return f"{self._begin}m:{now // DAY_MS}"

    def closed(self, kind: str, subject: str) -> str:
        return f"{self._begin}z:{kind}:{subject}"

    def tally(self, kind: str, subject: str) -> str:
        return f"{self._begin}h:{kind}:{subject}"

    def source_in_range(self, subject: str) -> str:
        return f"{self._begin}k:{subject}"

    def lines(self, range_: str) -> str:
        return f"{self._begin}q:{range_}"

    def limit(self, limit: str, subject: str) -> str:
        return f"{self._begin}l:{limit}:{subject}"

    def charge(self, charge: Charge) -> str:
        return self.limit(charge.limit, charge.subject)

    def note(self, name: str) -> str:
        return f"{self._begin}i:{name}"

    def evidence(self, subjects: Subjects) -> tuple[str, str, str, str]:
        """Return where the evidence of conversion lies: source in range, lines, range, country."""
        return (
            self.source_in_range(subjects.source_in_range),
            self.lines(subjects.range),
            self.tally("range", subjects.range),
            self.tally("country", subjects.country),
        )

    def credited(self, subjects: Subjects) -> tuple[str, str, str]:
        """Return the limits that an approval gives back to: of the address, the network and the range."""
        return (
            self.limit(Limit.STARTS_OF_ADDRESS, subjects.address),
            self.limit(Limit.STARTS_OF_NETWORK, subjects.network),
            self.limit(Limit.STARTS_OF_PREFIX, subjects.range),
        )
