"""schemathesis finds no request to the provider that is answered otherwise than the specifications say.

`CONTRACT_CASES=10000` makes more cases than the suite has time for, `CONTRACT_SEED=2` others.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT, ServiceProcess

CASES = int(os.environ.get("CONTRACT_CASES", "160"))
OPERATIONS = 8
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.slow
@pytest.mark.timeout(600 + CASES)
def test_no_request_is_answered_otherwise_than_the_specifications_say(server, add):
    add("shop", redirect_uris=("https://shop.example.com/cb",))
    add("spa", redirect_uris=("http://127.0.0.1/cb",), is_public=True)
    settings = {"TEXTPROOF_REDIS_URL": server.url, "TEXTPROOF_SENDER": "demo"}
    with ServiceProcess(settings | {"TEXTPROOF_PUBLIC_URL": "http://localhost:8000"}) as replica:
        done = _schemathesis(replica.url)
        log = replica.log()

    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    found = re.search(r"(\d+) generated", done.stdout)
    assert found, done.stdout[-2_000:]
    assert int(found[1]) >= CASES // 2
    assert "internal_error" not in log


def _schemathesis(url):
    program = Path(sys.executable).with_name("schemathesis")
    words = ["run", "tests/api/oidc/openapi.json", "--url", url, "--checks", CHECKS, "--no-color"]
    words += ["--max-examples", str(CASES // OPERATIONS), "--seed", os.environ.get("CONTRACT_SEED", "1")]
    words += ["--continue-on-failure", "--generation-database", "none"]
    return subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True, check=False)
