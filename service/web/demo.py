"""The demo's inbox. These routes exist only while `SENDER` is the demo."""

from collections.abc import Callable

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

Inbox = Callable[[], list[dict[str, str | int]]]
"""Returns messages, newest first, each with `to`, `text` and `sent_at` in seconds since 1970."""


def routes(inbox: Inbox) -> Blueprint:
    """Return `/demo`, a phone, and `/demo/messages`, the same as JSON, newest first."""
    blueprint = Blueprint("demo", __name__)

    @blueprint.get("/demo")
    def phone() -> ResponseReturnValue:
        return render_template("demo.html", messages=inbox())

    @blueprint.get("/demo/messages")
    def messages() -> ResponseReturnValue:
        return jsonify(inbox())

    return blueprint
