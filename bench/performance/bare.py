"""What the service is compared with, under the same server and settings.

/none   Flask, a form or a JSON body, a page or a JSON answer. Nothing is remembered.
/one    the same, and one script in Redis, which reads and counts; /one/again shows the form again, as for a wrong code.
/dict   the tutorial's program: a dict of tokens in the process.

The pages are the service's own, so that a template weighs the same everywhere.
"""

import os
import secrets
import time
from hashlib import sha1
from typing import Any

import redis
from flask import Blueprint, Flask, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from service.languages import ENGLISH
from service.verification.errors import Delivery
from service.verification.phone import PhoneNumber
from service.verification.ports import Status
from service.verification.token import TokenFormat
from service.verification.verifier import Verification
from service.web import words
from service.web.branding import TEMPLATES
from service.web.problems import Problem

SCRIPT = """
local read = redis.call('HMGET', KEYS[1], 'a', 'b')
local count = redis.call('HINCRBY', KEYS[1], 'n', 1)
redis.call('PEXPIRE', KEYS[1], 600000)
return {count, read[1], read[2]}
"""
DIGEST = sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 - as Redis names scripts
ANSWER: dict[str, Any] = {
    "id": "q2N0cy1mYWN0b3ItYXV0aGVudGljYXRpb24tc2VydmljZQ",
    "to": "+12025550143",
    "status": "approved",
    "channel": "sms",
    "reference": None,
    "created_at": "2026-01-01T00:00:00Z",
    "expires_in": 0,
    "next_send_in": None,
    "sends_left": 0,
    "checks_left": 0,
    "delivery": "on_its_way",
}
FORMAT = TokenFormat("hex", 6)
PENDING = Verification(
    id=ANSWER["id"],
    to=PhoneNumber(ANSWER["to"]),
    status=Status.PENDING,
    created_at=1_767_225_600,
    expires_in=590,
    next_send_in=20,
    sends=1,
    sends_left=4,
    checks_left=4,
    delivery=Delivery.ON_ITS_WAY,
)
PROBLEM = Problem(
    422,
    "token_rejected",
    "That code is wrong",
    "That code is wrong. Check our latest text. You have 4 tries left.",
)


def create_app() -> Flask:  # noqa: C901 - each is a few lines
    """Return all of them, each under a path of its own."""
    app = Flask("bare", template_folder=str(TEMPLATES), static_folder=str(TEMPLATES.parent / "service/web/static"))
    app.extensions["drain"] = lambda: None  # what gunicorn.conf.py asks of an application
    app.jinja_env.globals.update(brand="Textproof", is_demo=False, logo="icon.svg", logo_width=28)
    app.jinja_env.globals.update(language=lambda: ENGLISH, offered=(ENGLISH,))
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # the extension brings it
    app.jinja_env.globals.update(
        deliveries=words.DELIVERIES,
        longest_delivery=lambda: max(words.DELIVERIES.values(), key=len),
        in_words=words.in_words,
        moment=words.moment,
        now=time.time,
    )
    pages = Blueprint("pages", __name__)
    for name in ("check", "resend", "cancel", "status", "verify"):
        pages.add_url_rule(f"/{name}", name, lambda: "", methods=["POST"])
    app.register_blueprint(pages)
    client = redis.Redis.from_url(os.environ["BARE_REDIS_URL"])
    client.script_load(SCRIPT)
    tokens: dict[str, str] = {}

    def page() -> str:
        return render_template("verify_success.html")

    def typed() -> str:
        return request.form.get("token") or request.form["phone"]

    def told() -> str:
        fields = request.get_json()
        return str(fields.get("token") or fields["to"])

    def ask_redis(name: str) -> None:
        client.evalsha(DIGEST, 1, f"bare:{name}")

    @app.post("/none/form")
    def none_form() -> ResponseReturnValue:
        return page() if typed() else ""

    @app.post("/none/json")
    def none_json() -> ResponseReturnValue:
        return jsonify(ANSWER | {"to": told()})

    @app.post("/one/form")
    def one_form() -> ResponseReturnValue:
        ask_redis(typed())
        return page()

    @app.post("/one/again")
    def one_again() -> ResponseReturnValue:
        ask_redis(typed())
        again = render_template(
            "verify.html",
            verification=PENDING,
            problem=PROBLEM,
            display_error=True,
            nonce=request.form["nonce"],
            token_format=FORMAT,
        )
        return again, PROBLEM.status

    @app.post("/one/redirect")
    def one_redirect() -> ResponseReturnValue:
        ask_redis(typed())
        return redirect("/verify", 303)

    @app.post("/one/json")
    def one_json() -> ResponseReturnValue:
        field = told()
        ask_redis(field)
        return jsonify(ANSWER | {"to": field})

    @app.post("/dict/request")
    def dict_request() -> ResponseReturnValue:
        tokens[secrets.token_hex(2).upper()] = typed()
        return page()

    @app.post("/dict/verify")
    def dict_verify() -> ResponseReturnValue:
        tokens.pop(typed(), None)
        return page()

    return app
