"""The user of deploy/redis-users.acl: the service runs with exactly its rights, and it is refused everything else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from service.limits import Limits
from service.sender.demo import DemoSender
from service.store.breaker import FAILURES
from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.clients import Client
from service.verification.errors import Delivery, SendRefused, TokenRejected
from service.verification.keys import Keyring
from service.verification.ports import Receipt
from service.verification.verifier import Verifier
from tests.fakes import FakeClock, RecordingSender, typed_token, wrong
from tests.store.engines import engines
from tests.support.servers import StoreServer, redis_binary, valkey_binary

DEPLOY = Path(__file__).parents[2] / "deploy"
PASSWORD = "a-password-of-a-test"
BUT_NOT_SEEN_HERE = {"wait"}  # only where there are replicas
ANYBODY_MAY = {"auth", "hello", "quit", "reset"}  # these need no right
HANDSHAKE = {"hello", "client|setinfo", "ping"}


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


def users(engine):
    """Return the file as the container writes it. Redis 7.0 does not know one of the words yet."""
    lines = [line for line in (DEPLOY / "redis-users.acl").read_text().splitlines() if not line.startswith("#")]
    rules = "\n".join([*lines, f"user test on >{PASSWORD} ~* &* +@all", ""]).replace("PASSWORD", PASSWORD)
    return rules.replace("+client|setinfo ", "") if engine == "redis" else rules


@pytest.fixture(scope="module", params=engines("valkey", "redis"))
def server(request):
    binary = redis_binary() if request.param == "redis" else valkey_binary()
    with GuardedServer(binary, rules=users(request.param)) as started:
        yield started


@dataclass(frozen=True)
class Desk:
    """What `everything` works with."""

    verifier: Verifier
    sender: RecordingSender
    keyring: Keyring
    clock: FakeClock
    numbers: Iterator[str]


@pytest.fixture
def desk(guarded, sender, keyring, clock, numbers):
    return Desk(guarded, sender, keyring, clock, numbers)


@pytest.fixture
def guarded(server, settings, sender, keyring, clock):
    """The verbs over the guarded server, with every budget in use."""
    server.flush()
    policy = settings(
        MESSAGE_PRICES=(("*", 0.01),), SPEND_PER_DAY=10.0, SENDER_RATE_PER_SECOND=100.0, ALLOWED_REGIONS=("US", "CA")
    ).policy
    store = RedisStore(connect(server.url), policy, messages_per_second=100)
    return Verifier(policy, store=store, sender=sender, keyring=lambda: keyring, clock=clock)


def allowed():
    """Return the commands that the file allows."""
    return set(
        re.findall(r" \+([a-z|]+)", (DEPLOY / "redis-users.acl").read_text().split("user textproof")[1].split("\n")[0])
    )


def everything(desk: Desk) -> None:
    """Do all that the service and its commands do."""
    verifier, sender, keyring, clock, numbers = desk.verifier, desk.sender, desk.keyring, desk.clock, desk.numbers
    store = verifier._store
    assert isinstance(store, RedisStore)
    store.secret()
    assert store.ready() == [] or "clock" in str(store.ready())
    started = verifier.start(next(numbers), nonce="once")
    with pytest.raises(TokenRejected):
        verifier.check(started.id, wrong(typed_token(sender)))
    verifier.check(started.id, typed_token(sender))
    again = verifier.start(next(numbers))
    clock.advance(60)
    verifier.resend(again.id)
    verifier.receive(Receipt(again.id, "event", Delivery.DELIVERED, cost=0.02))
    verifier.cancel(again.id)
    sender.refuse()
    with pytest.raises(SendRefused):
        verifier.start(next(numbers))
    opted_out = next(numbers)
    store.opt_out(keyring.current.number_digest(opted_out), out=True)
    with pytest.raises(SendRefused):
        verifier.start(opted_out)
    store.pause(now=0, is_trial=False)
    store.resume()
    store.opt_out(keyring.current.number_digest(opted_out), out=False)
    store.claim("name", b"note", seconds=9)
    store.write("name", b"note", seconds=9)
    store.read("name")
    store.drop("name")
    demo = DemoSender(store, lambda: keyring, clock)
    demo.send(sender.messages[0])
    assert demo.inbox()
    limits = Limits(store, keyring, verifier.policy)
    limits.block("+1202555")
    assert list(limits.show())
    limits.lift("+1202555")
    limits.forgive("+12025550143")
    _clients(store)


def _clients(store: RedisStore) -> None:
    one = Client(prefix="abcdefgh", name="one", digest="0" * 64, created=1)
    store.add_client(one)
    assert store.client("abcdefgh") == one
    assert store.clients() == [one]
    store.revoke_client("abcdefgh")


def test_the_service_does_all_it_does_as_this_user(server, desk):
    server.ask("ACL LOG", "RESET")

    everything(desk)

    refused = [entry for entry in server.ask("ACL LOG") if b"setinfo" not in str(entry).encode()]
    assert [entry for entry in refused if "maint" not in str(entry)] == []


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
def test_without_a_right_to_look_it_is_not_ready_and_says_what_is_missing(server, guarded, command):
    """Whether limits may be forgotten is not known then, so that nobody may trust it. But it did answer: while probes
    go on asking, it is not taken for broken.
    """
    server.ask("ACL SETUSER", "textproof", f"-{command}")
    try:
        told = [guarded._store.ready() for _ in range(FAILURES + 1)]
        secret = guarded._store.secret()
    finally:
        server.ask("ACL SETUSER", "textproof", f"+{command}")

    assert told == [[f"the Redis user may not call {command.upper()}: give it +{command}"]] * len(told)
    assert secret
    assert guarded._store.ready() == []


@pytest.mark.parametrize(
    "command",
    [
        ("EVAL", "return 1", "0"),
        ("KEYS", "*"),
        ("FLUSHALL",),
        ("FLUSHDB",),
        ("CONFIG GET", "*"),
        ("CONFIG SET", "maxmemory", "1"),
        ("ACL LIST",),
        ("MONITOR",),
        ("SCRIPT FLUSH",),
        ("FUNCTION LIST",),
        ("REPLICAOF", "127.0.0.1", "1"),
        ("SHUTDOWN",),
        ("CLIENT LIST",),
        ("DUMP", "v:{x}:y"),
        ("RENAME", "v:{x}:y", "v:{x}:z"),
        ("PERSIST", "v:{x}:y"),
        ("SUBSCRIBE", "a"),
        ("GET", "somebody-elses"),
        ("SET", "w:{x}", "1"),
        ("GET", "v:no-slot"),
    ],
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


def test_nobody_else_gets_in(server):
    with StoreServer.client(server, username=None, password=None) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_password_is_put_in_by_the_compose_file():
    text = (DEPLOY.parent / "docker-compose.yml").read_text()

    assert 'sed "/^#/d; s/PASSWORD/$$REDIS_PASSWORD/"' in text
    assert (DEPLOY / "redis-users.acl").read_text().count("\nuser textproof reset on >PASSWORD ") == 1


def lasting(server):
    """Return the names of all keys but those that live for seconds: decisions, and when the sender is free again."""
    return sorted(name for name in server.ask("KEYS", "*") if name[:10] not in ("e:{limits}", "b:{limits}"))


@pytest.mark.slow
def test_what_scripts_wrote_is_there_after_a_kill(server, guarded, sender, numbers, clock):
    """The server reads its log in the name of `default`. With a `default` that may do nothing, it would drop it."""
    waiting = guarded.start(next(numbers))
    token = typed_token(sender)
    with pytest.raises(TokenRejected):
        guarded.check(waiting.id, wrong(token))
    before = lasting(server)

    server.kill()
    server.start()

    assert lasting(server) == before
    assert guarded.check(waiting.id, token).status == "approved"
