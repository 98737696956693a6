"""What is left when another Redis takes over while the old one lives and keeps its connections: rows of `bench.faults`.

People come and go all the time. Once the failover is over, or the address leads to the new server, a whole visit has to
work within BACK_SECONDS, and the log of a process says once why it did not.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack

from bench.fleet import Fleet
from bench.history import Before, Visitor, crowd, first_success
from bench.run import Row, Run
from tests.support.http import Browser
from tests.support.processes import wait_until
from tests.support.proxy import DroppingProxy
from tests.support.servers import ClusterServers, SentinelServers, StoreServer, await_replicas

BACK_SECONDS = 2.0
OUTAGE_SECONDS = 3.0  # longer than anybody needs to find out
NOTICED_SECONDS = 5.0
READY = 200


def _row(run: Run, fleet: Fleet, name: str, what: str, change: Callable[[], str]) -> Row:
    """Change the server under people; `change` returns when it is over, and what else there is to say."""
    history = run.history()
    before = Before(Visitor(fleet.url, history), 4)
    with crowd([fleet.url], history, size=3, patience=60):
        time.sleep(1)
        begun = time.monotonic()
        said = change()
        took = time.monotonic() - begun
        back = first_success(fleet.url, run.history())
        time.sleep(1)
    again, lost = before.judge(fleet.url)
    lines = max(replica.log().count('"store_refuses"') for replica in fleet.replicas)
    kinds = 4  # READONLY, and what a server says while it changes: LOADING, MASTERDOWN, NOREPLICAS
    well = back <= BACK_SECONDS and not (again or lost or history.gave_up or history.lost()) and lines <= kinds
    figures = (
        f"{said}back {back:.2f} s after its end, which took {took:.1f} s; {len(history.failures)} of "
        f"{history.requests:,} told to wait, {history.lost()} right codes refused; of codes from before {again} spent "
        f"again, {lost} lost; at most {lines} lines in a log"
    )
    return Row(name, what, well, figures)


def _faults(fleet: Fleet) -> str:
    """Return why a replica is not ready, or nothing."""
    with Browser(fleet.replicas[0].url) as browser:
        answer = browser.get("/readyz")
    return "" if answer.status == READY else "; ".join(answer.json()["faults"])


def f01(run: Run) -> Row:
    """A managed failover: the old server is a replica now, and only later does the address lead to the new one."""
    with ExitStack() as ends:
        old = ends.enter_context(StoreServer())
        new = ends.enter_context(StoreServer(directives=[f"replicaof 127.0.0.1 {old.port}"]))
        await_replicas(old, 1)
        address = ends.enter_context(DroppingProxy(old.port, drop=0))
        fleet = Fleet(ends, address.url, run.fleet.settings | {"TEXTPROOF_REPLICAS": "1"}, size=2)

        def change() -> str:
            old.ask("FAILOVER")
            wait_until(lambda: old.info("replication")["role"] == "slave", what="the servers change places")
            begun = time.monotonic()
            wait_until(lambda: "READONLY" in _faults(fleet), seconds=NOTICED_SECONDS, what="a replica is not ready")
            noticed = time.monotonic() - begun
            time.sleep(OUTAGE_SECONDS)
            await_replicas(new, 1)
            address.lead_to(new.port)
            return f"not ready after {noticed:.2f} s; "

        return _row(run, fleet, "F01", "address moves, old server lives", change)


def f02(run: Run) -> Row:
    """The server has fewer replicas than it wants, for a while."""
    with StoreServer() as store, ExitStack() as ends:
        fleet = Fleet(ends, store.url, run.fleet.settings, size=2)

        def change() -> str:
            store.ask("CONFIG SET", "min-replicas-to-write", "1")
            wait_until(lambda: "NOREPLICAS" in _faults(fleet), seconds=NOTICED_SECONDS, what="a replica is not ready")
            time.sleep(OUTAGE_SECONDS)
            store.ask("CONFIG SET", "min-replicas-to-write", "0")
            return ""

        return _row(run, fleet, "F02", "too few replicas (NOREPLICAS)", change)


def f03(run: Run) -> Row:
    """Sentinels change the primary in order, so that nothing written is lost (Valkey 9), and the old one lives."""
    with SentinelServers() as group, ExitStack() as ends:
        fleet = Fleet(ends, group.url, run.fleet.settings | {"TEXTPROOF_REPLICAS": "1"}, size=2)

        def change() -> str:
            old = group.primary
            group.sentinels[0].ask("SENTINEL FAILOVER", group.NAME, "COORDINATED")
            new = group.await_failover(old)
            await_replicas(new, 1)
            return ""

        return _row(run, fleet, "F03", "Sentinel: failover, old one lives", change)


def f04(run: Run) -> Row:
    """A replica in a cluster takes over, and the old primary lives."""
    with ClusterServers(replicas=1) as group, ExitStack() as ends:
        fleet = Fleet(ends, group.url, run.fleet.settings, size=2)

        def change() -> str:
            slot = group.primaries[0].ask("CLUSTER KEYSLOT", "{tp}")
            successor = group.replicas[slot * len(group.primaries) // 16_384]
            successor.ask("CLUSTER FAILOVER")
            wait_until(lambda: successor.info("replication")["role"] == "master", what="it took over")
            return ""

        return _row(run, fleet, "F04", "Cluster: failover, old one lives", change)


ROWS = (f01, f02, f03, f04)
