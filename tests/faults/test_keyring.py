"""The keys change under people who are in the middle of it: nobody's code is lost, whichever replica they meet."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.envelope import Keys
from tests.races.people import Person, arrive
from tests.support.http import Browser
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

OLD, NEW = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@pytest.fixture
def keys(ends, server, policy):
    """The keyring as an operator's command reaches it."""
    store = RedisStore(ends.enter_context(closing(connect(server.url))), policy)
    return lambda *secrets: Keys(store.keyring, secrets, prefix="tp")


def check(replica: ServiceProcess, person: Person) -> int:
    with Browser(replica.url) as browser:
        browser.cookies = dict(person.cookies)
        return browser.post("/verify", {"token": person.token}).status


def test_a_new_secret_on_one_replica_after_the_other_loses_no_code(replica_with, keys, numbers):
    """Begun under the old one, typed in under the new one, and the other way round."""
    old = replica_with(OLD)
    begun_before = [arrive(old, next(numbers)) for _ in range(3)]
    new = replica_with(NEW, OLD)
    begun_meanwhile = [arrive(one, next(numbers)) for one in (old, new) for _ in range(3)]

    assert [check(new, person) for person in begun_before[:2]] == [200] * 2
    assert [check(one, person) for one, person in zip([new] * 3 + [old] * 3, begun_meanwhile, strict=True)] == [200] * 6
    keys(NEW).reseal()
    last = replica_with(NEW)
    assert check(last, begun_before[2]) == 200


def test_rotations_under_load_lose_no_code(replica_with, keys, numbers):
    replicas = [replica_with(OLD), replica_with(OLD)]
    ends, seen, lock = threading.Event(), [], threading.Lock()

    def go_on_and_on(turn: int) -> None:
        while not ends.is_set():
            with lock:
                number = next(numbers)
            person = arrive(replicas[turn % 2], number)
            seen.append(check(replicas[(turn + 1) % 2], person))

    with ThreadPoolExecutor(4) as pool:
        people = [pool.submit(go_on_and_on, turn) for turn in range(4)]
        for _ in range(3):
            enough = len(seen) + 10
            wait_until(lambda: len(seen) >= enough, seconds=60, what="people come and go")  # noqa: B023
            keys(OLD).rotate()
        enough = len(seen) + 10
        wait_until(lambda: len(seen) >= enough, seconds=60, what="people come and go")
        ends.set()
    for one in people:
        one.result()

    assert set(seen) == {200}


def test_a_redis_that_was_emptied_gets_the_keyring_of_a_replica_that_runs(replica_with, server, numbers):
    running = replica_with(OLD)
    arrive(running, next(numbers))
    before = server.ask("HGET", "{tp}:keyring", "id")

    server.flush()
    arrive(running, next(numbers))

    assert server.ask("HGET", "{tp}:keyring", "id") == before
