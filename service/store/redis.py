"""The store on Redis or Valkey.

Keys are short because there are many. All keys of a number share its slot (`{…}`):

    v:{number}:random     a verification (hash)
    t:{number}:digest     its token (string, empty: the name says it all)
    r:{number}:digest     a request to start, so that it is carried out once (string: the id)
    c:{number}            wrong checks of the number (list of ms)
    s:{number}            sends to the number (list of ms)
    o:{number}            the number wants no messages (string, empty)
    e:{number}:digest     news of a message that was noted (string, empty)

What all numbers share has a slot of its own:

    p:{limits}            sending is paused (hash)
    b:{limits}            when the sender is free again (string, ms)
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import sha1
from importlib.resources import files
from secrets import token_hex
from typing import Any, TypeVar, cast

from redis.exceptions import NoScriptError, RedisError

from ..verification.errors import Delivery, StoreUnavailable
from ..verification.keys import Handle
from ..verification.policy import Policy, Window
from ..verification.ports import Answer, Leave, Record, Status, Verdict
from .breaker import Breaker
from .connect import Client

SECRET = "textproof:secret"
VERBS = ("start", "check", "resend", "cancel", "report", "unsend", "show")
SHARED = ("p:{limits}", "b:{limits}")
ALONE = ("allow", "give_back", "pause")
QUEUE = timedelta(seconds=30)  # ours: what people wait before they ask for another message
TRIAL = timedelta(seconds=30)  # ours: longer than a send can take
PAUSE, PAUSE_MAX = timedelta(minutes=1), timedelta(minutes=15)  # ours: an operator who has mended it waits no longer
OPT_OUT = timedelta(days=365)  # ours: a year is our "for good", because every key has a life
STATUS = {b"p": Status.PENDING, b"a": Status.APPROVED, b"c": Status.CANCELED, b"l": Status.LOCKED}
Reply = list[Any]
T = TypeVar("T")


class RedisStore:
    """Implements `Store` on a client of redis-py; safe to share between threads."""

    def __init__(self, client: Client, policy: Policy, *, messages_per_second: float = 0) -> None:
        """Take a client and the numbers that the scripts work with; 0 messages per second is without a rate."""
        self._client = client
        self._step = round(1000 / messages_per_second) if messages_per_second else 0
        self._breaker = Breaker()
        self._numbers = (
            _milliseconds(policy.token_life),
            policy.max_checks,
            policy.max_sends,
            ",".join(str(_milliseconds(wait)) for wait in policy.resend_waits),
            _windows(policy.checks_of_number),
            _windows(policy.sends_of_number),
        )
        self._scripts = {verb: f"{_source('prelude')}\n{_source(verb)}" for verb in VERBS}
        self._scripts |= {verb: _source(verb) for verb in ALONE}
        self._digests = {verb: sha1(source.encode()).hexdigest() for verb, source in self._scripts.items()}  # noqa: S324

    def secret(self) -> bytes:
        """See `Store`."""

        def agree() -> bytes:
            self._client.set(SECRET, token_hex(32), nx=True)
            return cast("bytes", self._client.get(SECRET))

        return self._guarded(agree)

    def start(self, handle: Handle, *, now: int, to: str, token_digest: str, nonce: str) -> Answer:
        """See `Store`."""
        request = f"r:{{{handle.number}}}:{nonce}"
        own = [to, handle.id, nonce]
        return self._run("start", handle, now, token_digest, own, request, _opted_out(handle.number))

    def check(self, handle: Handle, *, now: int, token_digest: str, nonce: str) -> Answer:
        """See `Store`."""
        return self._run("check", handle, now, token_digest, [nonce])

    def resend(self, handle: Handle, *, now: int, token_digest: str, nonce: str, caller: str) -> Answer:
        """See `Store`."""
        return self._run("resend", handle, now, token_digest, [nonce, caller])

    def cancel(self, handle: Handle, *, now: int, token_digest: str) -> Answer:
        """See `Store`."""
        return self._run("cancel", handle, now, token_digest, [])

    def report(self, handle: Handle, *, now: int, delivery: Delivery, event: str = "") -> Answer:
        """See `Store`."""
        return self._run("report", handle, now, "", [_ranked(delivery), event], f"e:{{{handle.number}}}:{event}")

    def unsend(self, handle: Handle, *, now: int, token_digest: str, send: int, delivery: Delivery) -> Answer:
        """See `Store`."""
        return self._run("unsend", handle, now, token_digest, [_ranked(delivery), send])

    def opt_out(self, number: str, *, out: bool) -> None:
        """See `Store`."""
        name = _opted_out(number)
        self._guarded(lambda: self._client.set(name, "", ex=OPT_OUT) if out else self._client.delete(name))

    def allow(self, *, now: int) -> Leave:
        """See `Store`."""
        arguments = (now, self._step, _milliseconds(QUEUE), _milliseconds(TRIAL))
        verdict, wait, trial = self._guarded(lambda: self._evaluate("allow", SHARED, arguments))
        return Leave(Verdict(verdict.decode()), wait, is_trial=bool(trial))

    def give_back(self) -> None:
        """See `Store`."""
        if self._step:
            self._guarded(lambda: self._evaluate("give_back", SHARED, [self._step]))

    def pause(self, *, now: int, is_trial: bool) -> None:
        """See `Store`."""
        arguments = (now, _milliseconds(PAUSE), _milliseconds(PAUSE_MAX), int(is_trial))
        self._guarded(lambda: self._evaluate("pause", SHARED[:1], arguments))

    def resume(self) -> None:
        """See `Store`."""
        self._guarded(lambda: self._client.delete(SHARED[0]))

    def show(self, handle: Handle, *, now: int) -> Answer:
        """See `Store`."""
        return self._run("show", handle, now, "", [])

    def keep(self, shelf: str, sealed: bytes, *, most: int, seconds: int) -> None:
        """See `Store`."""

        def put() -> None:
            with self._client.pipeline(transaction=True) as steps:
                steps.lpush(shelf, sealed)
                steps.ltrim(shelf, 0, most - 1)
                steps.expire(shelf, seconds)
                steps.execute()

        self._guarded(put)

    def kept(self, shelf: str) -> list[bytes]:
        """See `Store`."""
        return self._guarded(lambda: cast("list[bytes]", self._client.lrange(shelf, 0, -1)))

    def ready(self) -> list[str]:
        """See `Store`."""
        memory: dict[str, Any] = self._guarded(lambda: self._client.info("memory"))
        policy = memory.get("maxmemory_policy")
        if policy != "noeviction":
            return [f"Redis may forget limits: maxmemory-policy is {policy}, set it to noeviction"]
        return []

    def _run(
        self,
        verb: str,
        handle: Handle,
        now: int,
        token_digest: str,
        own: Sequence[str | int],
        *more_keys: str,
    ) -> Answer:
        """Run a verb's script in one round trip."""
        slot = f"{{{handle.number}}}"
        keys = (f"v:{slot}:{handle.random}", f"t:{slot}:{token_digest}", f"c:{slot}", f"s:{slot}", *more_keys)
        reply = self._guarded(lambda: self._evaluate(verb, keys, (now, *self._numbers, *own)))
        return _answer(reply)

    def _evaluate(self, verb: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Reply:
        source = self._scripts[verb]
        try:
            reply = self._client.evalsha(self._digests[verb], len(keys), *keys, *arguments)
        except NoScriptError:  # the first time, after a restart, after a failover
            self._client.script_load(source)
            reply = self._client.evalsha(self._digests[verb], len(keys), *keys, *arguments)
        return cast("Reply", reply)

    def _guarded(self, step: Callable[[], T]) -> T:
        """Do one step; whatever goes wrong with Redis, nothing was accepted."""
        if not self._breaker.closed():
            raise StoreUnavailable("not asked: it did not answer a moment ago")
        try:
            result = step()
        except RedisError as error:
            self._breaker.failed()
            raise StoreUnavailable(type(error).__name__) from error
        self._breaker.succeeded()
        return result


def _source(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text("utf-8")


def _milliseconds(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)


def _windows(windows: Sequence[Window]) -> str:
    return ";".join(f"{window.limit},{_milliseconds(window.span)}" for window in windows)


def _ranked(delivery: Delivery) -> str:
    return f"{delivery.rank}{delivery.value}"


def _opted_out(number: str) -> str:
    return f"o:{{{number}}}"


def _answer(reply: Reply) -> Answer:
    verdict, wait, now, *fields = reply
    if len(fields) == 1:
        return Answer(Verdict(verdict.decode()), wait, None, repeated_id=fields[0].decode())
    return Answer(Verdict(verdict.decode()), wait, _record(now, fields) if fields else None)


def _record(now: int, fields: Reply) -> Record:
    status, to, begun, expires, sends, _last, checks, delivery, wait = fields
    state = STATUS[status]
    if state is Status.PENDING and now >= int(expires):
        state = Status.EXPIRED
    return Record(
        to=to.decode(),
        status=state,
        begun=int(begun),
        expires=int(expires),
        now=now,
        sends=int(sends),
        checks=int(checks),
        wait=wait,
        delivery=Delivery(delivery.decode()[1:]) if delivery else Delivery.ON_ITS_WAY,
    )
