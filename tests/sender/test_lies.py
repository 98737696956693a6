"""Answers that no honest Telnyx gives: each ends in "nobody knows" or a plain no, and in one line of the log."""

import gzip
import json

import pytest

from service.verification.errors import SendRefused, SendUncertain
from tests.sender.trickle import Trickle, saying


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def good(**data) -> bytes:
    return http(json.dumps({"data": {"id": "40385f64-5717-4562-b3fc-2c963f66afa6", **data}}).encode())


LIES = {
    "not-http": b"\x16\x03\x01 hello, this is a mail server\r\n\r\n",
    "endless-status": b"HTTP/1.1 200 " + b"O" * 200_000 + b"\r\n\r\n",
    "shorter-than-said": http(b'{"data": {}}').replace(b"Content-Length: 12", b"Content-Length: 999"),
    "bad-chunk": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "broken-gzip": http(b"this is not gzip", "Content-Encoding: gzip"),
    "not-utf-8": http(b'{"data": {"id": "\xff\xfe"}}'),
    "no-body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "deep": http(b"[" * 200_000),
    "not-modified": http(b"", status="304 Not Modified"),
    "long-number": http(b'{"data": {"id": ' + b"9" * 100_000 + b"}}"),
    "data-is-a-list": http(b'{"data": [{"id": "x"}]}'),
    "data-is-a-text": http(b'{"data": "id"}'),
    "id-is-empty": http(b'{"data": {"id": ""}}'),
    "id-is-null": http(b'{"data": {"id": null}}'),
    "zipped-error-page": http(gzip.compress(b"<html>"), "Content-Encoding: gzip", status="500 Oops"),
}

NOES = {
    "deep-error": http(b"[" * 5_000, status="403 Forbidden"),
    "errors-are-numbers": http(b'{"errors": [1, 2]}', status="400 Bad Request"),
    "code-is-a-list": http(b'{"errors": [{"code": ["40310"]}]}', status="400 Bad Request"),
    "code-is-an-object": http(b'{"errors": [{"code": {"40310": 1}}]}', status="400 Bad Request"),
    "teapot": http(b'{"errors": [{"code": "418"}]}', status="418 I am a teapot"),
    "a-page-of-a-proxy": http(b"<html>Access denied</html>", status="403 Forbidden"),
}
"""No reason that can be read, but a status that says that nothing was sent."""


@pytest.mark.parametrize("no", NOES)
def test_a_no_without_a_reason_is_a_no(make_sender, message, journal, no):
    with Trickle(saying(NOES[no])) as server, pytest.raises(SendRefused):
        make_sender(base_url=f"http://127.0.0.1:{server.port}/v2").send(message())

    [line] = journal.lines()
    assert line["event"] == "telnyx_refused"
    assert line["do"]


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_leaves_the_outcome_open(make_sender, message, journal, lie):
    with Trickle(saying(LIES[lie])) as server, pytest.raises(SendUncertain):
        make_sender(base_url=f"http://127.0.0.1:{server.port}/v2").send(message())

    assert [line["event"] for line in journal.lines()] == ["telnyx_uncertain"]


@pytest.mark.parametrize(
    "data",
    [{}, {"wait_seconds": None}, {"wait_seconds": "soon"}, {"wait_seconds": -3}, {"wait_seconds": [1]}, {"to": 5}],
    ids=["bare", "null", "words", "negative", "list", "odd-fields"],
)
def test_an_id_is_all_that_a_good_answer_needs(make_sender, message, data):
    with Trickle(saying(good(**data))) as server:
        assert make_sender(base_url=f"http://127.0.0.1:{server.port}/v2").send(message()).queued == 0
