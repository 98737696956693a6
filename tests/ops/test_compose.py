"""The compose file and the image keep what docs/operations.md says of them."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SENTINEL = (ROOT / "deploy" / "sentinel.yml").read_text()
IMAGE = (ROOT / "Dockerfile").read_text()
CONF = (ROOT / "deploy" / "redis.conf").read_text()


WATCHING = ("prometheus", "grafana")


def service(name):
    """Return the lines of one service."""
    return re.split(r"\n  \w", COMPOSE.split(f"\n  {name}:\n")[1])[0]


@pytest.mark.parametrize("text", [COMPOSE, SENTINEL, IMAGE], ids=["compose", "sentinel", "image"])
def test_every_image_is_named_with_its_version(text):
    images = re.findall(r"^(?:FROM| *image:) (\S+)", text, re.MULTILINE)

    assert images
    assert [image for image in images if image != "textproof:local" and not re.search(r":v?\d[\w.-]*$", image)] == []


def test_only_the_balancer_can_be_reached():
    """And what watches, from this machine."""
    assert "ports:" in service("balancer")
    assert COMPOSE.count("ports:") == 3
    for name in WATCHING:
        assert 'ports: ["127.0.0.1:' in service(name)
    assert "internal: true" in COMPOSE.split("store: {")[1].split("}")[0]


@pytest.mark.parametrize("name", ["balancer", "web", "redis", *WATCHING])
def test_every_service_is_careful(name):
    """Limits, restarts, a log that does not grow for ever, nothing to write to, and no rights."""
    assert "<<: *careful" in service(name)
    assert "limits:" in service(name)
    for care in ("restart: unless-stopped", "read_only: true", "cap_drop: [ALL]", "no-new-privileges", "max-size"):
        assert care in COMPOSE.split("x-careful")[1].split("services:")[0]


def test_a_replica_is_given_the_time_to_drain_and_to_finish(monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    grace = int(re.search(r"stop_grace_period: (\d+)s", service("web"))[1])  # type: ignore[index]
    drain = int(re.search(r"DRAIN_SECONDS=(\d+)", IMAGE)[1])  # type: ignore[index]

    assert grace > drain + settings["graceful_timeout"]


def test_the_balancer_leaves_a_thread_for_probes_and_closes_idle_connections_first(monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    balancer = (ROOT / "deploy" / "haproxy.cfg").read_text()

    slots = re.findall(r"default-server maxconn (\d+)", balancer)
    assert 0 < sum(map(int, slots)) < settings["threads"]
    assert int(re.search(r"pool-purge-delay (\d+)s", balancer)[1]) * 2 < settings["keepalive"]  # type: ignore[index]


def test_the_store_forgets_nothing():
    assert "maxmemory-policy noeviction" in CONF
    assert "appendonly yes" in CONF
    assert "slowlog-log-slower-than -1" in CONF, "it would keep arguments of commands"


def test_the_image_takes_only_what_is_pinned_with_its_hash():
    assert "--require-hashes --only-binary :all: --no-deps" in IMAGE
    assert "USER 10001:10001" in IMAGE


def test_no_secret_can_slip_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert "*" in ignored
    assert not any("config.cfg" in line or ".git" in line for line in ignored if line.startswith("!"))


def test_the_settings_file_may_be_missing():
    """A missing file that is mounted becomes a directory; so the directory is mounted, and the image points into it."""
    assert '".:/config:ro"' in service("web")
    assert "ln -s /config/config.cfg config.cfg" in IMAGE


@pytest.mark.parametrize("name", WATCHING)
def test_what_watches_comes_with_its_profile_and_mounts_files_that_are_there(name):
    assert "profiles: [monitoring]" in service(name)
    mounted = re.findall(r"- \./(\S+):/\S+:ro", service(name))
    assert mounted
    assert [path for path in mounted if not (ROOT / path).is_file()] == []


def test_prometheus_reads_the_rules_where_they_are_mounted_and_each_replica_on_its_port():
    asked = (ROOT / "deploy" / "monitoring" / "prometheus.yml").read_text()

    for path in re.findall(r"rule_files: \[(\S+)\]", asked):
        assert f"./deploy/alerts.yml:{path}:ro" in service("prometheus")
    assert "names: [web]" in asked
    assert f"port: {re.search(r'PORT=([0-9]+)', IMAGE)[1]}" in asked  # type: ignore[index]
    assert "url: http://prometheus:9090" in (ROOT / "deploy" / "monitoring" / "datasource.yml").read_text()
