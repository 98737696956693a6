"""One script is one round trip; and a server that has forgotten the scripts is told them again."""

import pytest

from service.store.redis import RedisStore
from service.verification.errors import Delivery, TokenRejected
from service.verification.ports import Verdict
from tests.fakes import typed_token, wrong
from tests.store.attempts import Attempt
from tests.store.engines import ONE_SERVER, binary_of, engines, opened
from tests.store.watching import watched
from tests.support.servers import SentinelServers, StoreServer

STEPS = {
    "start": lambda one: one.start("form-1"),
    "start again": lambda one: one.start("form-1"),
    "wrong check": lambda one: one.miss(),
    "resend": lambda one: one.resend(),
    "report": lambda one: one.report(Delivery.SENT, "event-1"),
    "unsend": lambda one: one.unsend(2),
    "show": lambda one: one.show(),
    "right check": lambda one: one.check(),
    "late check": lambda one: one.check(),
    "cancel": lambda one: one.cancel(),
    "opt out": lambda one: one.opt_out(),
}


@pytest.fixture
def attempt_at(policy, keyring, clock, numbers):
    """`attempt_at(client)()` asks a store on this client for a fresh number."""

    def ask(client):
        store = RedisStore(client, policy)
        return lambda: Attempt(store, keyring, clock, next(numbers))

    return ask


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_every_verb_is_one_round_trip(engine, attempt):
    """Refusals as well."""
    one = attempt(watched=False)
    for step in STEPS.values():
        step(attempt(watched=False))  # the scripts are loaded, the connection is made
    (server,) = engine.nodes

    trips = {}
    with watched(server) as commands:
        for name, step in STEPS.items():
            step(one)
            trips[name] = [words[0].upper() for words in commands()]

    assert trips == {name: ["EVALSHA"] for name in STEPS}


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_a_whole_start_is_two_round_trips_and_a_whole_check_is_one(engine, verifier, sender, number):
    """After a success its start is given back, when nobody waits any more."""
    (server,) = engine.nodes
    verifier.check(verifier.start(number).id, typed_token(sender))
    verifier.settled()

    trips = {}
    with watched(server) as commands:
        one = verifier.start(number)
        trips["start"] = [words[0].upper() for words in commands()]
        with pytest.raises(TokenRejected):
            verifier.check(one.id, wrong(typed_token(sender)))
        trips["wrong check"] = [words[0].upper() for words in commands()]
        verifier.check(one.id, typed_token(sender))
        trips["right check"] = [words[0].upper() for words in commands()]
        verifier.settled()
        trips["afterwards"] = [words[0].upper() for words in commands()]

    one = ["EVALSHA"]
    assert trips == {"start": one * 2, "wrong check": one, "right check": one, "afterwards": one}


@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_a_start_is_three_keys_and_the_right_check_takes_its_token_away(engine, attempt):
    """The record, its token, and the number: what it was sent, and who asked for it."""
    (server,) = engine.nodes
    one = attempt(watched=False)
    before = set(server.keys())

    def made():
        return sorted(name.decode()[0] for name in set(server.keys()) - before)

    one.start("form-1")
    assert made() == ["n", "t", "v"]
    one.miss()
    assert made() == ["c", "c", "n", "t", "v"]
    one.check()
    assert made() == ["n", "v"]


def test_scripts_that_were_forgotten_are_told_again(engine, begun):
    one = begun()
    engine.forget_scripts()

    assert one.check().verdict is Verdict.DONE


@pytest.mark.parametrize("name", engines(*ONE_SERVER))
def test_a_restarted_server_goes_on_where_it_was(name, attempt_at, ends):
    server = ends.enter_context(StoreServer(binary_of(name), appendonly=True))
    one = attempt_at(opened(server.url, [server], ends).client)()
    one.start()
    one.miss(3)
    server.restart()

    assert one.record.checks == 3
    assert one.check().verdict is Verdict.DONE


@pytest.mark.slow
@pytest.mark.xdist_group("sentinel")
def test_the_store_follows_a_failover(attempt_at, ends):
    """The next primary knows what was replicated, and is told the scripts, which were not."""
    servers = ends.enter_context(SentinelServers())
    make = attempt_at(opened(servers.url, [servers.primary], ends).client)
    attempts = [make() for _ in range(3)]
    for one in attempts:
        one.start()
    attempts[0].check()
    attempts[1].miss(4)
    with servers.primary.client() as primary:
        primary.set("marker", "", ex=60)  # what WAIT waits for is what its own connection has written
        assert primary.wait(2, 5000) == 2

    servers.await_failover(servers.kill_primary())

    assert attempts[0].check().verdict is Verdict.APPROVED
    assert attempts[1].miss().verdict is Verdict.REJECTED
    assert attempts[1].record.checks == 5
    assert attempts[2].check().verdict is Verdict.DONE
