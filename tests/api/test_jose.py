"""jose from npm, which is not ours, takes a result by the published keys, and nothing else for one.

`make examples` fetches jose, which needs Node, and runs this. Elsewhere conftest.py leaves it out: the suite needs
nothing but Python, and skips nothing.
"""

import json
import subprocess

import pytest

from tests.api.forgeries import forgeries
from tests.api.test_hosted import HOME, PUBLIC, app, browser, result  # noqa: F401 - fixtures
from tests.support.service import ROOT

SCRIPT = """
import { createLocalJWKSet, jwtVerify } from "jose";
import { readFileSync } from "node:fs";
const { published, cases } = JSON.parse(readFileSync(0, "utf8"));
const said = {};
for (const [name, { result, now, ...options }] of Object.entries(cases)) {
  try {
    const currentDate = new Date(now * 1000);
    said[name] = (await jwtVerify(result, createLocalJWKSet(published), { currentDate, ...options })).payload.sub;
  } catch (error) {
    said[name] = error.code ?? String(error);
  }
}
console.log(JSON.stringify(said));
"""


@pytest.fixture
def published(browser):  # noqa: F811
    return browser.get("/.well-known/jwks.json", **HOME).json


@pytest.fixture
def verified(published, result, clock):  # noqa: F811
    """Says for each case whose number it confirms, or why it is refused."""
    right = {"result": result, "now": int(clock()), "algorithms": ["ES256"], "audience": "shop", "issuer": PUBLIC}

    def verify(changes):
        asked = {"published": published, "cases": {name: right | change for name, change in changes.items()}}
        node = ["node", "--input-type=module", "--eval", SCRIPT]
        said = subprocess.run(
            node, input=json.dumps(asked), cwd=ROOT / "examples/express", capture_output=True, text=True, check=True
        )
        return json.loads(said.stdout)

    return verify


def test_a_result_is_good_for_its_audience_for_a_minute(verified, number, clock):
    late, foreign = {"now": int(clock()) + 60}, {"audience": "rival"}

    said = verified({"right": {}, "late": late, "foreign": foreign})

    assert said == {"right": number, "late": "ERR_JWT_EXPIRED", "foreign": "ERR_JWT_CLAIM_VALIDATION_FAILED"}


@pytest.mark.parametrize("algorithms", [["ES256"], None], ids=["careful", "careless"])
def test_what_was_forged_is_refused(verified, result, published, algorithms):  # noqa: F811
    """Also by an application that does not fix the algorithm: the published key names its own."""
    forged = forgeries(result, published)
    fixed = {"algorithms": algorithms} if algorithms else {}

    said = verified({name: {"result": one} | fixed for name, one in forged.items()})

    assert set(said) == set(forged)
    assert all(why.startswith("ERR_J") for why in said.values()), said
