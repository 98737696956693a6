"""Addresses of the pages, made once each."""

import functools
from typing import Any

import flask


def url_for(endpoint: str, **values: Any) -> str:  # noqa: ANN401 - the parts of an address
    """Return the address of a page, as Flask makes it."""
    return _made(flask.current_app.jinja_env, flask.request.script_root, endpoint, **values)


@functools.lru_cache(maxsize=512)
def _made(_app: object, _root: str, endpoint: str, **values: Any) -> str:  # noqa: ANN401
    return flask.url_for(endpoint, **values)
