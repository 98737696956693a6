"""HTTP in, HTTP out. Flask lives here only.

pages.py       the browser's way through: /, /request, /verify, /resend, /cancel
demo.py        the demo's inbox: /demo
health.py      /livez and /readyz
webhooks.py    what the carrier tells: /webhooks/telnyx
problems.py    what is said no to, with its status code: the one table
words.py       what people read
security.py    cross-site requests, response headers
cookie.py      the signed cookie that binds a browser to its verification
logs.py        one JSON line for each event, numbers masked
"""

from collections.abc import Callable
from pathlib import Path

from flask import Flask

from ..verification.keys import Keyring
from ..verification.ports import Store
from ..verification.verifier import Verifier
from . import demo, health, problems, security, webhooks, words
from .cookie import FlowCookie
from .demo import Inbox
from .pages import Pages
from .webhooks import ReadWebhook

BODY_MAX = 4096  # bytes; ours: the largest honest form has two hundred
TEMPLATES = Path(__file__).parents[2] / "templates"


def build_web(
    verifier: Verifier,
    *,
    store: Store,
    keyring: Callable[[], Keyring],
    inbox: Inbox | None,
    read_webhook: ReadWebhook | None,
    public_url: str,
    proxies: int,
) -> Flask:
    """Return the Flask application over the four verbs.

    Args:
        verifier: The verbs.
        store: Asked whether it is ready.
        keyring: Signs the cookie.
        inbox: What the demo has "sent"; None when messages are real, and then the demo's pages do not exist.
        read_webhook: Reads what the carrier tells; None when it tells nothing.
        public_url: Where people reach this service (`https://verify.example.com`), or "" when nobody said.
        proxies: How many of ours a request comes through.
    """
    app = Flask("textproof", template_folder=str(TEMPLATES), static_folder=str(Path(__file__).parent / "static"))
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_MAX,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.jinja_env.globals.update(
        brand=verifier.policy.brand, is_demo=inbox is not None, in_words=words.in_words, deliveries=words.DELIVERIES
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    cookie = FlowCookie(keyring, secure=public_url.startswith("https://"))
    app.register_blueprint(Pages(verifier, cookie, public_url=public_url, proxies=proxies).routes())
    health.watch(app, store)
    if read_webhook is not None:
        app.register_blueprint(webhooks.routes(verifier, read_webhook))
    if inbox is not None:
        app.register_blueprint(demo.routes(inbox))
    problems.handle(app)
    security.protect(app)
    return app
