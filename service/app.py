"""The composition root: create_app() puts settings, store, sender, verifier and web together.

`gunicorn 'service.app:create_app()'`. Production passes nothing and tests pass fakes; both come through here.
"""

import functools
import logging
import sys
import time
from collections.abc import Callable

from flask import Flask

from .config import Mistake, Settings, SettingsError, no_sender, settings_or_exit
from .sender.demo import DemoSender
from .sender.receipts import TelnyxReceipts
from .store.connect import connect
from .store.redis import RedisStore
from .verification.envelope import Keys
from .verification.errors import StoreUnavailable
from .verification.ports import Sender, Store
from .verification.verifier import Verifier
from .web import build_web, logs, samples
from .web.branding import Branding
from .web.metrics import Counting, Metrics
from .web.oidc_keys import SigningKeys

log = logging.getLogger("textproof")


def create_app(
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    sender: Sender | None = None,
    clock: Callable[[], float] | None = None,
) -> Flask:
    """Return the service, put together.

    Args:
        settings: Read from `config.cfg` and the environment unless given; exits with words when they are wrong.
        store: Redis at `REDIS_URL` unless given.
        sender: As `SENDER` says unless given.
        clock: Seconds since 1970; the system's unless given.
    """
    settings = settings or settings_or_exit()
    metrics = Metrics(settings.SENDS_AT_ONCE)
    logs.configure(debug=settings.DEBUG, also=Counting(metrics))
    log.info("settings_read", extra={"from": str(settings.origin)})
    for warning in settings.warnings():
        log.warning("settings", extra={"warning": warning})

    # A store of its own: no connection is opened before gunicorn forks that is used after it.
    if fault := demo_by_chance(settings, store or redis_store(settings)):
        sys.exit(str(SettingsError([fault], str(settings.origin))))
    app = _assembled(settings, metrics, store or redis_store(settings), sender, clock or time.time)
    if faults := broken_templates(app, settings):
        sys.exit(str(SettingsError(faults, str(settings.origin))))
    return app


def _assembled(
    settings: Settings, metrics: Metrics, store: Store, sender: Sender | None, clock: Callable[[], float]
) -> Flask:
    store = metrics.timed_store(store)
    keys = keys_of(settings, store)
    demo = DemoSender(store.notes, keys, clock) if settings.sender == "demo" else None
    receipts = _receipts(settings, keys, clock)
    verifier = Verifier(
        settings.policy,
        store=store.verifications,
        sender=metrics.timed_sender(sender or demo or _telnyx(settings, receipts)),
        keys=keys,
        clock=clock,
        sends_at_once=settings.SENDS_AT_ONCE,
        languages=settings.languages,
    )
    return build_web(
        verifier,
        languages=settings.languages,
        branding=Branding(
            logo=settings.LOGO,
            accent=settings.ACCENT_COLOR,
            support=settings.SUPPORT_URL,
            terms=settings.TERMS_URL,
            privacy=settings.PRIVACY_URL,
            templates=settings.TEMPLATES,
        ),
        store=store,
        keys=keys,
        signing=signing_keys_of(settings, store, keys, clock),
        subject_key=settings.SUBJECT_KEY,
        clock=clock,
        inbox=demo.inbox if demo else None,
        read_webhook=receipts.read if receipts else None,
        public_url=settings.PUBLIC_URL,
        hears_at=settings.hears_at,
        pages=settings.PAGES,
        proxies=settings.TRUSTED_PROXIES,
        counted=metrics,
    )


def demo_by_chance(settings: Settings, store: Store) -> Mistake | None:
    """Return what is wrong when this would be the demo, which shows every code, only because nobody said who sends."""
    if not settings.is_demo_by_chance:
        return None
    try:
        return no_sender("keys of applications in Redis say") if store.clients.all() else None
    except StoreUnavailable:
        reason = (
            "is not set, and Redis does not answer, so that nobody knows whether this service is for real. Check "
            'REDIS_URL, or set SENDER = "demo".'
        )
        return Mistake("SENDER", reason, "not set")


def broken_templates(app: Flask | None, settings: Settings) -> list[Mistake]:
    """Return what is wrong with the operator's own templates. Without an app, one is put together."""
    if not settings.TEMPLATES:
        return []
    if app is None:
        store = redis_store(settings)
        unused = DemoSender(store.notes, keys_of(settings, store), time.time)
        app = _assembled(settings, Metrics(settings.SENDS_AT_ONCE), store, unused, time.time)
    found = samples.broken_templates(app, settings.TEMPLATES, settings.policy)
    return [
        Mistake("TEMPLATES", f"has a template that cannot be shown: {fault}.", settings.TEMPLATES) for fault in found
    ]


def redis_store(settings: Settings) -> RedisStore:
    """Return the store at `REDIS_URL`. Nothing is connected yet."""
    rate = settings.SENDER_RATE_PER_SECOND if settings.sender == "telnyx" else 0
    return RedisStore(
        functools.partial(connect, settings.redis_url),
        settings.policy,
        prefix=settings.KEY_PREFIX,
        messages_per_second=rate,
        replicas=settings.REPLICAS,
    )


def keys_of(settings: Settings, store: Store) -> Keys:
    """Return the keyring in the store, sealed under the secrets of the settings. It is read when it is first needed."""
    return Keys(store.keyring, settings.secrets, prefix=settings.KEY_PREFIX)


def signing_keys_of(settings: Settings, store: Store, keys: Keys, clock: Callable[[], float]) -> SigningKeys:
    """Return what ID tokens are signed with. It is read, or made, when it is first needed."""
    return SigningKeys(store.signing, keys, clock=clock, given=settings.signing_keys)


def _receipts(settings: Settings, keys: Keys, clock: Callable[[], float]) -> TelnyxReceipts | None:
    """Return the reader of Telnyx's webhooks, where there is a key to believe them by."""
    if settings.sender != "telnyx" or not settings.TELNYX_PUBLIC_KEY:
        return None
    return TelnyxReceipts.with_key(settings.TELNYX_PUBLIC_KEY, address=settings.webhook_address, keys=keys, clock=clock)


def _telnyx(settings: Settings, receipts: TelnyxReceipts | None) -> Sender:
    """Return the Telnyx sender; only here, so that the demo and the tests do not load its SDK."""
    from .sender.telnyx import TelnyxSender  # noqa: PLC0415 - the SDK takes a second and 100 MB

    return TelnyxSender(
        api_key=settings.API_KEY,
        from_number=settings.FROM_NUMBER,
        profile=settings.MESSAGING_PROFILE_ID,
        base_url=settings.TELNYX_BASE_URL,
        connections=settings.SENDS_AT_ONCE,
        webhook_url=receipts.url if receipts and settings.webhook_address else None,
    )
