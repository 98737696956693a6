"""The load balancer with our configuration, before a server that says what it was sent."""

import json
import os
import socket
import subprocess
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest

from bench.fleet import CONFIG, Balancer, haproxy
from service.web.refusals import REFUSALS
from tests.support.balanced import balanced
from tests.support.http import Browser
from tests.support.processes import free_port

pytestmark = pytest.mark.slow


class _Echo(BaseHTTPRequestHandler):
    """Says what came; counts it; hangs up in the middle where it is asked to."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []

    def do_GET(self):
        if self.path != "/readyz":
            self.asked.append(self.path)
        if self.path.endswith("/gone"):
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length", 0))
        said = {
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": len(self.rfile.read(length)),
        }
        body = json.dumps(said).encode()
        self.send_response(422 if self.path == "/verify" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - its name is chosen by the standard library

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def balancer():
    """Two servers, one of which does not exist."""
    with balanced(_Echo, CONFIG.read_text(), more=[free_port()]) as started:
        yield started


@pytest.fixture
def asked():
    """What arrives at a server."""
    _Echo.asked.clear()
    return _Echo.asked


@pytest.fixture(scope="module")
def strict():
    """One with a hundredth of what an address may do, in a fifth of the time that a request may take to arrive."""
    text = CONFIG.read_text()
    for line in ("timeout http-request 5s", "wait-for-body time 5s"):
        assert line in text
        text = text.replace(line, line.replace("5s", "1s"))
    with balanced(_Echo, text.replace("ge 600 ", "ge 6 ").replace("ge 3000 ", "ge 30 ")) as started:
        yield started


@pytest.fixture
def browser(balancer):
    with Browser(balancer.url) as opened:
        yield opened


def test_the_file_is_what_haproxy_wants():
    done = subprocess.run(
        [haproxy() or "haproxy", "-c", "-f", CONFIG],
        env=os.environ | {"TRUSTED_FRONT": "127.0.0.1/32"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-For",
        "x-forwarded-for",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Real-IP",
        "Forwarded",
        "X-Request-Id",
    ],
)
def test_what_a_caller_says_of_itself_does_not_arrive(browser, name):
    heard = browser.get("/", {name: "203.0.113.9"}).json()["headers"]

    assert "203.0.113.9" not in heard.values()
    assert heard["x-forwarded-for"] == "127.0.0.1"
    assert heard["x-forwarded-proto"] == "http"
    assert len(heard["x-request-id"]) == 36


@pytest.mark.parametrize(
    "path", ["/metrics", "/readyz", "/livez", "/%6detrics", "//metrics", "/metrics/", "/readyz?x=1", "/%72eadyz"]
)
def test_what_is_for_operators_stays_inside(browser, asked, path):
    answer = browser.get(path)

    assert (answer.status, asked) == (404, [])


def test_nobody_learns_what_serves(browser):
    assert browser.get("/").headers["Server"] is None


def test_a_post_that_may_have_arrived_is_never_sent_again(browser, asked):
    answer = browser.post("/gone", {"a": "b"})

    assert (answer.status, asked) == (502, ["/gone"])


def test_a_replica_that_is_not_there_costs_nobody_an_answer(browser):
    assert {browser.post("/", {"a": "b"}).status for _ in range(20)} == {200}


@pytest.mark.parametrize("length", [16_385, 17_000, 70_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "in chunks"])
def test_a_body_that_is_longer_than_any_honest_one_is_refused(balancer, asked, length, chunked):
    body = b"x" * length

    answer = _raw(balancer, b"POST / HTTP/1.1\r\nHost: a\r\n" + (_in_chunks(body) if chunked else _with_length(body)))

    assert answer.startswith(b"HTTP/1.1 413")
    assert asked == []


def test_a_body_in_chunks_of_a_byte_arrives_whole(balancer):
    body = b"".join(b"1\r\nx\r\n" for _ in range(16_000)) + b"0\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert _raw(balancer, head + body).startswith(b"HTTP/1.1 200")


def test_a_browser_with_the_cookies_of_its_domain_is_served(browser):
    cookies = "; ".join(f"c{number}={'x' * 4000}" for number in range(10))

    assert browser.get("/", {"Cookie": cookies}).json()["headers"]["cookie"] == cookies


def test_a_browser_with_more_of_them_is_told_what_to_do(browser, asked):
    answer = browser.get("/", {"Cookie": "x" * 50_000})

    assert (answer.status, asked) == (431, [])
    assert "Delete the cookies" in answer.text


def test_nobody_begins_with_http2(balancer, asked):
    answer = _raw(balancer, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))

    assert not answer or answer.startswith(b"HTTP/1.1 400")
    assert asked == []


@pytest.mark.parametrize(
    ("begun", "is_ours"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", False),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na", True),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na", True),
    ],
    ids=["headers", "body", "chunks"],
)
def test_a_slow_request_never_reaches_a_replica(strict, asked, begun, is_ours):
    answer = _raw(strict, begun)

    assert answer.startswith(b"HTTP/1.1 408")
    assert (b"That took too long" in answer) == is_ours  # before that, nobody knows what was asked
    assert asked == []


# -- What one address may do


@pytest.mark.parametrize("path", ["/request", "/resend"])
def test_starts_of_one_address_are_refused_above_any_office(strict, path):
    source = "127.0.0.21" if path == "/request" else "127.0.0.22"

    assert _posts(strict, path, 8, source) == [200] * 6 + [429] * 2
    assert _posts(strict, "/verify", 1, source) == [422]  # who holds a code may go on
    assert _posts(strict, path, 1, "127.0.0.23") == [200]  # and so may everybody else


def test_wrong_codes_of_one_address_are_refused_above_any_office(strict):
    assert _posts(strict, "/verify", 32, "127.0.0.24") == [422] * 30 + [429] * 2
    assert _posts(strict, "/verify", 1, "127.0.0.25") == [422]


def test_who_comes_through_a_front_of_ours_is_who_it_says(strict):
    mine = [_posts(strict, "/request", 1, "127.0.0.2", f"2001:db8:1:2::{turn}") for turn in range(7)]

    assert mine == [[200]] * 6 + [[429]]  # a household has a /64
    assert _posts(strict, "/request", 1, "127.0.0.2", "2001:db8:1:3::1") == [200]


# -- Its own answers


def test_people_are_told_no_on_a_page(strict, browser):
    _posts(strict, "/resend", 6, "127.0.0.26")
    gone = browser.get("/gone")
    refused = _raw(strict, b"POST /resend HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "127.0.0.26")

    assert gone.status == 502
    assert gone.headers["Content-Type"] == "text/html; charset=utf-8"
    assert gone.headers["Retry-After"] == "2"
    assert "<h1>Something went wrong</h1>" in gone.text
    assert b"<h1>Wait before you try again</h1>" in refused
    assert b"retry-after: 60" in refused.lower()
    assert b"x-own" not in refused.lower()


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/gone", b"", 502, "unavailable"),
        ("/v1/verifications", b"x" * 17_000, 413, "too_large"),
    ],
)
def test_programs_are_told_no_in_json(browser, path, body, status, code):
    answer = browser.request("POST", path, body)

    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert (said["type"], said["status"], said["code"]) == (f"/v1/problems/{code}", status, code)
    assert REFUSALS[code].title in {said["title"], "Storage is unavailable"}
    assert str(said.get("retry_after")) == str(answer.headers["Retry-After"])


def test_nobody_is_there():
    with Balancer([free_port()], status=503) as balancer, Browser(balancer.url) as browser:
        page, problem = browser.get("/"), browser.get("/v1/verifications")

    assert "<h1>Something went wrong</h1>" in page.text
    assert page.headers["Retry-After"] == problem.headers["Retry-After"] == "2"
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.json()["status"] == 503


def _raw(balancer, request, source="127.0.0.1"):
    """Send bytes, and return what comes first."""
    with socket.create_connection(("127.0.0.1", balancer.port), timeout=20, source_address=(source, 0)) as client:
        with suppress(BrokenPipeError, ConnectionResetError):  # who refuses does not read on
            client.sendall(request)
        with suppress(ConnectionResetError):
            return client.recv(65_536)
    return b""


def _with_length(body):
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def _in_chunks(body):
    return b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


def _posts(balancer, path, count, source, forwarded=""):
    """Return the statuses of so many, one after the other, from one address."""
    request = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-Forwarded-For: {forwarded}\r\n\r\n".encode()
    return [int(_raw(balancer, request, source).split(maxsplit=2)[1]) for _ in range(count)]
