"""A whole cluster, or all sentinels, that answer nothing: refused in time, as with one server."""

import time
from contextlib import closing

import pytest

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.errors import StoreUnavailable
from service.verification.ports import Verdict
from tests.store.attempts import Attempt
from tests.support.processes import wait_until
from tests.support.servers import ClusterServers, SentinelServers

pytestmark = pytest.mark.slow

IN_TIME = 20.0  # seconds: ten times what is promised, and measured by `make faults`; a machine may be busy
GROUPS = {"cluster": ClusterServers, "sentinel": SentinelServers}
HARM = {"killed": lambda server: server.kill(), "hung": lambda server: server.hang()}


@pytest.fixture(params=GROUPS)
def group(request, ends):
    return ends.enter_context(GROUPS[request.param]())


@pytest.fixture
def attempt_at(ends, policy, keyring_of, clock, numbers):
    """`attempt_at(group)()` asks this group for a fresh number."""

    def ask(group):
        store = RedisStore(ends.enter_context(closing(connect(group.url))), policy)
        keyring = keyring_of(store)
        return lambda: Attempt(store, keyring, clock, next(numbers))

    return ask


@pytest.mark.parametrize("harm", HARM)
def test_a_group_that_answers_nothing_is_refused_in_time(group, attempt_at, harm):
    make_attempt = attempt_at(group)
    one = make_attempt()
    assert one.start().verdict is Verdict.DONE
    for server in group.nodes:
        HARM[harm](server)

    refusals = []
    for _ in range(5):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            make_attempt().start()
        refusals.append(time.monotonic() - began)

    assert max(refusals) < IN_TIME


def test_a_cluster_whose_servers_hung_is_found_again(ends, attempt_at):
    group = ends.enter_context(ClusterServers())
    one = attempt_at(group)()
    one.start()
    for server in group.nodes:
        server.hang()
    for _ in range(4):
        with pytest.raises(StoreUnavailable):
            one.show()
    for server in group.nodes:
        server.resume()

    def is_back():
        try:
            return one.show().verdict is Verdict.DONE
        except StoreUnavailable:
            return False

    wait_until(is_back, what="the cluster is found again")
