"""Settings: what an operator can turn, each with its unit, default and bounds.

`config.cfg` is read as Flask's `from_pyfile` would read it; `TEXTPROOF_<KEY>` in the environment
overrides it, and `TEXTPROOF_<KEY>_FILE` names a file that holds a secret. Everything that is
wrong is reported at once, in words, and never with a secret in them.
"""

import dataclasses
import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import idna

from .colours import contrast
from .languages import NAMES, Languages, language
from .verification import keys, message, phone, token
from .verification import policy as rules

PREFIX = "TEXTPROOF_"
FILE = "_FILE"
PLACE = "TEXTPROOF_CONFIG"
LIFE_MAX = 600  # seconds; SP 800-63B-4, 3.1.3.2: at most 10 minutes
LOGO_MAX = 16_384  # bytes; ours: more than all the rest of the first page
CONTRAST_MIN = 4.5  # WCAG 2.2, 1.4.3
BRAND_MAX = 30  # characters; ours: leaves room for the rest of a text message
RATE_MIN, RATE_MAX = 0.01, 10_000  # messages per second; Telnyx: 0.1 for a long code, 1,000 for a short one
YEAR = 31_536_000  # seconds
MONEY_MAX = 10_000_000
OBSERVABLE = ("address", "network", "prefix", "country", "client", "everything", "spend", "conversion", "guesses")
LIFE_SHORT = 60  # seconds; ours: many text messages take longer
REDIS_OWN = (
    "socket_timeout",
    "socket_connect_timeout",
    "retry",
    "retry_on_timeout",
    "retry_on_error",
    "health_check_interval",
    "max_connections",
)
"""Options that `store/connect.py` sets itself. In redis-py, those of an address would win."""


class Bad(ValueError):
    """A value that cannot be used; the text says what would be right."""


@dataclass(frozen=True)
class Mistake:
    """One thing to put right."""

    key: str
    reason: str
    source: str
    shown: str = ""

    def __str__(self) -> str:
        return f"  {self.key}{self.shown}  ({self.source})\n      {self.reason}"


class SettingsError(Exception):
    """Everything that is wrong with the settings."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        count = "one setting needs" if len(mistakes) == 1 else f"{len(mistakes)} settings need"
        lines = "\n".join(str(mistake) for mistake in mistakes)
        super().__init__(
            f"Textproof cannot start: {count} attention.\n\n{lines}\n\nconfig.cfg.example describes them all."
        )


# -- Kinds of values. Each turns what a file or the environment holds into the value, or raises Bad.


def text(value: object) -> str:
    """Text, as it is."""
    if not isinstance(value, str):
        raise Bad('must be text: write it in quotes, like "…"')
    if any(not character.isprintable() for character in value):
        raise Bad("must have no line breaks or other control characters")
    return value.strip()


def whole(low: int, high: int, unit: str) -> Callable[[object], int]:
    """A whole number from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value.strip()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Bad(f"must be a whole number of {unit} from {low} to {high}")
        return value

    return read


def flag(value: object) -> bool:
    """True or False."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    if not isinstance(value, bool):
        raise Bad("must be True or False")
    return value


def one_of(*choices: str) -> Callable[[object], str]:
    """One word of a few."""

    def read(value: object) -> str:
        if value not in choices:
            raise Bad("must be one of " + ", ".join(f'"{choice}"' for choice in choices))
        return str(value)

    return read


def several(item: Callable[[object], Any], least: int = 0) -> Callable[[object], tuple[Any, ...]]:
    """A list; in the environment with commas between its items."""

    def read(value: object) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple):
            raise Bad("must be a list")
        if len(value) < least:
            raise Bad("must not be empty: this limit is always enforced")
        return tuple(item(part) for part in value)

    return read


def calling_code(value: object) -> str:
    """A calling code such as +1."""
    value = text(value)
    if not re.fullmatch(r"\+?[0-9]{1,3}", value) or not phone.region_of(int(value.lstrip("+"))):
        raise Bad('must be the calling code of a country, like "+1" or "+44"')
    return "+" + value.lstrip("+")


def region(value: object) -> str:
    """A country or territory as ISO 3166 writes it."""
    value = text(value).upper()
    if not phone.is_region(value):
        hint = ' (the United Kingdom is "GB")' if value == "UK" else ""
        raise Bad(f'must be two-letter country codes of ISO 3166, like ["US", "CA"]; "{value}" is none{hint}')
    return value


def sender_id(value: object) -> str:
    """A phone number in E.164, or a name of 1 to 11 letters and digits."""
    value = text(value)
    if value and not re.fullmatch(r"\+[1-9][0-9]{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", value):
        raise Bad(
            'must be a phone number with its country, digits only, like "+12025550143", '
            'or a name of at most 11 letters and digits, like "Acme"'
        )
    return value


def profile_id(value: object) -> str:
    """A messaging profile's id as Telnyx's portal shows it."""
    value = text(value).lower()
    if value and not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
        raise Bad('must be the id of a messaging profile, like "40017f1c-9a2b-4d6e-8a0f-3b1d2c4e5f60"')
    return value


def public_key(value: object) -> str:
    """An Ed25519 public key as Telnyx's portal shows it: base64 of 32 bytes."""
    value = text(value)
    if value and not re.fullmatch("[A-Za-z0-9+/]{43}=", value):
        raise Bad("must be the public key from Telnyx's portal (Keys & Credentials): 44 characters that end with =")
    return value


def rate(value: object) -> float:
    """Messages per second; 0 is none."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,4})?", value.strip()):
        value = float(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (value == 0 or RATE_MIN <= value <= RATE_MAX)
    ):
        raise Bad(f"must be a number of messages per second from {RATE_MIN} to {RATE_MAX}, or 0 for no rate")
    return float(value)


def url(*schemes: str, path: bool = True) -> Callable[[object], str]:
    """An address with one of `schemes`."""

    def read(value: object) -> str:
        value = text(value)
        if not value:
            return value
        hint = "must be an address that starts with " + " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(value)
            named = parts.hostname or "," in parts.netloc or (parts.scheme == "unix" and parts.path)
            if "," not in parts.netloc:
                _ = parts.port
        except ValueError as error:
            raise Bad(hint) from error
        if parts.scheme not in schemes or not named:
            raise Bad(hint)
        if not path and (parts.path.strip("/") or parts.query or parts.fragment or parts.username):
            raise Bad(f"{hint}, and has nothing behind the host")
        return value if path else f"{parts.scheme}://{parts.netloc}"

    return read


def public_url(value: object) -> str:
    """An address of this service, as browsers write it.

    A name in letters of its own language becomes ASCII (IDNA 2008 with UTS 46). So it stands in `Origin` headers, and
    so it has to stand in a message: one letter beyond GSM-7 leaves room for 70 characters instead of 160.
    """
    value = url("https", "http", path=False)(value).lower()
    if value.isascii():
        return value
    parts = urlsplit(value)
    try:
        name = idna.encode(parts.hostname or "", uts46=True).decode()
    except idna.IDNAError as error:
        raise Bad("has a host name that cannot be one: copy it from where it is registered") from error
    return f"{parts.scheme}://{name}{f':{parts.port}' if parts.port else ''}"


def redis_url(value: object) -> str:
    """An address of Redis; its options may be any but those that are our own."""
    value = url("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")(value)
    given = parse_qs(urlsplit(value).query)
    if own := [name for name in REDIS_OWN if name in given]:
        raise Bad(
            f"must not set {', '.join(own)}: time-outs, tries and connections are our own, so that callers never wait "
            "longer than 2 s for Redis. Take that out"
        )
    return value


def window(value: object) -> rules.Window:
    """How many in how many seconds, "5/600"."""
    match = re.fullmatch("([1-9][0-9]{0,5})/([1-9][0-9]{0,7})", text(value))
    if match is None or int(match[2]) > YEAR:
        raise Bad(f'must be written as a count and seconds, like "5/600" for 5 in 10 minutes; {YEAR} seconds at most')
    return rules.Window(int(match[1]), timedelta(seconds=int(match[2])))


def money(value: object) -> float:
    """An amount of money."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MONEY_MAX:
        raise Bad("must be an amount of money, like 50 or 49.90; 0 is no limit")
    return float(value)


def price(value: object) -> tuple[str, float]:
    """What a message to a region costs, "US=0.0079"."""
    name, _, amount = text(value).partition("=")
    if not amount:
        raise Bad('must be written as a region and a price, like "US=0.0079"; "*=0.05" is for all others')
    return name if name == "*" else region(name), money(amount)


def test_number(value: object) -> tuple[str, rules.TestNumber]:
    """A number with a fixed code and its last day, "+12025550100=123456@2026-12-31"."""
    match = re.fullmatch(r"(\+[1-9][0-9]{6,14})=([0-9A-F]{4,10})@([0-9]{4}-[0-9]{2}-[0-9]{2})", text(value))
    try:
        if match is not None:
            return match[1], rules.TestNumber(match[2], date.fromisoformat(match[3]))
    except ValueError:
        pass
    raise Bad('must be written as a number, its code and its last day, like "+12025550100=12AB56@2026-12-31"')


def secret(value: object) -> str:
    """A secret; surrounding white space, as files have it, is dropped."""
    value = text(value.strip() if isinstance(value, str) else value)
    if not value.isascii() or " " in value:
        raise Bad("must have no spaces and no letters with accents: copy it again")
    return value


def long_secret(value: object) -> str:
    """A secret that keys are made of."""
    value = secret(value)
    if value and len(value) < keys.SECRET_MIN:
        raise Bad(
            f"must have at least {keys.SECRET_MIN} characters: "
            "python3 -c 'import secrets; print(secrets.token_hex(32))' makes one"
        )
    return value


def brand(value: object) -> str:
    """A name that fits a text message."""
    value = text(value)
    if not 1 <= len(value) <= BRAND_MAX or message.septets(value) is None:
        raise Bad(f"must be a name of 1 to {BRAND_MAX} plain letters, as text messages can carry them")
    return value


def colour(value: object) -> str:
    """A colour that white can be read on, and that can be read on white."""
    value = text(value).lower()
    if value and not re.fullmatch("#[0-9a-f]{6}", value):
        raise Bad('must be a colour of six hexadecimal digits, like "#0b5c54"')
    if value and contrast(value, "#ffffff") < CONTRAST_MIN:
        raise Bad(
            f"is too light to be read on white, and white on it: the contrast is {contrast(value, '#ffffff'):.2f}, "
            f"and has to be {CONTRAST_MIN}. Take a darker one"
        )
    return value


def link(value: object) -> str:
    """An address that people are led to."""
    value = text(value)
    if value and not re.fullmatch(r"https?://[^\s/]\S*|mailto:\S+@\S+", value):
        raise Bad('must be an address, like "https://example.com/help" or "mailto:help@example.com"')
    return value


def picture(value: object) -> str:
    """A file with a small SVG or PNG."""
    value = text(value)
    path = Path(value)
    if value and (path.suffix.lower() not in (".svg", ".png") or not path.is_file()):
        raise Bad("must name a file that is there and ends with .svg or .png")
    if value and not 0 < path.stat().st_size <= LOGO_MAX:
        raise Bad(
            f"names a file of {path.stat().st_size:,} bytes: it must not be empty, nor have more than {LOGO_MAX:,}"
        )
    return value


def folder(value: object) -> str:
    """A folder."""
    value = text(value)
    if value and not Path(value).is_dir():
        raise Bad("must name a folder that is there")
    return value


def setting(kind: Callable[[object], Any], default: object, *, hidden: bool = False) -> Any:  # noqa: ANN401 - as `field`
    """Declare a setting; `hidden` ones are secrets."""
    return field(default=default, metadata={"kind": kind, "hidden": hidden}, repr=not hidden)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting. `config.cfg.example` says what each is for."""

    API_KEY: str = setting(secret, "", hidden=True)
    FROM_NUMBER: str = setting(sender_id, "")
    MESSAGING_PROFILE_ID: str = setting(profile_id, "")
    TELNYX_PUBLIC_KEY: str = setting(public_key, "")
    SENDER_RATE_PER_SECOND: float = setting(rate, 0.0)
    SENDS_AT_ONCE: int = setting(whole(1, 64, "sends"), 16)
    DEBUG: bool = setting(flag, default=False)
    COUNTRY_CODE: str = setting(calling_code, "+1")
    TOKEN_LENGTH: int = setting(whole(4, 10, "characters"), 6)
    TOKEN_ALPHABET: str = setting(one_of(*token.ALPHABETS), "hex")
    TOKEN_LIFETIME_SECONDS: int = setting(whole(1, LIFE_MAX, "seconds"), 600)
    MAX_CHECKS: int = setting(whole(1, 5, "checks"), 5)
    MAX_SENDS: int = setting(whole(1, 5, "messages"), 5)
    RESEND_WAITS_SECONDS: tuple[int, ...] = setting(several(whole(1, 3600, "seconds")), (30, 60, 90, 120))
    ALLOWED_REGIONS: tuple[str, ...] = setting(several(region), ())
    BRAND: str = setting(brand, "Textproof")
    LOGO: str = setting(picture, "")
    ACCENT_COLOR: str = setting(colour, "")
    SUPPORT_URL: str = setting(link, "")
    TERMS_URL: str = setting(link, "")
    PRIVACY_URL: str = setting(link, "")
    TEMPLATES: str = setting(folder, "")
    LANGUAGES: tuple[str, ...] = setting(several(one_of(*NAMES)), tuple(NAMES))
    PUBLIC_URL: str = setting(public_url, "")
    SENDER: str = setting(one_of("telnyx", "demo"), "")
    TELNYX_BASE_URL: str = setting(url("https", "http"), "https://api.telnyx.com/v2")
    REDIS_URL: str = setting(redis_url, "", hidden=True)
    REPLICAS: int = setting(whole(0, 5, "replicas"), 0)
    TRUSTED_PROXIES: int = setting(whole(0, 5, "proxies"), 0)
    SENDS_PER_NUMBER: tuple[rules.Window, ...] = setting(several(window, least=1), rules.SENDS_OF_NUMBER)
    CHECKS_PER_NUMBER: tuple[rules.Window, ...] = setting(several(window, least=1), rules.CHECKS_OF_NUMBER)
    CHECKS_IN_A_ROW: int = setting(whole(1, 100, "checks"), 100)
    STARTS_PER_ADDRESS: tuple[rules.Window, ...] = setting(several(window), rules.Brake().address.windows)
    STARTS_PER_NETWORK: tuple[rules.Window, ...] = setting(several(window), rules.Brake().network.windows)
    STARTS_PER_PREFIX: tuple[rules.Window, ...] = setting(several(window), rules.Brake().prefix.windows)
    SENDS_PER_COUNTRY: tuple[rules.Window, ...] = setting(several(window), ())
    SENDS_PER_CLIENT: tuple[rules.Window, ...] = setting(several(window), ())
    SENDS_IN_ALL: tuple[rules.Window, ...] = setting(several(window), rules.Brake().everything.windows)
    WRONG_CHECKS_IN_ALL: int = setting(whole(0, 100_000_000, "checks"), 0)
    CONVERSION_MIN_SENDS: int = setting(whole(1, 100_000, "messages"), 20)
    CONVERSION_CLOSE_PERCENT: int = setting(whole(0, 100, "per cent"), 20)
    CONVERSION_WARN_PERCENT: int = setting(whole(0, 100, "per cent"), 60)
    UNFINISHED_PLACES: int = setting(whole(2, 100_000, "places"), rules.Brake().unfinished)
    SEQUENCE_LENGTH: int = setting(whole(2, 10_000, "numbers"), 5)
    CLOSED_SECONDS: int = setting(whole(1, 2_592_000, "seconds"), 43_200)
    SPEND_PER_DAY: float = setting(money, 0.0)
    MESSAGE_PRICES: tuple[tuple[str, float], ...] = setting(several(price), ())
    OBSERVE: tuple[str, ...] = setting(several(one_of(*OBSERVABLE)), ())
    TEST_NUMBERS: tuple[tuple[str, rules.TestNumber], ...] = setting(several(test_number), ())
    SECRET_KEY: str = setting(long_secret, "", hidden=True)
    SECRET_KEY_FALLBACKS: tuple[str, ...] = setting(several(long_secret), (), hidden=True)
    LIMITS_MODE: str = setting(one_of("enforce", "observe"), "enforce")

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the file and the environment.

        Raises:
            SettingsError: With everything that is wrong.
        """
        given, mistakes = _given(environ)
        values: dict[str, Any] = {}
        for key, (value, source) in given.items():
            declared = KEYS[key].metadata
            try:
                values[key] = declared["kind"](value)
            except Bad as error:
                shown = "" if declared["hidden"] else f" = {value!r:.60}"
                mistakes.append(Mistake(key, f"{error}.", source, shown))
        unusable = {mistake.key for mistake in mistakes}
        settings = cls(**values)
        mistakes += [mistake for mistake in settings.contradictions() if mistake.key not in unusable]
        if mistakes:
            raise SettingsError(mistakes)
        return settings

    @property
    def sender(self) -> str:
        """The sender: as set, else Telnyx as soon as one of its settings is there, else the demo."""
        return self.SENDER or ("telnyx" if self.API_KEY or self.FROM_NUMBER else "demo")

    @property
    def redis_url(self) -> str:
        """Where the store is: as set, else on this machine."""
        return self.REDIS_URL or "redis://127.0.0.1:6379/0"

    @property
    def host(self) -> str | None:
        """The public host, for the message's last line."""
        return urlsplit(self.PUBLIC_URL).hostname if self.PUBLIC_URL else None

    @property
    def languages(self) -> Languages:
        """The languages that people can choose from."""
        return Languages(self.LANGUAGES)

    @property
    def hears_at(self) -> str:
        """The number that people can text START to; empty when nobody would hear it."""
        is_number = self.sender == "telnyx" and self.FROM_NUMBER.startswith("+")
        return self.FROM_NUMBER if is_number and self.webhook_address else ""

    @property
    def webhook_address(self) -> str:
        """Where Telnyx tells what became of messages; empty when it cannot, or when it could not be believed."""
        can = self.PUBLIC_URL.startswith("https://") and self.TELNYX_PUBLIC_KEY
        return f"{self.PUBLIC_URL}/webhooks/telnyx" if can else ""

    @property
    def policy(self) -> rules.Policy:
        """The rules, in numbers."""
        home = phone.region_of(int(self.COUNTRY_CODE)) or ""
        return rules.Policy(
            home_region=home,
            allowed_regions=frozenset(self.ALLOWED_REGIONS or [home]),
            token_format=token.TokenFormat(self.TOKEN_ALPHABET, self.TOKEN_LENGTH),
            token_life=timedelta(seconds=self.TOKEN_LIFETIME_SECONDS),
            max_checks=self.MAX_CHECKS,
            max_sends=self.MAX_SENDS,
            resend_waits=tuple(timedelta(seconds=wait) for wait in self.RESEND_WAITS_SECONDS),
            brand=self.BRAND,
            host=self.host,
            sends_of_number=self.SENDS_PER_NUMBER,
            sends_an_hour=self._sends_an_hour(),
            checks_of_number=self.CHECKS_PER_NUMBER,
            checks_in_a_row=(rules.Window(self.CHECKS_IN_A_ROW, rules.CHECKS_IN_A_ROW[0].span),),
            brake=self._brake(),
            test_numbers=dict(self.TEST_NUMBERS),
        )

    def _sends_an_hour(self) -> int:
        """As many as one source may ask for within one, all may; where its windows are longer, as many as in these."""
        within = [window.limit for window in self.SENDS_PER_NUMBER if window.span <= rules.HOUR]
        return max(within or [window.limit for window in self.SENDS_PER_NUMBER], default=0)

    def _brake(self) -> rules.Brake:
        def is_enforced(limit: str) -> bool:
            return self.LIMITS_MODE == "enforce" and limit not in self.OBSERVE

        return rules.Brake(
            address=rules.Budget(self.STARTS_PER_ADDRESS, is_enforced("address")),
            network=rules.Budget(self.STARTS_PER_NETWORK, is_enforced("network")),
            prefix=rules.Budget(self.STARTS_PER_PREFIX, is_enforced("prefix")),
            country=rules.Budget(self.SENDS_PER_COUNTRY, is_enforced("country")),
            client=rules.Budget(self.SENDS_PER_CLIENT, is_enforced("client")),
            everything=rules.Budget(self.SENDS_IN_ALL, is_enforced("everything")),
            spend=self.SPEND_PER_DAY,
            spend_enforced=is_enforced("spend"),
            prices=dict(self.MESSAGE_PRICES),
            conversion_enforced=is_enforced("conversion"),
            conversion_sends=self.CONVERSION_MIN_SENDS,
            conversion_close=self.CONVERSION_CLOSE_PERCENT,
            conversion_warn=self.CONVERSION_WARN_PERCENT,
            closed_for=timedelta(seconds=self.CLOSED_SECONDS),
            sequence=self.SEQUENCE_LENGTH,
            unfinished=self.UNFINISHED_PLACES,
            guesses=self.WRONG_CHECKS_IN_ALL or self._guesses(),
            guesses_enforced=is_enforced("guesses"),
        )

    def _guesses(self) -> int:
        """So many wrong checks guess one token in 10,000 hours; ours. Ten are mistakes."""
        form = token.TokenFormat(self.TOKEN_ALPHABET, self.TOKEN_LENGTH)
        possible: int = len(form.characters) ** form.length
        return max(10, possible // 10_000)

    def contradictions(self) -> list[Mistake]:
        """Return what is wrong with settings that are right each by itself."""
        mistakes = []
        if self.sender == "telnyx":
            missing = {"API_KEY": self.API_KEY, "FROM_NUMBER": self.FROM_NUMBER or self.MESSAGING_PROFILE_ID}
            mistakes += [
                Mistake(
                    key,
                    'is needed to send with Telnyx. Set it, or write SENDER = "demo" to try without.',
                    "not set",
                )
                for key, value in missing.items()
                if not value
            ]
        if self.FROM_NUMBER and self.FROM_NUMBER[0] != "+" and not self.MESSAGING_PROFILE_ID:
            reason = "is needed to send from a name instead of a number."
            mistakes.append(Mistake("MESSAGING_PROFILE_ID", reason, "not set"))
        if not self.RESEND_WAITS_SECONDS:
            mistakes.append(
                Mistake("RESEND_WAITS_SECONDS", "must have at least one wait, like [30, 60, 90, 120].", "empty")
            )
        form = self.policy.token_format
        for e164, test in self.TEST_NUMBERS:
            if len(test.token) != form.length or not set(test.token) <= set(form.characters):
                reason = f"has a code for {e164} that is none: TOKEN_LENGTH and TOKEN_ALPHABET say how codes look."
                mistakes.append(Mistake("TEST_NUMBERS", reason, "together with TOKEN_LENGTH"))
        if self.SPEND_PER_DAY and not self.MESSAGE_PRICES:
            mistakes.append(
                Mistake("MESSAGE_PRICES", 'is needed for SPEND_PER_DAY, like ["US=0.0079", "*=0.05"].', "not set")
            )
        if self.SECRET_KEY_FALLBACKS and not self.SECRET_KEY:
            mistakes.append(Mistake("SECRET_KEY", "is needed beside SECRET_KEY_FALLBACKS.", "not set"))
        if not self.LANGUAGES:
            mistakes.append(Mistake("LANGUAGES", 'must have at least one language, like ["en"].', "empty"))
        if long := [tag for tag in self.LANGUAGES if not self._fits(tag)]:
            spoken = ", ".join(f'{NAMES[tag]} ("{tag}")' for tag in long)
            reason = f"makes the message longer than one text message in {spoken}. Shorten it or BRAND"
            other = ", or offer fewer LANGUAGES." if len(long) < len(self.LANGUAGES) else "."
            mistakes.append(Mistake("PUBLIC_URL", reason + other, "together with BRAND"))
        return mistakes

    def _fits(self, tag: str) -> bool:
        """Tell whether every message in a language is one segment."""
        lives = (self.TOKEN_LIFETIME_SECONDS, min(self.TOKEN_LIFETIME_SECONDS, message.LONGEST_WORDS))
        longest = token.Token("0" * self.TOKEN_LENGTH)
        return all(
            message.is_one_segment(
                message.compose(
                    longest,
                    brand=self.BRAND,
                    life=timedelta(seconds=life),
                    host=self.host,
                    language=language(tag),
                )
            )
            for life in lives
        )

    def warnings(self) -> list[str]:
        """Return what works but should be known."""
        warnings = []
        if self.policy.token_format.is_weak:
            warnings.append(
                f"TOKEN_LENGTH = {self.TOKEN_LENGTH} with TOKEN_ALPHABET = {self.TOKEN_ALPHABET!r} is easier to guess "
                "than NIST SP 800-63B-4 allows (20 bits): set TOKEN_LENGTH = 6"
            )
        if not self.SECRET_KEY:
            warnings.append(
                "SECRET_KEY is not set: the replicas share one that lies in Redis, so whoever reads Redis can make "
                "tokens and cookies: set SECRET_KEY to 32 random characters or more"
            )
        if self.TOKEN_LIFETIME_SECONDS < LIFE_SHORT:
            warnings.append(
                f"TOKEN_LIFETIME_SECONDS = {self.TOKEN_LIFETIME_SECONDS} is less than many text messages take: set 600"
            )
        if self.sender == "telnyx" and not self.webhook_address:
            warnings.append(
                "PUBLIC_URL (with https) and TELNYX_PUBLIC_KEY are not both set: nobody learns whether messages arrive"
            )
        if self.PUBLIC_URL.startswith("https://") and not self.TRUSTED_PROXIES:
            warnings.append(
                "TRUSTED_PROXIES = 0, though PUBLIC_URL is https, which only a proxy in front can speak: set it to how "
                "many there are, or everybody behind them is counted as one caller"
            )
        if self.sender == "demo":
            warnings.append("SENDER is the demo: no message is sent, and everybody who can open /demo reads all tokens")
        return warnings


KEYS = {declared.name: declared for declared in dataclasses.fields(Settings)}


def _given(environ: Mapping[str, str]) -> tuple[dict[str, tuple[object, str]], list[Mistake]]:
    """Return what was set, by key and with its source; the environment wins."""
    given, mistakes = _from_file(environ)
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == PLACE:
            continue
        key = name.removeprefix(PREFIX)
        if key in KEYS:
            given[key] = (value, "environment")
        elif key.endswith(FILE) and (hidden := key.removesuffix(FILE)) in KEYS and KEYS[hidden].metadata["hidden"]:
            try:
                content = Path(value).read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                mistakes.append(Mistake(name, f"names a file that cannot be read: {_why(error)}.", "environment"))
            else:
                if f"{PREFIX}{hidden}" not in environ:
                    given[hidden] = (content.strip(), f"file named by {name}")
        else:
            mistakes.append(_unknown(name, key, "environment"))
    return given, mistakes


def _from_file(environ: Mapping[str, str]) -> tuple[dict[str, tuple[object, str]], list[Mistake]]:
    named = environ.get(PLACE)
    path = Path(named or "config.cfg")
    if not named and not path.exists():
        return {}, []
    variables: dict[str, object] = {}
    try:
        exec(compile(path.read_bytes(), path, "exec"), variables)  # noqa: S102 - as Flask reads it; the operator wrote it
    except SyntaxError as error:
        return {}, [Mistake(path.name, f"is not valid Python in line {error.lineno}: {error.msg}.", str(path))]
    except OSError as error:
        return {}, [
            Mistake(PLACE if named else path.name, f"names a file that cannot be read: {_why(error)}.", str(path))
        ]
    except Exception as error:  # noqa: BLE001 - whatever the file does, the operator gets words
        # What the error says may quote a secret that lost its quotes; where it stands does not.
        line = error.__traceback__.tb_next.tb_lineno if error.__traceback__ and error.__traceback__.tb_next else 0
        reason = f"cannot be read: {type(error).__name__} in line {line}. Text is written in quotes."
        return {}, [Mistake(path.name, reason, str(path))]
    keys_ = {key: value for key, value in variables.items() if key.isupper()}
    known = {key: (value, path.name) for key, value in keys_.items() if key in KEYS}
    return known, [_unknown(key, key, path.name) for key in keys_ if key not in KEYS]


def _unknown(name: str, key: str, source: str) -> Mistake:
    near = difflib.get_close_matches(key, KEYS, n=1)
    return Mistake(name, "is not a setting." + (f" Did you mean {near[0]}?" if near else ""), source)


def _why(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not text"
