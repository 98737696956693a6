"""The service with a carrier that takes every message at once."""

from flask import Flask

from service import app
from service.verification.message import Message
from service.verification.ports import Accepted
from service.web import load_shedding


class Silent:
    """A carrier that takes every message, and costs nothing."""

    def send(self, message: Message) -> Accepted:  # noqa: ARG002 - the port's
        """See `Sender`."""
        return Accepted()


def create_app() -> Flask:
    """Return the service."""
    return app.create_app(sender=Silent())


def create_busy() -> Flask:
    """Return the service with as many starts under way as there may be, so that none more is begun."""
    load_shedding.AT_ONCE = 0
    return create_app()
