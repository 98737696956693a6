"""Connections to Redis: nobody reads what was meant for another, and none is left behind, by a thread or a fork."""

import gc
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
import redis

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.errors import StoreUnavailable
from tests.store.attempts import Attempt
from tests.support.http import burst
from tests.support.processes import wait_until
from tests.support.servers import StoreServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
AT_ONCE = 8
FORKED = """
import os, sys
from service.store.connect import connect
from service.store.script import Scripts

def ask(words):
    for word in words:  # whose answer it is shows in the answer
        answer = scripts.run("echo", [], [word])
        assert answer == {"word": word}, (word, answer)

scripts = Scripts(connect(sys.argv[1]))
scripts._sources["echo"] = "return cjson.encode({word = ARGV[1]})"
scripts._digests["echo"] = scripts.client.script_load(scripts._sources["echo"])
ask(["before"])
children = []
for child in range(2):
    children.append(os.fork())
    if not children[-1]:
        try:
            ask(f"child-{child}-{turn}" for turn in range(2000))
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
            os._exit(1)
        os._exit(0)
ask(f"parent-{turn}" for turn in range(2000))
sys.exit(max(os.waitpid(child, 0)[1] for child in children) and 1)
"""


class Visitor(Attempt):
    """Somebody who asks at a moment of their own, which tells whose record an answer is about."""

    def arrive(self, clock) -> None:
        """Ask for a code."""
        clock.advance(0.001)
        self.begun = self.now
        self.start()

    def is_told_about_itself(self) -> bool:
        return self.record.begun == self.begun

    def is_answered(self) -> bool:
        with suppress(StoreUnavailable):
            return self.is_told_about_itself()
        return False


class Crew:
    """Threads that stay, as those of a worker do: each does one step when it is told, and keeps what it has."""

    def __init__(self, size: int) -> None:
        self._size, self._together = size, threading.Barrier(size)
        self._pool = ThreadPoolExecutor(size)
        self.close = self._pool.shutdown

    def all(self, step):
        """Return what each of them got, an exception as it is."""

        def one(place):
            self._together.wait()  # so that no thread does two
            try:
                return step(place)
            except Exception as error:  # noqa: BLE001 - it is told to who asked
                return error

        return list(self._pool.map(one, range(self._size)))


@pytest.fixture
def crew(ends):
    return ends.enter_context(closing(Crew(AT_ONCE)))


@pytest.fixture
def server(ends):
    return ends.enter_context(StoreServer(appendonly=True))


@pytest.fixture
def make_people(ends, policy, keyring_of, clock, numbers):
    """`make_people(url, count)`: who has asked for a code, on one store that threads share; and its client."""

    def make(url, count):
        client = ends.enter_context(closing(connect(url)))
        store = RedisStore(client, policy)
        keyring = keyring_of(store)
        people = [Visitor(store, keyring, clock, next(numbers)) for _ in range(count)]
        for one in people:
            one.arrive(clock)
        return people, client

    return make


# -- An answer that comes too late


def test_an_answer_that_comes_too_late_is_read_by_nobody(lossy, make_people):
    (first, second), _ = make_people(lossy.url, 2)

    lossy.hang = True
    with pytest.raises(StoreUnavailable):
        first.show()
    lossy.hang = False

    assert second.is_told_about_itself()
    assert first.is_told_about_itself()


def test_when_many_threads_gave_up_waiting_each_is_told_about_itself_afterwards(lossy, make_people, crew):
    people, _ = make_people(lossy.url, AT_ONCE + 1)
    for _ in range(3):
        assert crew.all(lambda place: people[place].is_told_about_itself()) == [True] * AT_ONCE
        lossy.hang = True
        refused = crew.all(lambda place: people[place].is_told_about_itself())
        lossy.hang = False

        assert {type(answer) for answer in refused} == {StoreUnavailable}
        wait_until(people[-1].is_answered, what="the breaker lets everybody through")


def test_a_connection_that_is_kept_after_a_late_answer_would_read_it(lossy):
    """The control: so the network above does hand on what is late."""
    with redis.Redis.from_url(lossy.url) as client:
        connection = client.connection_pool.get_connection()
        lossy.hang = True
        connection.send_command("ECHO", "first")
        with suppress(redis.TimeoutError):
            connection.read_response(timeout=0.2, disconnect_on_error=False)
        lossy.hang = False
        connection.send_command("ECHO", "second")

        assert connection.read_response() == b"first"


# -- A connection that is dead


def test_after_a_restart_of_redis_the_first_step_of_each_thread_is_answered(server, make_people, crew):
    people, _ = make_people(server.url, AT_ONCE)
    for _ in range(5):
        assert crew.all(lambda place: people[place].is_told_about_itself()) == [True] * AT_ONCE
        server.kill()
        server.start()
    assert crew.all(lambda place: people[place].is_told_about_itself()) == [True] * AT_ONCE


def test_threads_that_all_meet_a_server_without_scripts_need_one_connection_each(server, make_people, crew):
    people, client = make_people(server.url, AT_ONCE)
    client.connection_pool.max_connections = AT_ONCE
    crew.all(lambda place: people[place].is_told_about_itself())

    server.ask("SCRIPT FLUSH")

    assert crew.all(lambda place: people[place].is_told_about_itself()) == [True] * AT_ONCE


# -- Threads that end, or wait


def test_threads_that_end_leave_no_connection_behind(server, make_people):
    """Without the collector's help: an undo is a thread of its own."""
    (one,), client = make_people(server.url, 1)
    client.connection_pool.max_connections = AT_ONCE
    gc.disable()
    try:
        for _ in range(20):
            # A thread may be joined a moment before what it had is gone.
            wait_until(lambda: in_use(client) == 0, what="connections are given back")
            assert burst(AT_ONCE, lambda _: one.is_told_about_itself(), AT_ONCE) == [True] * AT_ONCE
    finally:
        gc.enable()

    assert server.info("clients")["connected_clients"] <= AT_ONCE + 1  # and who asks


def test_a_thread_that_got_no_answer_keeps_no_connection(lossy, make_people, crew):
    """An undo sleeps between its tries; some hundreds of them would leave none for others."""
    people, client = make_people(lossy.url, AT_ONCE)
    crew.all(lambda place: people[place].is_told_about_itself())

    lossy.hang = True
    refused = crew.all(lambda place: people[place].is_told_about_itself())
    lossy.hang = False

    assert {type(answer) for answer in refused} == {StoreUnavailable}
    assert in_use(client) == 0


def in_use(client) -> int:
    return len(client.connection_pool._in_use_connections)


# -- Processes


def test_a_connection_from_before_a_fork_stays_with_the_parent(server):
    done = subprocess.run(
        [sys.executable, "-c", FORKED, server.url], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
