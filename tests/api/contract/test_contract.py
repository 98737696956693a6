"""The contract and the service say the same: schemathesis, all checks, stateful, against a running replica.

`CONTRACT_CASES=10000` makes more cases than the suite has time for, `CONTRACT_SEED=2` others.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from service.commands.keys import ClientKeys
from service.store.connect import connect
from service.store.redis import RedisStore
from tests.support.servers import StoreServer
from tests.support.service import ROOT, ServiceProcess

CASES = int(os.environ.get("CONTRACT_CASES", "60"))
SEED = int(os.environ.get("CONTRACT_SEED", "1"))
EXAMPLES = min(375, CASES // 6)  # for each operation and seed; more than 375 bring little that is new
HERE = Path(__file__).parent
SENDING = {("start", 201), ("resend", 200)}


@pytest.mark.slow
@pytest.mark.timeout(600 + CASES)
def test_no_case_is_answered_otherwise_than_the_contract_says(policy, tmp_path):
    """No 5xx, no undocumented status, no other shape; and a message for each 2xx that promises one, and no other."""
    counts: Counter[tuple[str, int]] = Counter()
    for seed in itertools.count(SEED):
        counts += _held_against_each_other(policy, tmp_path / str(seed), seed)
        if counts.total() >= CASES:
            break
    print(f"{counts.total()} requests: {counts}")  # noqa: T201 - for `-s`


def _held_against_each_other(policy, journal, seed):
    """Ask a new service everything that one seed brings, and return how often what was answered."""
    with StoreServer() as server, ServiceProcess(_settings(server.url)) as replica:
        keys = ClientKeys(RedisStore(connect(server.url), policy))
        key = keys.add("shop", now=time.time())
        environ = {
            "CLIENT_KEY": key,
            "CONTRACT_JOURNAL": str(journal),
            "CONTRACT_INBOX": f"{replica.url}/demo/messages",
        }
        said = _schemathesis(f"{replica.url}/v1/openapi.json", seed, environ)
        answers = [json.loads(line) for line in journal.read_text().splitlines()]
        log = replica.log()

    assert said.returncode == 0, said.stdout[-10_000:] + said.stderr[-2_000:]
    assert max(answer["status"] for answer in answers) < 500
    assert not any(answer["lost"] for answer in answers)
    promised = [one for one in answers if (one["operation"], one["status"]) in SENDING and not one["replayed"]]
    assert log.count('"send_accepted"') == len(promised) > 0
    assert key[12:] not in log
    return Counter((one["operation"], one["status"]) for one in answers)


def _settings(redis_url):
    return {
        "TEXTPROOF_REDIS_URL": redis_url,
        "TEXTPROOF_SENDER": "demo",
        "TEXTPROOF_LIMITS_MODE": "observe",
        "TEXTPROOF_PUBLIC_URL": "http://localhost:8000",
    }


def _schemathesis(contract, seed, environ):
    program = Path(sys.executable).with_name("schemathesis")
    words = ["--config-file", str(HERE / "schemathesis.toml"), "run", contract, "--checks", "all", "--no-color"]
    words += [
        "--max-examples",
        str(EXAMPLES),
        "--seed",
        str(seed),
        "--continue-on-failure",
        "--generation-database",
        "none",
    ]
    # That check takes nothing but DELETE for an end; here a verification is canceled, or its code is used. hooks.py
    # checks the same, and knows these.
    words += ["--exclude-checks", "ensure_resource_availability"]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.api.contract.hooks"}
    return subprocess.run(
        [program, *words], env=os.environ | hooks | environ, cwd=ROOT, capture_output=True, text=True, check=False
    )
