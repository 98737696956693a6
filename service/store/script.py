"""Scripts on the server: loaded when it does not know them, guarded when it does not answer."""

from collections.abc import Callable, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, TypeVar, cast

from redis.exceptions import NoScriptError, RedisError

from ..verification.errors import StoreUnavailable
from .breaker import Breaker
from .connect import Client

Reply = list[Any]
T = TypeVar("T")

OF_A_VERIFICATION = ("start", "check", "resend", "cancel", "report", "unsend", "show")
OF_ALL = ("allow", "give_back", "pause")


class Scripts:
    """Runs the `.lua` files of this room on a client of redis-py; safe to share between threads."""

    def __init__(self, client: Client) -> None:
        """Read the scripts; connect to nothing."""
        self.client = client
        self._breaker = Breaker()
        prelude = _source("prelude")
        self._sources = {name: f"{prelude}\n{_source(name)}" for name in OF_A_VERIFICATION}
        self._sources |= {name: _source(name) for name in OF_ALL}
        self._digests = {name: sha1(source.encode()).hexdigest() for name, source in self._sources.items()}  # noqa: S324

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Reply:
        """Run a script in one round trip, and return what it returns.

        Raises:
            StoreUnavailable: It did not, as far as anybody knows.
        """
        return self.guarded(lambda: self._evaluate(name, keys, arguments))

    def guarded(self, step: Callable[[], T]) -> T:
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

    def _evaluate(self, name: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Reply:
        try:
            reply = self.client.evalsha(self._digests[name], len(keys), *keys, *arguments)
        except NoScriptError:  # the first time, after a restart, after a failover
            self.client.script_load(self._sources[name])
            reply = self.client.evalsha(self._digests[name], len(keys), *keys, *arguments)
        return cast("Reply", reply)


def _source(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
