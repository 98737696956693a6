"""No bytes on the wire are too strange: whoever breaks HTTP, or what is in it, is told so, and nothing fails.

`RAW_CASES=5000` makes more cases than the suite has time for, `RAW_SEED=2` others.
"""

import os
import random
import re
import socket
from collections import Counter

import pytest

from tests.support.processes import LONG_SECONDS
from tests.support.service import ServiceProcess

CASES = int(os.environ.get("RAW_CASES", "200"))
SEED = int(os.environ.get("RAW_SEED", "1"))
ID = "A" * 42
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
ASKED = "client_id=shop&redirect_uri=https%3A%2F%2Fshop.example.com%2Fphone&response_type=code&scope=openid&state=s"
HONEST = [
    ("POST /v1/verifications", JSON, b'{"to": "+12025550143"}'),
    ("GET /v1/verifications/" + ID, JSON, b""),
    (f"POST /v1/verifications/{ID}/check", JSON, b'{"token": "12AB56"}'),
    (f"POST /v1/verifications/{ID}/cancel", JSON, b"{}"),
    (f"GET /authorize?{ASKED}", FORM, b""),
    ("POST /par", FORM, ASKED.encode()),
    (
        "POST /token",
        FORM,
        b"grant_type=authorization_code&code=abc&client_id=shop&redirect_uri=https%3A%2F%2Fa.example",
    ),
    ("POST /userinfo", FORM, b"access_token=abc"),
    ("GET /start?authorization=" + ID, FORM, b""),
    ("POST /request", FORM, b"phone=%2B12025550143&nonce=1"),
    ("POST /verify", FORM, b"token=12AB56"),
    ("POST /webhooks/telnyx", JSON, b"{}"),
]
STRANGE = [b"\0", b"\xff", b"\r\n", b"\n", b"\\ud800", b'"', b"{", b"[", b"%", b"%00", b"%ff", b" ", b"\xe2\x80\xae"]
STRANGE += [
    b"9" * 400,
    b"-1",
    b"null",
    b";",
    b"../",
    b"//",
    b"?",
    b"#",
    b"\t",
    b",",
    b"chunked",
    b"Content-Length: 5\r\n",
]
ANSWER = re.compile(rb"HTTP/1\.1 (\d)\d\d ")


@pytest.fixture(scope="module")
def replica(server):
    settings = {"TEXTPROOF_REDIS_URL": server.url, "TEXTPROOF_SENDER": "demo", "TEXTPROOF_LIMITS_MODE": "observe"}
    with ServiceProcess(settings) as replica:
        yield replica


def spoiled(raw, chance):
    """Return the bytes with something put in, taken out or changed."""
    for _ in range(chance.choice([1, 1, 2, 3])):
        place = chance.randrange(len(raw) + 1)
        more = chance.choice([*STRANGE, bytes([chance.randrange(256)]), raw[max(0, place - 30) : place]])
        raw = raw[:place] + more + raw[place + chance.choice([0, 0, len(more), 5]) :]
    return raw


def request(key, chance):
    """Return an honest request in which one part is spoiled, or none."""
    line, kind, body = chance.choice(HONEST)
    part = chance.choice(["none", "line", "head", "body", "body", "chunks"])
    if part == "chunks":
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    if part in {"body", "chunks"}:
        body = spoiled(body, chance)
    size = "Transfer-Encoding: chunked" if part == "chunks" else f"Content-Length: {len(body)}"
    named = f"Idempotency-Key: {chance.random()}\r\n"
    head = f"Host: x\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\n{named}{size}\r\n"
    parts = {"line": f"{line} HTTP/1.1\r\n".encode(), "head": head.encode()}
    parts |= {part: spoiled(parts[part], chance)} if part in parts else {}
    return b"".join([*parts.values(), b"\r\n", body])


def exchanged(replica, raw):
    """Send bytes and nothing after them; return all that comes back."""
    with socket.create_connection(("127.0.0.1", replica.port), timeout=LONG_SECONDS) as connection:
        said = b""
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65_536):
                said += more
        except (BrokenPipeError, ConnectionResetError):
            pass  # it had heard enough
    return said


@pytest.mark.slow
@pytest.mark.parametrize(
    "head", ["GET / HTTP/1.1\r\nAuthorization Bearer {}", "GET {} HTTP/9", "{}", "GET / HTTP/1.1\r\nA\0: {}"]
)
def test_what_the_server_cannot_read_it_does_not_write_down(replica, head):
    """It would quote the line, whatever is in it."""
    secret = f"hunter{head.index('{}')}"

    said = exchanged(replica, f"{head.format(secret)}\r\n\r\n".encode())

    assert said.startswith(b"HTTP/1.1 400 ")
    assert "request_unreadable" in replica.log()
    assert secret not in replica.log()


@pytest.mark.slow
@pytest.mark.timeout(600 + CASES)
def test_no_bytes_are_too_strange(replica, add):
    key = add("shop", redirect_uris=("https://shop.example.com/phone",))
    chance = random.Random(SEED)
    said: Counter[str] = Counter()

    for _ in range(CASES):
        raw = request(key, chance)
        answers = ANSWER.findall(exchanged(replica, raw))
        said.update(answer.decode() for answer in answers)
        assert b"5" not in answers, raw

    assert set(said) == {"2", "3", "4"}
    assert "internal_error" not in replica.log()
    assert [line for line in replica.log().splitlines() if key[12:] in line] == []
