"""Do checks stay fast while Telnyx hangs?

    python -m bench.isolation

One worker on one core, real HTTP, a real store. Four clients check codes as fast as they can: alone, then while every
send hangs and 80 clients keep starting, each as the service tells it (whoever is refused comes back after
`Retry-After`), then alone again. What counts is the ratio, in the same run. The control sends inside the request.

Printed for each round: checks a second alone, checks a second meanwhile, the ratio, and the slowest per cent.
"""

import http.client
import itertools
import multiprocessing
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Self

from tests.support.http import FORM, Browser, fields
from tests.support.processes import Child, free_port, wait_until
from tests.support.servers import StoreServer
from tests.support.telnyx import FakeTelnyx

ROOT = Path(__file__).resolve().parents[1]
APPS = {"own pool": "service.app:create_app()", "in the request": "bench.inside:create_app()"}
STARTERS, CHECKERS, PLACES = 80, 4, 16
ROUNDS, SECONDS = 3, 4.0
SERVER_CORE, CLIENT_CORE = 0, 1
TIMEOUT = 30.0  # seconds; a check that takes longer has failed


@dataclass(frozen=True)
class Measured:
    """What the checkers saw."""

    per_second: float
    slowest: float
    """ms, the 99th of 100."""


def main() -> None:
    """Measure both, and print the table."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_setaffinity") and cores > 1:
        os.sched_setaffinity(0, {CLIENT_CORE})
    say(f"{STARTERS} clients start, {CHECKERS} check; {PLACES} sends at once; one worker; {cores} cores")
    say(f"{'sends':16} {'round':>5} {'alone/s':>9} {'meanwhile/s':>12} {'ratio':>7} {'p99 alone':>10} {'p99 then':>10}")
    for name, app in APPS.items():
        ratios = [_round(name, number, app) for number in range(1, ROUNDS + 1)]
        say(f"{name:16} {'all':>5} {'':9} {'':12} {statistics.median(ratios):7.2f}")


def _round(name: str, number: int, app: str) -> float:
    with ExitStack() as ends:
        store, telnyx = ends.enter_context(StoreServer()), ends.enter_context(FakeTelnyx())
        url = ends.enter_context(Replica(app, store, telnyx)).url
        jobs = [_job(url, telnyx, place) for place in range(CHECKERS)]
        _check(url, jobs, SECONDS / 4)  # warms up
        before = _check(url, jobs, SECONDS)
        telnyx.answer("hang")
        ends.callback(telnyx.release)
        stop = multiprocessing.get_context("spawn").Event()
        starters = multiprocessing.get_context("spawn").Process(target=_start_all, args=[url, stop], daemon=True)
        starters.start()
        try:
            telnyx.await_held(PLACES, seconds=60)
            meanwhile = _check(url, jobs, SECONDS)
        finally:
            stop.set()
            starters.kill()
        telnyx.clear()
        wait_until(lambda: not telnyx.held, seconds=TIMEOUT, what="nothing hangs")
        after = _check(url, jobs, SECONDS)
    # A busy machine drifts: what comes before and what comes after weigh the same.
    alone = Measured((before.per_second + after.per_second) / 2, max(before.slowest, after.slowest))
    ratio = meanwhile.per_second / alone.per_second
    say(
        f"{name:16} {number:5} {alone.per_second:9.0f} {meanwhile.per_second:12.0f} {ratio:7.2f}"
        f" {alone.slowest:8.0f}ms {f'{meanwhile.slowest:.0f}ms' if meanwhile.per_second else 'never':>10}"
    )
    return ratio


class Replica:
    """One worker on a core of its own."""

    def __init__(self, app: str, store: StoreServer, telnyx: FakeTelnyx) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._app = app
        self._environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "WORKERS": "1",
            "TEXTPROOF_CONFIG": os.devnull,
            "TEXTPROOF_SENDER": "telnyx",
            "TEXTPROOF_API_KEY": telnyx.api_key,
            "TEXTPROOF_FROM_NUMBER": "+13125550001",
            "TEXTPROOF_TELNYX_BASE_URL": telnyx.base_url,
            "TEXTPROOF_REDIS_URL": store.url,
            "TEXTPROOF_SECRET_KEY": "0123456789abcdef" * 2,
            "TEXTPROOF_SENDS_AT_ONCE": str(PLACES),
            "TEXTPROOF_LIMITS_MODE": "observe",  # all of this comes from one address
        }

    def __enter__(self) -> Self:
        """Start it, and return when it answers."""
        log = Path(tempfile.gettempdir()) / f"textproof-isolation-{self.port}.log"
        command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), self._app]
        self._child = Child(command, output=log, cwd=ROOT, env=self._environment)
        if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(self._child.pid, {SERVER_CORE})  # its workers inherit it
        wait_until(self._is_up, seconds=30, what="the replica answers")
        return self

    def _is_up(self) -> bool:
        if self._child.exit_code is not None:
            raise SystemExit(self._child.tail())
        try:
            return Browser(self.url, timeout=2).get("/livez").status == 200  # noqa: PLR2004 - HTTP's own
        except (OSError, http.client.HTTPException):
            return False

    def __exit__(self, *_: object) -> None:
        """End it, and remove its log."""
        self._child.kill()
        self._child.output.unlink()


# -- Checks


def _job(url: str, telnyx: FakeTelnyx, place: int) -> dict[str, Any]:
    """Return a check that is carried out in full each time, and costs nothing: the right code under one name."""
    number = f"+1415555{2000 + place}"
    with Browser(url) as browser:
        given = fields(browser.get("/").text)
        assert browser.post("/request", {**given, "phone": number}).status == 303  # noqa: PLR2004, S101 - HTTP's own
        token = telnyx.texts_to(number)[0].split(maxsplit=1)[0]
        return {"cookies": browser.cookies, "fields": {"nonce": secrets.token_urlsafe(12), "token": token}}


def _check(url: str, jobs: list[dict[str, Any]], seconds: float) -> Measured:
    """Let each job be done again and again, in a process of their own."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_check_all, args=[url, jobs, seconds, results], daemon=True)
    process.start()
    times = sorted(results.get(timeout=seconds + TIMEOUT + 30))
    process.join()
    slowest = times[int(len(times) * 0.99)] if times else float("nan")
    return Measured(len(times) / seconds, slowest * 1000)


def _check_all(url: str, jobs: list[dict[str, Any]], seconds: float, results: Any) -> None:  # noqa: ANN401 - a queue
    times: list[float] = []
    ends = time.monotonic() + seconds

    def check(job: dict[str, Any]) -> None:
        with Browser(url, timeout=TIMEOUT) as browser:
            browser.cookies = job["cookies"]
            while (begun := time.monotonic()) < ends:
                try:
                    status = browser.post("/verify", job["fields"]).status
                except OSError:
                    continue
                if status == 200 and time.monotonic() < ends:  # noqa: PLR2004 - HTTP's own
                    times.append(time.monotonic() - begun)

    threads = [threading.Thread(target=check, args=[job], daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + TIMEOUT)
    results.put(times)


# -- Starts


def _start_all(url: str, stop: Event) -> None:
    """Start with one new number after the other."""
    places = itertools.count()  # whose `next` no thread interrupts

    def start() -> None:
        while not stop.is_set():
            try:
                wait = _start(url, f"+1646{5_552_000 + next(places):07}")
            except (OSError, http.client.HTTPException):
                wait = 1.0
            stop.wait(wait)

    for _ in range(STARTERS):
        threading.Thread(target=start, daemon=True).start()
    stop.wait()


def _start(url: str, number: str) -> float:
    """Start once, and return how long to wait before the next time."""
    with Browser(url, timeout=TIMEOUT) as browser:
        form = {"phone": number, "nonce": secrets.token_urlsafe(12)}
        answer = browser.post("/request", form, {"Content-Type": FORM})
    return float(answer.headers["Retry-After"] or 0)


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
