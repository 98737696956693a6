"""The rows of `make field` about what operators run and write: see `bench/field.py`."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.field_run import Run, Seen, row
from bench.fleet import Balancer
from bench.history import fresh_number
from tests.support.http import Browser
from tests.support.processes import free_port, wait_until
from tests.support.servers import StoreServer, redis_binary
from tests.support.service import ROOT, ServiceProcess

DEPLOY = ROOT / "deploy"
OTHER_SECRET = "f" * 32


def command(*arguments: str, config: str = "", **environ: str) -> tuple[int, str]:
    """Run `textproof …` with a configuration of its own; return its exit status and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.cfg"
        path.write_text(config)
        done = subprocess.run(
            [sys.executable, "-m", "service", *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TEXTPROOF_CONFIG": str(path), **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    return done.returncode, done.stdout + done.stderr


def last(text: str) -> str:
    """Return the last line of a text, short enough for a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Settings:")]
    return (lines or [""])[-1][:120]


@row("F1")
def another_server(run: Run) -> Iterator[Seen]:
    """A server that became a replica is found out, and its return as well."""
    place = run.place(BRAND="Failover")
    primary = run.ends.enter_context(StoreServer())
    with Browser(place.service.url) as browser:
        place.store.ask("REPLICAOF", "127.0.0.1", primary.port)
        wait_until(lambda: browser.get("/readyz").status == 503, seconds=20, what="not ready")  # noqa: PLR2004 - HTTP's own
        fault = browser.get("/readyz").text
        place.store.ask("REPLICAOF", "NO", "ONE")
        wait_until(lambda: browser.get("/readyz").status == 200, seconds=20, what="ready again")  # noqa: PLR2004
    yield Seen("the server became a replica, then a primary", json.loads(fault)["faults"][0][:80], well=True)
    well, answer = place.typed(fresh_number())
    yield Seen("a start after that", answer, well)


@row("F8")
def many_cookies(run: Run) -> Iterator[Seen]:
    """Cookies of the parent domain do not keep people out."""
    place = run.place()
    with Balancer([place.service.port]) as balancer:
        for many in (1, 4, 8):
            cookie = "; ".join(f"c{index}={'x' * 4000}" for index in range(many))
            with Browser(balancer.url) as browser:
                status = browser.request("GET", "/", None, {"Cookie": cookie}).status
            yield Seen(f"{many} cookies of 4,000 bytes, through the balancer", str(status), status == 200)  # noqa: PLR2004


@row("F16")
def old_redis(_run: Run) -> Iterator[Seen]:
    """The files that are shipped start what README calls supported."""
    binary = redis_binary()
    if binary is None:
        yield Seen("redis-server", "is not installed here", well=False)
        return
    acl = (DEPLOY / "redis-users.acl").read_text().replace(">PASSWORD", ">secret")
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder) / "users.acl"
        users.write_text("\n".join(line for line in acl.splitlines() if not line.startswith("#")) + "\n")
        port = free_port()
        words = ["--port", str(port), "--dir", folder, "--aclfile", str(users), "--daemonize", "no"]
        server = subprocess.Popen(
            [binary, DEPLOY / "redis.conf", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        url = f"redis://textproof:secret@127.0.0.1:{port}/0"
        try:
            wait_until(
                lambda: command("keys", "list", TEXTPROOF_REDIS_URL=url)[0] == 0, seconds=30, what="the store answers"
            )
            yield Seen(f"{binary.name} with deploy/redis.conf and redis-users.acl", "starts and answers", well=True)
        finally:
            server.terminate()
            server.wait()


@row("F17")
def short_range(run: Run) -> Iterator[Seen]:
    """What has no effect is not called done."""
    for what in ("+1415", "+1", "+999123"):
        said = run.place().command("limits", "block", what)
        yield Seen(f"limits block {what}", last(said), "Closed" not in said)


@row("F19")
def another_secret(run: Run) -> Iterator[Seen]:
    """A replica with another secret is not ready, and says why."""
    place = run.place()
    place.typed(fresh_number())
    with ServiceProcess(place.settings | {"TEXTPROOF_SECRET_KEY": OTHER_SECRET}) as odd, Browser(odd.url) as browser:
        answer = browser.get("/readyz")
        fault = answer.json()["faults"][0]
        yield Seen("/readyz of a replica with another SECRET_KEY", fault[:120], "SECRET_KEY" in fault)


@row("F21")
def which_configuration(_run: Run) -> Iterator[Seen]:
    """Each command says which configuration it read."""
    for name in (("limits",), ("keys", "list"), ("doctor",), ("settings",)):
        _, said = command(*name, config='BRAND = "Acme"\n', TEXTPROOF_REDIS_URL="redis://127.0.0.1:1/0")
        line = next((line for line in said.splitlines() if "config.cfg" in line), "")
        yield Seen(f"textproof {' '.join(name)}", line[:120], bool(line))


@row("F22")
def hanging_redis(run: Run) -> Iterator[Seen]:
    """What the balancer answers by itself is a page, or a problem, by what was asked."""
    place = run.place(BRAND="Hanging")
    with Balancer([place.service.port]) as balancer:
        place.store.hang()
        try:
            with Browser(balancer.url) as browser:
                wait_until(lambda: browser.get("/").status == 503, seconds=30, what="no replica is up")  # noqa: PLR2004
                for path, kind in (("/", "text/html"), ("/v1/verifications/x", "application/problem+json")):
                    answer = browser.get(path)
                    found = answer.headers.get("Content-Type", "")
                    retry = answer.headers.get("Retry-After", "none")
                    yield Seen(f"GET {path} while Redis hangs", f"{found}, Retry-After {retry}", found.startswith(kind))
        finally:
            place.store.resume()


@row("F25")
def not_ready(run: Run) -> Iterator[Seen]:
    """A replica that stays as it is does not say so at each probe."""
    place = run.place(BRAND="Not ready")
    place.lines("not_ready")
    place.store.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    with Browser(place.service.url) as browser:
        for _ in range(20):
            browser.get("/readyz")
    place.store.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    many = len(place.lines("not_ready"))
    yield Seen("20 probes of a replica that is not ready", f"{many} lines", many == 1)


@row("F26")
def version(_run: Run) -> Iterator[Seen]:
    """The command has a version."""
    status, said = command("--version")
    yield Seen("textproof --version", last(said), status == 0)


@row("F28")
def missing_replicas(run: Run) -> Iterator[Seen]:
    """The doctor finds what /readyz finds."""
    said = run.place().command("doctor", TEXTPROOF_REPLICAS="3")
    line = next((line for line in said.splitlines() if "REPLICAS" in line), "")
    yield Seen("REPLICAS = 3, and no replica", line[:120], "fix" in line)


WRONG: Mapping[str, tuple[str, dict[str, str]]] = {
    "lower case": ('api_key = "KEY"\n', {}),
    "JSON": ('{"API_KEY": "KEY"}\n', {}),
    "an empty secret file": ("", {"TEXTPROOF_API_KEY_FILE": "/dev/null"}),
    "an option that nobody knows": ("", {"TEXTPROOF_REDIS_URL": "redis://127.0.0.1/0?foo=bar"}),
    "a database that is no number": ("", {"TEXTPROOF_REDIS_URL": "redis://127.0.0.1/?db=abc"}),
    "a space in PUBLIC_URL": ('SENDER = "demo"\nPUBLIC_URL = "https://a b.com"\n', {}),
    "sys.exit() in config.cfg": ("import sys\nsys.exit()\n", {}),
    "no worker": ("", {"WORKERS": "0"}),
    "a port that is none": ("", {"PORT": "70000"}),
    "DRAIN_SECONDS that is no number": ("", {"DRAIN_SECONDS": "abc"}),
    "PUBLIC_URL without a sender": ('PUBLIC_URL = "https://verify.example.com"\n', {}),
}


@row("B7")
def not_understood(_run: Run) -> Iterator[Seen]:
    """What is set and not understood is refused with words."""
    for what, (config, environ) in WRONG.items():
        status, said = command("run", config=config, **environ)
        yield Seen(
            what,
            last(said.replace("config.cfg.example describes them all.", "")),
            status != 0 and "Traceback" not in said,
        )
