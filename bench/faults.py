"""What is left when things break: `make faults`, or `python -m bench.faults [full] [T03 T12 …]`.

Three replicas behind the load balancer of deploy/, as processes, on a real Valkey, with visitors who write down what
happens to them (bench/history.py). Each row breaks something, and one judge reads every history. Naive controls stand
beside the rows that could pass by luck: they must fail. Ends with 1 when a promise was not kept.
`full` makes the races and the row of kept-alive requests as big as they are meant for a release: some minutes more.
"""

import logging
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import count

import redis

from bench.faults_failover import ROWS as FAILOVER_ROWS
from bench.faults_oidc import ROWS as OIDC_ROWS
from bench.fleet import DRAIN_SECONDS, OBSERVED, Fleet, hammer, haproxy
from bench.history import NO, OK, Before, GaveUp, History, Visitor, crowd, first_success, fresh_number, wrong_for
from bench.keyring import ROWS as KEYRING_ROWS
from bench.run import FULL, REQUESTS, SHORT, VISITORS, Row, Run
from bench.skew import COMPILER, WrongClock
from bench.slow import SHAPES, slow_process
from service.config import Settings
from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.envelope import Keys
from service.verification.errors import VerificationError
from service.verification.message import Message
from service.verification.ports import Accepted
from service.verification.verifier import Verifier
from tests.races.crowd import Crowd, post
from tests.races.naive import NaiveStore
from tests.support.http import Browser, burst, fields
from tests.support.processes import wait_until
from tests.support.proxy import DroppingProxy
from tests.support.servers import ClusterServers, SentinelServers, StoreServer, await_replicas
from tests.support.service import ServiceProcess
from tests.support.telnyx import FakeTelnyx
from tests.support.telnyx.fake import FAULTS, MAGIC_NUMBERS

KILLS = 20
AT_ONCE = 1_000
OUTAGE_SECONDS = 3.0
ANSWER_SECONDS = 2.0  # README: refused within two seconds
BACK_SECONDS = 2.0
SLOW_CLIENTS, SILENT_CLIENTS = (1, 84, 200, 500), 8_000  # 84: all slots of three replicas
SLOW_ADDRESS = "127.0.0.9"
SLOW_SECONDS = 4.0
DELAYS = (0.1, 0.18, 0.23, 0.3, 0.45)  # seconds that each answer of Redis takes longer
SLOW_REDIS_SECONDS = 8.0  # two checks of the balancer would have taken a replica out
PEOPLE = 1_000
LIFE = timedelta(seconds=5)  # of a code, where its end is waited for
ENDLESS = {b"{tp}:keyring", b"{tp}:clients", b"{tp}:signing"}  # docs/architecture.md: and an operator's blocks
SENDER_SECONDS = 6.5  # a send has 6 in all


# -- Races


def t01(run: Run) -> Row:
    """A thousand right codes at once, over three replicas."""
    rounds = []
    with Crowd([replica.port for replica in run.fleet.replicas], AT_ONCE) as gathered:
        for _ in range(run.size.rounds):
            browser, _, token = run.somebody()
            checks = [post("/verify", {"token": token, "nonce": f"n-{n}"}, browser.cookies) for n in range(AT_ONCE)]
            rounds.append(Counter(gathered.ask(checks)))
    with run.store.client() as client:
        naive = NaiveStore(client, 5)
        most = 0
        for turn in range(min(run.size.rounds, SHORT.rounds)):
            name = f"naive-{turn}"
            naive.start(name, "A1B2C3")
            most = max(most, Counter(burst(500, lambda _, name=name: naive.check(name, "A1B2C3"), 32))["accepted"])
    well = rounds == [{200: 1, 409: AT_ONCE - 1}] * run.size.rounds and most > 1
    return Row(
        "T01", f"{AT_ONCE} right codes at once", well, f"{len(rounds)} rounds, 1 accepted in each; naive: up to {most}"
    )


def t02(run: Run) -> Row:
    """Thousands of wrong codes at once, on one verification."""
    browser, _, token = run.somebody()
    with Crowd([replica.port for replica in run.fleet.replicas], AT_ONCE) as gathered:
        checks = [
            post("/verify", {"token": wrong_for(token), "nonce": f"n-{n}"}, browser.cookies)
            for n in range(run.size.wrong)
        ]
        statuses = Counter(gathered.ask(checks))
    with run.store.client() as client:
        naive = NaiveStore(client, 5)
        naive.start("naive", "A1B2C3")
        compared = Counter(burst(500, lambda _: naive.check("naive", "000000"), 32))["rejected"]
    well = statuses == {422: 5, 429: run.size.wrong - 5} and compared > 5  # noqa: PLR2004 - as MAX_CHECKS
    return Row("T02", f"{run.size.wrong} wrong codes at once", well, f"{statuses[422]} compared; naive: {compared}")


# -- Replicas that end


def t03(run: Run) -> Row:
    """Replicas are killed with -9, again and again."""
    history, back = run.history(), []
    with crowd([run.url], history, size=VISITORS):
        for _ in range(KILLS):
            replica = random.choice(run.fleet.replicas)  # noqa: S311 - which one does not matter
            replica.kill()
            begun = time.monotonic()
            replica.start()
            back.append(time.monotonic() - begun)
            time.sleep(0.5)
    run.fleet.await_ready(run.fleet.replicas[0])
    in_hands = KILLS * VISITORS * 2
    well = history.gave_up == 0 and len(history.failures) <= in_hands
    figures = (
        f"{history.requests:,} requests, {len(history.failures)} failed of {in_hands} that may be in their hands, "
        f"{history.approved()} approved; a replica back in {statistics.median(back):.1f} s (max {max(back):.1f})"
    )
    return Row("T03", f"{KILLS} x kill -9 of a replica", well, figures)


def t04(run: Run) -> Row:
    """Rolling restart of all replicas, until enough requests have come."""
    history, rounds, took = run.history(), 0, []
    with crowd([run.url], history, size=2), hammer(run.url, history, size=6):
        while history.requests < REQUESTS or not rounds:
            begun = time.monotonic()
            for replica in run.fleet.replicas:
                replica.stop(seconds=25)
                replica.start()
                run.fleet.await_ready(replica)
            rounds += 1
            took.append(time.monotonic() - begun)
    figures = (
        f"{history.requests:,} requests, {len(history.failures)} failed; "
        f"{rounds} rounds of {statistics.mean(took):.0f} s, "
        f"{DRAIN_SECONDS * 3} s of it draining"
    )
    return Row("T04", "rolling restart of three", not history.failures, figures)


def t05(run: Run) -> Row:
    """Kept-alive connections through the balancer."""
    history, begun = run.history(), time.monotonic()
    with hammer(run.url, history, size=8):
        wait_until(lambda: history.requests >= run.size.kept_alive, seconds=600, what="enough requests")
    rate = history.requests / (time.monotonic() - begun)
    figures = (
        f"{history.requests:,} requests, {len(history.failures)} failed, {rate:,.0f}/s, p99 {_ms(history.slowest())}"
    )
    return Row("T05", "keep-alive through the balancer", not history.failures, figures)


# -- A store that breaks


def t08(run: Run) -> Row:
    """A network that loses one answer of Redis in five."""
    history = run.history()
    with DroppingProxy(run.store.port, drop=0.2) as lossy:
        settings = run.fleet.settings | {"TEXTPROOF_REDIS_URL": lossy.url, "TEXTPROOF_TRUSTED_PROXIES": "0"}
        with ServiceProcess(settings) as replica, crowd([replica.url], history, size=4):
            time.sleep(8)
        ours = lossy.dropped
        # The usual way: take the token out and see whether it was there; a lost answer is asked for again.
        with redis.Redis.from_url(lossy.url, retry_on_timeout=True) as client:
            naive = redis.Redis(connection_pool=client.connection_pool)
            take = naive.register_script("return redis.call('GETDEL', KEYS[1])")
            lost = sum(_is_lost(naive, take, f"naive-{turn}") for turn in range(100))
    well = history.gave_up == 0 and ours > 0 and lost > 0
    figures = (
        f"{ours} answers lost, {history.approved()} approved, {history.lost()} right codes lost; naive: {lost} of 100"
    )
    return Row("T08", "every fifth answer of Redis lost", well, figures)


def _is_lost(client: redis.Redis, take: Callable[..., object], name: str) -> bool:
    client.set(name, "A1B2C3", ex=60)
    for _ in range(10):
        with suppress(redis.RedisError):
            return take(keys=[name]) is None
    return True


@contextmanager
def _probing(run: Run, browser: Browser, token: str) -> Iterator[list[tuple[str, int, float]]]:
    """Ask each replica itself, all the time: for a page, for a code, and to check one. Gives what, status and wait."""
    over, answers = threading.Event(), list[tuple[str, int, float]]()

    def probe(replica: ServiceProcess) -> None:
        with Browser(replica.url, timeout=30) as own:
            own.cookies = dict(browser.cookies)
            for turn in count():
                if over.is_set():
                    return
                for what, ask in (
                    ("page", lambda: own.get("/")),
                    ("start", lambda: own.post("/request", {"phone": fresh_number()})),
                    ("check", lambda turn=turn: own.post("/verify", {"token": token, "nonce": f"c-{turn}"})),
                ):
                    begun = time.monotonic()
                    status = ask().status
                    answers.append((what, status, time.monotonic() - begun))
                time.sleep(0.1)

    probes = [threading.Thread(target=probe, args=[replica], daemon=True) for replica in run.fleet.replicas]
    for thread in probes:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in probes:
            thread.join()


def _outage(run: Run, name: str, what: str, begin: Callable[[], None], end: Callable[[], object]) -> Row:
    """Break the store for a while: nothing is accepted, everybody is told soon, and soon after its end all is well."""
    browser, _, token = run.somebody()
    begin()
    with _probing(run, browser, token) as answers:
        time.sleep(OUTAGE_SECONDS)
    end()
    back = first_success(run.url, run.history())
    slowest = max(wait for _, _, wait in answers)
    noes = [status for kind, status, _ in answers if kind != "page"]
    pages = [status for kind, status, _ in answers if kind == "page"]
    well = set(noes) == {503} and set(pages) == {200} and slowest <= ANSWER_SECONDS and back <= BACK_SECONDS
    figures = (
        f"{len(noes)} asked, {noes.count(503)} told 503, {len(pages)} pages served, slowest {_ms(slowest)}; "
        f"back {back:.2f} s after its end"
    )
    return Row(name, what, well, figures)


def t10(run: Run) -> Row:
    """Redis is gone."""
    return _outage(run, "T10", "Redis stopped", run.store.stop, run.store.start)


def t11(run: Run) -> Row:
    """Redis accepts connections, and answers nothing."""
    return _outage(run, "T11", "Redis hangs", run.store.hang, run.store.resume)


def t12(run: Run) -> Row:
    """Redis is killed with -9, again and again."""
    history, back = run.history(), []
    before = Before(Visitor(run.url, history), 4)
    with crowd([run.url], history, size=VISITORS, patience=60):
        for _ in range(KILLS):
            run.store.kill()
            run.store.start()
            back.append(first_success(run.url, run.history()))
    again, lost = before.judge(run.url)
    well = not again and not lost and max(back) <= BACK_SECONDS and history.gave_up == 0
    figures = (
        f"{history.approved()} approved, {history.spent_twice()} spent twice; of codes from before {again} again, "
        f"{lost} lost; a visit works {statistics.median(back):.2f} s after a restart (max {max(back):.2f})"
    )
    return Row("T12", f"{KILLS} x kill -9 of Redis", well, figures)


def t13(run: Run) -> Row:
    """Redis is full."""
    browser, number, token = run.somebody()
    history = run.history()
    visitor = Visitor(run.fleet.replicas[0].url, history, patience=0)
    with run.store.client() as client:
        client.config_set("maxmemory", 1_000_000)
        with Browser(visitor.url) as own:
            form = fields(own.get("/").text)
            started = own.post("/request", {**form, "phone": fresh_number()}).status
            own.cookies = dict(browser.cookies)
            checked = own.post("/verify", {"token": token, "nonce": "full"}).status
        client.config_set("maxmemory", 0)
    with Browser(run.fleet.replicas[1].url) as own:
        own.cookies = dict(browser.cookies)
        wait_until(lambda: own.get("/readyz").status == 200, seconds=5, what="ready again")  # noqa: PLR2004
        after = visitor.type(own, number, token, "right")
    well = (started, checked, after) == (503, 503, OK)
    return Row("T13", "Redis full", well, f"start {started}, right code {checked}; when there is room again: {after}")


# -- Another Redis takes over


def t14(run: Run) -> Row:
    """The primary of a Sentinel group is killed; then its replicas hear nothing."""
    with SentinelServers() as group, ExitStack() as ends:
        fleet = Fleet(ends, group.url, run.fleet.settings | {"TEXTPROOF_REPLICAS": "1"}, size=2)
        limit = group.DOWN_AFTER_MS / 1000 + BACK_SECONDS
        row = _failover(run, fleet, "Sentinel: primary killed", limit, group.kill_primary)
        group.await_failover(next(store for store in group.stores if store.log and not _lives(store)))
        followers = [store for store in group.stores if _lives(store) and store is not group.primary]
        asked = Visitor(fleet.url, run.history()).ask(browser := Browser(fleet.url))
        if asked is None:
            raise GaveUp("a limit is in the way")
        for follower in followers:
            follower.hang()
        with Browser(fleet.replicas[0].url) as own:
            own.cookies = dict(browser.cookies)
            alone = own.post("/verify", {"token": asked[1], "nonce": "alone"}).status
        for follower in followers:
            follower.resume()
    row.well = row.well and alone == 503  # noqa: PLR2004
    row.figures += f"; a right code while no replica listens: {alone}"
    return row


def _lives(store: StoreServer) -> bool:
    try:
        return bool(store.ask("PING"))
    except redis.RedisError:
        return False


def t14b(run: Run) -> Row:
    """A primary of a cluster is killed."""
    with ClusterServers(replicas=1) as group, ExitStack() as ends:
        fleet = Fleet(ends, group.url, run.fleet.settings | {"TEXTPROOF_REPLICAS": "0"}, size=2)
        limit = 2 * group.NODE_TIMEOUT_MS / 1000 + BACK_SECONDS

        def kill() -> None:
            """Kill the one that has everything."""
            slot = group.primaries[0].ask("CLUSTER KEYSLOT", "{tp}")
            group.primaries[slot * len(group.primaries) // 16384].kill()

        return _failover(run, fleet, "Cluster: primary killed", limit, kill)


def _failover(run: Run, fleet: Fleet, what: str, limit: float, kill: Callable[[], object]) -> Row:
    history = run.history()
    before = Before(Visitor(fleet.url, history), 4)
    time.sleep(0.5)
    with crowd([fleet.url], history, size=3, patience=60):
        time.sleep(1)
        kill()
        back = first_success(fleet.url, run.history())
        time.sleep(1)
    again, lost = before.judge(fleet.url)
    well = back <= limit and not again and not lost
    figures = f"back after {back:.1f} s (at most {limit:.0f}); of codes from before {again} spent again and {lost} lost"
    return Row("T14", what, well, figures)


# -- A carrier that breaks


def t15(run: Run) -> Row:
    """Every way in which Telnyx can go wrong: one message at most, and an answer soon."""
    with FakeTelnyx() as telnyx, ServiceProcess(_real(run, telnyx)) as replica:
        waits = []
        for number, outcome in MAGIC_NUMBERS.items():
            if outcome.startswith("receipt:"):
                continue
            with Browser(replica.url) as browser:
                form = fields(browser.get("/").text)
                begun = time.monotonic()
                browser.post("/request", {**form, "phone": number})
                browser.post("/request", {**form, "phone": number})  # a double click
                waits.append(time.monotonic() - begun)
            run.store.ask("DEL", "{tp}:p")
            telnyx.release()
        time.sleep(1)
        sent = [request for request in telnyx.requests if isinstance(request.body, dict)]
        keys = Counter(request.idempotency_key for request in sent)
        posts = Counter(request.body["to"] for request in sent)
        # A refusal says that nothing was sent, so who clicks again is sent another; all others may have been sent.
        doubtful = {number for number, outcome in MAGIC_NUMBERS.items() if outcome in (*FAULTS, "accepted")}
        twice = [number for number in doubtful if posts[number] > 1]
    figures = (
        f"{len(waits)} outcomes, each asked for twice: {len(sent)} posts, {len(sent) - len(keys)} again, "
        f"{len(twice)} beside one that may have been sent; slowest answer {_ms(max(waits))}"
    )
    well = not twice and len(keys) == len(sent) and max(waits) <= SENDER_SECONDS
    return Row("T15", "Telnyx in all its ways", well, figures)


def t16(run: Run) -> Row:
    """Telnyx answers nothing, to as many as there are places: everybody else is served as before."""
    with FakeTelnyx() as telnyx, ServiceProcess(_real(run, telnyx)) as replica:
        quiet, blocked = run.history(), run.history()
        with hammer(replica.url, quiet, size=2, pause=0.01):
            time.sleep(2)
        telnyx.answer("hang")
        people = [Browser(replica.url) for _ in range(20)]
        forms = [fields(person.get("/").text) for person in people]
        statuses: list[int] = []

        def ask(place: int) -> int:
            return people[place].post("/request", {**forms[place], "phone": fresh_number()}).status

        asking = threading.Thread(target=lambda: statuses.extend(map(_status, burst(20, ask))), daemon=True)
        with hammer(replica.url, blocked, size=2, pause=0.01):
            asking.start()
            time.sleep(3)
        asking.join()
        telnyx.release()
    before, while_ = quiet.slowest(), blocked.slowest()
    well = while_ <= max(0.3, 3 * before) and not blocked.failures and set(statuses) <= {303, 503}
    told = Counter(statuses)
    figures = f"{told[303]} wait, {told[503]} are told so; others' p99 {_ms(while_)} (quiet: {_ms(before)})"
    return Row("T16", "Telnyx hangs", well, figures)


def _status(answer: int | Exception) -> int:
    return answer if isinstance(answer, int) else 0


def _real(run: Run, telnyx: FakeTelnyx) -> dict[str, str]:
    return run.fleet.settings | {
        "TEXTPROOF_SENDER": "telnyx",
        "TEXTPROOF_API_KEY": telnyx.api_key,
        "TEXTPROOF_FROM_NUMBER": "+13125550001",
        "TEXTPROOF_TELNYX_BASE_URL": telnyx.base_url,
        "TEXTPROOF_TRUSTED_PROXIES": "0",
        "TEXTPROOF_PUBLIC_URL": "",
    }


# -- Clocks that are wrong


class _Pocket:
    """A carrier that keeps the last token."""

    token = ""

    def send(self, message: Message) -> Accepted:
        """See `Sender`."""
        self.token = message.text.split(" ", 1)[0]
        return Accepted()


def t17(run: Run) -> Row:
    """Replicas whose clocks are off: nothing is accepted after its time, and a fast clock only shortens it."""
    life, at_once, waiting = LIFE, {}, []
    for skew in (0, -2, 2, -600, 600):
        honest, pocket = _verifier(run.store.url, 0, life)
        skewed, _ = _verifier(run.store.url, skew, life)
        at_once[skew] = _tries(skewed, honest.start(fresh_number()).id, pocket.token)
        waiting.append((skewed, honest.start(fresh_number()).id, pocket.token))
    time.sleep(life.total_seconds() + 0.1)
    late = sum(_tries(*one) for one in waiting)
    well = not late and all(accepted == (skew < life.total_seconds()) for skew, accepted in at_once.items())
    accepted = ", ".join(f"{skew:+d} s: {'yes' if at_once[skew] else 'no'}" for skew in at_once)
    figures = f"a fresh code is accepted at {accepted}; after its life {late} of {len(waiting)}"
    return Row("T17", "clocks of replicas", well, figures)


def t17b(_: Run) -> Row:
    """Redis whose clock jumps, and one with a wrong clock that takes over from one with the right one."""
    if COMPILER is None:
        return Row(
            "T17", "clock of Redis", well=True, figures="left out: it needs a C compiler, and there is no cc here"
        )
    told, once, again, late, naive, soon = [], 0, 0, 0, 0, {}
    for skew in (-600, 600):
        with WrongClock() as clock, StoreServer(env=clock.env) as store:
            honest, pocket = _verifier(store.url, 0, LIFE)
            spent, waiting = _started(honest, pocket), _started(honest, pocket)
            once += _tries(*spent)
            store.ask("SET", "naive", "A1B2C3", "EX", int(LIFE.total_seconds()))
            clock.set(skew)
            told += [fault for fault in _store(store.url, LIFE).ready() if "clock" in fault]
            again += _tries(*spent)
            time.sleep(LIFE.total_seconds() + 0.1)
            late += _tries(*waiting)
            naive += store.ask("EXISTS", "naive")
        with StoreServer() as right, WrongClock() as clock, ExitStack() as ends:
            clock.set(skew)
            follows = [f"replicaof 127.0.0.1 {right.port}"]
            wrong = ends.enter_context(StoreServer(directives=follows, env=clock.env))
            await_replicas(right, 1)
            honest, pocket = _verifier(right.url, 0, LIFE)
            spent, waiting, other = (_started(honest, pocket) for _ in range(3))
            once += _tries(*spent)
            right.ask("SET", "naive", "A1B2C3", "EX", int(LIFE.total_seconds()))
            right.ask("WAIT", 1, 1000)
            right.kill()
            wrong.ask("REPLICAOF", "NO", "ONE")
            promoted, _pocket = _verifier(wrong.url, 0, LIFE)
            told += [fault for fault in _store(wrong.url, LIFE).ready() if "clock" in fault]
            again += _tries(promoted, *spent[1:])
            soon[skew] = _tries(promoted, *waiting[1:])
            time.sleep(LIFE.total_seconds() + 0.1)
            late += _tries(promoted, *other[1:])
            naive += wrong.ask("EXISTS", "naive")
    well = len(told) == once == 2 * len(soon) and not (again or late or soon[600]) and naive > 0
    figures = (
        f"by -600 and +600 s, a jump and a failover each: {len(told)} of 4 found not ready; "
        f"{again} spent again, {late} accepted after their life; naive: {naive} of 4"
    )
    return Row("T17", "clock of Redis", well, figures)


def _store(url: str, life: timedelta) -> RedisStore:
    return RedisStore(connect(url), _settings(life).policy)


def _settings(life: timedelta) -> Settings:
    return Settings(SENDER="demo", LIMITS_MODE="observe", TOKEN_LIFETIME_SECONDS=int(life.total_seconds()))


def _verifier(url: str, skew: int, life: timedelta) -> tuple[Verifier, _Pocket]:
    pocket = _Pocket()
    store = _store(url, life)
    made = Verifier(
        _settings(life).policy,
        store=store.verifications,
        sender=pocket,
        keys=Keys(store.keyring, [OBSERVED["TEXTPROOF_SECRET_KEY"]], prefix="tp"),
        clock=lambda: time.time() + skew,
    )
    return made, pocket


def _started(honest: Verifier, pocket: _Pocket) -> tuple[Verifier, str, str]:
    id_ = honest.start(fresh_number()).id
    return honest, id_, pocket.token


def _tries(checking: Verifier, id_: str, token: str) -> bool:
    try:
        checking.check(id_, token)
    except VerificationError:
        return False
    return True


def t17c(run: Run) -> Row:
    """A replica whose clock is behind by as much as readiness bears: the page after the number is the code form."""
    if COMPILER is None:
        return Row(
            "T17", "a replica 2 s behind", well=True, figures="left out: it needs a C compiler, and there is none"
        )
    with WrongClock() as clock, ExitStack() as ends:
        clock.set(-2)
        fleet = Fleet(ends, run.store.url, size=2)
        behind = fleet.replicas[1]
        behind.kill()
        behind.configure({name: clock.env[name] for name in ("LD_PRELOAD", "SKEW_FILE")})
        behind.start()
        fleet.await_ready(behind)
        shown = Counter(burst(PEOPLE, lambda place: _after_the_number(fleet.url, place), 8))
        log = behind.log()
    lost, served = shown["303, 303"], shown["303, 200"]  # sent on to the first page, or shown the code form
    well = not lost and served > 0 and "verification_started" in log
    figures = f"{lost} of {PEOPLE:,} lost, {served} served, {log.count('verification_started')} began on it"
    return Row("T17", "a replica 2 s behind", well, figures)


def _after_the_number(url: str, place: int) -> str:
    with Browser(url, source=f"127.0.{1 + place // 250}.{1 + place % 250}") as browser:  # an address has its share
        asked = browser.post("/request", {"phone": fresh_number(), "nonce": fresh_number()})
        return f"{asked.status}, {browser.get('/verify').status}"


def t18(run: Run) -> Row:
    """Redis is slow: everything is served through the balancer, since no other replica would do better."""
    table, well = list[str](), True
    with ExitStack() as ends:
        proxy = ends.enter_context(DroppingProxy(run.store.port, drop=0))
        fleet = Fleet(ends, proxy.url)
        for delay in DELAYS:
            proxy.delay = delay
            history = run.history()
            with crowd([fleet.url], history, size=VISITORS, patience=60):
                time.sleep(SLOW_REDIS_SECONDS)
            not_ready = sum("not_ready" in replica.log() for replica in fleet.replicas)
            well = well and not history.failures and history.approved() > 0 and not not_ready
            table.append(f"+{_ms(delay)}: {len(history.failures)} of {history.requests:,} failed")
    return Row("T18", "Redis slower", well, f"{'; '.join(table)}; {not_ready} replicas were not ready")


# -- Clients that break


def t20(run: Run) -> Row:
    """Slow clients in every shape, few and many: nobody else notices, since the balancer waits for them."""
    quiet, table, failed, worst = run.history(), list[str](), 0, 0.0
    cells = [(name, size) for name in SHAPES for size in SLOW_CLIENTS] + [("silent", SILENT_CLIENTS)]
    seen = {cell: run.history() for cell in cells}
    for (name, size), busy in seen.items():  # in turns, so that what else the machine does falls on both
        with _honest(run, quiet):
            time.sleep(SLOW_SECONDS / 4)
        with slow_process(run.fleet.balancer.port, name, size=size, source=SLOW_ADDRESS), _honest(run, busy):
            time.sleep(SLOW_SECONDS)
    before = quiet.slowest()
    for (name, size), busy in seen.items():
        ratio = busy.slowest() / before
        failed, worst = failed + len(busy.failures), max(worst, ratio)
        table.append(
            f"{name:<15} {size:>5,}  p99 {_ms(busy.slowest()):>7}, {ratio:.1f} x; "
            f"{len(busy.failures)} of {busy.requests:,} failed"
        )
    print("\n".join(f"          {line}" for line in table), flush=True)
    figures = f"{failed} failed, p99 at most {worst:.1f} x the quiet {_ms(before)}"
    return Row("T20", f"slow clients, {len(SHAPES)} shapes", not failed and worst <= 2, figures)  # noqa: PLR2004


def t20b(run: Run) -> Row:
    """The same without a balancer, for people who are connected already: why there has to be one."""
    replica, table = run.fleet.replicas[0], list[str]()
    for name in SHAPES:
        history = History()
        with hammer(replica.url, history, size=1, timeout=5):
            time.sleep(1)
            alone = history.requests
            with slow_process(replica.port, name, size=200, source=SLOW_ADDRESS):
                time.sleep(SLOW_SECONDS)
                served = history.requests - alone
        table.append(f"{name} {served / SLOW_SECONDS:.0f}/s, {len(history.failures)} failed")
        run.fleet.await_ready(replica)
    return Row("T20", "200 slow ones, no balancer (record)", well=True, figures="; ".join(table))


def _honest(run: Run, history: History) -> AbstractContextManager[None]:
    return hammer(run.url, history, size=4, pause=0.01)


def t26(run: Run) -> Row:
    """Everything at once, for a while; then nothing may be left that has no end."""
    history = run.history()
    ways = [
        lambda: (replica := random.choice(run.fleet.replicas)).kill() or replica.start(),  # noqa: S311
        lambda: run.store.kill() or run.store.start(),
        lambda: run.store.hang() or time.sleep(1) or run.store.resume(),
    ]
    with crowd([run.url], history, size=VISITORS, patience=60):
        ends = time.monotonic() + 15
        while time.monotonic() < ends:
            random.choice(ways)()  # noqa: S311
            time.sleep(1)
    with run.store.client() as client:
        keys = list(client.scan_iter(count=1000))
        endless = [key for key in keys if client.ttl(key) == -1 and key not in ENDLESS]
    well = not endless and history.gave_up == 0
    kept = f"{len(endless)} of {len(keys):,} keys without end"
    figures = f"{history.requests:,} requests, {history.approved()} approved; {kept}"
    return Row("T26", "all of it, at random", well, figures)


def t06(run: Run) -> Row:
    """Judge everything that was written down."""
    twice = sum(history.spent_twice() for history in run.histories)
    often = sum(history.compared_too_often() for history in run.histories)
    lost = sum(history.lost() for history in run.histories)
    events = [event for history in run.histories for event in history.events]
    # Where nobody was told of a success before, it is the first: who gives up at once goes on without an answer.
    known = {event.who for event in events if event.outcome == OK and event.what == "right"}
    late = sum(event.outcome == OK and event.what == "again" and event.who in known for event in events)
    approved = sum(history.approved() for history in run.histories)
    figures = (
        f"{len(events):,} checks, {approved:,} approved: {twice} spent twice, {late} accepted again later, "
        f"{often} with too many guesses, {lost} right codes refused; {sum(e.outcome == NO for e in events):,} noes"
    )
    return Row("T06", "the judge, over all of this", not (twice or late or often or lost), figures)


ROWS = (
    t01,
    t02,
    t05,
    t20,
    t20b,
    t16,
    t17,
    t17b,
    t17c,
    t18,
    t15,
    t08,
    t13,
    t10,
    t11,
    t04,
    t03,
    t12,
    *OIDC_ROWS,
    t26,
    t14,
    t14b,
    *FAILOVER_ROWS,
    *KEYRING_ROWS,
    t06,
)


def main(names: list[str]) -> int:
    """Print the table; return the exit code."""
    if haproxy() is None:
        print("There is no haproxy here. On Debian and Ubuntu this helps: apt install haproxy")
        return 1
    logging.disable()  # of the rules that run here; replicas have logs of their own
    wanted = {name.lower() for name in names} - {"full"}
    size = FULL if "full" in names else SHORT
    failed, begun = 0, time.monotonic()
    with ExitStack() as ends:
        run = Run(ends, size)
        for step in ROWS:
            if wanted and step.__name__ not in wanted:
                continue
            started = time.monotonic()
            try:
                row = step(run)
            except (AssertionError, GaveUp, OSError, VerificationError, redis.RedisError) as error:
                row = Row(
                    step.__name__.upper(), step.__doc__ or "", well=False, figures=f"{type(error).__name__}: {error}"
                )
            failed += not row.well
            took = time.monotonic() - started
            print(
                f"{'ok  ' if row.well else 'FAIL'} {row.name:<4} {row.what:<34} {took:>4.0f} s  {row.figures}",
                flush=True,
            )
    print(f"{failed} of {len(wanted) or len(ROWS)} rows failed, {time.monotonic() - begun:.0f} s in all.")
    return min(failed, 1)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
