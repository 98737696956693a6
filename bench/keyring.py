"""What is left when the keyring changes, or its slot moves: rows of `bench.faults`.

In each of them people come and go. No right code may be refused, and nobody be sent back to an empty form.
"""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

import redis

from bench.fleet import Fleet
from bench.history import Before, History, Visitor, crowd
from bench.performance.rows import fill
from bench.run import VISITORS, Row, Run
from tests.support.http import Browser
from tests.support.processes import wait_until
from tests.support.servers import ClusterServers, StoreServer
from tests.support.service import ServiceProcess

OLD, NEW = "0123456789abcdef" * 2, "fedcba9876543210" * 2
SECRET, FALLBACKS = "TEXTPROOF_SECRET_KEY", "TEXTPROOF_SECRET_KEY_FALLBACKS"
ROTATIONS = 5  # fewer than the generations that a keyring holds
NOTICED_SECONDS = 2.0
ANSWER_SECONDS = 60.0
SLOT, KEYS = "{tp}", 20_000
READY = 200


@contextmanager
def _people(run: Run, fleet: Fleet, into: list[str], *, patience: float = 20) -> Iterator[History]:
    """Let people come and go while something changes; then say what became of them, and of those who came before."""
    history = run.history()
    before = Before(Visitor(fleet.url, history), 4)
    with crowd([fleet.url], history, size=VISITORS, patience=patience):
        yield history
    again, lost = before.judge(fleet.url)
    into.append(
        f"{history.approved():,} approved, {history.lost()} right codes refused, {history.limited} sent back; "
        f"of codes from before {again} spent again, {lost} lost"
    )
    history.failures += [(time.monotonic(), "before")] * (again + lost)


def _kept(history: History) -> bool:
    return not (history.lost() or history.limited or history.failures or history.gave_up)


def _restart(fleet: Fleet, replicas: Iterable[ServiceProcess], settings: dict[str, str]) -> None:
    for replica in replicas:
        replica.stop(seconds=25)
        replica.configure(settings)
        replica.start()
        fleet.await_ready(replica)


def _command(store: StoreServer, *words: str) -> str:
    """Run a command of the operator, who has the right secret; return the last line of what it says."""
    environment = {"TEXTPROOF_REDIS_URL": store.url, SECRET: OLD, "TEXTPROOF_SENDER": "demo"}
    done = subprocess.run(
        [sys.executable, "-m", "service", *words],
        env=environment | {"TEXTPROOF_CONFIG": "/dev/null"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()[-1]


def k01(run: Run) -> Row:
    """SECRET_KEY is changed under load: replicas restart in one order, and for the end of the old one in the other."""
    said: list[str] = []
    with StoreServer() as store, ExitStack() as ends:
        fleet = Fleet(ends, store.url, run.fleet.settings | {SECRET: OLD})
        with _people(run, fleet, said) as history:
            _restart(fleet, fleet.replicas, {SECRET: NEW, FALLBACKS: OLD})
            _restart(fleet, reversed(fleet.replicas), {SECRET: NEW, FALLBACKS: ""})
            wait_until(lambda: history.approved() >= run.size.codes, seconds=600, what="enough right codes")
    return Row("K01", "SECRET_KEY changed under load", _kept(history), said[0])


def k02(run: Run) -> Row:
    """The keyring gets new generations under load."""
    said: list[str] = []
    with StoreServer() as store, ExitStack() as ends:
        fleet = Fleet(ends, store.url, run.fleet.settings | {SECRET: OLD})
        with _people(run, fleet, said) as history:
            for turn in range(ROTATIONS):
                _command(store, "keys", "rotate")
                so_many = run.size.codes * (turn + 1) // ROTATIONS
                wait_until(lambda so_many=so_many: history.approved() >= so_many, seconds=600, what="enough codes")  # type: ignore[misc]
    return Row("K02", f"{ROTATIONS} x keys rotate under load", _kept(history), said[0])


def k03(run: Run) -> Row:
    """A replica with another secret; then one that comes first to an empty Redis, and the command that helps."""
    with StoreServer() as store, ExitStack() as ends:
        settings = run.fleet.settings | {"TEXTPROOF_REDIS_URL": store.url}
        right = ends.enter_context(ServiceProcess(settings | {SECRET: OLD}))
        _faults(right)  # it makes the keyring
        odd = ServiceProcess(settings | {SECRET: NEW})
        ends.callback(odd.close)
        odd.start()
        begun = time.monotonic()
        told = _faults(odd)
        noticed = time.monotonic() - begun
        is_logged = "not_ready" in odd.log() and "SECRET_KEY" in odd.log()
        store.flush()
        was_first = (_faults(odd), _faults(right))
        said = _command(store, "keys", "discard")
        wait_until(lambda: not _faults(right), seconds=ANSWER_SECONDS, what="the right one is ready")
        after = _faults(odd)
    well = "SECRET_KEY" in told and noticed <= NOTICED_SECONDS and is_logged
    well = well and not was_first[0] and "SECRET_KEY" in was_first[1] and "SECRET_KEY" in after
    figures = f"not ready after {noticed:.2f} s: {told}; first on an empty Redis, then `keys discard`: {said}"
    return Row("K03", "one replica with another secret", well, figures)


def _faults(replica: ServiceProcess) -> str:
    """Return why a replica is not ready, or nothing."""
    with Browser(replica.url) as browser:
        answer = browser.get("/readyz")
    return "" if answer.status == READY else "; ".join(answer.json()["faults"])


def k04(run: Run) -> Row:
    """The slot that has everything moves to another server of the cluster, at one stroke (Valkey 9)."""
    said: list[str] = []
    with ClusterServers() as group, ExitStack() as ends:
        slot = cast("int", group.primaries[0].ask("CLUSTER KEYSLOT", SLOT))
        place = slot * len(group.primaries) // 16_384
        source, target = group.primaries[place], group.primaries[place - 1]
        with source.client() as client:
            fill(client, KEYS)
            count = client.dbsize()
        fleet = Fleet(ends, group.url, run.fleet.settings | {SECRET: OLD}, size=2)
        with _people(run, fleet, said) as history:
            begun = time.monotonic()
            try:
                source.ask("CLUSTER MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.ask("CLUSTER MYID"))
            except redis.ResponseError as error:
                return Row("K04", "its slot moves", well=True, figures=f"left out: this server cannot ({error})")
            wait_until(lambda: target.ask("DBSIZE") >= count, seconds=60, what="all keys are there")
            moved = time.monotonic() - begun
            time.sleep(1)
    figures = f"{count:,} keys in {moved:.2f} s; slowest request {max(history.waits):.2f} s; {said[0]}"
    return Row("K04", "its slot moves to another server", _kept(history), figures)


ROWS = (k01, k02, k03, k04)
