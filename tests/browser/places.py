"""The service as visitors meet it: replicas that differ in patience, carrier and luck."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from service.languages import NAMES
from tests.support.processes import free_port
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess
from tests.support.telnyx import FakeTelnyx

HOST = "verify.example.com"
COMMON = {
    "SECRET_KEY": "the-same-on-each-of-them-so-that-one-cookie-opens-all",
    "LANGUAGES": ",".join(NAMES),
    "LIMITS_MODE": "observe",  # all visitors come from one address; limits of a number hold all the same
}
OWN_LOOK = {
    "BRAND": "Acme",
    "ACCENT_COLOR": "#6200ee",
    "ALLOWED_REGIONS": "US,GB,CA",
    "SUPPORT_URL": "mailto:help@example.com",
    "TERMS_URL": "https://example.com/terms",
    "PRIVACY_URL": "https://example.com/privacy",
}
DEMO = {"SENDER": "demo", "RESEND_WAITS_SECONDS": "1,1,1,1"}


@dataclass(frozen=True)
class Places:
    """Where visitors can go. All are addresses."""

    demo: str
    """The demo, which sends again after a second."""
    hasty: str
    """Codes of eight digits that live for 140 s: so short that people are warned from the start."""
    late: str
    """Codes that have expired before anybody can type them."""
    own: str
    """The demo, as an operator made it look."""
    down: str
    """The store does not answer."""
    real: str
    """Production: Telnyx (a fake of it), and a public address."""
    telnyx: FakeTelnyx
    store: StoreServer
    """Of all but `real`."""
    real_store: StoreServer


@contextmanager
def places() -> Iterator[Places]:
    """Start them all, and end them afterwards."""
    with ExitStack() as ends:
        store, real_store = ends.enter_context(StoreServer()), ends.enter_context(StoreServer())
        telnyx = ends.enter_context(FakeTelnyx())
        replicas = {
            "demo": _service(store.url, DEMO),
            "hasty": _service(
                store.url,
                {"SENDER": "demo", "TOKEN_LIFETIME_SECONDS": "140", "TOKEN_ALPHABET": "digits", "TOKEN_LENGTH": "8"},
            ),
            "late": _service(store.url, DEMO | {"TOKEN_LIFETIME_SECONDS": "2"}),
            "own": _service(store.url, DEMO | OWN_LOOK),
            "down": _service(f"redis://127.0.0.1:{free_port()}/0", {"SENDER": "demo"}),
            "real": _service(
                real_store.url,
                {
                    "SENDER": "telnyx",
                    "API_KEY": telnyx.api_key,
                    "FROM_NUMBER": "+12025550100",
                    "TELNYX_BASE_URL": telnyx.base_url,
                    "TELNYX_PUBLIC_KEY": telnyx.public_key,
                    "PUBLIC_URL": f"https://{HOST}",
                },
            ),
        }
        for replica in replicas.values():
            ends.callback(replica.close)
            ends.callback(replica.kill)  # nobody waits for it to stop in order
            replica.launch()
        for replica in replicas.values():
            replica.await_livez()
        telnyx.webhooks = True
        telnyx.webhook_origin = replicas["real"].url
        addresses = {name: replica.url for name, replica in replicas.items()}
        yield Places(**addresses, telnyx=telnyx, store=store, real_store=real_store)


def service_on(store: StoreServer) -> ServiceProcess:
    """Return a replica of the demo on a store of its own, not started."""
    return _service(store.url, DEMO)


def _service(redis_url: str, settings: Mapping[str, str]) -> ServiceProcess:
    whole = {"REDIS_URL": redis_url, **COMMON, **settings}
    return ServiceProcess({f"TEXTPROOF_{name}": value for name, value in whole.items()})
