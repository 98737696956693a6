"""Strict JSON: reads what others wrote as I-JSON (RFC 7493), which all readers read alike.

Nothing comes through that Python's reader takes and something behind it breaks on, or reads differently than the next
reader: half a pair of surrogates, a name that is there twice, NaN, a number that no double holds.
"""

import json
from math import isfinite
from typing import Any, NoReturn

BEGINNINGS_MAX = 500  # of lists and objects; ours: the largest webhook has thirty. None is nested deeper than that
INTEGER_MAX = 2**53 - 1  # RFC 7493, 2.2
DIGITS_MAX = 16  # of INTEGER_MAX


class NotJson(ValueError):
    """What came is no JSON that all readers read alike. The text says why, where that helps."""


def read(raw: bytes) -> Any:  # noqa: ANN401 - whatever it holds
    """Return what a body holds.

    Raises:
        NotJson: For any other bytes.
    """
    if raw.count(b"[") + raw.count(b"{") > BEGINNINGS_MAX:
        raise NotJson("It is nested too deeply.")
    try:
        found = json.loads(
            raw.decode(), object_pairs_hook=_object, parse_constant=_refuse, parse_int=_integer, parse_float=_float
        )
        if b"\\u" in raw:
            json.dumps(found, ensure_ascii=False).encode()  # half a pair of surrogates is no text
    except NotJson:
        raise
    except (ValueError, RecursionError) as error:  # those of decoding and encoding are ValueErrors as well
        raise NotJson from error
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of one body must not see two requests in it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("A field is there twice.")
    return found


def _refuse(_constant: str) -> NoReturn:
    raise NotJson


def _integer(written: str) -> int:
    if len(written.lstrip("-")) > DIGITS_MAX or abs(int(written)) > INTEGER_MAX:
        raise NotJson("A number is too large.")
    return int(written)


def _float(written: str) -> float:
    number = float(written)
    if not isfinite(number):
        raise NotJson("A number is too large.")
    return number
