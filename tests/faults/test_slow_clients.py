"""Slow clients in every shape, through the load balancer with our configuration: nobody else waits for them.

Beside each stands the configuration without the lines that hold them off: there, somebody does.
"""

import os
import re
from http.server import BaseHTTPRequestHandler

import pytest

from bench.fleet import CONFIG, haproxy
from bench.slow import SHAPES, slow_clients
from tests.support.balanced import balanced
from tests.support.http import Browser
from tests.support.processes import free_port, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not haproxy() and os.environ.get("CI") != "true", reason="there is no haproxy here"),
]

LONGEST = 60_000  # bytes of an answer; the longest of ours, /v1/docs, has fewer
SLOTS = 28  # of a replica
FEW = 10  # connections that an address may have, where the test is about that
# The system takes some MB of an answer off the balancer's hands while it has memory for that. Here it has none.
OURS = CONFIG.read_text().replace("    tune.bufsize", "    tune.sndbuf.client 4096\n    tune.bufsize")
OURS = OURS.replace("fall 1 ", "fall 100 ")  # the replica is well, however busy this machine is
# What it does of itself: buffers of 16 KB, HTTP/2 for whoever begins with it, a body that goes on as it comes.
BEFORE = re.sub(
    r"(?m)^.*(tune\.bufsize|tune\.h2|disable-h2-upgrade|wait-for-body|status 431|status 413|conn_cur gt).*\n", "", OURS
).replace("timeout queue 5s", "timeout queue 1s")  # whoever waits that long is told 503
CROWDED = OURS.replace("maxconn 9000", f"maxconn {4 * FEW}").replace("conn_cur gt 1000", f"conn_cur gt {FEW}")
TLS = "bind :8080\n    bind 127.0.0.1:{} proto h2"


class _Replica(BaseHTTPRequestHandler):
    """Reads what it is sent to the end, and answers at length where it is asked to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while self.rfile.readline().strip() != b"0":
                self.rfile.readline()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"x" * (LONGEST if self.path.startswith("/v1") else 10)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - its name is chosen by the standard library

    def log_message(self, *_):
        pass


def is_served(balancer, within=20):
    """Return whether a page comes, and a start is taken; who waits for a slot is told 503."""
    try:
        with Browser(balancer.url, timeout=within) as browser:
            return browser.get("/").status == browser.post("/request").status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def ours():
    with balanced(_Replica, OURS) as balancer:
        yield balancer


@pytest.fixture(scope="module")
def before():
    with balanced(_Replica, BEFORE) as balancer:
        yield balancer


@pytest.mark.parametrize("shape", SHAPES)
def test_nobody_else_waits(ours, shape):
    with slow_clients(ours.port, shape, size=2 * SLOTS, source="127.0.0.9") as clients:
        wait_until(lambda: clients.steps >= 2, seconds=30, what="the slow ones have gone on")

        assert all(is_served(ours) for _ in range(20))


@pytest.mark.parametrize("shape", ["bodies", "headers", "chunked", "readers", "HTTP/2 windows", "trickling"])
def test_without_our_lines_they_stop_everybody(before, shape):
    with slow_clients(before.port, shape, size=4 * SLOTS, source="127.0.0.9"):
        wait_until(lambda: not is_served(before), seconds=30, what="somebody waits")


@pytest.mark.parametrize("shape", ["silent", "idle"])
def test_one_address_has_a_share_of_the_connections(shape):
    with (
        balanced(_Replica, CROWDED) as balancer,
        slow_clients(balancer.port, shape, size=6 * FEW, source="127.0.0.9") as clients,
    ):
        wait_until(lambda: clients.turned_away >= 5 * FEW, seconds=30, what="the rest are turned away")
        assert is_served(balancer)
    without = re.sub(r".*conn_cur gt.*\n", "", CROWDED)
    with balanced(_Replica, without) as balancer, slow_clients(balancer.port, shape, size=6 * FEW, source="127.0.0.9"):
        wait_until(lambda: not is_served(balancer, within=3), seconds=60, what="somebody waits")


def test_http2_as_tls_would_bring_it_holds_no_slot():
    port = free_port()
    with balanced(_Replica, OURS.replace("bind :8080", TLS.format(port))) as balancer:
        with slow_clients(port, "HTTP/2 windows", size=4, source="127.0.0.9") as clients:
            wait_until(lambda: clients.steps >= 2, seconds=30, what="the slow ones have gone on")

            assert all(is_served(balancer) for _ in range(20))
        assert clients.turned_away == 0
