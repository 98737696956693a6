"""The names of all Redis keys. They are short because there are many, and share one hash slot.

{prefix}:keyring                  the keyring, sealed (hash)
{prefix}:signing                  the keys that ID tokens are signed with, sealed (hash)
{prefix}:clients                  keys of applications (hash)
{prefix}:v:random                 a verification (hash)
{prefix}:t:digest                 its token (string, empty: the name says it all)
{prefix}:n:number                 sends to the number and who asked for them, its latest token, and requests to start,
                                  so that each is carried out once (hash)
{prefix}:c:number                 wrong checks of the number in a row (list of ms)
{prefix}:o:number                 the number wants no messages (string, empty)
{prefix}:e:number:digest          news of a message that was noted (string, empty)
{prefix}:p                        sending is paused (hash)
{prefix}:f                        when the sender is free again (string, ms)
{prefix}:m:day                    money spent that day, in millionths (string)
{prefix}:g                        right and wrong checks of all numbers within the hour (hash)
{prefix}:w:subject                wrong checks of a network or application within an hour (string)
{prefix}:a:network                approvals of a network within an hour (string)
{prefix}:u:network                messages of a network that no approval followed, within a day (list)
{prefix}:l:unfinished:pool        the same of the pages, or of one application (list of ms)
{prefix}:h:range:range[:client]   what came of messages to a range within a day (hash)
{prefix}:h:country:country[:…]    what came of messages to a country within a day (hash)
{prefix}:z:kind:subject[:client]  a number, range or country that is closed (string: what it is, sealed)
{prefix}:l:limit:subject          entries of a limit (list of ms)
{prefix}:y:number                 what happened to the number: its trail (string)
{prefix}:d:day                    the figures of that day (hash)
{prefix}:i:name                   a note (string or list, opaque)
{prefix}:r                        Redis took a write within the last second (string, empty)

Digests stand for numbers, addresses and ranges.
"""

from ..verification.caller import PAGES
from ..verification.limits import Charge, Subjects

DAY_MS = 86_400_000


class Names:
    """The names of one installation."""

    def __init__(self, prefix: str) -> None:
        """Take `KEY_PREFIX`."""
        self._begin = f"{{{prefix}}}:"
        self.keyring = f"{self._begin}keyring"
        self.signing = f"{self._begin}signing"
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

    def checks(self, number: str) -> str:
        return f"{self._begin}c:{number}"

    def opted_out(self, number: str) -> str:
        return f"{self._begin}o:{number}"

    def event(self, number: str, digest: str) -> str:
        return f"{self._begin}e:{number}:{digest}"

    def money(self, now: int) -> str:
        """Return the name of a day's money; `now` is in ms."""
        return f"{self._begin}m:{now // DAY_MS}"

    def trail(self, number: str) -> str:
        return f"{self._begin}y:{number}"

    def figures(self, now: int) -> str:
        """Return the name of a day's figures; `now` is in ms."""
        return f"{self._begin}d:{now // DAY_MS}"

    def closed(self, kind: str, subject: str) -> str:
        return f"{self._begin}z:{kind}:{subject}"

    def tally(self, kind: str, subject: str) -> str:
        return f"{self._begin}h:{kind}:{subject}"

    def limit(self, limit: str, subject: str) -> str:
        return f"{self._begin}l:{limit}:{subject}"

    def charge(self, charge: Charge) -> str:
        return self.limit(charge.limit, charge.subject)

    def note(self, name: str) -> str:
        return f"{self._begin}i:{name}"

    def network(self, network: str) -> str:
        return f"{self._begin}u:{network}"

    def unfinished(self, subjects: Subjects) -> tuple[str, str, str, str]:
        """Return where unfinished messages are counted: of a network, of its pool, of a range, of a country."""
        own = "" if subjects.pool == PAGES else f":{subjects.pool}"
        return (
            self.network(subjects.network),
            self.limit("unfinished", subjects.pool),
            self.tally("range", f"{subjects.range}{own}"),
            self.tally("country", f"{subjects.country}{own}"),
        )

    def closed_range(self, subjects: Subjects) -> str:
        return self.closed("range", subjects.range + ("" if subjects.pool == PAGES else f":{subjects.pool}"))

    def approved(self, subjects: Subjects) -> str:
        return f"{self._begin}a:{subjects.network}"

    def guessed(self, subjects: Subjects) -> str:
        return f"{self._begin}w:{subjects.network or subjects.pool}"
