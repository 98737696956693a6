"""The service as gunicorn serves it, with other waits than its own: those that SECONDS holds, as JSON, by full name."""

import json
import os
from importlib import import_module

from flask import Flask

from service import app


def create_app() -> Flask:
    """Set the waits, and make the service."""
    for name, seconds in json.loads(os.environ["SECONDS"]).items():
        module, _, constant = name.rpartition(".")
        where = import_module(module)
        getattr(where, constant)  # there is such a wait
        setattr(where, constant, seconds)
    return app.create_app()
