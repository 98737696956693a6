"""What the service is compared with, under the same server and settings.

/none   Flask, a form or a JSON body, a page or a JSON answer. Nothing is remembered.
/one    the same, and one script in Redis, which reads and counts.
/dict   the tutorial's program: a dict of tokens in the process.

The pages are the service's own, so that a template weighs the same everywhere.
"""

import os
import secrets
from hashlib import sha1
from typing import Any

import redis
from flask import Flask, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from service.languages import ENGLISH
from service.web.look import TEMPLATES

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


def create_app() -> Flask:  # noqa: C901 - each is a few lines
    """Return all of them, each under a path of its own."""
    app = Flask("bare", template_folder=str(TEMPLATES), static_folder=str(TEMPLATES.parent / "service/web/static"))
    app.extensions["drain"] = lambda: None  # what gunicorn.conf.py asks of an application
    app.jinja_env.globals.update(brand="Textproof", is_demo=False, logo="icon.svg", logo_width=28)
    app.jinja_env.globals.update(language=lambda: ENGLISH, offered=(ENGLISH,))
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # the extension brings it
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
