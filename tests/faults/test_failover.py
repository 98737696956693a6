"""The server behind an address is not the one to write to any more, and lives: the right one is found without help.

Told apart from a server that is gone (test_outages.py): this one answers, and keeps every connection open.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import pytest

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.errors import StoreUnavailable
from service.verification.ports import Verdict
from service.web.health import faults
from tests.store.attempts import Attempt
from tests.store.engines import ONE_SERVER, binary_of, engines
from tests.support.http import burst
from tests.support.processes import free_port, wait_until
from tests.support.proxy import DroppingProxy
from tests.support.servers import ClusterServers, SentinelServers, StoreServer, await_replicas

pytestmark = pytest.mark.slow

IN_TIME = 20.0  # seconds: ten times what is promised, and measured by `make faults`; a machine may be busy
AT_ONCE = 16


@dataclass(frozen=True)
class Stack:
    """A store, as a process has it."""

    store: RedisStore
    make_attempt: Callable[..., Attempt]

    def begun(self) -> Attempt:
        one = self.make_attempt()
        assert one.start().verdict is Verdict.DONE
        return one

    def is_back(self) -> bool:
        try:
            return self.make_attempt().start().verdict is Verdict.DONE
        except StoreUnavailable:
            return False


@pytest.fixture
def stack_at(ends, policy, keyring_of, clock, numbers):
    """`stack_at(url)`: a store at this address."""

    def make(url, **options):
        store = RedisStore(ends.enter_context(closing(connect(url))), policy, **options)
        keyring = keyring_of(store)
        return Stack(store, lambda: Attempt(store, keyring, clock, next(numbers)))

    return make


@pytest.fixture(params=engines(*ONE_SERVER))
def binary(request):
    return binary_of(request.param)


@pytest.fixture
def refusals(caplog):
    """What the log says of servers that refuse."""
    return lambda: [record.reason for record in caplog.records if record.message == "store_refuses"]


# -- An address that leads to another server


class Pair:
    """A primary and its replica, with an address that leads to the primary."""

    def __init__(self, binary, ends):
        self.old = ends.enter_context(StoreServer(binary))
        self.new = ends.enter_context(StoreServer(binary, directives=[f"replicaof 127.0.0.1 {self.old.port}"]))
        await_replicas(self.old, 1)
        self.address = ends.enter_context(DroppingProxy(self.old.port, drop=0))

    def change_places(self):
        """The replica is the primary from now on, and the primary its replica, which still answers."""
        self.new.ask("REPLICAOF", "NO", "ONE")
        self.old.ask("REPLICAOF", "127.0.0.1", self.new.port)


@pytest.fixture
def pair(binary, ends):
    return Pair(binary, ends)


@pytest.mark.parametrize("replicas", [0, 1])
def test_the_first_step_after_the_address_has_moved_is_answered(pair, stack_at, refusals, replicas):
    stack = stack_at(pair.address.url, replicas=replicas)
    one = stack.begun()

    pair.change_places()
    pair.address.lead_to(pair.new.port)
    if replicas:
        await_replicas(pair.new, 1)

    assert one.check().verdict is Verdict.DONE
    assert refusals() == ["READONLY"]
    assert stack.store.ready() == []


def test_all_that_ask_at_once_are_answered_and_the_log_says_it_once(pair, stack_at, refusals):
    stack = stack_at(pair.address.url)
    people = [stack.begun() for _ in range(AT_ONCE)]
    burst(AT_ONCE, lambda place: people[place].show(), AT_ONCE)  # a connection for each

    pair.change_places()
    pair.address.lead_to(pair.new.port)
    answers = burst(AT_ONCE, lambda place: people[place].check().verdict, AT_ONCE)

    assert answers == [Verdict.DONE] * AT_ONCE
    assert refusals() == ["READONLY"]


@pytest.mark.parametrize("replicas", [0, 1])
def test_while_the_address_leads_to_a_replica_all_is_refused_and_it_is_not_ready(pair, stack_at, refusals, replicas):
    stack = stack_at(pair.address.url, replicas=replicas)
    stack.begun()
    pair.change_places()

    began = time.monotonic()
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="READONLY"):
            stack.make_attempt().start()
    slowest = time.monotonic() - began
    assert slowest < IN_TIME
    wait_until(lambda: "Redis refuses: READONLY" in faults(stack.store), what="it is not ready, and says why")

    pair.address.lead_to(pair.new.port)

    # Nobody else asks by now: the balancer has taken it out.
    wait_until(lambda: faults(stack.store) == [], seconds=IN_TIME, what="ready")
    assert stack.is_back()
    assert refusals() == ["READONLY"]


# -- A server that does not write


def forget_the_directory(server):
    """Its next snapshot fails."""
    shutil.rmtree(server.directory)
    server.ask("CONFIG SET", "save", "1 1")
    server.ask("BGSAVE")
    wait_until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", what="a snapshot failed")


def follow_nobody(server):
    """Its primary is gone, and it is not to answer from what it has."""
    server.ask("CONFIG SET", "replica-serve-stale-data", "no")
    server.ask("REPLICAOF", "127.0.0.1", free_port())


HARM = {
    "NOREPLICAS": (
        lambda server: server.ask("CONFIG SET", "min-replicas-to-write", "1"),
        lambda server: server.ask("CONFIG SET", "min-replicas-to-write", "0"),
    ),
    "MISCONF": (forget_the_directory, lambda server: server.ask("CONFIG SET", "save", "")),
    "MASTERDOWN": (follow_nobody, lambda server: server.ask("REPLICAOF", "NO", "ONE")),
}


@pytest.mark.parametrize("reason", HARM)
def test_a_server_that_does_not_write_is_refused_for_its_reason_and_found_again(
    binary, ends, stack_at, refusals, reason
):
    server = ends.enter_context(StoreServer(binary))
    stack = stack_at(server.url)
    one = stack.begun()
    begin, end = HARM[reason]

    begin(server)
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match=reason):
            one.check()
    wait_until(lambda: faults(stack.store) == [f"Redis refuses: {reason}"], what="it is not ready, and says why")
    end(server)

    wait_until(stack.is_back, seconds=IN_TIME, what="back")
    wait_until(lambda: faults(stack.store) == [], seconds=IN_TIME, what="ready")
    assert one.check().verdict is Verdict.DONE
    assert refusals() == [reason]


# -- Groups that change their primary, whose old one lives


def test_a_sentinel_group_changes_its_primary(ends, stack_at):
    group = ends.enter_context(SentinelServers())
    stack = stack_at(group.url)
    one, old = stack.begun(), group.primary

    group.sentinels[0].ask("SENTINEL FAILOVER", group.NAME)
    group.await_failover(old)

    wait_until(stack.is_back, seconds=IN_TIME, what="back")
    assert one.check().verdict is Verdict.DONE
    assert stack.store.ready() == []


def test_a_primary_that_sentinels_still_name_though_it_is_a_replica(ends, stack_at, refusals):
    """Somebody changes places by hand, and the sentinels take a while to see it."""
    group = ends.enter_context(SentinelServers())
    stack = stack_at(group.url)
    stack.begun()
    old, other = group.primary, group.stores[1]

    old.ask("REPLICAOF", "127.0.0.1", other.port)

    with pytest.raises(StoreUnavailable, match="READONLY"):
        stack.make_attempt().start()
    assert refusals() == ["READONLY"]


def test_a_cluster_changes_its_primary(ends, stack_at):
    group = ends.enter_context(ClusterServers(replicas=1))
    stack = stack_at(group.url)
    one = stack.begun()
    successor = successor_of_the_slot(group)

    successor.ask("CLUSTER FAILOVER")
    wait_until(lambda: successor.info("replication")["role"] == "master", what="it took over")

    wait_until(stack.is_back, seconds=IN_TIME, what="back")
    assert one.check().verdict is Verdict.DONE
    assert stack.store.ready() == []


def successor_of_the_slot(group):
    """Return the replica of the primary that has everything."""
    slot = group.primaries[0].ask("CLUSTER KEYSLOT", "{tp}")
    return group.replicas[slot * len(group.primaries) // 16_384]


def test_a_cluster_that_has_lost_a_part(ends, stack_at, refusals):
    group = ends.enter_context(ClusterServers())
    stack = stack_at(group.url)
    one = stack.begun()
    slot = group.primaries[0].ask("CLUSTER KEYSLOT", "{tp}")
    mine = slot * len(group.primaries) // 16_384
    another = group.primaries[mine - 1]

    another.kill()
    wait_until(lambda: group.primaries[mine].ask("CLUSTER INFO")["cluster_state"] == "fail", what="it is noticed")

    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        one.check()
    assert time.monotonic() - began < IN_TIME
    assert refusals() == ["CLUSTERDOWN"]


# -- What it costs to find out


def test_however_often_it_is_asked_it_writes_once_a_second_a_key_that_ends(binary, ends, stack_at):
    server = ends.enter_context(StoreServer(binary))
    stack = stack_at(server.url)
    server.ask("CONFIG RESETSTAT")

    began = time.monotonic()
    asked = [stack.store.ready() for _ in range(50)]
    most = 1 + int(time.monotonic() - began)

    assert asked == [[]] * 50
    assert 1 <= server.info("commandstats")["cmdstat_set"]["calls"] <= most
    assert server.ask("PTTL", "{tp}:r") in {-2, *range(1, 1001)}  # gone by now, on a busy machine
