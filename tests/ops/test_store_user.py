"""The user of deploy/redis-users.acl: the service runs with exactly its rights, and it is refused everything else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from service.commands import stats
from service.commands.limits import Limits
from service.commands.number import Trail
from service.sender.demo import DemoSender
from service.store.breaker import FAILURES
from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.clients import Client
from service.verification.envelope import Keys
from service.verification.errors import Delivery, SendRefused, TokenRejected
from service.verification.ports import OptOut, Receipt
from service.verification.verifier import Verifier
from tests.fakes import FakeClock, RecordingSender, typed_token, wrong
from tests.store.engines import binary_of, engines
from tests.support.servers import StoreServer

DEPLOY = Path(__file__).parents[2] / "deploy"
PASSWORD = "a-password-of-a-test"
BUT_NOT_SEEN_HERE = {"wait"}  # only where there are replicas
ANYBODY_MAY = {"auth", "hello", "quit", "reset"}  # these need no right
HANDSHAKE = {"hello", "ping"}


class GuardedServer(StoreServer):
    """A server with the users of deploy/, and one more: the test's own, who may do everything."""

    def __init__(self, binary, *, rules):
        super().__init__(binary, appendonly=True, directives=['aclfile "users.acl"'])
        (self.directory / "users.acl").write_text(rules)

    def client(self, **options):
        return super().client(**{"username": "test", "password": PASSWORD} | options)

    @property
    def url(self):
        return f"redis://textproof:{PASSWORD}@127.0.0.1:{self.port}/0"


def users():
    """Return the file as the container writes it."""
    lines = [line for line in (DEPLOY / "redis-users.acl").read_text().splitlines() if not line.startswith("#")]
    return "\n".join([*lines, f"user test on >{PASSWORD} ~* &* +@all", ""]).replace("PASSWORD", PASSWORD)


@pytest.fixture(scope="module", params=engines("valkey", "redis"))
def server(request):
    with GuardedServer(binary_of(request.param), rules=users()) as started:
        yield started


@dataclass(frozen=True)
class Desk:
    """What `everything` works with."""

    verifier: Verifier
    store: RedisStore
    sender: RecordingSender
    keys: Keys
    clock: FakeClock
    numbers: Iterator[str]


@pytest.fixture
def policy(settings):
    """With every limit in use."""
    return settings(
        MESSAGE_PRICES=(("*", 0.01),), SPEND_PER_DAY=10.0, SENDER_RATE_PER_SECOND=100.0, ALLOWED_REGIONS=("US", "CA")
    ).policy


@pytest.fixture
def store(server, policy):
    server.flush()
    return RedisStore(connect(server.url), policy, messages_per_second=100)


@pytest.fixture
def desk(verifier, store, sender, keys, clock, numbers):  # noqa: PLR0917
    return Desk(verifier, store, sender, keys, clock, numbers)


def allowed():
    """Return the commands that the file allows."""
    return set(
        re.findall(r" \+([a-z|]+)", (DEPLOY / "redis-users.acl").read_text().split("user textproof")[1].split("\n")[0])
    )


def everything(desk: Desk) -> None:
    """Do all that the service and its commands do."""
    verifier, store, sender, keys = desk.verifier, desk.store, desk.sender, desk.keys
    clock, numbers = desk.clock, desk.numbers
    somewhere = Caller.at("2001:db8::1")
    assert store.ready() == [] or "clock" in str(store.ready())
    started = verifier.start(next(numbers), caller=somewhere, nonce="once")
    with pytest.raises(TokenRejected):
        verifier.check(started.id, wrong(typed_token(sender)))
    verifier.check(started.id, typed_token(sender))
    again = verifier.start(next(numbers), caller=somewhere)
    clock.advance(60)
    verifier.resend(again.id, caller=somewhere)
    verifier.receive(Receipt(again.id, "event", Delivery.DELIVERED, cost=0.02))
    verifier.cancel(again.id)
    sender.refuse()
    with pytest.raises(SendRefused):
        verifier.start(next(numbers), caller=somewhere)
    opted_out = next(numbers)
    verifier.receive(OptOut(opted_out, out=True))
    with pytest.raises(SendRefused):
        verifier.start(opted_out)
    verifier.receive(OptOut(opted_out, out=False))
    keyring = keys().id
    store.verifications.pause(keyring=keyring, now=0, is_trial=False)
    store.verifications.resume()
    store.notes.claim("name", b"note", keyring=keyring, seconds=9)
    store.notes.write("name", b"note", keyring=keyring, seconds=9)
    store.notes.read("name")
    store.notes.drop("name")
    demo = DemoSender(store.notes, keys, clock)
    demo.send(sender.messages[0])
    assert demo.inbox()
    limits = Limits(store, keys(), verifier.policy)
    limits.block("+1202555")
    assert list(limits.show())
    limits.lift("+1202555")
    limits.forgive("+12025550143")
    assert list(Trail(store, keys(), verifier.policy).show("+12025550143"))
    assert stats.read(store, datetime.fromtimestamp(clock(), UTC).date())
    _clients(store)
    keys.rotate()
    keys.reseal()
    keys.discard()


def _clients(store: RedisStore) -> None:
    one = Client(prefix="abcdefgh", name="one", digest="0" * 64, created=1)
    store.clients.add(one)
    assert store.clients.find("abcdefgh") == one
    assert store.clients.all() == [one]
    store.clients.revoke("abcdefgh")


def test_the_service_does_all_it_does_as_this_user(server, desk):
    server.ask("ACL LOG", "RESET")

    everything(desk)

    assert server.ask("ACL LOG") == []


def test_it_has_no_right_that_it_does_not_use(server, desk):
    server.ask("CONFIG RESETSTAT")

    everything(desk)

    used = {name.removeprefix("cmdstat_") for name in server.info("commandstats")}
    assert allowed() - used - HANDSHAKE == BUT_NOT_SEEN_HERE


def test_of_all_commands_it_may_run_these(server):
    """The server is asked about each command that it knows, with as many words as it wants."""
    with server.client() as client:
        names = {name.decode() for name in client.execute_command("COMMAND LIST")}
        names -= {name.partition("|")[0] for name in names if "|" in name}
        may = {name for name in names if not refuses(client, name)}

    assert len(names) > 300
    assert may - ANYBODY_MAY == allowed() & names - ANYBODY_MAY


def refuses(client, name):
    """Tell whether the user may not run a command at all, whatever its keys are."""
    ((_, arity, *_),) = client.execute_command("COMMAND INFO", name)
    words = name.split("|")
    answer = client.execute_command("ACL DRYRUN", "textproof", *words, *["1"] * (abs(arity) - len(words)))
    return b"permissions to run" in answer


@pytest.mark.parametrize("command", ["info", "time"])
def test_without_a_right_to_look_it_is_not_ready_and_says_what_is_missing(server, store, keys, command):
    """Whether limits may be forgotten is not known then, so that nobody may trust it. But it did answer: while probes
    go on asking, it is not taken for broken.
    """
    server.ask("ACL SETUSER", "textproof", f"-{command}")
    try:
        told = [store.ready() for _ in range(FAILURES + 1)]
        keyring = keys()
    finally:
        server.ask("ACL SETUSER", "textproof", f"+{command}")

    assert told == [[f"the Redis user may not call {command.upper()}: give it +{command}"]] * len(told)
    assert keyring
    assert store.ready() == []


@pytest.mark.parametrize(
    "command",
    [("EVAL", "return 1", "0"), ("GET", "somebody-elses"), ("SET", "{other}:v:x", "1"), ("GET", "tp:v:x")],
    ids=" ".join,
)
def test_everything_else_is_refused(server, command):
    with redis.Redis.from_url(server.url) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)


def test_a_script_has_no_more_rights_than_who_runs_it(server):
    with redis.Redis.from_url(server.url) as client:
        digest = client.script_load("return redis.call('FLUSHALL')")

        with pytest.raises(redis.ResponseError, match=r"(?i)permission|acl failure|can.t run this command"):
            client.evalsha(digest, 0)


def test_the_password_is_put_in_by_the_compose_file():
    text = (DEPLOY.parent / "docker-compose.yml").read_text()

    assert 'sed "/^#/d; s/PASSWORD/$$REDIS_PASSWORD/"' in text
    assert (DEPLOY / "redis-users.acl").read_text().count("\nuser textproof reset on >PASSWORD ") == 1


def lasting(server):
    """Return the names of all keys but one that lives for seconds: when the sender is free again."""
    return sorted(name for name in server.ask("KEYS", "*") if name != "{tp}:f")


@pytest.mark.slow
def test_what_scripts_wrote_is_there_after_a_kill(server, verifier, sender, numbers):
    """The server reads its log in the name of `default`. With a `default` that may do nothing, it would drop it."""
    waiting, spent = verifier.start(next(numbers)), verifier.start(next(numbers))
    token, other = (message.text[:6] for message in sender.messages)
    verifier.check(spent.id, other)
    before = lasting(server)

    server.kill()
    server.start()

    assert lasting(server) == before
    assert verifier.check(waiting.id, token).status == "approved"
