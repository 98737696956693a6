"""deploy/plain: Debian's own Redis and HAProxy, started by the commands of the units. systemd itself is not here."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.fleet import haproxy
from tests.support.http import Browser
from tests.support.processes import Child, free_port, wait_until
from tests.support.servers import redis_binary

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PLAIN = ROOT / "deploy" / "plain"
START_SECONDS = 60.0


class Machine:
    """A folder that stands for a machine: what the units and their files say, with that folder in front."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.replicas = [free_port() for _ in range(3)]
        self.published = free_port()
        ports = " ".join(map(str, self.replicas))
        install = [PLAIN / "install"]
        subprocess.run(install, env={"PATH": os.environ["PATH"], "PORTS": ports, "DESTDIR": str(folder)}, check=True)
        for place in ("run/textproof-redis", "var/lib/textproof-redis"):
            (folder / place).mkdir(parents=True)
        for file in (folder / "etc/textproof").iterdir():
            text = re.sub(r"(?<=[ =/])/?/(run|var/lib|etc)/textproof", rf"{folder}/\1/textproof", file.read_text())
            text = text.replace("unix:///", "unix://").replace(f"unix:/{folder}", f"unix://{folder}")
            text = text.replace(" :8080", f" 127.0.0.1:{self.published}").replace(":8081", f":{free_port()}")
            file.write_text(text)

    def unit(self, name: str) -> dict[str, str]:
        """Return the last value of each directive of a unit."""
        text = (self.folder / "etc/systemd/system" / name).read_text()
        return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))

    def environment(self) -> dict[str, str]:
        text = (self.folder / "etc/textproof/environment").read_text()
        return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))

    def start(self, name: str, instance: str = "") -> Child:
        """Start the command of a unit."""
        unit = self.unit(name)
        own = dict(word.split("=", 1) for word in unit.get("Environment", "").replace("%i", instance).split())
        command = shlex.split(unit["ExecStart"].replace("(", "\\(").replace(")", "\\)"))
        return Child(
            [word.replace("/etc/textproof", f"{self.folder}/etc/textproof") for word in command],
            output=self.folder / f"{name}{instance}.log",
            cwd=Path(unit.get("WorkingDirectory", "/")),
            env={"PATH": os.environ["PATH"], **self.environment(), **own},
        )


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Machine:
    return Machine(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def running(machine) -> Iterator[Machine]:
    with ExitStack() as ends:
        services = [("textproof-redis.service", "")]
        services += [("textproof@.service", str(port)) for port in machine.replicas]
        services += [("textproof-balancer.service", "")]
        children = [ends.enter_context(machine.start(*service)) for service in services]

        def is_up() -> bool:
            assert not [child.tail() for child in children if child.exit_code is not None]
            asked = {machine.published: "/", **dict.fromkeys(machine.replicas, "/readyz")}
            try:
                return all(Browser(f"http://127.0.0.1:{port}").get(path).status == 200 for port, path in asked.items())
            except OSError:
                return False

        wait_until(is_up, seconds=START_SECONDS, what="all replicas are up, and the balancer has one")
        yield machine


def needs(what: str, *, there: bool):
    """Step aside where it is not installed; CI has it all."""
    assert there or os.environ.get("CI") != "true", f"{what} is missing"
    return pytest.mark.skipif(not there, reason=f"needs {what}")


needs_servers = needs("redis-server and haproxy", there=bool(haproxy() and redis_binary()))


@needs_servers
def test_everything_starts_and_the_doctor_finds_nothing_to_fix(running, tmp_path):
    """By the command that is installed; the user that it becomes is not here."""
    command = tmp_path / "textproof"
    installed = (running.folder / "usr/local/bin/textproof").read_text()
    command.write_text(installed.replace("/etc/textproof", f"{running.folder}/etc/textproof"))
    (tmp_path / "runuser").write_text('#!/bin/sh\n[ "$1 $2 $3" = "-u textproof --" ] && shift 3 && exec "$@"\n')
    for script in (command, tmp_path / "runuser"):
        script.chmod(0o755)

    ended = subprocess.run(
        [command, "doctor"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, "fix " in ended.stdout) == (0, False), ended.stdout + ended.stderr
    assert "the store is Redis 7" in ended.stdout
    assert "Redis writes to disk" in ended.stdout
    assert f"{running.folder}/etc/textproof/config.cfg (named by TEXTPROOF_CONFIG)" in ended.stderr


@needs_servers
def test_people_reach_all_replicas_through_the_balancer_and_are_told_apart(running):
    with Browser(f"http://127.0.0.1:{running.published}") as browser:
        answers = [browser.get("/demo/messages").status for _ in range(12)]
        assert answers == [200] * 12
        assert browser.get("/metrics").status == 404
    for port in running.replicas:
        with Browser(f"http://127.0.0.1:{port}") as browser:
            assert browser.get("/readyz").status == 200


def test_the_balancer_is_that_of_the_containers_but_for_the_servers(tmp_path):
    env = {"PATH": os.environ["PATH"], "PORTS": "8001 8002", "DESTDIR": str(tmp_path)}
    subprocess.run([PLAIN / "install"], env=env, check=True)
    here = (tmp_path / "etc/textproof/haproxy.cfg").read_text()
    there = (ROOT / "deploy" / "haproxy.cfg").read_text()

    servers = "    server web8001 127.0.0.1:8001\n    server web8002 127.0.0.1:8002\n"
    assert here == re.sub(r"^ *server-template .*\n", servers, there, flags=re.MULTILINE)


def test_what_is_yours_is_left_alone_when_it_is_installed_again(tmp_path):
    env = {"PATH": os.environ["PATH"], "DESTDIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([PLAIN / "install"], env=env, check=True)
        for name in ("config.cfg", "environment"):
            with (tmp_path / "etc/textproof" / name).open("a") as file:
                file.write("# mine\n")

    texts = [(tmp_path / "etc/textproof" / name).read_text() for name in ("config.cfg", "environment")]
    assert [text.count("# mine") for text in texts] == [2, 2]
    assert (tmp_path / "etc/textproof/config.cfg").stat().st_mode & 0o777 == 0o640


@needs("systemd-analyze", there=shutil.which("systemd-analyze") is not None)
def test_the_units_are_what_systemd_wants(machine):
    units = machine.folder / "etc/systemd/system"
    (units / "textproof@8001.service").symlink_to("textproof@.service")
    names = ("textproof-redis.service", "textproof@8001.service", "textproof-balancer.service")

    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *[units / name for name in names]],
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in ended.stderr.splitlines() if "textproof" in line] == []


ROLLING = """#!/bin/sh
case "$1" in
list-units) printf 'textproof@%s.service loaded active running x\\n' $PORTS ;;
restart) echo "$2" >> "$DONE" ;;
esac
"""


@needs_servers
def test_a_rolling_restart_takes_one_after_the_other_and_waits_for_each(running, tmp_path):
    """Systemctl is played by a script: what it is told, and that the next one waits for /readyz."""
    (tmp_path / "systemctl").write_text(ROLLING)
    (tmp_path / "journalctl").write_text("#!/bin/sh\n")
    for name in ("systemctl", "journalctl"):
        (tmp_path / name).chmod(0o755)
    ports = [running.replicas[0], running.replicas[1], free_port()]
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PORTS": " ".join(map(str, ports)), "READY_SECONDS": "1"}

    ended = subprocess.run(
        [PLAIN / "rolling-restart"],
        env=env | {"DONE": str(tmp_path / "done")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (tmp_path / "done").read_text().split() == [f"textproof@{port}.service" for port in ports]
    assert ended.stdout.splitlines() == [f"Restarted textproof@{port}.service." for port in ports[:2]]
    assert f"textproof@{ports[2]}.service is not ready" in ended.stderr
    assert ended.returncode == 1
