"""Setting types: what the value of a setting may be, in words, and what reads it from a file or the environment."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

import idna
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .colours import contrast
from .verification import keyring, message, phone
from .verification import policy as rules

LOGO_MAX = 16_384  # bytes; ours: more than all the rest of the first page
CONTRAST_MIN = 4.5  # WCAG 2.2, 1.4.3
PEM = re.compile("-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)
RSA_MIN = 2048  # bits (RFC 7518, 3.3)
BRAND_MAX = 30  # characters; ours: leaves room for the rest of a text message
RATE_MIN, RATE_MAX = 0.01, 10_000  # messages per second; Telnyx: 0.1 for a long code, 1,000 for a short one
YEAR = 31_536_000  # seconds
MONEY_MAX = 10_000_000
PNG_HEAD = 24  # bytes: up to the width and the height (PNG, 11.2.1)
PNG = b"\x89PNG\r\n\x1a\n"
REDIS_OWN = (
    "socket_timeout",
    "socket_connect_timeout",
    "retry",
    "retry_on_timeout",
    "retry_on_error",
    "health_check_interval",
    "driver_info",
    "maint_notifications_config",
    "max_connections",
)
"""Options that `store/connect.py` sets itself. In redis-py, those of an address would win."""
REDIS_OPTIONS = (
    "db",
    "username",
    "password",
    "client_name",
    "protocol",
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
    "ssl_password",
)
"""Options of redis-py that an address may have. Others change what the scripts' answers look like, or are none."""
REDIS_VALUES = {"protocol": ("2", "3"), "ssl_cert_reqs": ("none", "optional", "required")}
T = TypeVar("T")


class Bad(ValueError):
    """A value that cannot be used; the text says what would be right."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """What a value may be, in words, and what turns what a file or the environment holds into it, or raises Bad."""

    says: str
    read: Callable[[object], T]

    def __call__(self, value: object) -> T:
        """Return the value."""
        return self.read(value)


def kind(says: str) -> Callable[[Callable[[object], T]], Kind[T]]:
    """Make a kind of a function."""
    return lambda read: Kind(says, read)


@kind("text")
def text(value: object) -> str:
    """Text, as it is."""
    if not isinstance(value, str):
        raise Bad('must be text: write it in quotes, like "…"')
    if any(not character.isprintable() for character in value):
        raise Bad("must have no line breaks or other control characters")
    return value.strip()


def whole(low: int, high: int, unit: str) -> Kind[int]:
    """A whole number from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value.strip()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Bad(f"must be a whole number of {unit} from {low} to {high}")
        return value

    return Kind(f"whole number of {unit}, {low:,} to {high:,}", read)


@kind("True or False")
def flag(value: object) -> bool:
    """True or False."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    if not isinstance(value, bool):
        raise Bad("must be True or False")
    return value


@kind("address, https:// or http://")
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


@kind("name of at most 32 characters: a to z, 0 to 9 and hyphens")
def key_prefix(value: object) -> str:
    """The name of an installation within its Redis."""
    value = text(value)
    if not re.fullmatch(r"[a-z0-9-]{1,32}", value):
        raise Bad("must be 1 to 32 lower-case letters, digits and hyphens")
    return value


def one_of(*choices: str) -> Kind[str]:
    """One word of a few."""

    def read(value: object) -> str:
        if value not in choices:
            raise Bad("must be one of " + ", ".join(f'"{choice}"' for choice in choices))
        return str(value)

    return Kind(" or ".join(f'"{choice}"' for choice in choices), read)


def several(item: Kind[T], least: int = 0) -> Kind[tuple[T, ...]]:
    """A list; in the environment with commas between its items."""

    def read(value: object) -> tuple[T, ...]:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple):
            raise Bad("must be a list")
        if len(value) < least:
            raise Bad("must not be empty: this limit is always enforced")
        return tuple(item(part) for part in value)

    return Kind(f"list: {item.says}", read)


@kind("calling code of a country")
def calling_code(value: object) -> str:
    """A calling code such as +1."""
    value = text(value)
    if not re.fullmatch(r"\+?[0-9]{1,3}", value) or not phone.region_of(int(value.lstrip("+"))):
        raise Bad('must be the calling code of a country, like "+1" or "+44"')
    return "+" + value.lstrip("+")


@kind("ISO 3166 code of a country")
def region(value: object) -> str:
    """A country or territory as ISO 3166 writes it."""
    value = text(value).upper()
    if not phone.is_region(value):
        hint = ' (the United Kingdom is "GB")' if value == "UK" else ""
        raise Bad(f'must be two-letter country codes of ISO 3166, like ["US", "CA"]; "{value}" is none{hint}')
    return value


@kind("phone number in E.164, or a name")
def sender_id(value: object) -> str:
    """A phone number in E.164, or a name of 1 to 11 letters and digits."""
    value = text(value)
    if value and not re.fullmatch(r"\+[1-9][0-9]{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", value):
        raise Bad(
            'must be a phone number with its country, digits only, like "+12025550143", '
            'or a name of at most 11 letters and digits, like "Acme"'
        )
    return value


@kind("UUID")
def profile_id(value: object) -> str:
    """A messaging profile's id as Telnyx's portal shows it."""
    value = text(value).lower()
    if value and not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
        raise Bad('must be the id of a messaging profile, like "40017f1c-9a2b-4d6e-8a0f-3b1d2c4e5f60"')
    return value


@kind("base64, 44 characters")
def public_key(value: object) -> str:
    """An Ed25519 public key as Telnyx's portal shows it: base64 of 32 bytes."""
    value = text(value)
    if value and not re.fullmatch("[A-Za-z0-9+/]{43}=", value):
        raise Bad("must be the public key from Telnyx's portal (Keys & Credentials): 44 characters that end with =")
    return value


@kind(f"messages per second, {RATE_MIN} to {RATE_MAX:,}, or 0")
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


LABEL = r"[^\W_]([\w-]*[^\W_])?"
HOST_NAME = rf"({LABEL}\.)*{LABEL}\.?"


def url(*schemes: str, path: bool = True) -> Kind[str]:
    """An address with one of `schemes`."""

    def read(value: object) -> str:
        value = text(value)
        if not value:
            return value
        hint = "must be an address that starts with " + " or ".join(f"{scheme}://" for scheme in schemes)
        if not value.startswith("unix:") and re.search(r'[\s<>"{}|\\^`]', value):
            raise Bad(f"{hint}, and has no spaces, quotes, brackets or backslashes")
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
        host = parts.hostname or ""
        if not path and host.isascii() and ":" not in host and not re.fullmatch(HOST_NAME, host):
            raise Bad(f"{hint}, and then the name of a host, like {schemes[0]}://verify.example.com")
        return value if path else f"{parts.scheme}://{parts.netloc}"

    return Kind("address, " + " or ".join(f"{scheme}://" for scheme in schemes), read)


@kind("address, redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
def redis_url(value: object) -> str:
    """An address of Redis, with options that redis-py and we both understand."""
    value = url("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")(value)
    parts = urlsplit(value)
    hosts = parts.netloc.rpartition("@")[2]
    database = "" if parts.scheme == "unix" else parts.path.strip("/")
    if parts.scheme == "redis+sentinel":
        if parts.query:
            raise Bad("must have no options: sentinels take none")
        if not all(_is_sentinel(one) for one in hosts.split(",")):
            raise Bad("must name each sentinel with a host and a port: redis+sentinel://a:26379,b:26379/mymaster/0")
        database = database.partition("/")[2]
    elif "," in hosts:
        raise Bad("must name one host: several are for redis+sentinel://")
    databases = {number for number in (database, *_redis_options(parts).get("db", ())) if number}
    if any(not re.fullmatch("[0-9]{1,5}", number) for number in databases):
        raise Bad("must have a whole number as its database, like redis://localhost:6379/0")
    if parts.scheme == "redis+cluster" and databases - {"0"}:
        raise Bad("must have no other database than 0: a cluster has no others")
    return value


def _redis_options(parts: SplitResult) -> dict[str, list[str]]:
    given = parse_qs(parts.query, keep_blank_values=True)
    if own := [name for name in REDIS_OWN if name in given]:
        raise Bad(
            f"must not set {', '.join(own)}: time-outs, tries and connections are our own, so that callers never wait "
            "longer than 2 s for Redis. Take that out"
        )
    if unknown := sorted(set(given) - set(REDIS_OPTIONS)):
        raise Bad(f"has options that are not known here ({', '.join(unknown)}): there are {', '.join(REDIS_OPTIONS)}")
    for name, values in REDIS_VALUES.items():
        if not set(given.get(name, ())) <= set(values):
            raise Bad(f"must have {' or '.join(values)} as its {name}")
    if parts.scheme in ("redis", "unix") and any(name.startswith("ssl_") for name in given):
        raise Bad("must start with rediss:// to have options of TLS")
    return given


def _is_sentinel(address: str) -> bool:
    try:
        one = urlsplit(f"//{address}")
        return bool(one.hostname) and one.port != 0
    except ValueError:
        return False


@kind("address or name of a host")
def host_name(value: object) -> str:
    """What to listen on: a host's name or address, without brackets."""
    value = text(value).removeprefix("[").removesuffix("]")
    try:
        return str(ip_address(value))
    except ValueError:
        if not re.fullmatch(HOST_NAME, value) or re.fullmatch(r"[0-9.]+", value):
            raise Bad("must be an address to listen on, like 127.0.0.1, 0.0.0.0 or ::1") from None
    return value


def seconds(high: int) -> Kind[float]:
    """A number of seconds from 0 to `high`, fractions included."""

    def read(value: object) -> float:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value.strip()):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
            raise Bad(f"must be a number of seconds from 0 to {high}")
        return float(value)

    return Kind(f"seconds, 0 to {high}", read)


@kind("count/seconds")
def window(value: object) -> rules.Window:
    """How many in how many seconds, "5/600"."""
    match = re.fullmatch("([1-9][0-9]{0,5})/([1-9][0-9]{0,7})", text(value))
    if match is None or int(match[2]) > YEAR:
        raise Bad(f'must be written as a count and seconds, like "5/600" for 5 in 10 minutes; {YEAR} seconds at most')
    return rules.Window(int(match[1]), timedelta(seconds=int(match[2])))


@kind("amount of money")
def money(value: object) -> float:
    """An amount of money."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MONEY_MAX:
        raise Bad("must be an amount of money, like 50 or 49.90; 0 is no limit")
    return float(value)


@kind("region=price")
def price(value: object) -> tuple[str, float]:
    """What a message to a region costs, "US=0.0079"."""
    name, _, amount = text(value).partition("=")
    if not amount:
        raise Bad('must be written as a region and a price, like "US=0.0079"; "*=0.05" is for all others')
    return name if name == "*" else region(name), money(amount)


@kind("number=code@last day")
def test_number(value: object) -> tuple[str, rules.TestNumber]:
    """A number with a fixed code and its last day, "+12025550100=123456@2026-12-31"."""
    match = re.fullmatch(r"(\+[1-9][0-9]{6,14})=([0-9A-F]{4,10})@([0-9]{4}-[0-9]{2}-[0-9]{2})", text(value))
    try:
        if match is not None:
            return match[1], rules.TestNumber(match[2], date.fromisoformat(match[3]))
    except ValueError:
        pass
    raise Bad('must be written as a number, its code and its last day, like "+12025550100=12AB56@2026-12-31"')


@kind("secret text")
def secret(value: object) -> str:
    """A secret; surrounding white space, as files have it, is dropped."""
    value = text(value.strip() if isinstance(value, str) else value)
    if not value.isascii() or " " in value:
        raise Bad("must have no spaces and no letters with accents: copy it again")
    return value


@kind(f"secret text of {keyring.SECRET_MIN} characters or more")
def long_secret(value: object) -> str:
    """A secret that keys are made of."""
    value = secret(value)
    if value and len(value) < keyring.SECRET_MIN:
        raise Bad(
            f"must have at least {keyring.SECRET_MIN} characters: "
            "python3 -c 'import secrets; print(secrets.token_hex(32))' makes one"
        )
    return value


@kind("private keys in PEM, RSA or P-256, the current one first")
def signing_keys(value: object) -> str:
    """Private keys in PEM, one after the other: RSA of 2,048 bits or more, or P-256."""
    given = value.strip() if isinstance(value, str) else "?"
    try:
        keys = [load_pem_private_key(pem.encode(), None) for pem in PEM.findall(given)]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        keys = []
    if given and not (keys and all(map(_can_sign, keys))):
        raise Bad(
            f"must be private keys in PEM without a password, RSA of {RSA_MIN:,} bits or more, or P-256: "
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 makes one"
        )
    return given


def _can_sign(key: object) -> bool:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return isinstance(key.curve, ec.SECP256R1)
    return isinstance(key, rsa.RSAPrivateKey) and key.key_size >= RSA_MIN


@kind(f"text of 1 to {BRAND_MAX} characters")
def brand(value: object) -> str:
    """A name that fits a text message."""
    value = text(value)
    if not 1 <= len(value) <= BRAND_MAX or message.septets(value) is None:
        raise Bad(f"must be a name of 1 to {BRAND_MAX} plain letters, as text messages can carry them")
    return value


@kind("colour of six hexadecimal digits, readable on white")
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


@kind("address, https:// or mailto:")
def link(value: object) -> str:
    """An address that people are led to."""
    value = text(value)
    if value and not re.fullmatch(r"https?://[^\s/]\S*|mailto:\S+@\S+", value):
        raise Bad('must be an address, like "https://example.com/help" or "mailto:help@example.com"')
    return value


@kind(f"file, SVG or PNG, at most {LOGO_MAX:,} bytes")
def picture(value: object) -> str:
    """A file with a small SVG or PNG."""
    value = text(value)
    path = Path(value)
    if not value:
        return value
    if path.suffix.lower() not in (".svg", ".png") or not path.is_file():
        raise Bad("must name a file that is there and ends with .svg or .png")
    try:
        size, content = path.stat().st_size, path.read_bytes()[: LOGO_MAX + 1]
    except OSError as error:
        raise Bad(f"names a file that cannot be read: {why(error)}") from error
    if not 0 < size <= LOGO_MAX:
        raise Bad(f"names a file of {size:,} bytes: it must not be empty, nor have more than {LOGO_MAX:,}")
    is_png = content.startswith(PNG) and content[12:16] == b"IHDR" and len(content) >= PNG_HEAD
    if not (is_png if path.suffix.lower() == ".png" else b"<svg" in content):
        raise Bad(f"names a file that holds no {path.suffix[1:].upper()}")
    return value


@kind("folder")
def folder(value: object) -> str:
    """A folder."""
    value = text(value)
    if value and not Path(value).is_dir():
        raise Bad("must name a folder that is there")
    return value


def why(error: OSError) -> str:
    """Say why a file cannot be read."""
    return error.strerror or type(error).__name__
