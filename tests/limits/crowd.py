"""A crowd: three processes with a store client each, and many threads, that all ask at the same moment.

Run as a program it is one of the three: it reads a line of JSON for each rush, says "ready", and rushes when told to.
"""

import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from types import TracebackType
from typing import Any, Self

from redis import RedisError

from service.config import Settings
from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.envelope import Keys
from service.verification.errors import Limited, SendingHeld, TokenRejected, VerificationError
from service.verification.policy import Window
from service.verification.verifier import Verifier
from tests.fakes import RecordingSender

ROOT = Path(__file__).resolve().parents[2]
THREADS = 16
Answers = Counter[str]


class Crowd:
    """Three processes that outlive many rushes."""

    def __init__(self) -> None:
        self._processes = [
            Popen([sys.executable, "-m", "tests.limits.crowd"], cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True)
            for _ in range(3)
        ]

    def rush(self, job: dict[str, Any], asks: Sequence[Sequence[str]]) -> Answers:
        """Ask all at once, and return how often each answer was given.

        Args:
            job: `url`, `now`, `secret` and `settings`; `kind` is what an ask is.
            asks: The arguments of each.
        """
        for place, process in enumerate(self._processes):
            self._tell(process, json.dumps({**job, "asks": asks[place::3]}))
        for process in self._processes:
            assert self._hear(process) == "ready"
        for process in self._processes:
            self._tell(process, "go")
        answers: Answers = Counter()
        for process in self._processes:
            answers.update(json.loads(self._hear(process)))
        return answers

    @staticmethod
    def _tell(process: "Popen[str]", line: str) -> None:
        assert process.stdin is not None
        print(line, file=process.stdin, flush=True)

    @staticmethod
    def _hear(process: "Popen[str]") -> str:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line, "one of the crowd has died"
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.communicate()


# -- One of the three


@contextmanager
def asked(job: dict[str, Any]) -> Iterator[Callable[..., object]]:
    """Give what an ask is."""
    changes = {name: _setting(value) for name, value in job["settings"].items()}
    settings = Settings(SENDER="demo", **changes)
    with connect(job["url"]) as client:
        rate = settings.SENDER_RATE_PER_SECOND
        store = RedisStore(client, settings.policy, messages_per_second=rate)
        verifier = Verifier(
            settings.policy,
            store=store.verifications,
            sender=RecordingSender(),
            keys=Keys(store.keyring, [job["secret"]], prefix="tp"),
            clock=lambda: job["now"],
            sends_at_once=64,
        )

        def start(number: str, address: str, name: str) -> bool:
            caller = Caller(client=name) if name else Caller.at(address)
            return not verifier.start(number, caller=caller).is_shared

        def check(id_: str, address: str, token: str) -> None:
            verifier.check(id_, token, caller=Caller.at(address))

        def naive(name: str, limit: str, _: str) -> None:
            if int(client.llen(name)) >= int(limit):
                raise Limited(None, None)  # type: ignore[arg-type]
            client.rpush(name, "")

        yield {"start": start, "check": check, "naive": naive}[job["kind"]]


def _setting(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_setting(part) for part in value)
    if isinstance(value, dict):
        return Window(value["limit"], timedelta(seconds=value["seconds"]))
    return value


def answer_of(ask: Callable[..., object], arguments: Sequence[str]) -> str:
    """Return what came of an ask, in a word."""
    try:
        return "shared" if ask(*arguments) is False else "passed"
    except Limited as error:
        return str(error.limit)
    except SendingHeld as error:
        return str(error.hold)
    except TokenRejected:
        return "compared"
    except (VerificationError, RedisError) as error:
        return type(error).__name__


def say(line: str) -> None:
    """Tell whoever gathered the crowd."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def rush(job: dict[str, Any]) -> Answers:
    """Ask, on many threads that begin when the word is given."""
    asks = job["asks"]
    given: list[str] = []
    begin = threading.Barrier(THREADS + 1)
    with asked(job) as ask:

        def work(first: int) -> None:
            begin.wait()
            given.extend(answer_of(ask, arguments) for arguments in asks[first::THREADS])

        threads = [threading.Thread(target=work, args=[first]) for first in range(THREADS)]
        for thread in threads:
            thread.start()
        say("ready")
        sys.stdin.readline()
        begin.wait()
        for thread in threads:
            thread.join()
    return Counter(given)


if __name__ == "__main__":
    logging.getLogger("textproof").setLevel(logging.CRITICAL)
    for line in sys.stdin:
        say(json.dumps(rush(json.loads(line))))
