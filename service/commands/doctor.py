"""`textproof doctor`: checks settings, account, Redis and addresses, and says what to fix.

The questions are asked by `sender.account` and `store.checkup`; here they are put in order and in words. Each has a
time limit, and what cannot be asked is said. No line holds a secret or a whole number.
"""

import http.client
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from ..app import broken_templates, demo_by_chance, redis_store
from ..config import Settings
from ..store.checkup import TRIES, Checkup, NoRedis, Server
from ..verification.envelope import Keys
from ..verification.errors import StoreUnavailable, WrongSecret
from ..verification.message import SEGMENT, WIDE_SEGMENT, compose, is_one_segment, septets
from ..verification.ports import Store
from ..verification.token import Token
from ..web import health

if TYPE_CHECKING:
    from ..sender.account import Profile, TelnyxAccount  # the SDK takes a second and 100 MB

TELNYX_SECONDS = 6.0  # the account keeps 5 s by itself; this is for a name server that does not answer
REDIS_SECONDS = 2.0
WEB_SECONDS = 5.0
FUNDS_LOW = Decimal(10)  # ours: some 1,000 messages in the US
SLOW_SECONDS = 0.2  # ours: a verb is one script, and its caller is promised an answer within 2 s
FULL = 0.7  # of maxmemory; ours: time to act before writes are refused
NO_NAMES = frozenset({"US", "CA", "PR"})  # Telnyx, "Alphanumeric Sender ID": names cannot text there
NOTHING = "without it Telnyx reports nothing, and phones fill in no codes"
PORTAL_KEY = "the one in the portal (Keys & Credentials, Public Key)"
SILENT = "Telnyx does not answer. Check the name server."
FORGETS = "after a restart of Redis codes in hand are void and limits start anew"
NO_SUBJECT_KEY = (
    "SUBJECT_KEY is not set: when Redis is lost, applications take everybody for a new person, because `sub` is another"
)
RESEAL = "run `textproof keys reseal`"
CONTRACT = "/v1/openapi.json"
SHOWN = 5  # countries in one line

T = TypeVar("T")
Resolve = Callable[[str], Collection[str]]
"""Takes a host and returns its addresses; raises OSError."""
Fetch = Callable[[str], tuple[int, bytes]]
"""Takes an address and returns the status and the beginning of the answer; raises OSError or HTTPException."""


class Mark(StrEnum):
    """What a line is about."""

    OK = "ok"
    FIX = "fix"
    NOTE = "note"  # worth knowing, not wrong
    SKIP = "skip"  # could not be asked, because of what stands above


@dataclass(frozen=True, slots=True)
class Line:
    """One thing, and what to do about it."""

    mark: Mark
    text: str

    def __str__(self) -> str:
        return f"{self.mark:<5} {self.text}"


def claim(right: bool, ok: str, otherwise: str, mark: Mark = Mark.FIX) -> Line:  # noqa: FBT001 - it is what is claimed
    """Return the line of something that is right, or is not."""
    return Line(Mark.OK, ok) if right else Line(mark, otherwise)


def resolve(host: str) -> Collection[str]:
    """Return the addresses of a host."""
    return {str(address[4][0]) for address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}


def fetch(url: str) -> tuple[int, bytes]:
    """Ask for a page; follow nothing."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=WEB_SECONDS)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.status, answer.read(100)
    finally:
        connection.close()


def examine(
    settings: Settings,
    *,
    resolve: Resolve = resolve,
    fetch: Fetch = fetch,
) -> Iterator[Line]:
    """Ask everything, and yield a line as soon as it is known.

    Args:
        settings: Free of mistakes.
        resolve: Asks the name server.
        fetch: Asks for a page at PUBLIC_URL.
    """
    yield from _settings(settings)
    if settings.sender == "telnyx":
        yield from _telnyx(settings)
    yield from _public(settings, resolve, fetch)
    yield from _message(settings)
    yield from _templates(settings)
    yield from _redis(settings)


def _within(seconds: float, ask: Callable[[], T]) -> T:
    """Return what `ask` returns; raise TimeoutError when that takes longer. Nobody waits for it any more."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - it is raised again where it was asked for
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer.result(seconds)


def _settings(settings: Settings) -> Iterator[Line]:
    if settings.SECRET_KEY:
        yield Line(Mark.OK, "SECRET_KEY is set")
    for warning in settings.warnings():
        if not warning.startswith("PUBLIC_URL"):  # looked at more closely below
            wrong = warning.startswith("SECRET_KEY") and settings.sender == "telnyx"
            yield Line(Mark.FIX if wrong else Mark.NOTE, warning)


# -- Telnyx


def _telnyx(settings: Settings) -> Iterator[Line]:
    from ..sender.account import TelnyxAccount, Unanswered  # noqa: PLC0415 - the SDK takes a second and 100 MB

    with closing(TelnyxAccount(api_key=settings.API_KEY, base_url=settings.TELNYX_BASE_URL)) as account:
        parts = {
            "the balance": _funds(account),
            "the sender and its messaging profile": _sender(account, settings),
            "Telnyx's public key": _public_key(account, settings),
        }
        try:
            _ask(account.greet)
        except (Unanswered, TimeoutError) as error:
            yield Line(Mark.FIX, str(error) or SILENT)
            yield Line(Mark.SKIP, ", ".join(parts))
            return
        yield Line(Mark.OK, "Telnyx accepts API_KEY")
        for name, part in parts.items():
            try:
                yield from part
            except (Unanswered, TimeoutError) as error:
                yield Line(Mark.FIX, f"{name}: {str(error) or SILENT}")


def _ask(question: Callable[[], T]) -> T:
    return _within(TELNYX_SECONDS, question)


def _funds(account: "TelnyxAccount") -> Iterator[Line]:
    available, currency = _ask(account.funds)
    amount = f"{available:.2f} {currency}"
    if 0 < available < FUNDS_LOW:
        yield Line(Mark.NOTE, f"the Telnyx account is low: {amount}")
    else:
        empty = f"the Telnyx account is empty ({amount}): pay something in"
        yield claim(available > 0, f"the Telnyx account has {amount}", empty)


def _sender(account: "TelnyxAccount", settings: Settings) -> Iterator[Line]:
    number, id_ = settings.FROM_NUMBER, settings.MESSAGING_PROFILE_ID
    if number.startswith("+"):
        found = _ask(lambda: account.profile_of(number))
        yield _ownership(f"FROM_NUMBER +{'•' * (len(number) - 5)}{number[-4:]}", found, id_)
        id_ = id_ or found or ""
    profile = _ask(lambda: account.profile(id_)) if id_ else None
    if profile:
        yield from _profile(profile, settings)
    elif id_:
        yield Line(Mark.FIX, "MESSAGING_PROFILE_ID is no messaging profile of this Telnyx account: correct it")
    else:
        yield Line(Mark.SKIP, "the messaging profile: it is not known which")


def _ownership(sender: str, found: str | None, wanted: str) -> Line:
    if found is None:
        return Line(Mark.FIX, f"{sender} is no number of this Telnyx account: correct FROM_NUMBER, or API_KEY")
    if found and wanted:
        other = f"{sender} belongs to another messaging profile than MESSAGING_PROFILE_ID: correct either"
        return claim(found == wanted, f"{sender} belongs to the messaging profile", other)
    none = f"{sender} belongs to no messaging profile: assign it in the portal (Numbers, My Numbers)"
    return claim(bool(found), f"{sender} belongs to a messaging profile", none)


def _profile(profile: "Profile", settings: Settings) -> Iterator[Line]:
    it, name = "the messaging profile", settings.FROM_NUMBER
    regions = settings.policy.allowed_regions
    yield claim(profile.is_enabled, f"{it} is enabled", f"{it} is disabled: enable it in the portal (Messaging)")
    yield _destinations(profile.destinations, regions)
    yield claim(
        bool(profile.spend_limit),
        f"{it} may spend {profile.spend_limit} USD a day",
        f"{it} has no daily spend limit: set one, or pumping costs what it likes",
    )
    if not name:
        none = f"{it} has no number pool: turn it on, or set FROM_NUMBER"
        yield claim(profile.has_pool, f"{it} has a number pool", none)
    elif not name.startswith("+"):
        other = f"FROM_NUMBER is not the alphanumeric sender of {it}: make them the same"
        yield claim(profile.alpha_sender == name, f"FROM_NUMBER is the alphanumeric sender of {it}", other)
        if unreached := NO_NAMES.intersection(regions):
            yield Line(Mark.FIX, f"FROM_NUMBER is a name, and names cannot text {_some(unreached)}: use a number")
    yield claim(
        profile.webhook_version == "2",
        f"{it} has webhooks of API version 2",
        f"{it} has webhooks of API version {profile.webhook_version}: set 2, the only one that is understood here",
    )
    readable = "Telnyx keeps texts, and so codes, readable: its support can let you turn redaction on"
    yield claim(profile.is_redacted, f"Telnyx keeps no texts of {it}", readable, Mark.NOTE)


def _destinations(theirs: Collection[str], ours: Collection[str]) -> Line:
    if "*" in theirs:
        text = f"may text every country, which is how pumping is paid for: allow {_some(ours)} only"
        return Line(Mark.FIX, f"the messaging profile {text}")
    missing, extra = set(ours) - set(theirs), set(theirs) - set(ours)
    faults = [f"lack {_some(missing)}"] * bool(missing) + [f"have {_some(extra)} as well"] * bool(extra)
    return claim(
        not faults,
        f"the messaging profile may text {_some(ours)}, as ALLOWED_REGIONS says",
        f"the messaging profile's allowed destinations {' and '.join(faults)}: make them the same as ALLOWED_REGIONS",
    )


def _some(regions: Collection[str]) -> str:
    more = len(regions) - SHOWN
    return ", ".join(sorted(regions)[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _public_key(account: "TelnyxAccount", settings: Settings) -> Iterator[Line]:
    if not settings.TELNYX_PUBLIC_KEY:
        return  # said with PUBLIC_URL
    if not (key := _ask(account.public_key)):
        yield Line(Mark.SKIP, f"TELNYX_PUBLIC_KEY: Telnyx does not tell the account's; compare it with {PORTAL_KEY}")
        return
    other = f"TELNYX_PUBLIC_KEY is not the account's, so that no webhook is believed: copy {PORTAL_KEY}"
    yield claim(key == settings.TELNYX_PUBLIC_KEY, "TELNYX_PUBLIC_KEY is the account's", other)


# -- The public address, and the message that names it


def _public(settings: Settings, resolve: Resolve, fetch: Fetch) -> Iterator[Line]:
    real = settings.sender == "telnyx"
    wrong = Mark.FIX if real else Mark.NOTE
    if real and not settings.TELNYX_PUBLIC_KEY:
        yield Line(wrong, f"TELNYX_PUBLIC_KEY is not set, so that no webhook is believed: copy {PORTAL_KEY}")
    if not (host := settings.host):
        yield Line(wrong, f"PUBLIC_URL is not set: {NOTHING}")
        return
    https = settings.PUBLIC_URL.startswith("https://")
    yield claim(https, "PUBLIC_URL is https", f"PUBLIC_URL is not https: {NOTHING}", wrong)
    try:
        addresses = _within(WEB_SECONDS, lambda: resolve(host))
    except (OSError, UnicodeError) as error:
        yield Line(wrong, f"PUBLIC_URL: {host} has no address ({type(error).__name__}): make its DNS record")
        yield Line(Mark.SKIP, f"whether {host} is public, and answers")
        return
    public = all(ip_address(address).is_global for address in addresses)
    private = f"PUBLIC_URL: {host} is a private address, which neither Telnyx nor people reach"
    yield claim(public, f"PUBLIC_URL: {host} is a public address", private, wrong)
    yield _answers(f"{settings.PUBLIC_URL}{CONTRACT}", fetch, wrong)


def _answers(url: str, fetch: Fetch, wrong: Mark) -> Line:
    """Ask for what people may see and only we have: `/livez` is for the balancer, which keeps it inside."""
    try:
        status, body = _within(WEB_SECONDS, lambda: fetch(url))
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        return Line(wrong, f"{url} does not answer ({type(error).__name__}): see the load balancer and its certificate")
    other = f"{url} answers {status}, not as Textproof does: see where the load balancer leads"
    return claim(status == http.HTTPStatus.OK and b"Textproof" in body, f"{url} answers", other, wrong)


def _message(settings: Settings) -> Iterator[Line]:
    token = Token("0" * settings.TOKEN_LENGTH)
    life = timedelta(seconds=settings.TOKEN_LIFETIME_SECONDS)
    text = compose(
        token, brand=settings.BRAND, life=life, host=settings.policy.host, language=settings.languages.default
    )
    length = septets(text)
    measured = f"{len(text)} of {WIDE_SEGMENT}" if length is None else f"{length} of {SEGMENT}"
    yield claim(
        is_one_segment(text),
        f"the message is one segment, {measured}",
        "the message is longer than one segment: shorten BRAND or PUBLIC_URL",
    )
    if settings.PUBLIC_URL:
        host = urlsplit(settings.PUBLIC_URL).hostname
        yield claim(
            text.splitlines()[-1] == f"@{host} #{token.reveal()}",
            f"the message's last line is for {host}: phones fill in the code there and nowhere else",
            f"the message's last line is not for {host}: phones fill in no code",
        )


def _templates(settings: Settings) -> Iterator[Line]:
    if settings.TEMPLATES:
        faults = broken_templates(None, settings)
        yield from (Line(Mark.FIX, f"{fault.key} {fault.reason.removesuffix('.')}") for fault in faults)
        if not faults:
            yield Line(Mark.OK, "the templates in TEMPLATES can be shown")


# -- Redis


def _redis(settings: Settings) -> Iterator[Line]:
    if settings.sender == "demo" and not settings.REDIS_URL:
        yield Line(Mark.NOTE, "REDIS_URL is not set: `textproof run` brings a Valkey of its own")
        return
    store = redis_store(settings)
    try:
        with closing(
            _within(REDIS_SECONDS, lambda: Checkup(settings.redis_url, prefix=settings.KEY_PREFIX))
        ) as checkup:
            seconds = _within(REDIS_SECONDS, checkup.round_trip)
            servers = _within(REDIS_SECONDS, checkup.servers)
            keyring = list(_within(REDIS_SECONDS, lambda: _keyring(checkup, settings)))
            faults = _faults(store)
            by_chance = _within(REDIS_SECONDS, lambda: demo_by_chance(settings, store))
            forgets = not settings.SUBJECT_KEY and _within(REDIS_SECONDS, lambda: _has_logins(store))
    except (NoRedis, StoreUnavailable, TimeoutError) as error:
        why = str(error) or f"not within {REDIS_SECONDS:g} s"
        yield Line(Mark.FIX, f"Redis does not answer ({why}): check REDIS_URL, and that Redis runs")
        yield Line(Mark.SKIP, "how fast Redis is, its version, what it keeps, its clock, its memory and its keyring")
        return
    if by_chance:
        yield Line(Mark.FIX, f"{by_chance.key} {by_chance.reason.removesuffix('.')}")
    took = f"Redis answers a script in {seconds * 1000:.1f} ms"
    if seconds <= SLOW_SECONDS:
        yield Line(Mark.OK, took)
    elif not faults:  # which would say so
        yield Line(Mark.FIX, f"{took}, which is too slow: move it near")
    yield from (Line(Mark.FIX, fault) for fault in faults)
    if not faults:
        yield Line(Mark.OK, "replicas are ready with this Redis: it forgets nothing before its time, and clocks agree")
    yield from _servers(servers)
    yield from keyring
    if forgets:
        yield Line(Mark.NOTE, NO_SUBJECT_KEY)


def _keyring(checkup: Checkup, settings: Settings) -> list[Line]:
    """Return what there is to say of the keyring. None is made here, and none changed."""
    try:
        found = Keys(checkup.keyring(), settings.secrets, prefix=settings.KEY_PREFIX).state()
    except WrongSecret as error:
        return [Line(Mark.FIX, str(error))]
    if found is None:
        return [Line(Mark.OK, "Redis has no keyring yet: the first replica makes it")]
    if not settings.SECRET_KEY:
        return []  # said with the settings
    still = f"the keyring lies open in Redis, from before SECRET_KEY was set: {RESEAL}"
    lines = [claim(not found.is_open, "SECRET_KEY opens the keyring in Redis", still)]
    if found.others:
        more = (
            f"the keyring opens with secrets that are not set here ({found.others}): when no replica has them, {RESEAL}"
        )
        lines.append(Line(Mark.NOTE, more))
    return lines


def _has_logins(store: Store) -> bool:
    """Tell whether an application comes by OpenID Connect."""
    return any(client.redirect_uris for client in store.clients.all())


def _faults(store: Store) -> list[str]:
    """Return what keeps replicas from being ready, at best: a busy machine is not a slow Redis."""
    found: list[str] = []
    for _ in range(TRIES):
        found = _within(REDIS_SECONDS, lambda: health.faults(store))
        if not found:
            break
    return found


def _servers(servers: Collection[Server]) -> Iterator[Line]:
    names = ", ".join(sorted({server.name for server in servers}))
    old = any(server.is_old for server in servers)
    yield claim(not old, f"the store is {names}", f"{names} is too old: use Redis 7 or Valkey 7.2, or newer")
    kept = {server.persists for server in servers}
    how = "does not write to disk" if False in kept else "does not say whether it writes to disk, and if not"
    yield claim(kept == {True}, "Redis writes to disk", f"Redis {how}: {FORGETS}; see appendonly", Mark.NOTE)
    used = max(server.used for server in servers)
    if used > FULL:
        yield Line(Mark.NOTE, f"Redis uses {used:.0%} of its maxmemory: when it is full, nobody is verified")
