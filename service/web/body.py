"""Strict JSON bodies: an object with known fields, each of its kind, and nothing else.

What is not that is refused before anything is asked, so it spends nothing. And no body, of a form or a webhook either,
is longer than it may be.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import IO, Any

import flask
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from .. import strict_json
from .problems import Refused

Kind = Callable[[Any], bool]


class Request(flask.Request):
    """A request whose body is read whole or not at all.

    One that comes in chunks does not say how long it is. Werkzeug reads as much as is allowed of it and takes that for
    the whole, and then two readers of one request can see two in it.
    """

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body."""
        limit = self.max_content_length
        if self.content_length is not None or limit is None or not self.environ.get("wsgi.input_terminated"):
            return super().stream
        try:
            raw = self.environ["wsgi.input"].read(limit + 1)
        except Exception as error:  # what the server raises is its own affair: these are the caller's bytes
            raise BadRequest from error
        if len(raw) > limit:
            raise RequestEntityTooLarge
        return BytesIO(raw)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: text, or true or false."""

    fits: Kind
    shape: str
    """What would be right."""
    required: bool = False
    kind: type = str


FLAG = Field(lambda _value: True, "true or false", kind=bool)


def text(pattern: str, shape: str, *, required: bool = False) -> Field:
    """Return a field of text that a pattern matches from end to end."""
    compiled = re.compile(pattern)
    return Field(lambda value: compiled.fullmatch(value) is not None, shape, required)


def read(request: flask.Request, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the fields of a request; those that are not given are left out.

    Raises:
        Refused: It is not JSON, or not what was asked for.
        RequestEntityTooLarge: It is longer than any honest one.
    """
    raw = request.get_data()
    if not raw and not any(field.required for field in fields.values()):
        return {}
    if request.mimetype != "application/json":
        raise Refused("unsupported_media_type")
    found = _object(raw)
    for name, value in found.items():
        if name not in fields:
            raise Refused("invalid_field", f"There is no field {name[:64]!a}.", field=name[:64])
        if not isinstance(value, fields[name].kind) or not fields[name].fits(value):
            raise Refused("invalid_field", f"{name} must be {fields[name].shape}.", field=name)
    for name, field in fields.items():
        if field.required and name not in found:
            raise Refused("invalid_field", f"{name} is missing: it must be {field.shape}.", field=name)
    return found


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = strict_json.read(raw)
    except strict_json.NotJson as error:
        raise Refused("bad_json", str(error)) from error
    if not isinstance(found, dict):
        raise Refused("bad_json", "The body must be a JSON object.")
    return found
