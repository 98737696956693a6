"""The control of `isolation`: the service as it is, but for one thing. Messages are sent inside the request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from unittest.mock import patch

from flask import Flask

from service import app
from service.verification import verifier
from service.verification.outbox import Outbox, Slot

T = TypeVar("T")


class InsideSlot(Slot):
    """The request's own thread."""

    def run(self, send: Callable[[], T]) -> T | None:
        """Send, however long it takes."""
        self.is_used = True
        return send()


class Inside(Outbox):
    """No outbox: as many sends at once as there are threads."""

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Give everybody a slot."""
        yield InsideSlot(self, may_wait=True)


def create_app() -> Flask:
    """Return the service with that one difference."""
    with patch.object(verifier, "Outbox", Inside):
        return app.create_app()
