"""The one door for JSON that others wrote: what comes through is text and numbers that every reader reads alike."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.strict_json import NotJson, read

INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)

REFUSED = {
    "nothing": b"",
    "half-a-surrogate": rb'{"id": "\ud800"}',
    "the-other-half": rb'["\udc00"]',
    "halves-the-wrong-way-round": rb'["\udc00\ud800"]',
    "half-a-surrogate-in-a-name": rb'{"\udfff": 1}',
    "raw-surrogate": b'["\xed\xa0\x80"]',
    "bytes-that-are-no-text": b'["\xff"]',
    "overlong": b'["\xc0\xaf"]',
    "a-byte-order-mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "utf-32": '{"a": 1}'.encode("utf-32-le"),
    "twice": b'{"a": 1, "a": 1}',
    "twice-inside": b'[{"b": {"a": 1, "a": 2}}]',
    "twice-by-escape": rb'{"a": 1, "\u0061": 2}',
    "nan": b"[NaN]",
    "infinity": b"[-Infinity]",
    "a-float-beyond-doubles": b"[1e999]",
    "an-integer-beyond-doubles": b"[9007199254740992]",
    "an-endless-integer": b"[" + b"9" * 60_000 + b"]",
    "deep-lists": b"[" * 60_000,
    "deep-objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep-and-whole": b"[" * 501 + b"]" * 501,
    "a-comment": b"{} // no",
    "single-quotes": b"{'a': 1}",
    "a-control-character": b'["a\nb"]',
    "two": b"{} {}",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_what_readers_would_read_differently_is_refused(raw):
    with pytest.raises(NotJson):
        read(raw)


@given(VALUES, st.booleans())
def test_everything_else_is_read_as_it_is(value, ascii_only):
    assert read(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:0123456789.eE+-\\u d8Nan', max_size=60).map(str.encode))
@example(b"[" * 499 + b"]" * 499)
def test_any_bytes_are_json_or_not_and_what_is_read_is_text(raw):
    try:
        found = read(raw)
    except NotJson:
        return

    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
