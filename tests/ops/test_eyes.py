"""Alerts and dashboard: whatever they name exists, and whatever they ask an operator to read is there."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric

from service.verification.errors import Delivery, Hold, Limit
from service.verification.ports import Verdict
from service.web.metrics import ALARMS, FAULTS, Metrics

ROOT = Path(__file__).parents[2]
ALERTS = (ROOT / "deploy" / "alerts.yml").read_text()
DASHBOARD = json.loads((ROOT / "deploy" / "dashboard.json").read_text())
GUIDE = (ROOT / "docs" / "operations.md").read_text()
SHOWN = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
RECORDED = set(re.findall(r"- record: (\S+)", ALERTS))
PROMTOOL = shutil.which("promtool")
VALUES = {
    "limit": {*Limit, *Hold},
    "outcome": {"accepted", "unavailable", "refused", "observed"},
    "verdict": set(Verdict),
    "delivery": set(Delivery),
    "kind": {"new", "shared", "test", "expected", "billed"},
    "news": set(ALARMS),
    "event": set(FAULTS),
}


def exported():
    """Return every name that `/metrics` can have, with its labels."""
    names: dict[str, Metric] = {}
    for family in Metrics().registry.collect():
        kinds = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "gauge": [""]}[family.type]
        names |= {family.name + kind: family for kind in kinds}
    return names


def test_every_metric_that_is_named_exists():
    named = set(re.findall(r"\btextproof_\w+", ALERTS + " ".join(SHOWN)))

    assert named
    assert named <= exported().keys()


def test_every_metric_is_shown():
    """What nobody looks at need not be counted."""
    shown = " ".join(SHOWN) + ALERTS

    assert {
        name for name in exported() if name not in shown and not name.endswith(("_sum", "_count", "_bucket"))
    } == set()


def test_every_recorded_ratio_exists():
    assert set(re.findall(r"\btextproof:[\w:]+", ALERTS + " ".join(SHOWN))) <= RECORDED


@pytest.mark.parametrize(
    ("label", "sign", "value"), re.findall(r'(\w+)(=~|!~|!=|=)"([^"$]+)"', ALERTS + " ".join(SHOWN))
)
def test_every_value_that_is_looked_for_can_occur(label, sign, value):
    if label == "job":
        return
    possible = {str(word) for word in VALUES[label]}

    if "~" in sign:
        assert any(re.fullmatch(value, word) for word in possible)
        assert all(any(re.fullmatch(part, word) for word in possible) for part in re.split(r"\|(?![^(]*\))", value))
    else:
        assert value in possible


def test_every_alert_says_where_to_read_on():
    alerts = len(re.findall(r"- alert: ", ALERTS))
    places = re.findall(r"runbook: docs/operations\.md#(\S+)", ALERTS)
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-")
        for line in re.findall(r"^#+ (.*)", GUIDE, re.MULTILINE)
    }

    assert alerts == len(places) > 10
    assert set(places) <= headings


@pytest.mark.skipif(not PROMTOOL, reason="needs promtool, of Debian's package prometheus")
def test_prometheus_reads_the_rules():
    done = subprocess.run(
        ["promtool", "check", "rules", str(ROOT / "deploy" / "alerts.yml")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_asks_the_data_source_that_is_chosen():
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {"${datasource}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
