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
metrics.py     numbers for operators: /metrics
webhooks.py    what the carrier tells: /webhooks/telnyx
problems.py    what is said no to, with its status code: the one table
words.py       what people read
security.py    cross-site requests, response headers
address.py     where a request comes from
links.py       addresses of our own pages
cookie.py      the signed cookie that binds a browser to its verification
logs.py        one JSON line for each event, numbers masked, with the name of its request
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from ..verification.keys import Keyring
from ..verification.ports import Store
from ..verification.verifier import Verifier
from . import demo, docs, health, logs, metrics, problems, security, webhooks, words
from .api import Api
from .cookie import FlowCookie
from .demo import Inbox
from .hosted import Hosted
from .links import url_for
from .once import Once
from .pages import Pages
from .webhooks import ReadWebhook

BODY_MAX = 4096  # bytes; ours: the largest honest form has two hundred
TEMPLATES = Path(__file__).parents[2] / "templates"


class Plain(Flask):
    """Flask, but it does not look at each function of each request to see whether that is a coroutine: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function."""
        return func


def build_web(
    verifier: Verifier,
    *,
    store: Store,
    keyring: Callable[[], Keyring],
    clock: Callable[[], float],
    inbox: Inbox | None,
    read_webhook: ReadWebhook | None,
    public_url: str,
    proxies: int,
    counted: metrics.Metrics,
) -> Flask:
    """Return the Flask application over the four verbs.

    Args:
        verifier: The verbs.
        store: Asked whether it is ready.
        keyring: Signs the cookie.
        clock: Seconds since 1970.
        inbox: What the demo has "sent"; None when messages are real, and then the demo's pages do not exist.
        read_webhook: Reads what the carrier tells; None when it tells nothing.
        public_url: Where people reach this service (`https://verify.example.com`), or "" when nobody said.
        proxies: How many of ours a request comes through.
        counted: What operators see.
    """
    app = Plain("textproof", template_folder=str(TEMPLATES), static_folder=str(Path(__file__).parent / "static"))
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_MAX,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.url_map.merge_slashes = False  # it would send people to whatever host they said they wanted
    app.jinja_env.globals.update(
        brand=verifier.policy.brand,
        is_demo=inbox is not None,
        in_words=words.in_words,
        deliveries=words.DELIVERIES,
        url_for=url_for,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    logs.name_requests(app, proxies=proxies)
    counted.watch(app)
    cookie = FlowCookie(keyring, secure=public_url.startswith("https://"))
    hosted = Hosted(verifier, store, keyring, clock=clock, public_url=public_url, is_demo=inbox is not None)
    app.register_blueprint(Pages(verifier, cookie, hosted, public_url=public_url, proxies=proxies).routes())
    app.register_blueprint(Api(verifier, store, Once(store, keyring), hosted).routes())
    app.register_blueprint(docs.routes(hosted.signer))
    health.watch(app, store)
    if read_webhook is not None:
        app.register_blueprint(webhooks.routes(verifier, read_webhook))
    if inbox is not None:
        app.register_blueprint(demo.routes(inbox))
    problems.handle(app)
    security.protect(app)
    return app
