"""Settings: every key with its kind, default, section, sentence and example. The only place that states them.

`config.cfg.example`, `docs/settings.md` and the README's table are generated from this file by `make docs`.

`config.cfg` is read as Flask's `from_pyfile` would read it; `TEXTPROOF_<KEY>` in the environment
overrides it, and `TEXTPROOF_<KEY>_FILE` names a file that holds a secret. Everything that is
wrong is reported at once, in words, and never with a secret in them.
"""

import ast
import codecs
import dataclasses
import difflib
import json
import os
import re
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .languages import NAMES, REVIEWED, Languages, language
from .setting_types import (
    PEM,
    REDIS_OPTIONS,
    Bad,
    Kind,
    brand,
    calling_code,
    colour,
    flag,
    folder,
    host_name,
    key_prefix,
    link,
    long_secret,
    money,
    one_of,
    picture,
    price,
    profile_id,
    public_key,
    public_url,
    rate,
    redis_url,
    region,
    seconds,
    secret,
    sender_id,
    several,
    signing_keys,
    test_number,
    url,
    whole,
    why,
    window,
)
from .verification import message, phone, token
from .verification import policy as rules

PREFIX = "TEXTPROOF_"
FILE = "_FILE"
PLACE = "TEXTPROOF_CONFIG"
LIFE_MAX = 600  # seconds; SP 800-63B-4, 3.1.3.2: at most 10 minutes
OBSERVABLE = ("address", "network", "prefix", "country", "client", "everything", "spend", "conversion", "guesses")
LIFE_SHORT = 60  # seconds; ours: many text messages take longer
SERVICE_LINK = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
"""What Kubernetes sets in every container of a namespace that has a Service called textproof, or textproof-any."""


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

    def __init__(self, mistakes: list[Mistake], origin: str = "") -> None:
        self.mistakes = mistakes
        count = "one setting needs" if len(mistakes) == 1 else f"{len(mistakes)} settings need"
        lines = "\n".join(str(mistake) for mistake in mistakes)
        read = f"{origin}\n" if origin else ""
        super().__init__(
            f"Textproof cannot start: {count} attention.\n\n{lines}\n\n{read}config.cfg.example describes them all."
        )


@dataclass(frozen=True)
class Origin:
    """Where the settings in force came from. Printed, it says so in one line."""

    file: str = ""
    """The file that was read; empty when there was none."""
    named: bool = False
    """Whether TEXTPROOF_CONFIG named it."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """By key, for what was set."""
    ignored: tuple[str, ...] = ()
    """Variables of Kubernetes' service links."""

    def __str__(self) -> str:
        if self.file:
            read = f"{self.file} ({f'named by {PLACE}' if self.named else 'in the current folder'})"
        else:
            read = f"the defaults, because there is no config.cfg in {Path.cwd()} and {PLACE} is not set"
        others = sorted(key for key, source in self.sources.items() if source != Path(self.file).name)
        return f"Settings: {read}" + (f"; from the environment: {', '.join(others)}" if others else "")


def setting(
    kind: Kind[Any],
    default: object,
    section: str,
    sentence: str,
    *,
    example: str = "",
    hidden: bool = False,
    is_bare: bool = False,
    shown: str = "",
) -> Any:  # noqa: ANN401 - as `field`
    """Declare a setting.

    Args:
        kind: What its value may be.
        default: What holds when it is not set.
        section: Where it stands in `config.cfg.example` and `docs/settings.md`.
        sentence: What it is for, with the unit where the name does not say it.
        example: A value as it is written in `config.cfg`, where the default says little.
        hidden: It is a secret.
        is_bare: In the environment it has no prefix (`PORT`).
        shown: The default in words, where no value can be written for it.
    """
    facts = {
        "kind": kind,
        "section": section,
        "sentence": sentence,
        "example": example,
        "hidden": hidden,
        "is_bare": is_bare,
        "shown": shown,
    }
    return field(default=default, metadata=facts, repr=not hidden)


SENDING = "Sending"
NUMBERS = "Whom we text"
CODE = "The code"
FORMS = "The pages"
SERVICE = "The service"
SERVING = "Where it listens"
LIMITS = "Limits"
SECTIONS = {
    SENDING: "",
    NUMBERS: "",
    CODE: "",
    FORMS: "",
    SERVICE: "",
    SERVING: "In the environment these have no prefix: PORT=9000.",
    LIMITS: 'Windows are written "count/seconds", and slide: ["5/600", "10/86400"] is 5 in 10 minutes and 10 in a day.',
}
"""The sections, in order, each with a note on all its settings."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, and where its value came from."""

    SENDER: str = setting(
        one_of("telnyx", "demo"),
        "",
        SENDING,
        'What delivers the messages: "telnyx", or "demo", which shows them at /demo and sends nothing. Unset, it is '
        '"telnyx" when API_KEY or FROM_NUMBER is set; with neither, the demo starts only where no setting of a real '
        "service is there (PUBLIC_URL, SECRET_KEY, keys of applications).",
        example='"telnyx"',
    )
    API_KEY: str = setting(
        secret, "", SENDING, "Your Telnyx API key (Portal, Keys & Credentials). Secret.", hidden=True
    )
    FROM_NUMBER: str = setting(
        sender_id,
        "",
        SENDING,
        'The sender: a number with its country, or a name of at most 11 letters and digits, "Acme" (not in the US and '
        "Canada; needs MESSAGING_PROFILE_ID). Empty with a MESSAGING_PROFILE_ID: a number of the profile's pool.",
        example='"+12025550143"',
    )
    MESSAGING_PROFILE_ID: str = setting(
        profile_id,
        "",
        SENDING,
        "The id of the messaging profile in Telnyx's portal. Needed for a name or a pool only.",
        example='"40017f1c-9a2b-4d6e-8a0f-3b1d2c4e5f60"',
    )
    TELNYX_PUBLIC_KEY: str = setting(
        public_key,
        "",
        SENDING,
        "Telnyx's public key (Portal, Keys & Credentials, Public Key). With it and an https PUBLIC_URL, Telnyx reports "
        "what became of each message, and the page shows it.",
    )
    SENDER_RATE_PER_SECOND: float = setting(
        rate,
        0.0,
        SENDING,
        "How many messages per second the sender may send; 0: no rate. A number outside the US: 0.1; a name: 0.1; "
        "toll-free: 20. Above its rate Telnyx queues messages for up to four hours; with this setting, people are "
        "asked to come back instead.",
        example="0.1",
    )
    SENDS_AT_ONCE: int = setting(
        whole(1, 64, "sends"), 16, SENDING, "How many messages one process hands to Telnyx at the same time."
    )
    TELNYX_BASE_URL: str = setting(
        url("https", "http"),
        "https://api.telnyx.com/v2",
        SENDING,
        "The address of Telnyx's API. Change it for tests only.",
    )
    COUNTRY_CODE: str = setting(
        calling_code,
        "+1",
        NUMBERS,
        "The country of numbers that are typed without one, as a calling code.",
        example='"+44"',
    )
    ALLOWED_REGIONS: tuple[str, ...] = setting(
        several(region),
        (),
        NUMBERS,
        "The countries that may be texted. Empty: the main country of COUNTRY_CODE alone (+1 means US, not the other "
        "24 countries that share it).",
        example='["US", "CA"]',
    )
    TEST_NUMBERS: tuple[tuple[str, rules.TestNumber], ...] = setting(
        several(test_number),
        (),
        NUMBERS,
        "Numbers that are never texted and have a fixed code, with their last day: for app stores and your own tests. "
        "Secret, as their codes are.",
        example='["+12025550100=12AB56@2026-12-31"]',
        hidden=True,
    )
    TOKEN_LENGTH: int = setting(
        whole(4, 10, "characters"),
        6,
        CODE,
        'How long a code is. Below 20 bits (4 of "hex", 5 of "digits") the service warns: NIST SP 800-63B-4, 3.1.3.2.',
    )
    TOKEN_ALPHABET: str = setting(
        one_of(*token.ALPHABETS), "hex", CODE, 'The characters of a code: "hex" (0-9 and A-F) or "digits".'
    )
    TOKEN_LIFETIME_SECONDS: int = setting(
        whole(1, LIFE_MAX, "seconds"),
        600,
        CODE,
        "How long a code is accepted after it was first sent; 600 is the ceiling of SP 800-63B-4, 3.1.3.2.",
    )
    MAX_CHECKS: int = setting(
        whole(1, 5, "checks"), 5, CODE, "How many wrong codes end a verification. A right code on the last try passes."
    )
    MAX_SENDS: int = setting(whole(1, 5, "messages"), 5, CODE, "How many messages one verification may take.")
    RESEND_WAITS_SECONDS: tuple[int, ...] = setting(
        several(whole(1, 3600, "seconds")),
        (30, 60, 90, 120),
        CODE,
        "How long to wait before each further message; the last one repeats.",
    )
    PAGES: str = setting(
        one_of("open", "applications", "off"),
        "open",
        FORMS,
        'Who may use the pages. "open": everybody. "applications": only people whom an application sends by OpenID '
        'Connect. "off": nobody; use this with the API alone.',
    )
    BRAND: str = setting(brand, "Textproof", FORMS, "The name that people see on the pages and in the message.")
    LOGO: str = setting(
        picture,
        "",
        FORMS,
        "A file with the logo, which stands beside the name. Textproof serves it.",
        example='"logo.svg"',
    )
    ACCENT_COLOR: str = setting(
        colour,
        "",
        FORMS,
        "The colour of buttons and links. White text on it needs a contrast of 4.5 or more. Dark pages use a lighter "
        "shade of it where needed.",
        example='"#0b5c54"',
    )
    SUPPORT_URL: str = setting(
        link, "", FORMS, "The address of your help page. Empty: no link.", example='"mailto:help@example.com"'
    )
    TERMS_URL: str = setting(
        link,
        "",
        FORMS,
        "The address of your terms. In the US and Canada, carriers require this and PRIVACY_URL beside the form that "
        "asks for the number.",
        example='"https://example.com/terms"',
    )
    PRIVACY_URL: str = setting(
        link, "", FORMS, "The address of your privacy policy.", example='"https://example.com/privacy"'
    )
    TEMPLATES: str = setting(
        folder,
        "",
        FORMS,
        "A folder with your own templates. Each replaces ours of the same name, which stays available as "
        '"textproof/...": {% extends "textproof/base.html" %}. Each is rendered with sample data when the service '
        "starts. See docs/pages.md.",
        example='"/etc/textproof/templates"',
    )
    LANGUAGES: tuple[str, ...] = setting(
        several(one_of(*NAMES)),
        REVIEWED,
        FORMS,
        "The languages of pages and messages. The first one is the default, also for messages of the API without a "
        'locale. "ar" (Arabic) is not reviewed yet.',
    )
    PUBLIC_URL: str = setting(
        public_url,
        "",
        SERVICE,
        "The public address of this service. With it, the message's last line binds the code to that host, so that "
        "phones fill it in only there; with https, cookies are for HTTPS only.",
        example='"https://verify.example.com"',
    )
    REDIS_URL: str = setting(
        redis_url,
        "",
        SERVICE,
        "The address of Redis: redis://, rediss://, unix://, redis+sentinel://a:26379,b:26379/mymaster/0 or "
        "redis+cluster://a:6379. Unset: redis://127.0.0.1:6379/0; `make run` brings a Valkey of its own instead. "
        f"Secret. These options may follow all but the sentinels: {', '.join(REDIS_OPTIONS)}. Time-outs, tries and "
        "connections are our own: an answer of Redis is never waited for longer than 2 s.",
        example='"rediss://textproof:password@redis.example.com/0?ssl_ca_certs=/ca.pem"',
        hidden=True,
    )
    KEY_PREFIX: str = setting(
        key_prefix,
        "tp",
        SERVICE,
        "The prefix of all keys in Redis. Each installation needs its own.",
    )
    REPLICAS: int = setting(
        whole(0, 5, "replicas"),
        0,
        SERVICE,
        "How many replicas of Redis must have a check before it is answered. With replicas, set 1: otherwise a code "
        "that was spent just before a failover can be spent again after it.",
    )
    TRAIL_DAYS: int = setting(
        whole(0, 30, "days"),
        3,
        SERVICE,
        "How long `textproof number` remembers what happened to a number; 0: nothing is recorded.",
    )
    SECRET_KEY: str = setting(
        long_secret,
        "",
        SERVICE,
        "Seals the keyring in Redis, from which codes, cookies and digests are made; the same on every replica. "
        "Secret. python3 -c 'import secrets; print(secrets.token_hex(32))' makes one. Unset, the keyring is not "
        "sealed, and anybody who can read Redis can make codes and cookies.",
        hidden=True,
    )
    SECRET_KEY_FALLBACKS: tuple[str, ...] = setting(
        several(long_secret),
        (),
        SERVICE,
        "Earlier SECRET_KEYs, while replicas change to a new one; see docs/operations.md. Secret.",
        hidden=True,
    )
    SUBJECT_KEY: str = setting(
        long_secret,
        "",
        SERVICE,
        "The key of `sub`, the name by which applications know a person; the same on every replica, never changed. "
        "Secret. Unset, it comes from the keyring in Redis; if Redis is lost, everybody is a new person to every "
        "application.",
        hidden=True,
    )
    SIGNING_KEY: str = setting(
        signing_keys,
        "",
        SERVICE,
        "Private keys in PEM that ID tokens are signed with, RSA or P-256: the current one first, then earlier ones, "
        "which are published too. Secret. Unset, they are made once and kept in Redis, sealed by the keyring.",
        hidden=True,
    )
    TRUSTED_PROXIES: int = setting(
        whole(0, 5, "proxies"),
        0,
        SERVICE,
        "How many proxies of your own a request passes. The caller's address is the one at that position from the "
        "end of X-Forwarded-For; 0 takes the address of the connection. If it is too high, callers can forge "
        "their address.",
    )
    DEBUG: bool = setting(
        flag, default=False, section=SERVICE, sentence="Logs more. It never shows an error page with code in it."
    )
    HOST: str = setting(
        host_name,
        "127.0.0.1",
        SERVING,
        "The address to listen on; 0.0.0.0 is every IPv4 address of this machine, :: every address.",
        is_bare=True,
    )
    PORT: int = setting(whole(1, 65_535, "the port"), 8000, SERVING, "The port to listen on.", is_bare=True)
    WORKERS: int = setting(
        whole(1, 256, "processes"), 0, SERVING, "How many processes serve.", is_bare=True, shown="one for each core"
    )
    DRAIN_SECONDS: float = setting(
        seconds(300),
        0.0,
        SERVING,
        "How long /readyz answers 503 before a stopping replica stops, so that balancers send nothing more.",
        is_bare=True,
    )
    LIMITS_MODE: str = setting(
        one_of("enforce", "observe"),
        "enforce",
        LIMITS,
        '"observe" counts and logs the limits that protect your money, but refuses nobody. Limits on guesses and on '
        "messages to one number are always enforced.",
    )
    OBSERVE: tuple[str, ...] = setting(
        several(one_of(*OBSERVABLE)), (), LIMITS, "Single limits to observe.", example='["country", "spend"]'
    )
    SENDS_PER_NUMBER: tuple[rules.Window, ...] = setting(
        several(window, least=1),
        rules.SENDS_OF_NUMBER,
        LIMITS,
        "Messages to one number, from one source. All sources together share one source's hourly limit.",
    )
    CHECKS_PER_NUMBER: tuple[rules.Window, ...] = setting(
        several(window, least=1), rules.CHECKS_OF_NUMBER, LIMITS, "Wrong codes for one number, from one source."
    )
    CHECKS_IN_A_ROW: int = setting(
        whole(1, 100, "checks"),
        100,
        LIMITS,
        "Wrong codes for one number in a row, from everywhere; 100 is the most that SP 800-63B-4, 3.2.2 allows.",
    )
    STARTS_PER_ADDRESS: tuple[rules.Window, ...] = setting(
        several(window),
        rules.SharedLimits().address.windows,
        LIMITS,
        "Messages that no approval followed, of one IPv4 address or IPv6 /64.",
    )
    STARTS_PER_NETWORK: tuple[rules.Window, ...] = setting(
        several(window),
        rules.SharedLimits().network.windows,
        LIMITS,
        "The same of one network: an IPv4 /24 or an IPv6 /48.",
    )
    STARTS_PER_PREFIX: tuple[rules.Window, ...] = setting(
        several(window),
        rules.SharedLimits().range.windows,
        LIMITS,
        "Networks with such a message to one range: all numbers that differ in the last four digits only.",
    )
    SENDS_PER_COUNTRY: tuple[rules.Window, ...] = setting(
        several(window), (), LIMITS, "Messages to one country. Empty: no limit.", example='["200/3600"]'
    )
    SENDS_PER_CLIENT: tuple[rules.Window, ...] = setting(
        several(window), (), LIMITS, "Messages for one client of the API. Empty: no limit.", example='["200/3600"]'
    )
    SENDS_IN_ALL: tuple[rules.Window, ...] = setting(
        several(window),
        rules.SharedLimits().everything.windows,
        LIMITS,
        "Messages in all. Set it to three times your peak.",
    )
    WRONG_CHECKS_IN_ALL: int = setting(
        whole(0, 100_000_000, "checks"),
        0,
        LIMITS,
        "Wrong codes an hour, over all numbers. Above it, while most codes are wrong, a network that typed many of "
        "them gets no message. 0: a ten-thousandth of all possible codes.",
    )
    UNFINISHED_PLACES: int = setting(
        whole(2, 100_000, "networks"),
        rules.SharedLimits().unfinished,
        LIMITS,
        "Close a range after this many networks start within a day and none finishes.",
    )
    CONVERSION_MIN_SENDS: int = setting(
        whole(1, 100_000, "starts"), 20, LIMITS, "How many starts a range needs before its conversion counts."
    )
    CONVERSION_CLOSE_PERCENT: int = setting(
        whole(0, 100, "per cent"), 20, LIMITS, "A range with a lower share of approvals is closed."
    )
    CONVERSION_WARN_PERCENT: int = setting(
        whole(0, 100, "per cent"), 60, LIMITS, "A range with a lower share of approvals is logged."
    )
    SEQUENCE_LENGTH: int = setting(
        whole(2, 10_000, "numbers"),
        5,
        LIMITS,
        "Close a range after this many consecutive numbers from different networks within ten minutes.",
    )
    CLOSED_SECONDS: int = setting(
        whole(1, 2_592_000, "seconds"), 43_200, LIMITS, "How long a range is closed, unless an approval opens it."
    )
    SPEND_PER_DAY: float = setting(money, 0.0, LIMITS, "Money a day; 0 is no limit. Needs MESSAGE_PRICES.")
    MESSAGE_PRICES: tuple[tuple[str, float], ...] = setting(
        several(price),
        (),
        LIMITS,
        'The price of a message, until Telnyx reports the cost; "*" is every other country.',
        example='["US=0.0079", "*=0.05"]',
    )

    origin: Origin = field(default=Origin(), compare=False, repr=False)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the file and the environment.

        Raises:
            SettingsError: With everything that is wrong.
        """
        origin, given, mistakes = _given(environ)
        values: dict[str, Any] = {}
        for key, (value, source) in given.items():
            declared = KEYS[key].metadata
            try:
                values[key] = declared["kind"](value)
            except Bad as error:
                shown = "" if declared["hidden"] else f" = {value!r:.60}"
                mistakes.append(Mistake(key, f"{error}.", source, shown))
        unusable = {mistake.key for mistake in mistakes}
        settings = cls(**values, origin=origin)
        mistakes += [mistake for mistake in settings.contradictions() if mistake.key not in unusable]
        if mistakes:
            raise SettingsError(mistakes, str(origin))
        return settings

    @property
    def sender(self) -> str:
        """The sender: as set, else Telnyx as soon as one of its settings is there, else the demo."""
        return self.SENDER or ("telnyx" if self.API_KEY or self.FROM_NUMBER else "demo")

    @property
    def is_demo_by_chance(self) -> bool:
        """Whether this is the demo only because no sender is set."""
        return not self.SENDER and self.sender == "demo"

    @property
    def address(self) -> str:
        """Where it listens, as an address of the web has it: `127.0.0.1:8000`, `[::1]:8000`."""
        return f"[{self.HOST}]:{self.PORT}" if ":" in self.HOST else f"{self.HOST}:{self.PORT}"

    @property
    def redis_url(self) -> str:
        """Where the store is: as set, else on this machine."""
        return self.REDIS_URL or "redis://127.0.0.1:6379/0"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that seal the keyring, the current one first; none when it is not sealed."""
        return (self.SECRET_KEY, *self.SECRET_KEY_FALLBACKS) if self.SECRET_KEY else ()

    @property
    def signing_keys(self) -> list[str]:
        """The operator's own keys in PEM, the current one first."""
        return PEM.findall(self.SIGNING_KEY)

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
        """The number that people can text START to; "" when its messages do not reach us."""
        is_number = self.sender == "telnyx" and self.FROM_NUMBER.startswith("+")
        return self.FROM_NUMBER if is_number and self.webhook_address else ""

    @property
    def webhook_address(self) -> str:
        """The address of Telnyx's webhook; "" when Telnyx cannot reach it, or its signature could not be checked."""
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
            shared=self._shared(),
            test_numbers=dict(self.TEST_NUMBERS),
            trail=timedelta(days=self.TRAIL_DAYS),
        )

    def _sends_an_hour(self) -> int:
        """As many as one source may ask for within one, all may; where its windows are longer, as many as in these."""
        within = [window.limit for window in self.SENDS_PER_NUMBER if window.span <= rules.HOUR]
        return max(within or [window.limit for window in self.SENDS_PER_NUMBER], default=0)

    def _shared(self) -> rules.SharedLimits:
        def is_enforced(limit: str) -> bool:
            return self.LIMITS_MODE == "enforce" and limit not in self.OBSERVE

        return rules.SharedLimits(
            address=rules.Budget(self.STARTS_PER_ADDRESS, is_enforced("address")),
            network=rules.Budget(self.STARTS_PER_NETWORK, is_enforced("network")),
            range=rules.Budget(self.STARTS_PER_PREFIX, is_enforced("prefix")),
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
        mistakes = [*self._wrong_with_sending(), *self._wrong_with_money()]
        if not self.RESEND_WAITS_SECONDS:
            mistakes.append(
                Mistake("RESEND_WAITS_SECONDS", "must have at least one wait, like [30, 60, 90, 120].", "empty")
            )
        form = self.policy.token_format
        for e164, test in self.TEST_NUMBERS:
            if len(test.token) != form.length or not set(test.token) <= set(form.characters):
                reason = f"has a code for {e164} that is none: TOKEN_LENGTH and TOKEN_ALPHABET say how codes look."
                mistakes.append(Mistake("TEST_NUMBERS", reason, "together with TOKEN_LENGTH"))
        if self.SECRET_KEY_FALLBACKS and not self.SECRET_KEY:
            mistakes.append(Mistake("SECRET_KEY", "is needed beside SECRET_KEY_FALLBACKS.", "not set"))
        if not self.LANGUAGES:
            mistakes.append(Mistake("LANGUAGES", 'must have at least one language, like ["en"].', "empty"))
        if long := [tag for tag in self.LANGUAGES if not self._fits(tag, self.BRAND)]:
            spoken = ", ".join(f'{NAMES[tag]} ("{tag}")' for tag in long)
            reason = f"makes the message longer than one text message in {spoken}. Shorten it or BRAND"
            other = ", or offer fewer LANGUAGES." if len(long) < len(self.LANGUAGES) else "."
            mistakes.append(Mistake("PUBLIC_URL", reason + other, "together with BRAND"))
        return mistakes

    def _wrong_with_sending(self) -> Iterator[Mistake]:
        if self.sender == "telnyx":
            missing = {"API_KEY": self.API_KEY, "FROM_NUMBER": self.FROM_NUMBER or self.MESSAGING_PROFILE_ID}
            reason = 'is needed to send with Telnyx. Set it, or write SENDER = "demo" to try without.'
            yield from (Mistake(key, reason, "not set") for key, value in missing.items() if not value)
        if self.is_demo_by_chance and (signs := [key for key in ("PUBLIC_URL", "SECRET_KEY") if getattr(self, key)]):
            yield no_sender(" and ".join(signs) + (" say" if len(signs) > 1 else " says"))
        if self.FROM_NUMBER and self.FROM_NUMBER[0] != "+" and not self.MESSAGING_PROFILE_ID:
            yield Mistake("MESSAGING_PROFILE_ID", "is needed to send from a name instead of a number.", "not set")

    def _wrong_with_money(self) -> Iterator[Mistake]:
        priced = {name for name, _ in self.MESSAGE_PRICES}
        if not self.SPEND_PER_DAY or "*" in priced:
            return
        if not priced:
            reason = 'is needed for SPEND_PER_DAY, like ["US=0.0079", "*=0.05"].'
            yield Mistake("MESSAGE_PRICES", reason, "not set")
        elif free := sorted(set(self.policy.allowed_regions) - priced):
            shown = ", ".join(free[:5]) + (f" and {len(free) - 5} more" if len(free) > 5 else "")  # noqa: PLR2004 - a line
            reason = f'has no price for {shown}, where SPEND_PER_DAY would stop nothing: add them, or "*=0.05".'
            yield Mistake("MESSAGE_PRICES", reason, "together with ALLOWED_REGIONS")

    def too_long_with(self, brand: str) -> list[str]:
        """Return the languages in which a message of this brand would be longer than one segment."""
        return [NAMES[tag] for tag in self.LANGUAGES if not self._fits(tag, brand)]

    def _fits(self, tag: str, brand: str) -> bool:
        """Tell whether every message in a language is one segment."""
        lives = (self.TOKEN_LIFETIME_SECONDS, min(self.TOKEN_LIFETIME_SECONDS, message.LONGEST_WORDS))
        longest = token.Token("0" * self.TOKEN_LENGTH)
        return all(
            message.is_one_segment(
                message.compose(
                    longest,
                    brand=brand,
                    life=timedelta(seconds=life),
                    host=self.host,
                    language=language(tag),
                )
            )
            for life in lives
        )

    def warnings(self) -> list[str]:
        """Return warnings about settings that work but have a risk."""
        known = []
        if self.policy.token_format.is_weak:
            known.append(
                f"TOKEN_LENGTH = {self.TOKEN_LENGTH} with TOKEN_ALPHABET = {self.TOKEN_ALPHABET!r} is easier to guess "
                "than NIST SP 800-63B-4 allows (20 bits): set TOKEN_LENGTH = 6"
            )
        if not self.SECRET_KEY:
            known.append(
                "SECRET_KEY is not set: the keyring lies open in Redis, so anybody who can read Redis can make "
                "tokens and cookies: set SECRET_KEY to 32 random characters or more"
            )
        if self.TOKEN_LIFETIME_SECONDS < LIFE_SHORT:
            known.append(
                f"TOKEN_LIFETIME_SECONDS = {self.TOKEN_LIFETIME_SECONDS} is less than many text messages take: set 600"
            )
        if self.sender == "telnyx" and not self.webhook_address:
            known.append(
                "PUBLIC_URL (with https) and TELNYX_PUBLIC_KEY are not both set: nobody learns whether messages arrive"
            )
        if self.PUBLIC_URL.startswith("https://") and not self.TRUSTED_PROXIES:
            known.append(
                "TRUSTED_PROXIES = 0, though PUBLIC_URL is https, which needs a proxy in front: set it to the number "
                "of proxies, or everybody behind them is counted as one caller"
            )
        if self.sender == "demo":
            known.append("SENDER is the demo: no message is sent, and everybody who can open /demo reads all tokens")
        if self.origin.ignored:
            known.append(
                f"{self.origin.ignored[0]} and what is like it ({len(self.origin.ignored)} in all) are links of "
                "Kubernetes to a Service called textproof, and are ignored: enableServiceLinks: false in the pod "
                "leaves them out"
            )
        return known


KEYS = {declared.name: declared for declared in dataclasses.fields(Settings) if declared.metadata}


def settings_or_exit() -> Settings:
    """Return the settings; where they are wrong, say what to put right and end the process."""
    try:
        return Settings.load()
    except SettingsError as error:
        sys.exit(str(error))


def no_sender(who: str) -> Mistake:
    """Return the mistake of a service that is for real and would start as the demo; `who` says that it is."""
    reason = (
        f"is not set, and {who} that this service is for real: as the demo, it would show every code to everybody. Set "
        'SENDER = "telnyx" with API_KEY and FROM_NUMBER, or SENDER = "demo" if this is one.'
    )
    return Mistake("SENDER", reason, "not set")


def written(value: object) -> str:
    """Return a value as it is written in `config.cfg`."""
    match value:
        case rules.Window():
            return f'"{value.limit}/{int(value.span.total_seconds())}"'
        case tuple():
            return f"[{', '.join(written(item) for item in value)}]"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return repr(value)


def in_force(settings: Settings) -> Iterator[str]:
    """Yield a line for each setting: its value as it would be written, and where it came from; no secret."""
    for key, declared in KEYS.items():
        value, facts = getattr(settings, key), declared.metadata
        if facts["hidden"] and value:
            shown = "(hidden)"
        elif facts["shown"] and value == declared.default:
            shown = f"({facts['shown']})"
        elif key == "MESSAGE_PRICES":
            shown = written(tuple(f"{name}={amount:g}" for name, amount in value))
        else:
            shown = written(value)
        yield f"{key} = {shown}  # {settings.origin.sources.get(key, 'default')}"


Given = dict[str, tuple[object, str]]
"""What was set, by key, and its source."""


def _given(environ: Mapping[str, str]) -> tuple[Origin, Given, list[Mistake]]:
    """Return where settings came from, what was set, and what is wrong with that; the environment wins."""
    file, given, mistakes = _from_file(environ)
    ignored = []
    for name, value in environ.items():
        if value and name in KEYS and KEYS[name].metadata["is_bare"]:  # the name is anybody's: empty is not set
            given[name] = (value, "environment")
        if not name.upper().startswith(PREFIX) or name == PLACE:
            continue
        key = name.removeprefix(PREFIX)
        if key in KEYS and not KEYS[key].metadata["is_bare"]:
            given[key] = (value, "environment")
        elif key.endswith(FILE) and (hidden := key.removesuffix(FILE)) in KEYS and KEYS[hidden].metadata["hidden"]:
            try:
                content = _secret_in(Path(value))
            except Bad as error:
                mistakes.append(Mistake(name, f"names a file that {error}.", "environment"))
            else:
                if f"{PREFIX}{hidden}" not in environ:
                    given[hidden] = (content, f"file named by {name}")
        elif _is_link(key, value):
            ignored.append(name)
        else:
            mistakes.append(_unknown(name, key, "environment"))
    sources = {key: source for key, (_, source) in given.items()}
    return Origin(file, bool(environ.get(PLACE)), sources, tuple(sorted(ignored))), given, mistakes


def _is_link(key: str, value: str) -> bool:
    """Tell whether Kubernetes set this variable, and not the operator."""
    is_address = re.match(r"(tcp|udp|sctp)://", value) is not None
    return SERVICE_LINK.fullmatch(key) is not None or (is_address and re.fullmatch(r"(\w+_)?PORT", key) is not None)


def _secret_in(path: Path) -> str:
    """Return the secret in a file; raises Bad as `_content` does."""
    content = _content(path).strip()
    if not content:
        raise Bad("is empty")
    return content


def _content(path: Path) -> str:
    """Return the text of a file.

    Raises:
        Bad: It cannot be read, and why, as what follows "a file that".
    """
    try:
        if path.exists() and not path.is_file():
            raise Bad("cannot be read: it is no ordinary file")
        content = path.read_bytes()
    except OSError as error:
        raise Bad(f"cannot be read: {why(error)}") from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Bad("is written in UTF-16: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Bad("is not text in UTF-8") from error


def _from_file(environ: Mapping[str, str]) -> tuple[str, Given, list[Mistake]]:
    """Return the file that was read, what it set, and what is wrong with it."""
    named = environ.get(PLACE)
    path = Path(named or "config.cfg").absolute()
    if not named and not path.exists():
        return "", {}, []
    place = str(path)
    try:
        source = _content(path)
    except Bad as error:
        return place, {}, [Mistake(PLACE if named else path.name, f"names a file that {error}.", place)]
    variables: dict[str, object] = {}
    try:
        with warnings.catch_warnings():  # a warning of the compiler quotes the line, and so the secret in it
            warnings.simplefilter("ignore")
            tree = ast.parse(source, place)
            exec(compile(tree, place, "exec"), variables)  # noqa: S102 - as Flask reads it; the operator wrote it
    except SyntaxError as error:
        return place, {}, [Mistake(path.name, f"is not valid Python in line {error.lineno}: {error.msg}.", place)]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the file does, sys.exit() included, the operator gets words
        # What the error says may quote a secret that lost its quotes; where it stands does not.
        line = error.__traceback__.tb_next.tb_lineno if error.__traceback__ and error.__traceback__.tb_next else 0
        reason = f"cannot be read: {type(error).__name__} in line {line}. Text is written in quotes."
        return place, {}, [Mistake(path.name, reason, place)]
    set_ = {key: value for key, value in variables.items() if key.isupper()}
    known = {key: (value, path.name) for key, value in set_.items() if key in KEYS}
    mistakes = [_unknown(key, key, path.name) for key in set_ if key not in KEYS]
    mistakes += [Mistake(key, reason, path.name) for key, reason in _ignored(tree, variables, is_empty=not set_)]
    return place, known, mistakes


def _ignored(tree: ast.Module, variables: Mapping[str, object], *, is_empty: bool) -> Iterator[tuple[str, str]]:
    """Yield the mistakes in a file that would be ignored: JSON, and names that are not in capitals."""
    for place, statement in enumerate(tree.body):
        is_docstring = place == 0 and isinstance(getattr(statement, "value", None), ast.Constant)
        if isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Call) and not is_docstring:
            yield f"line {statement.lineno}", 'sets nothing: a setting is written as NAME = value, like BRAND = "Acme".'
        if isinstance(statement, ast.AnnAssign) and statement.value is None:
            yield f"line {statement.lineno}", 'sets nothing: a setting is written with =, like BRAND = "Acme".'
    for name, value in variables.items():
        if name.isupper() or name.startswith("_") or isinstance(value, types.ModuleType) or callable(value):
            continue
        near = difflib.get_close_matches(name.upper(), KEYS, n=1, cutoff=0.8)
        if near or is_empty:
            yield name, f"is not a setting: they are in capital letters, like {near[0] if near else 'BRAND'}."


def _unknown(name: str, key: str, source: str) -> Mistake:
    """Return the mistake of a name that is no setting. `key` is what is left of it without a prefix."""
    bare = key.removeprefix(PREFIX)
    if bare in KEYS:  # so only the prefix is wrong
        return Mistake(name, f"is not a setting: here it is {bare}, without {PREFIX}.", source)
    if (right := f"{PREFIX}{name.upper().removeprefix(PREFIX)}") != name and name.upper() == right:
        return Mistake(name, f"is not a setting: they are in capital letters, like {right}.", source)
    near = difflib.get_close_matches(key, KEYS, n=1)
    return Mistake(name, "is not a setting." + (f" Did you mean {near[0]}?" if near else ""), source)
