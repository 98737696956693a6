"""The example in curl does what it says, against a running service; those with a library are in `test_libraries.py`."""

import os
import subprocess

import pytest

from tests.races.people import code_of
from tests.support.service import ROOT, ServiceProcess

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "examples"


@pytest.fixture
def textproof(server):
    with ServiceProcess({"TEXTPROOF_REDIS_URL": server.url, "TEXTPROOF_SENDER": "demo"}) as replica:
        yield replica


def test_the_curl_example_says_right_or_wrong_by_its_exitcode_of(textproof, add, numbers):
    number = next(numbers)
    environ = os.environ | {"VERIFY_URL": textproof.url, "VERIFY_KEY": add("shell")}

    def curl(*words):
        return subprocess.run(
            ["sh", "examples/curl.sh", *words], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
        )

    id_ = curl("start", number).stdout.strip()
    code = code_of(textproof, number)

    assert curl("show", id_).returncode == 0
    assert curl("resend", id_).returncode != 0  # too soon
    assert curl("check", id_, "000000" if code != "000000" else "111111").returncode != 0
    assert curl("check", id_, code).returncode == 0
    assert curl("check", id_, code).returncode != 0
    assert curl("cancel", id_).returncode != 0


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_readable_by_python(path):
    compile(path.read_text(), path, "exec")
