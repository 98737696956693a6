"""HTTP: pages, API, OpenID Connect, webhooks, health. Only here, and above, is Flask imported.

address.py        the client address, after trusted proxies only
api.py            the JSON API: /v1
assets.py         static files, compressed, with names that change with their content
body.py           strict JSON bodies
branding.py       what an operator may change of the pages: logo, colour, links, templates
cookie.py         the signed cookie that binds a browser to its verification
demo.py           the demo's inbox: /demo
docs.py           the contract, and the same to read: /v1/openapi.json, /v1/docs
health.py         /livez and /readyz
idempotency.py    Idempotency-Key: the same request again gets the same answer
links.py          addresses of the pages
load_shedding.py  starts never take all threads of a worker
locale.py         which language an answer is in
logs.py           one JSON line for each event, numbers masked
memory.py         no start in the last tenth of Redis's memory
metrics.py        /metrics
oidc.py           the OpenID Connect provider
oidc_clients.py   client authentication at /token and /par
oidc_keys.py      the signing keys of ID tokens
oidc_pages.py     what the pages need to know of an authorization
oidc_request.py   parameters of /authorize and /par
pages.py          the pages: /, /request, /verify, /resend, /cancel
problems.py       the answer to a refusal, for people and for programs
refusals.py       every refusal: its code, status and words; the one table
samples.py        every page with sample data, to find a broken template at the start
security.py       cross-site requests, response headers
webhooks.py       /webhooks/telnyx
words.py          what people read about numbers, codes, messages and waits
"""

from collections.abc import Callable
from typing import Any

from flask import Flask

from ..languages import Languages
from ..verification.authorization import Authorizations
from ..verification.envelope import Keys
from ..verification.phone import PhoneNumber
from ..verification.ports import Store
from ..verification.verifier import Verifier
from . import (
    assets,
    demo,
    docs,
    health,
    load_shedding,
    locale,
    logs,
    memory,
    metrics,
    problems,
    security,
    webhooks,
    words,
)
from .api import Api
from .body import Request
from .branding import Branding
from .cookie import FlowCookie
from .demo import Inbox
from .idempotency import Idempotency
from .links import url_for
from .oidc import Provider
from .oidc_keys import SigningKeys
from .oidc_pages import Applications
from .oidc_request import Reader
from .pages import Pages
from .webhooks import ReadWebhook

BODY_MAX = 4096  # bytes; ours: the largest honest form has two hundred


class Plain(Flask):
    """Flask, but it does not look at each function of each request to see whether that is a coroutine: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function."""
        return func


def build_web(
    verifier: Verifier,
    *,
    languages: Languages,
    branding: Branding,
    store: Store,
    keys: Keys,
    signing: SigningKeys,
    subject_key: str,
    clock: Callable[[], float],
    inbox: Inbox | None,
    read_webhook: ReadWebhook | None,
    public_url: str,
    hears_at: str,
    pages: str,
    proxies: int,
    counted: metrics.Metrics,
) -> Flask:
    """Return the Flask application over the four verbs.

    Args:
        verifier: The verbs.
        languages: What pages can be in.
        branding: What the operator changed of the pages.
        store: Asked whether it is ready.
        keys: The keyring.
        signing: What ID tokens are signed with.
        subject_key: What names of numbers are made with; empty: the keyring.
        clock: Seconds since 1970.
        inbox: What the demo has "sent"; None when messages are real, and then the demo's pages do not exist.
        read_webhook: Reads what the carrier tells; None when it tells nothing.
        public_url: Where people reach this service (`https://verify.example.com`), or "" when nobody said.
        hears_at: The number that people can text START to; empty when nobody would hear it.
        pages: Who may use the pages: `open`, `applications` or `off`.
        proxies: How many of ours a request comes through.
        counted: What operators see.
    """
    app = Plain("textproof", static_folder=None)
    app.request_class = Request
    app.jinja_loader = branding.loader()
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_MAX,
        HEARS_AT=PhoneNumber(hears_at).readable if hears_at else "",
    )
    app.url_map.merge_slashes = False  # it would send people to whatever host they said they wanted
    app.jinja_env.globals.update(
        brand=verifier.policy.brand,
        is_open=pages == "open",
        is_demo=inbox is not None,
        deliveries=words.DELIVERIES,
        longest_delivery=words.longest_delivery,
        url_for=url_for,
    )
    app.jinja_env.globals.update(
        logo=branding.logo_name,
        logo_width=branding.logo_width,
        support=branding.support,
        terms=branding.terms,
        privacy=branding.privacy,
    )
    assets.serve(app, branding)
    locale.install(app, languages, secure=public_url.startswith("https://"))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    logs.name_requests(app, proxies=proxies)
    counted.watch(app)
    security.refuse_bad_host(app)
    secure = public_url.startswith("https://")
    cookie = FlowCookie(keys, secure=secure)
    authorizations = Authorizations(store.notes, keys, clock=clock, subject_key=subject_key)
    applications = Applications(authorizations, verifier, store.clients, clock=clock)
    app.register_blueprint(
        Pages(verifier, cookie, applications, keys, public_url=public_url, open_to=pages, proxies=proxies).routes()
    )
    if pages != "off":
        provider = Provider(
            authorizations,
            signing,
            store.clients,
            Reader(verifier, store.clients, clock, languages),
            clock=clock,
            public_url=public_url,
            is_demo=inbox is not None,
            languages=[one.tag for one in languages.offered],
        )
        for blueprint in provider.routes():
            app.register_blueprint(blueprint)
    app.register_blueprint(Api(verifier, store.clients, Idempotency(store.notes, keys)).routes())
    app.register_blueprint(docs.routes())
    health.watch(app, store, keys)
    memory.protect(app, store)
    if read_webhook is not None:
        app.register_blueprint(webhooks.routes(verifier, read_webhook))
    if inbox is not None:
        app.register_blueprint(demo.routes(inbox))
    problems.handle(app)
    security.protect(app, secure=secure)
    load_shedding.install(app, verifier, counted.shed)
    return app
