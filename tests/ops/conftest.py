"""What operators touch: files under deploy/, numbers, logs.

Tests of the load balancer exist only where there is one; with CI=true its absence is a failure.
"""

import os

import pytest
from flask.testing import FlaskClient

from bench.fleet import haproxy

collect_ignore = [] if haproxy() or os.environ.get("CI") == "true" else ["test_balancer.py"]


@pytest.fixture
def client(make_app, store) -> FlaskClient:
    """Of a service that nobody else has: what it counts, this test did."""
    return make_app(store=store).test_client()
