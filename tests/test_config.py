"""Settings: what is wrong is said at once, all of it, in words that help and without any secret."""

import os
import re
import subprocess
import sys
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.__main__ import main
from service.config import KEYS, Settings, SettingsError
from service.languages import NAMES, REVIEWED, language
from service.verification import message
from service.verification.token import Token

ROOT = Path(__file__).resolve().parents[1]
SECRET = "hunter2-is-what-must-never-be-shown-to-anybody"
PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SHORT_RSA = rsa.generate_private_key(65537, 1024).private_bytes(*PEM).decode()  # noqa: S505 - it is to be refused
OTHER_CURVE = ec.generate_private_key(ec.SECP384R1()).private_bytes(*PEM).decode()
IDN = "https://xn--prfung-4ya.xn--strae-oqa.example:8443"
TELNYX = {"SENDER": "telnyx", "API_KEY": "KEY0123", "FROM_NUMBER": "+12025550100"}


@pytest.fixture
def load(tmp_path):
    """Load settings from the text of a `config.cfg` and from an environment of `TEXTPROOF_` settings."""

    def load(file="", **environment):
        path = tmp_path / "config.cfg"
        path.write_bytes(file if isinstance(file, bytes) else file.encode())
        return Settings.load(
            {"TEXTPROOF_CONFIG": str(path)} | {f"TEXTPROOF_{key}": value for key, value in environment.items()}
        )

    return load


@pytest.fixture
def mistakes(load):
    """Load what is wrong, and return the whole message and the mistakes in it."""

    def mistakes(file="", **environment):
        with pytest.raises(SettingsError) as error:
            load(file, **environment)
        return str(error.value), error.value.mistakes

    return mistakes


# -- One broken configuration for each mistake

BROKEN = {
    "unknown-key": ("TOKEN_LENGHT = 6", "TOKEN_LENGHT", "Did you mean TOKEN_LENGTH?"),
    "unknown-key-like-none": ("WIDTH = 6", "WIDTH", "is not a setting"),
    "text-for-a-number": ('TOKEN_LENGTH = "six"', "TOKEN_LENGTH", "whole number of characters from 4 to 10"),
    "fraction-for-a-number": ("TOKEN_LENGTH = 6.0", "TOKEN_LENGTH", "whole number"),
    "true-for-a-number": ("MAX_CHECKS = True", "MAX_CHECKS", "whole number of checks from 1 to 5"),
    "foreign-digits": ('TOKEN_LENGTH = "٦"', "TOKEN_LENGTH", "whole number"),
    "number-for-text": ("BRAND = 7", "BRAND", "write it in quotes"),
    "number-for-a-flag": ("DEBUG = 2", "DEBUG", "True or False"),
    "text-for-a-flag": ('DEBUG = "maybe"', "DEBUG", "True or False"),
    "number-for-a-list": ("RESEND_WAITS_SECONDS = 30", "RESEND_WAITS_SECONDS", "must be a list"),
    "true-in-a-list": ("RESEND_WAITS_SECONDS = [30, True]", "RESEND_WAITS_SECONDS", "whole number of seconds"),
    "empty-list-of-waits": ("RESEND_WAITS_SECONDS = []", "RESEND_WAITS_SECONDS", "at least one wait"),
    "unknown-alphabet": ('TOKEN_ALPHABET = "base64"', "TOKEN_ALPHABET", 'one of "hex", "digits"'),
    "negative-rate": ("SENDER_RATE_PER_SECOND = -1", "SENDER_RATE_PER_SECOND", "messages per second"),
    "rate-that-is-no-number": ('SENDER_RATE_PER_SECOND = float("nan")', "SENDER_RATE_PER_SECOND", "messages per"),
    "true-for-a-rate": ("SENDER_RATE_PER_SECOND = True", "SENDER_RATE_PER_SECOND", "messages per second"),
    "unknown-sender": ('SENDER = "twilio"', "SENDER", 'one of "telnyx", "demo"'),
    "telnyx-without-key": ('SENDER = "telnyx"\nFROM_NUMBER = "+12025550100"', "API_KEY", "is needed to send"),
    "telnyx-without-number": ('SENDER = "telnyx"\nAPI_KEY = "KEY01"', "FROM_NUMBER", "is needed to send"),
    "a-key-alone": ('API_KEY = "KEY01"', "FROM_NUMBER", "is needed to send"),
    "a-number-alone": ('FROM_NUMBER = "+12025550100"', "API_KEY", "is needed to send"),
    "a-name-without-profile": (
        'API_KEY = "KEY01"\nFROM_NUMBER = "Acme"',
        "MESSAGING_PROFILE_ID",
        "is needed to send from a name",
    ),
    "number-without-plus": ('API_KEY = "K"\nFROM_NUMBER = "2025550100"', "FROM_NUMBER", '"+12025550143"'),
    "number-with-spaces": ('API_KEY = "K"\nFROM_NUMBER = "+1 202 555 0100"', "FROM_NUMBER", "digits only"),
    "profile-that-is-none": ('MESSAGING_PROFILE_ID = "mine"', "MESSAGING_PROFILE_ID", "id of a messaging profile"),
    "public-key-that-is-none": ('TELNYX_PUBLIC_KEY = "mine"', "TELNYX_PUBLIC_KEY", "public key from Telnyx's portal"),
    "calling-code-as-number": ("COUNTRY_CODE = 1", "COUNTRY_CODE", "quotes"),
    "calling-code-of-nobody": ('COUNTRY_CODE = "+999"', "COUNTRY_CODE", "calling code of a country"),
    "calling-code-of-satellites": ('COUNTRY_CODE = "+881"', "COUNTRY_CODE", "calling code of a country"),
    "calling-code-zero": ('COUNTRY_CODE = "+0"', "COUNTRY_CODE", "calling code of a country"),
    "region-in-words": ('ALLOWED_REGIONS = ["Canada"]', "ALLOWED_REGIONS", "ISO 3166"),
    "region-that-people-write": ('ALLOWED_REGIONS = ["UK"]', "ALLOWED_REGIONS", 'the United Kingdom is "GB"'),
    "region-of-nobody": ('ALLOWED_REGIONS = ["001"]', "ALLOWED_REGIONS", "ISO 3166"),
    "regions-that-are-no-list": ("ALLOWED_REGIONS = {'US': 1}", "ALLOWED_REGIONS", "must be a list"),
    "brand-too-long": (f'BRAND = "{"x" * 31}"', "BRAND", "1 to 30"),
    "no-brand": ('BRAND = ""', "BRAND", "1 to 30"),
    "brand-that-no-text-message-carries": ('BRAND = "Łódź"', "BRAND", "as text messages can carry"),
    "brand-with-a-line-break": (r'BRAND = "Acme\nEvil"', "BRAND", "no line breaks"),
    "url-without-scheme": ('PUBLIC_URL = "verify.example.com"', "PUBLIC_URL", "https:// or http://"),
    "url-of-another-kind": ('PUBLIC_URL = "ftp://verify.example.com"', "PUBLIC_URL", "https:// or http://"),
    "url-without-host": ('PUBLIC_URL = "https://"', "PUBLIC_URL", "https:// or http://"),
    "url-with-a-path": ('PUBLIC_URL = "https://example.com/verify"', "PUBLIC_URL", "nothing behind the host"),
    "url-with-a-login": ('PUBLIC_URL = "https://me@example.com"', "PUBLIC_URL", "nothing behind the host"),
    "url-with-a-space": ('PUBLIC_URL = "https://a b.com"', "PUBLIC_URL", "has no spaces"),
    "url-with-a-host-that-begins-with-a-dash": ('PUBLIC_URL = "https://-a.com"', "PUBLIC_URL", "the name of a host"),
    "url-with-a-broken-host": ('PUBLIC_URL = "https://[::1"', "PUBLIC_URL", "https:// or http://"),
    "url-with-a-host-that-is-none": ('PUBLIC_URL = "https://☃.example"', "PUBLIC_URL", "cannot be one"),
    "url-with-a-broken-port": ('PUBLIC_URL = "https://example.com:port"', "PUBLIC_URL", "https:// or http://"),
    "url-with-a-port-too-high": ('PUBLIC_URL = "https://example.com:99999"', "PUBLIC_URL", "https:// or http://"),
    "url-too-long-for-a-message": (
        f'SENDER = "demo"\nPUBLIC_URL = "https://{"a" * 60}.{"b" * 60}.io"',
        "PUBLIC_URL",
        "longer than one",
    ),
    "no-language": ("LANGUAGES = []", "LANGUAGES", "at least one language"),
    "unknown-language": ('LANGUAGES = ["en", "tlh"]', "LANGUAGES", '"en", "es"'),
    "colour-by-name": ('ACCENT_COLOR = "red"', "ACCENT_COLOR", "six hexadecimal digits"),
    "colour-too-light": ('ACCENT_COLOR = "#777777"', "ACCENT_COLOR", "the contrast is 4.48"),
    "logo-that-is-not-there": ('LOGO = "/nowhere/logo.svg"', "LOGO", "a file that is there"),
    "logo-of-another-kind": (f"LOGO = {__file__!r}", "LOGO", ".svg or .png"),
    "help-that-is-a-script": ('SUPPORT_URL = "javascript:alert(1)"', "SUPPORT_URL", "https://example.com/help"),
    "terms-without-a-scheme": ('TERMS_URL = "example.com/terms"', "TERMS_URL", "must be an address"),
    "privacy-with-a-space": ('PRIVACY_URL = "https://example.com/a b"', "PRIVACY_URL", "must be an address"),
    "templates-that-are-not-there": ('TEMPLATES = "/nowhere"', "TEMPLATES", "a folder that is there"),
    "telnyx-url": ('TELNYX_BASE_URL = "api.telnyx.com"', "TELNYX_BASE_URL", "https:// or http://"),
    "redis-url": ('REDIS_URL = "localhost:6379"', "REDIS_URL", "redis://"),
    "redis-with-a-time-out": ('REDIS_URL = "redis://a/0?db=1&socket_timeout=60"', "REDIS_URL", "set socket_timeout: "),
    "redis-with-an-escaped-time-out": ('REDIS_URL = "redis://a?socket%5Ftimeout=60"', "REDIS_URL", "socket_timeout"),
    "redis-with-an-option-of-nobody": ('REDIS_URL = "redis://a?foo=bar"', "REDIS_URL", "not known here (foo)"),
    "redis-that-decodes": ('REDIS_URL = "redis://a?decode_responses=True"', "REDIS_URL", "(decode_responses)"),
    "redis-with-a-database-in-words": ('REDIS_URL = "redis://a/abc"', "REDIS_URL", "whole number as its database"),
    "redis-of-a-third-protocol": ('REDIS_URL = "redis://a?protocol=4"', "REDIS_URL", "2 or 3 as its protocol"),
    "redis-with-certificates-and-no-tls": ('REDIS_URL = "redis://a?ssl_ca_certs=/ca"', "REDIS_URL", "rediss://"),
    "redis-with-two-hosts": ('REDIS_URL = "redis://a,b/0"', "REDIS_URL", "redis+sentinel://"),
    "redis-sentinels-with-options": ('REDIS_URL = "redis+sentinel://a,b/c/0?db=1"', "REDIS_URL", "no options"),
    "redis-sentinels-with-a-bad-port": ('REDIS_URL = "redis+sentinel://a:1,b:99999/c"', "REDIS_URL", "each sentinel"),
    "redis-sentinels-with-a-port-in-words": ('REDIS_URL = "redis+sentinel://a:x,b/c"', "REDIS_URL", "each sentinel"),
    "redis-sentinels-with-a-database-in-words": ('REDIS_URL = "redis+sentinel://a,b/c/d"', "REDIS_URL", "database"),
    "redis-cluster-with-a-database": ('REDIS_URL = "redis+cluster://a/1"', "REDIS_URL", "no other database than 0"),
    "redis-socket-with-one-connection": ('REDIS_URL = "unix:///a?max_connections=1"', "REDIS_URL", "max_connections"),
    "redis-cluster-with-a-time-out": ('REDIS_URL = "redis+cluster://a?socket_connect_timeout=9"', "REDIS_URL", "own"),
    "short-secret": ('SECRET_KEY = "short"', "SECRET_KEY", "at least 32 characters"),
    "signing-key-that-is-none": ('SIGNING_KEY = "hunter2"', "SIGNING_KEY", "private keys in PEM"),
    "signing-key-of-too-few-bits": (f'SIGNING_KEY = """{SHORT_RSA}"""', "SIGNING_KEY", "RSA of 2,048 bits or more"),
    "signing-key-of-another-curve": (f'SIGNING_KEY = """{OTHER_CURVE}"""', "SIGNING_KEY", "or P-256"),
    "short-subject-key": ('SUBJECT_KEY = "short"', "SUBJECT_KEY", "at least 32 characters"),
    "short-fallback": (
        f'SENDER = "demo"\nSECRET_KEY = "{SECRET}"\nSECRET_KEY_FALLBACKS = ["short"]',
        "SECRET_KEY_FALLBACKS",
        "at least 32 characters",
    ),
    "fallback-without-secret": (f'SECRET_KEY_FALLBACKS = ["{SECRET}"]', "SECRET_KEY", "is needed beside"),
    "secret-with-a-space": ('API_KEY = "KEY 01"\nFROM_NUMBER = "+12025550100"', "API_KEY", "no spaces"),
    "secret-with-an-accent": ('API_KEY = "KÉY01"\nFROM_NUMBER = "+12025550100"', "API_KEY", "accents"),
    "a-window-without-seconds": ('STARTS_PER_ADDRESS = ["10"]', "STARTS_PER_ADDRESS", 'like "5/600"'),
    "a-window-of-nothing": ('SENDS_PER_NUMBER = ["0/600"]', "SENDS_PER_NUMBER", 'like "5/600"'),
    "a-window-longer-than-a-year": ('SENDS_IN_ALL = ["5/99999999"]', "SENDS_IN_ALL", "seconds at most"),
    "negative-money": ("SPEND_PER_DAY = -1", "SPEND_PER_DAY", "amount of money"),
    "money-without-prices": ("SPEND_PER_DAY = 50", "MESSAGE_PRICES", "is needed for SPEND_PER_DAY"),
    "a-price-without-region": ('MESSAGE_PRICES = ["0.0079"]', "MESSAGE_PRICES", 'like "US=0.0079"'),
    "a-price-of-nowhere": ('MESSAGE_PRICES = ["UK=0.0079"]', "MESSAGE_PRICES", "ISO 3166"),
    "a-limit-that-cannot-be-watched": ('OBSERVE = ["number"]', "OBSERVE", '"address"'),
    "a-test-number-without-end": ('TEST_NUMBERS = ["+12025550100=12AB56"]', "TEST_NUMBERS", "its last day"),
    "a-test-number-on-no-day": ('TEST_NUMBERS = ["+12025550100=12AB56@2026-02-30"]', "TEST_NUMBERS", "its last day"),
    "a-test-code-that-is-none": ('TEST_NUMBERS = ["+12025550100=1234@2026-12-31"]', "TEST_NUMBERS", "TOKEN_LENGTH and"),
    "unknown-limits-mode": ('LIMITS_MODE = "off"', "LIMITS_MODE", 'one of "enforce", "observe"'),
    "syntax-error": ('BRAND = "Acme\nDEBUG = True', "config.cfg", "in line 1"),
    "syntax-error-further-down": ("DEBUG = True\n\nif True\n", "config.cfg", "in line 3"),
    "name-without-quotes": ("DEBUG = True\nBRAND = Acme\n", "config.cfg", "line 2"),
    "error-while-read": ("DEBUG = 1 / 0", "config.cfg", "ZeroDivisionError"),
    "not-text": (b'BRAND = "\xff\xfe"', "TEXTPROOF_CONFIG", "is not text in UTF-8"),
    "utf-16": ('BRAND = "Acme"'.encode("utf-16"), "TEXTPROOF_CONFIG", "save it as UTF-8"),
    "small-letters": ('brand = "Acme"\nDEBUG = True', "brand", "they are in capital letters, like BRAND"),
    "small-letters-and-a-slip": ('from_numbr = "+1"\nDEBUG = True', "from_numbr", "like FROM_NUMBER"),
    "nothing-in-capitals": ('sending = "me"', "sending", "capital letters"),
    "prefix-in-the-file": ('TEXTPROOF_BRAND = "Acme"', "TEXTPROOF_BRAND", "it is BRAND, without TEXTPROOF_"),
    "json": ('{"BRAND": "Acme"}', "line 1", "a setting is written as NAME = value"),
    "json-behind-a-setting": ('DEBUG = True\n["BRAND"]', "line 2", "sets nothing"),
    "colon-for-equals": ('BRAND: "Acme"', "line 1", "written with ="),
    "two-equals": ('BRAND = "Acme"\nDEBUG == True\n', "config.cfg", "NameError in line 2"),
    "the-file-ends-the-process": ("import sys\nsys.exit(0)", "config.cfg", "SystemExit in line 2"),
    "time-to-drain-in-words": ('DRAIN_SECONDS = "abc"', "DRAIN_SECONDS", "number of seconds from 0 to 300"),
    "host-that-is-none": ('HOST = "here:80"', "HOST", "an address to listen on"),
    "host-that-is-half-an-address": ('HOST = "127.0.0"', "HOST", "an address to listen on"),
    "unknown-pages": ('PAGES = "closed"', "PAGES", '"open", "applications", "off"'),
    "prices-that-miss-a-country": (
        'SPEND_PER_DAY = 50\nMESSAGE_PRICES = ["US=0.0079"]\nALLOWED_REGIONS = ["US", "CA"]',
        "MESSAGE_PRICES",
        "has no price for CA",
    ),
    "real-address-and-no-sender": ('PUBLIC_URL = "https://example.com"', "SENDER", "PUBLIC_URL says"),
    "real-secret-and-no-sender": (f'SECRET_KEY = "{SECRET}"', "SENDER", "show every code to everybody"),
    "a-wait-of-nothing": ("RESEND_WAITS_SECONDS = [0]", "RESEND_WAITS_SECONDS", "from 1 to 3600"),
    "nul-inside": (b"DEBUG = True\x00", "config.cfg", "config.cfg"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "key", "words"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_named_with_its_key_and_what_would_be_right(mistakes, file, key, words):
    message, found = mistakes(file)

    assert [mistake.key for mistake in found] == [key]
    assert key in message
    assert words in message


BOUNDS = {  # of every whole number, as it says of itself; what is promised elsewhere stands here once more
    name: tuple(int(bound.replace(",", "")) for bound in found.groups())
    for name in KEYS
    if (found := re.fullmatch(r"whole number of .*, ([\d,]+) to ([\d,]+)", KEYS[name].metadata["kind"].says))
}
PROMISED = {
    "TOKEN_LENGTH": (4, 10),
    "TOKEN_LIFETIME_SECONDS": (1, 600),
    "MAX_CHECKS": (1, 5),
    "CHECKS_IN_A_ROW": (1, 100),
    "MAX_SENDS": (1, 5),
    "SENDS_AT_ONCE": (1, 64),
    "TRUSTED_PROXIES": (0, 5),
    "PORT": (1, 65_535),
    "WORKERS": (1, 256),
    "CONVERSION_CLOSE_PERCENT": (0, 100),
}
assert PROMISED.keys() <= BOUNDS.keys()


@pytest.mark.parametrize("name", BOUNDS)
def test_a_whole_number_is_within_its_bounds(name):
    low, high = BOUNDS[name]
    kind = KEYS[name].metadata["kind"]

    assert PROMISED.get(name, (low, high)) == (low, high)
    assert [kind(low), kind(str(high))] == [low, high]
    for beyond in (low - 1, str(high + 1), None):
        with pytest.raises(ValueError, match=f"from {low} to {high}"):
            kind(beyond)


ENVIRONMENT = {
    "unknown-key": ({"TOKEN_LENGHT": "6"}, "TEXTPROOF_TOKEN_LENGHT", "Did you mean TOKEN_LENGTH?"),
    "text-for-a-number": ({"TOKEN_LENGTH": "six"}, "TOKEN_LENGTH", "from 4 to 10"),
    "fraction-for-a-number": ({"TOKEN_LENGTH": "6.0"}, "TOKEN_LENGTH", "whole number"),
    "nothing-for-a-number": ({"TOKEN_LENGTH": ""}, "TOKEN_LENGTH", "whole number"),
    "endless-number": ({"TOKEN_LENGTH": "9" * 10_000}, "TOKEN_LENGTH", "whole number"),
    "text-in-a-list": ({"RESEND_WAITS_SECONDS": "30,soon"}, "RESEND_WAITS_SECONDS", "whole number of seconds"),
    "prefix-for-what-has-none": ({"PORT": "8000"}, "TEXTPROOF_PORT", "it is PORT, without TEXTPROOF_"),
    "secret-file-is-a-device": ({"API_KEY_FILE": "/dev/null"}, "TEXTPROOF_API_KEY_FILE", "no ordinary file"),
    "secret-file-missing": ({"API_KEY_FILE": "/no/such/file"}, "TEXTPROOF_API_KEY_FILE", "cannot be read"),
    "secret-file-is-a-folder": ({"API_KEY_FILE": "/"}, "TEXTPROOF_API_KEY_FILE", "cannot be read"),
    "secret-for-nobody": ({"PASSWORD": "x"}, "TEXTPROOF_PASSWORD", "is not a setting"),
    "file-for-what-is-no-secret": ({"BRAND_FILE": "/etc/hostname"}, "TEXTPROOF_BRAND_FILE", "is not a setting"),
}


@pytest.mark.parametrize(("environment", "key", "words"), ENVIRONMENT.values(), ids=ENVIRONMENT)
def test_a_mistake_in_the_environment_is_named_as_well(mistakes, environment, key, words):
    message, found = mistakes(**environment)

    assert [mistake.key for mistake in found] == [key]
    assert "environment" in message
    assert words in message


def test_all_mistakes_are_reported_together_each_with_where_it_came_from(mistakes):
    """Nobody likes to start a service five times."""
    file = 'TOKEN_LENGTH = 3\nTOKEN_LIFETIME_SECONDS = 601\nSENDER = "telnyx"\nTOKEN_LENGHT = 6'

    message, found = mistakes(file, API_KEY="KEY01", PUBLIC_URL="nowhere")

    sources = {mistake.key: mistake.source for mistake in found}
    assert set(sources) == {"TOKEN_LENGTH", "TOKEN_LIFETIME_SECONDS", "TOKEN_LENGHT", "PUBLIC_URL", "FROM_NUMBER"}
    assert (sources["TOKEN_LENGTH"], sources["PUBLIC_URL"]) == ("config.cfg", "environment")
    assert "TOKEN_LENGTH = 3  (config.cfg)" in message
    assert "5 settings need attention" in message


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(SettingsError, match="names a file that cannot be read") as error:
        Settings.load({"TEXTPROOF_CONFIG": str(tmp_path / "no.cfg")})

    assert [mistake.key for mistake in error.value.mistakes] == ["TEXTPROOF_CONFIG"]


def test_the_file_beside_the_service_is_read_without_being_named_and_without_one_there_are_the_defaults(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert Settings.load({}) == Settings()

    (tmp_path / "config.cfg").write_text("TOKEN_LENGTH = 8")
    assert Settings.load({}).TOKEN_LENGTH == 8


@pytest.mark.parametrize("name", ["TEXTPROOF_CONFIG", "TEXTPROOF_API_KEY_FILE"])
def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SettingsError, match="no ordinary file"):
        Settings.load({name: str(tmp_path / "pipe")})


def test_a_file_of_a_secret_that_is_empty_is_no_secret(mistakes, tmp_path):
    (tmp_path / "secret").write_text(" \n")

    _, found = mistakes('SENDER = "demo"', SECRET_KEY_FILE=str(tmp_path / "secret"))

    assert [(mistake.key, mistake.reason) for mistake in found] == [
        ("TEXTPROOF_SECRET_KEY_FILE", "names a file that is empty.")
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("short.png", b"\x89PNG\r\n\x1a\n", "holds no PNG"),
        ("really-a.png", b"\xff\xd8\xff\xe0" * 20, "holds no PNG"),
        ("really-a.svg", b"\xff\xd8\xff\xe0" * 20, "holds no SVG"),
    ],
)
def test_a_logo_that_cannot_be_read_is_refused(mistakes, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)

    message, found = mistakes(LOGO=str(tmp_path / name))

    assert [mistake.key for mistake in found] == ["LOGO"]
    assert words in message


LINKS = {
    "PORT": "tcp://10.0.0.7:8000",
    "SERVICE_HOST": "10.0.0.7",
    "SERVICE_PORT": "8000",
    "SERVICE_PORT_HTTP": "8000",
    "PORT_8000_TCP": "tcp://10.0.0.7:8000",
    "PORT_8000_TCP_PROTO": "tcp",
    "PORT_8000_TCP_PORT": "8000",
    "PORT_8000_TCP_ADDR": "10.0.0.7",
    "REDIS_SERVICE_HOST": "10.0.0.8",
    "REDIS_PORT": "tcp://10.0.0.8:6379",
    "REDIS_PORT_6379_TCP_ADDR": "10.0.0.8",
}


def test_service_links_of_kubernetes_are_ignored_with_one_warning(load):
    """A Service called textproof, and another one called textproof-redis."""
    [warning] = load(**_calm(), **LINKS).warnings()

    assert "TEXTPROOF_PORT" in warning
    assert "11 in all" in warning
    assert "enableServiceLinks: false" in warning


# -- No secret in any message

LEAKS = {
    "signing-key": 'SIGNING_KEY = "-----BEGIN PRIVATE KEY-----hunter2-----END PRIVATE KEY-----"',
    "too-short": 'SECRET_KEY = "hunter2"',
    "with-a-space": 'API_KEY = "hunter2 hunter2"\nFROM_NUMBER = "+12025550100"',
    "with-a-control-character": r'API_KEY = "hunter2\x00"' + '\nFROM_NUMBER = "+12025550100"',
    "bytes": 'API_KEY = b"hunter2"\nFROM_NUMBER = "+12025550100"',
    "without-quotes": 'API_KEY = hunter2\nFROM_NUMBER = "+12025550100"',
    "without-quotes-further-down": 'FROM_NUMBER = "+12025550100"\n\nAPI_KEY = hunter2',
    "without-a-closing-quote": 'API_KEY = "hunter2\nFROM_NUMBER = "+12025550100"',
    "with-a-dash-and-no-quotes": 'API_KEY = hunter2-\nFROM_NUMBER = "+12025550100"',
    "in-a-list": 'SECRET_KEY = ["hunter2"]',
    "a-number": "SECRET_KEY = 31415926535897932384626433832795",
    "a-list-in-a-list": 'SECRET_KEY_FALLBACKS = [["hunter2"]]',
    "short-fallback": 'SECRET_KEY_FALLBACKS = ["hunter2"]',
    "fallbacks-in-braces": 'SECRET_KEY_FALLBACKS = {"hunter2": 1}',
    "address-of-redis": 'REDIS_URL = "http://:hunter2@localhost"',
    "port-of-redis": 'REDIS_URL = "redis://:hunter2@localhost:99999"',
    "options-of-redis": 'REDIS_URL = "redis://:hunter2@localhost?password=hunter2&socket_timeout=hunter2"',
    "address-of-redis-in-bytes": 'REDIS_URL = b"redis://:hunter2@localhost"',
    "under-a-name-with-a-slip": 'API_KEI = "hunter2"',
    "in-an-error-of-the-file": 'API_KEY = {}["hunter2"]',
    "in-a-conversion": 'API_KEY = int("hunter2")',
}


@pytest.mark.parametrize("file", LEAKS.values(), ids=LEAKS)
def test_no_message_shows_a_secret(mistakes, file):
    """What a service says at its start lands in logs, and in the issues of people who ask for help."""
    message, found = mistakes(file)

    assert not re.search("hunter2|31415926", f"{message}{found!r}")


@pytest.mark.parametrize("name", ["SECRET_KEY", "API_KEY"])
def test_no_message_shows_a_secret_of_a_file_or_the_environment(mistakes, tmp_path, name):
    (tmp_path / "secret").write_text("hunter2 with spaces")

    in_file, _ = mistakes(**{f"{name}_FILE": str(tmp_path / "secret")}, FROM_NUMBER="+12025550100")
    in_environment, _ = mistakes(**{name: "hunter2 with spaces"}, FROM_NUMBER="+12025550100")

    assert "hunter2" not in in_file + in_environment


def test_neither_settings_nor_warnings_show_a_secret(load):
    secret = {"SECRET_KEY": SECRET, "SECRET_KEY_FALLBACKS": SECRET * 2, "REDIS_URL": f"redis://:{SECRET}@localhost"}
    settings = load(**TELNYX, **secret, TOKEN_LENGTH="4")

    assert settings.SECRET_KEY == SECRET
    for shown in (repr(settings), str(settings.warnings())):
        assert SECRET not in shown
        assert TELNYX["API_KEY"] not in shown


def test_a_backslash_in_a_secret_is_no_reason_to_print_it(tmp_path):
    """Python warns of one that it does not know, and quotes the line."""
    (tmp_path / "config.cfg").write_text(f'SENDER = "demo"\nSECRET_KEY = "{SECRET}\\d"\n')
    command = "from service.config import Settings; print(len(Settings.load().SECRET_KEY))"

    ended = subprocess.run(
        [sys.executable, "-W", "always", "-c", command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TEXTPROOF_CONFIG": str(tmp_path / "config.cfg")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout == f"{len(SECRET) + 2}\n"
    assert SECRET not in ended.stderr


# -- What is right


def test_the_tutorials_file_still_works(load):
    settings = load(
        "API_KEY = 'KEY0123'\nFROM_NUMBER = '+12025550100'\nCOUNTRY_CODE = '+1'\nTOKEN_LENGTH = 4\nDEBUG = True\n"
    )

    assert settings.sender == "telnyx"
    assert (settings.TOKEN_LENGTH, settings.DEBUG) == (4, True)


def test_the_environment_wins_over_the_file_and_mends_it(load):
    settings = load("TOKEN_LENGTH = 99\nMAX_CHECKS = 3", TOKEN_LENGTH="7")

    assert (settings.TOKEN_LENGTH, settings.MAX_CHECKS) == (7, 3)


@pytest.mark.parametrize(
    ("content", "file", "environment", "key", "value"),
    [
        (f"  {SECRET}\n", "", {}, "SECRET_KEY", SECRET),
        (SECRET, f'SECRET_KEY = "{"x" * 40}"', {}, "SECRET_KEY", SECRET),
        ("x" * 40, "", {"SECRET_KEY": SECRET}, "SECRET_KEY", SECRET),
        (f"{SECRET},{'x' * 40}\n", "", {"SECRET_KEY": SECRET}, "SECRET_KEY_FALLBACKS", (SECRET, "x" * 40)),
    ],
    ids=["from-a-file", "wins-over-config", "the-environment-wins", "several"],
)
def test_a_secret_can_be_read_from_a_file(load, tmp_path, content, file, environment, key, value):  # noqa: PLR0917
    (tmp_path / "secret").write_text(content)
    named = {f"{key}_FILE": str(tmp_path / "secret")}

    for order in (environment | named, named | environment):
        assert getattr(load(file, SENDER="demo", **order), key) == value


RIGHT = {
    "digits-in-quotes": ('TOKEN_LENGTH = "6"', "TOKEN_LENGTH", 6),
    "flag-in-words": ('DEBUG = "yes"', "DEBUG", True),
    "tuple": ("RESEND_WAITS_SECONDS = (10, 20)", "RESEND_WAITS_SECONDS", (10, 20)),
    "small-letters": ('ALLOWED_REGIONS = ["us", "ca"]', "ALLOWED_REGIONS", ("US", "CA")),
    "code-without-plus": ('COUNTRY_CODE = "44"', "COUNTRY_CODE", "+44"),
    "slash-behind-the-host": (
        'SENDER = "demo"\nPUBLIC_URL = "https://example.com/"',
        "PUBLIC_URL",
        "https://example.com",
    ),
    "host-in-capitals": (
        'SENDER = "demo"\nPUBLIC_URL = "https://Verify.Example.com"',
        "PUBLIC_URL",
        "https://verify.example.com",
    ),
    "host-with-umlauts": ('SENDER = "demo"\nPUBLIC_URL = "https://Prüfung.Straße.example:8443"', "PUBLIC_URL", IDN),
    "host-in-japanese": (
        'SENDER = "demo"\nPUBLIC_URL = "https://例え.テスト"',
        "PUBLIC_URL",
        "https://xn--r8jz45g.xn--zckzah",
    ),
    "host-with-port": ('SENDER = "demo"\nPUBLIC_URL = "http://localhost:8000"', "PUBLIC_URL", "http://localhost:8000"),
    "redis-socket": ('REDIS_URL = "unix:///run/redis.sock"', "REDIS_URL", "unix:///run/redis.sock"),
    "redis-sentinels": (
        'REDIS_URL = "redis+sentinel://:pw@a:26379,b:26379/main/0"',
        "REDIS_URL",
        "redis+sentinel://:pw@a:26379,b:26379/main/0",
    ),
    "redis-cluster": ('REDIS_URL = "redis+cluster://a:6379"', "REDIS_URL", "redis+cluster://a:6379"),
    "redis-options": (
        'REDIS_URL = "rediss://a?db=2&client_name=me&protocol=2&ssl_ca_certs=/ca&ssl_cert_reqs=required"',
        "REDIS_URL",
        "rediss://a?db=2&client_name=me&protocol=2&ssl_ca_certs=/ca&ssl_cert_reqs=required",
    ),
    "umlauts-in-the-brand": ('BRAND = "Müller & Söhne"', "BRAND", "Müller & Söhne"),
    "whole-rate": ("SENDER_RATE_PER_SECOND = 1", "SENDER_RATE_PER_SECOND", 1.0),
    "small-names-are-python": ("length = 6\nTOKEN_LENGTH = length", "TOKEN_LENGTH", 6),
    "comments": ("# nothing\n", "TOKEN_LENGTH", 6),
    "a-mark-of-windows": (b"\xef\xbb\xbfTOKEN_LENGTH = 7", "TOKEN_LENGTH", 7),
    "words-of-its-own": (
        '"""Ours."""\nimport os\n_mine = 1\ndef half(n): return n // 2\nTOKEN_LENGTH = half(14)',
        "TOKEN_LENGTH",
        7,
    ),
    "redis-options-of-a-socket": ('REDIS_URL = "unix:///a?db=1"', "REDIS_URL", "unix:///a?db=1"),
    "host-in-brackets": ('HOST = "[::1]"', "HOST", "::1"),
    "host-by-name": ('HOST = "localhost"', "HOST", "localhost"),
}


@pytest.mark.parametrize(("file", "key", "value"), RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_taken(load, file, key, value):
    taken = getattr(load(file), key)

    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("TOKEN_LENGTH", "8", 8),
        ("TOKEN_LENGTH", " 8 ", 8),
        ("DEBUG", "true", True),
        ("DEBUG", "0", False),
        ("RESEND_WAITS_SECONDS", "10, 20,30", (10, 20, 30)),
        ("ALLOWED_REGIONS", "US,CA", ("US", "CA")),
        ("ALLOWED_REGIONS", "", ()),
        ("SENDER_RATE_PER_SECOND", "0.1", 0.1),
        ("BRAND", "  Acme ", "Acme"),
    ],
    ids=str,
)
def test_what_is_right_in_the_environment_is_taken(load, key, text, value):
    assert getattr(load(**{key: text}), key) == value


@pytest.mark.parametrize(("key", "value"), [("HOST", "::1"), ("PORT", 9000), ("WORKERS", 3), ("DRAIN_SECONDS", 0.5)])
def test_where_it_listens_has_no_prefix_in_the_environment(tmp_path, monkeypatch, key, value):
    monkeypatch.chdir(tmp_path)

    assert getattr(Settings.load({key: str(value)}), key) == value


@pytest.mark.parametrize("name", ["textproof_brand", "TEXTPROOF_Brand", "Textproof_BRAND"])
def test_a_name_in_small_letters_is_no_setting_in_the_environment_either(name):
    with pytest.raises(SettingsError, match="they are in capital letters, like TEXTPROOF_BRAND"):
        Settings.load({name: "Acme"})


def test_other_and_empty_variables_of_the_environment_are_nobodys_business(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert Settings.load({"WORKERS": "", "TEXTPROOF_CONFIG": "", "TOKEN_LENGTH": "99", "text": "x"}) == Settings()


# -- What follows from the settings


@pytest.mark.parametrize(
    ("environment", "sender"),
    [
        *(({}, "demo"), (TELNYX, "telnyx"), (TELNYX | {"SENDER": "demo"}, "demo")),
        ({"API_KEY": "KEY01", "FROM_NUMBER": "+12025550100"}, "telnyx"),
    ],
    ids=["nothing-set", "telnyx", "demo-with-a-key", "a-key-and-a-number"],
)
def test_the_demo_is_for_who_has_set_nothing(load, environment, sender):
    assert load(**environment).sender == sender


@pytest.mark.parametrize(
    ("file", "home", "allowed"),
    [
        ("", "US", {"US"}),
        ('COUNTRY_CODE = "+44"', "GB", {"GB"}),
        ('ALLOWED_REGIONS = ["CA", "US"]', "US", {"CA", "US"}),
        ('COUNTRY_CODE = "+1"\nALLOWED_REGIONS = ["CA"]', "US", {"CA"}),
    ],
    ids=["as-shipped", "another-country", "several", "not-the-main-one"],
)
def test_only_the_main_region_of_the_country_code_is_texted_unless_others_are_named(load, file, home, allowed):
    """+1 is the US here, not the other 24 regions that share it."""
    rules = load(file).policy

    assert (rules.home_region, set(rules.allowed_regions)) == (home, allowed)


@pytest.mark.parametrize("size", [0, 6, 16_384, 16_385])
def test_a_logo_is_small(load, tmp_path, size):
    logo = tmp_path / "logo.svg"
    logo.write_bytes(b"<svg/>"[:size].ljust(size))

    with nullcontext() if size in {6, 16_384} else pytest.raises(SettingsError, match="16,384"):
        assert load(LOGO=str(logo)).LOGO.endswith(logo.name)


def test_the_rules_are_made_of_the_settings(load):
    rules = load(
        'TOKEN_LENGTH = 8\nTOKEN_ALPHABET = "digits"\nTOKEN_LIFETIME_SECONDS = 300\nMAX_CHECKS = 3\nMAX_SENDS = 2\n'
        'SENDER = "demo"\nRESEND_WAITS_SECONDS = [45]\nBRAND = "Acme"\nPUBLIC_URL = "https://verify.example.com:8443"'
    ).policy

    assert (rules.token_format.length, rules.token_format.alphabet) == (8, "digits")
    assert (rules.token_life, rules.resend_waits) == (timedelta(minutes=5), (timedelta(seconds=45),))
    assert (rules.max_checks, rules.max_sends) == (3, 2)
    assert (rules.brand, rules.host) == ("Acme", "verify.example.com")


@pytest.mark.parametrize("tag", NAMES)
@pytest.mark.parametrize("life", [600, 300, 120, 60], ids=str)
def test_settings_that_are_accepted_make_only_messages_of_one_segment(load, life, tag):
    """Also those of a resend, which tell what is left of the life. Senders refuse a longer one."""
    accepted = []
    for length in range(20, 64):
        try:
            accepted.append(
                load(
                    TOKEN_LIFETIME_SECONDS=str(life),
                    SENDER="demo",
                    PUBLIC_URL=f"https://{'a' * length}.io",
                    BRAND="x" * 30,
                    LANGUAGES=tag,
                )
            )
        except SettingsError:
            break
    longest = accepted[-1].policy

    texts = {
        left: message.compose(
            Token("0" * 6),
            brand=longest.brand,
            life=timedelta(seconds=left),
            host=longest.host,
            language=language(tag),
        )
        for left in range(1, life + 1)
    }

    assert len(accepted) > 10
    assert {left: text for left, text in texts.items() if not message.is_one_segment(text)} == {}


def test_a_language_whose_messages_would_be_too_long_is_named(load):
    """And one that fits is not: the host is short enough for 160 characters, and too long for 70."""
    with pytest.raises(SettingsError) as error:
        load(SENDER="demo", PUBLIC_URL=f"https://{'a' * 50}.io", LANGUAGES="en,es,ar")

    assert '("ar")' in str(error.value)
    assert "fewer LANGUAGES" in str(error.value)
    assert '("es")' not in str(error.value)
    assert load(SENDER="demo", PUBLIC_URL=f"https://{'a' * 50}.io").LANGUAGES == REVIEWED


WARNINGS = {
    "16-bits": ({"TOKEN_LENGTH": "4"}, ["SP 800-63B-4", "TOKEN_LENGTH = 6"]),
    "17-bits": ({"TOKEN_LENGTH": "5", "TOKEN_ALPHABET": "digits"}, ["SP 800-63B-4", "TOKEN_LENGTH = 6"]),
    "no-secret": ({"SECRET_KEY": ""}, ["SECRET_KEY is not set", "set SECRET_KEY to 32"]),
    "short-life": ({"TOKEN_LIFETIME_SECONDS": "30"}, ["TOKEN_LIFETIME_SECONDS = 30", "set 600"]),
    "demo": ({"SENDER": "demo"}, ["no message is sent"]),
    "a-proxy-that-is-not-counted": ({"TRUSTED_PROXIES": "0"}, ["PUBLIC_URL is https", "TRUSTED_PROXIES = 0"]),
}


@pytest.mark.parametrize(("environment", "words"), WARNINGS.values(), ids=WARNINGS)
def test_what_works_but_should_be_known_is_warned_of(load, environment, words):
    (warning,) = load(**_calm() | environment).warnings()

    assert all(word in warning for word in words)


def test_a_production_set_has_no_warnings(load):
    assert load(**_calm()).warnings() == []


def _calm():
    return TELNYX | {
        "SECRET_KEY": SECRET,
        "PUBLIC_URL": "https://verify.example.com",
        "TELNYX_PUBLIC_KEY": "A" * 43 + "=",
        "TRUSTED_PROXIES": "1",
    }


# -- The example


def test_the_example_has_every_setting_with_its_default(load):
    example = load((ROOT / "config.cfg.example").read_text())

    differ = {key for key in KEYS if getattr(example, key) != getattr(Settings(), key)}

    assert differ == {"SENDER"}


# -- What is in force


def test_every_setting_in_force_is_printed_with_where_it_came_from_and_without_a_secret(tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "config.cfg").write_text(
        'BRAND = "Acme"\nMESSAGE_PRICES = ["US=0.0079"]\nTEST_NUMBERS = ["+12025550100=12AB56@2026-12-31"]\n'
    )
    environment = {
        "TEXTPROOF_CONFIG": str(tmp_path / "config.cfg"),
        "TEXTPROOF_SENDER": "demo",
        "TEXTPROOF_SECRET_KEY_FILE": str(tmp_path / "secret"),
        "TEXTPROOF_REDIS_URL": f"redis://:{SECRET}@localhost",
        "PORT": "9000",
    }

    ended = CliRunner().invoke(main, ["settings"], env=environment)

    lines = ended.stdout.splitlines()
    assert len(lines) == len(KEYS)
    for line in (
        'BRAND = "Acme"  # config.cfg',
        'MESSAGE_PRICES = ["US=0.0079"]  # config.cfg',
        "TEST_NUMBERS = (hidden)  # config.cfg",
        'SENDER = "demo"  # environment',
        "SECRET_KEY = (hidden)  # file named by TEXTPROOF_SECRET_KEY_FILE",
        "REDIS_URL = (hidden)  # environment",
        "PORT = 9000  # environment",
        "WORKERS = (one for each core)  # default",
        'SENDS_PER_NUMBER = ["5/600", "10/86400"]  # default',
        'API_KEY = ""  # default',
    ):
        assert line in lines
    assert SECRET not in ended.output
    assert "12AB56" not in ended.output
    assert ended.stderr.startswith(f"Settings: {tmp_path / 'config.cfg'} (named by TEXTPROOF_CONFIG); from the envi")


def test_a_command_says_where_it_looked_when_there_is_no_file(tmp_path, monkeypatch):
    """Otherwise it would tell of another service than the one that runs."""
    monkeypatch.chdir(tmp_path)

    ended = CliRunner().invoke(main, ["settings"])

    assert f"the defaults, because there is no config.cfg in {tmp_path} and TEXTPROOF_CONFIG is not set" in ended.stderr


# -- The start of the process

STARTS = {
    "command": ["-m", "service", "run"],
    "gunicorn": ["-c", "from service.app import create_app; create_app()"],
}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", STARTS.values(), ids=STARTS)
def test_the_process_ends_with_words_when_settings_are_wrong(tmp_path, arguments):
    (tmp_path / "config.cfg").write_text(f'TOKEN_LENGTH = 3\nAPI_KEY = "{SECRET}"\n')
    environment = {"PATH": os.environ["PATH"], "TEXTPROOF_CONFIG": str(tmp_path / "config.cfg")}

    ended = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert ended.returncode != 0
    assert "Textproof cannot start: 2 settings need attention." in ended.stderr
    assert "TOKEN_LENGTH = 3" in ended.stderr
    assert "FROM_NUMBER" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert SECRET not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({}, "+12025550100"),
        ({"FROM_NUMBER": "Acme", "MESSAGING_PROFILE_ID": "40017f5e-0000-4000-8000-000000000001"}, ""),
        ({"TELNYX_PUBLIC_KEY": ""}, ""),
        ({"PUBLIC_URL": "http://verify.example.com"}, ""),
        ({"SENDER": "demo"}, ""),
    ],
    ids=["a number of ours", "a name", "no signatures", "no https", "the demo"],
)
def test_start_is_heard_at_a_number_whose_messages_come_here(changed, number):
    whole = {
        "API_KEY": "KEY0000",
        "FROM_NUMBER": "+12025550100",
        "PUBLIC_URL": "https://verify.example.com",
        "TELNYX_PUBLIC_KEY": "x",
    }

    assert Settings(**whole | changed).hears_at == number
