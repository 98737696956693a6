"""The service with a carrier that takes every message at once; as it is, or without what many numbers share."""

from collections.abc import Sequence
from unittest.mock import patch

from flask import Flask

from service import app
from service.store.redis import RedisStore
from service.verification.message import Message
from service.verification.ports import Ask, Leave, Start, Verdict


class Silent:
    """A carrier that takes every message, and costs nothing."""

    def send(self, message: Message) -> int:  # noqa: ARG002 - the port's
        """See `Sender`."""
        return 0


class Unbraked(RedisStore):
    """A store that lets every message pass, and asks nobody."""

    def allow(self, ask: Ask, *, now: int) -> Leave:  # noqa: ARG002 - the port's
        """See `Store`."""
        return Leave(Verdict.DONE, 0, stamp=now)

    def give_back(self, ask: Ask, *, stamp: int, is_trial: bool = False) -> None:
        """See `Store`."""

    def settle(self, starts: Sequence[Start]) -> None:
        """See `Store`."""


def create_app() -> Flask:
    """Return the service."""
    return app.create_app(sender=Silent())


def without_brake() -> Flask:
    """Return the service with the limits of a number and a verification, and no others."""
    with patch.object(app, "RedisStore", Unbraked):
        return app.create_app(sender=Silent())
