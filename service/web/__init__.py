"""HTTP in, HTTP out. Flask lives here only.

api.py         the JSON API: /v1
body.py        what a JSON body may hold
once.py        the same request again is answered the same: Idempotency-Key
codes.py       what every code of a problem means to a program
docs.py        the contract, to read: /v1/docs, /v1/openapi.json
hosted.py      applications send people to our pages and get them back
sessions.py    what was asked for then
result.py      the signed result, and the keys to check it with
pages.py       the browser's way through: /, /request, /verify, /resend, /cancel
demo.py        the demo's inbox: /demo
health.py      /livez and /readyz
gate.py        starts never take all threads of a worker
memory.py      nothing begins in the last tenth of Redis's memory
metrics.py     numbers for operators: /metrics
webhooks.py    what the carrier tells: /webhooks/telnyx
problems.py    what is said no to, with its status code: the one table
words.py       what people read
speech.py      which language they read it in
look.py        what an operator may change of them: logo, colour, links, templates
samples.py     every page with sample data: is a template broken?
assets.py      sheets, scripts and pictures, compressed and kept for good
security.py    cross-site requests, response headers
address.py     where a request comes from
links.py       addresses of our own pages
cookie.py      the signed cookie that binds a browser to its verification
logs.py        one JSON line for each event, numbers masked, with the name of its request
"""

from collections.abc import Callable
from typing import Any

from flask import Flask

from ..languages import Languages
from ..verification.envelope import Keys
from ..verification.phone import PhoneNumber
from ..verification.ports import Store
from ..verification.verifier import Verifier
from . import assets, demo, docs, gate, health, logs, memory, metrics, problems, security, speech, webhooks, words
from .api import Api
from .body import Request
from .cookie import FlowCookie
from .demo import Inbox
from .hosted import Hosted
from .links import url_for
from .look import Look
from .once import Once
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
    look: Look,
    store: Store,
    keys: Keys,
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
        look: What the operator wants them to look like.
        store: Asked whether it is ready.
        keys: The keyring.
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
    app.jinja_loader = look.loader()
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
        logo=look.logo_name,
        logo_width=look.logo_width,
        support=look.support,
        terms=look.terms,
        privacy=look.privacy,
    )
    assets.serve(app, look)
    speech.speak(app, languages, secure=public_url.startswith("https://"))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    logs.name_requests(app, proxies=proxies)
    counted.watch(app)
    security.refuse_bad_host(app)
    secure = public_url.startswith("https://")
    cookie = FlowCookie(keys, secure=secure)
    hosted = Hosted(
        verifier,
        store,
        keys,
        clock=clock,
        public_url=public_url,
        is_demo=inbox is not None,
        is_off=pages == "off",
    )
    app.register_blueprint(
        Pages(verifier, cookie, hosted, keys, public_url=public_url, open_to=pages, proxies=proxies).routes()
    )
    app.register_blueprint(Api(verifier, store.clients, Once(store.notes, keys), hosted).routes())
    app.register_blueprint(docs.routes(hosted.signer))
    health.watch(app, store, keys)
    memory.protect(app, store)
    if read_webhook is not None:
        app.register_blueprint(webhooks.routes(verifier, read_webhook))
    if inbox is not None:
        app.register_blueprint(demo.routes(inbox))
    problems.handle(app)
    security.protect(app, secure=secure)
    gate.guard(app, verifier.waiting, counted.shed)
    return app
