"""The roof: the only place that knows every room.

`gunicorn 'service.app:create_app()'`. Production passes nothing and tests pass fakes; both come through here.
"""

import functools
import logging
import sys
import time
from collections.abc import Callable

from flask import Flask

from .config import Settings, SettingsError
from .sender.demo import DemoSender
from .sender.receipts import TelnyxReceipts
from .store.connect import connect
from .store.redis import RedisStore
from .verification.envelope import Keys
from .verification.ports import Sender, Store
from .verification.verifier import Verifier
from .web import build_web, logs
from .web.look import Look
from .web.metrics import Counting, Metrics

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
    for warning in settings.warnings():
        log.warning("settings", extra={"warning": warning})

    clock = clock or time.time
    store = metrics.timed_store(store or redis_store(settings))
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
        look=Look(
            logo=settings.LOGO,
            accent=settings.ACCENT_COLOR,
            support=settings.SUPPORT_URL,
            terms=settings.TERMS_URL,
            privacy=settings.PRIVACY_URL,
            templates=settings.TEMPLATES,
        ),
        store=store,
        keys=keys,
        clock=clock,
        inbox=demo.inbox if demo else None,
        read_webhook=receipts.read if receipts else None,
        public_url=settings.PUBLIC_URL,
        hears_at=settings.hears_at,
        proxies=settings.TRUSTED_PROXIES,
        counted=metrics,
    )


def settings_or_exit() -> Settings:
    """Return the settings; where they are wrong, say what to put right and end the process."""
    try:
        return Settings.load()
    except SettingsError as error:
        sys.exit(str(error))


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
