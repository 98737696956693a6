"""The load balancer with our configuration, before a server that says what it was sent."""

import json
import os
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.fleet import CONFIG, Balancer, haproxy
from tests.support.http import Browser
from tests.support.processes import LONG_SECONDS, free_port

pytestmark = pytest.mark.slow


class _Echo(BaseHTTPRequestHandler):
    """Says what came; counts it; hangs up in the middle where it is asked to."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def do_GET(self):
        if self.path != "/readyz":
            self.asked.append(self.path)
        if self.path == "/gone":
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length", 0))
        said = {
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": len(self.rfile.read(length)),
        }
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - its name is chosen by the standard library

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def asked():
    return []


@pytest.fixture(scope="module")
def balancer(asked):
    """Two servers, one of which does not exist."""
    handler = type("Handler", (_Echo,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", free_port()), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Balancer([server.server_port, free_port()]) as started:
            yield started
        server.shutdown()


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
    asked.clear()

    answer = browser.get(path)

    assert (answer.status, asked) == (404, [])


def test_nobody_learns_what_serves(browser):
    assert browser.get("/").headers["Server"] is None


def test_a_post_that_may_have_arrived_is_never_sent_again(browser, asked):
    asked.clear()

    answer = browser.post("/gone", {"a": "b"})

    assert (answer.status, asked) == (502, ["/gone"])


def test_a_replica_that_is_not_there_costs_nobody_an_answer(browser):
    assert {browser.post("/", {"a": "b"}).status for _ in range(20)} == {200}


def test_what_is_too_large_is_refused(browser, asked):
    asked.clear()

    answer = browser.request("POST", "/", b"x" * 70_000)

    assert (answer.status, asked) == (413, [])


@pytest.mark.parametrize(
    "begun",
    [b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na"],
    ids=["headers", "body"],
)
def test_a_slow_request_never_reaches_a_replica(balancer, asked, begun):
    asked.clear()

    with socket.create_connection(("127.0.0.1", balancer.port), timeout=LONG_SECONDS) as client:
        client.sendall(begun)
        started = time.monotonic()
        answer = client.recv(1000)

    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started > 3
    assert asked == []
