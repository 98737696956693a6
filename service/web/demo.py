"""The demo's inbox. These routes exist only while `SENDER` is the demo."""

from dataclasses import asdict

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from ..sender.demo import DemoSender


def routes(demo: DemoSender) -> Blueprint:
    """Return `/demo`, a phone, and `/demo/messages`, the same as JSON, newest first."""
    blueprint = Blueprint("demo", __name__)

    @blueprint.get("/demo")
    def phone() -> ResponseReturnValue:
        return render_template("demo.html", messages=demo.inbox())

    @blueprint.get("/demo/messages")
    def messages() -> ResponseReturnValue:
        return jsonify([asdict(shown) for shown in demo.inbox()])

    return blueprint
