"""HTTP in, HTTP out. Flask lives here only.

    pages.py       the browser's way through: /, /request, /verify, /resend, /cancel
    demo.py        the demo's inbox: /demo
    health.py      /livez and /readyz
    problems.py    what is said no to, in words and status codes: the one table
    security.py    cross-site requests, response headers
    cookie.py      the signed cookie that binds a browser to its verification
    logs.py        one JSON line for each event, numbers masked
"""

from collections.abc import Callable
from pathlib import Path

from flask import Flask

from ..config import Settings
from ..sender.demo import DemoSender
from ..verification.keys import Keyring
from ..verification.ports import Store
from ..verification.verifier import Verifier
from . import demo as demo_inbox
from . import health, problems, security
from .cookie import FlowCookie
from .pages import Pages

BODY_MAX = 4096  # bytes; ours: the largest honest form has two hundred
TEMPLATES = Path(__file__).parents[2] / "templates"


def build_web(
    settings: Settings,
    *,
    verifier: Verifier,
    store: Store,
    keyring: Callable[[], Keyring],
    demo: DemoSender | None,
) -> Flask:
    """Return the Flask application over the four verbs."""
    app = Flask("textproof", template_folder=str(TEMPLATES), static_folder=str(Path(__file__).parent / "static"))
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_MAX,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.jinja_env.globals.update(brand=settings.BRAND, is_demo=demo is not None, in_words=problems.in_words)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    cookie = FlowCookie(keyring, secure=settings.PUBLIC_URL.startswith("https://"))
    app.register_blueprint(Pages(verifier, cookie, public_url=settings.PUBLIC_URL).routes())
    health.watch(app, store)
    if demo is not None:
        app.register_blueprint(demo_inbox.routes(demo))
    problems.handle(app)
    security.protect(app)
    return app
