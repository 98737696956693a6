"""deploy/redis.conf and deploy/redis-users.acl, as they are, start a store that the service can use."""

import re
import shlex
import subprocess

import pytest
import redis

from service.store.connect import connect
from tests.store.engines import binary_of, engines
from tests.support.processes import Child, free_port, wait_until
from tests.support.service import ROOT

PASSWORD = "a-password-of-a-test"
CONF = (ROOT / "deploy" / "redis.conf").read_text()
COMMANDS = re.findall(r"^#   (.*)$", CONF, re.MULTILINE)
START_SECONDS = 20.0  # ours: a server needs 0.05 s on an idle machine


@pytest.fixture(params=engines("valkey", "redis"))
def port(request, tmp_path):
    """Of a server that was started as the file says, on a port of its own."""
    users, start = (command.replace("/data", str(tmp_path)) for command in COMMANDS)
    subprocess.run(
        ["/bin/sh", "-c", users], cwd=ROOT, env={"PATH": "/usr/bin:/bin", "REDIS_PASSWORD": PASSWORD}, check=True
    )
    program, *words = shlex.split(start)
    assert program == "redis-server"
    port = free_port()
    command = [binary_of(request.param), *words, "--port", str(port)]
    with Child(command, output=tmp_path / "log", cwd=ROOT) as child:

        def listens():
            assert child.exit_code is None, child.tail()
            return "Ready to accept connections" in child.tail()

        wait_until(listens, seconds=START_SECONDS, what="the store is ready")
        yield port


def test_the_service_reaches_it_as_its_user_and_nothing_is_forgotten(port, tmp_path):
    with connect(f"redis://textproof:{PASSWORD}@127.0.0.1:{port}/0") as client:
        assert client.ping()
        assert client.info("memory")["maxmemory_policy"] == "noeviction"
        assert client.info("persistence")["aof_enabled"] == 1
    assert (tmp_path / "appendonlydir").is_dir()


def test_nobody_else_gets_in(port):
    with redis.Redis(port=port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
