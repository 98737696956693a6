"""Strict bodies: a JSON object with the fields that are known, each of its kind, and nothing else.

What is not that is refused before anything is asked, so it spends nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request

from .problems import Refused

Kind = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: all are text."""

    fits: Kind
    shape: str
    """What would be right."""
    required: bool = False


def text(pattern: str, shape: str, *, required: bool = False) -> Field:
    """Return a field of text that a pattern matches from end to end."""
    compiled = re.compile(pattern)
    return Field(lambda value: compiled.fullmatch(value) is not None, shape, required)


def read(request: Request, fields: Mapping[str, Field]) -> dict[str, str]:
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
        if not isinstance(value, str) or not fields[name].fits(value):
            raise Refused("invalid_field", f"{name} must be {fields[name].shape}.", field=name)
    for name, field in fields.items():
        if field.required and name not in found:
            raise Refused("invalid_field", f"{name} is missing: it must be {field.shape}.", field=name)
    return found


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_without_doubles, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Refused("bad_json") from error
    if not isinstance(found, dict):
        raise Refused("bad_json", "The body must be a JSON object.")
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of one body must not see two requests in it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("bad_json", "A field is there twice.")
    return found


def _refuse(_constant: str) -> None:
    raise ValueError
