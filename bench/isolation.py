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
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Any

from bench.performance.servers import CLIENT_CORE, SECRET, Server, pin
from tests.support.http import FORM, Browser, fields
from tests.support.processes import wait_until
from tests.support.servers import StoreServer
from tests.support.telnyx import FakeTelnyx

APPS = {"own pool": "service.app:create_app()", "in the request": "bench.inside:create_app()"}
STARTERS, CHECKERS, PLACES = 80, 4, 16
ROUNDS, SECONDS = 3, 4.0
TIMEOUT = 30.0  # seconds; a check that takes longer has failed


@dataclass(frozen=True)
class Measured:
    """What the checkers saw."""

    per_second: float
    slowest: float
    """ms, the 99th of 100."""


def main() -> None:
    """Measure both, and print the table."""
    pin(CLIENT_CORE)
    say(f"{STARTERS} clients start, {CHECKERS} check; {PLACES} sends at once; one worker; {os.cpu_count()} cores")
    say(f"{'sends':16} {'round':>5} {'alone/s':>9} {'meanwhile/s':>12} {'ratio':>7} {'p99 alone':>10} {'p99 then':>10}")
    for name, app in APPS.items():
        ratios = [_round(name, number, app) for number in range(1, ROUNDS + 1)]
        say(f"{name:16} {'all':>5} {'':9} {'':12} {statistics.median(ratios):7.2f}")


def _round(name: str, number: int, app: str) -> float:
    alone, meanwhile, ratio = round_of(app)
    say(
        f"{name:16} {number:5} {alone.per_second:9.0f} {meanwhile.per_second:12.0f} {ratio:7.2f}"
        f" {alone.slowest:8.0f}ms {f'{meanwhile.slowest:.0f}ms' if meanwhile.per_second else 'never':>10}"
    )
    return ratio


def round_of(app: str, seconds: float = SECONDS) -> tuple[Measured, Measured, float]:
    """Return what checks see alone, and while every send hangs, and the ratio."""
    with ExitStack() as ends:
        store, telnyx = ends.enter_context(StoreServer()), ends.enter_context(FakeTelnyx())
        url = ends.enter_context(replica(app, store, telnyx)).url
        jobs = [job(url, telnyx, place) for place in range(CHECKERS)]
        check(url, jobs, seconds / 4)  # warms up
        before = check(url, jobs, seconds)
        telnyx.answer("hang")
        ends.callback(telnyx.release)
        with starting(url):
            telnyx.await_held(PLACES)
            meanwhile = check(url, jobs, seconds)
        telnyx.clear()
        wait_until(lambda: not telnyx.held, seconds=TIMEOUT, what="nothing hangs")
        after = check(url, jobs, seconds)
    # A busy machine drifts: what comes before and what comes after weigh the same.
    alone = Measured((before.per_second + after.per_second) / 2, max(before.slowest, after.slowest))
    return alone, meanwhile, meanwhile.per_second / alone.per_second


def replica(app: str, store: StoreServer, telnyx: FakeTelnyx) -> Server:
    """Return one worker, on a core of its own, with Telnyx's client."""
    settings = {
        "TEXTPROOF_SENDER": "telnyx",
        "TEXTPROOF_API_KEY": telnyx.api_key,
        "TEXTPROOF_FROM_NUMBER": "+13125550001",
        "TEXTPROOF_TELNYX_BASE_URL": telnyx.base_url,
        "TEXTPROOF_REDIS_URL": store.url,
        "TEXTPROOF_SECRET_KEY": SECRET,
        "TEXTPROOF_SENDS_AT_ONCE": str(PLACES),
        "TEXTPROOF_LIMITS_MODE": "observe",  # all of this comes from one address
    }
    return Server(app, settings)


# -- Checks


def job(url: str, telnyx: FakeTelnyx, place: int) -> dict[str, Any]:
    """Return a check that is carried out in full each time, and costs nothing: the right code under one name."""
    number = f"+1415555{2000 + place}"
    with Browser(url) as browser:
        given = fields(browser.get("/").text)
        assert browser.post("/request", {**given, "phone": number}).status == 303  # noqa: PLR2004, S101 - HTTP's own
        token = telnyx.texts_to(number)[0].split(maxsplit=1)[0]
        return {"cookies": browser.cookies, "fields": {"nonce": secrets.token_urlsafe(12), "token": token}}


def check(url: str, jobs: list[dict[str, Any]], seconds: float) -> Measured:
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

    def work(job: dict[str, Any]) -> None:
        with Browser(url, timeout=TIMEOUT) as browser:
            browser.cookies = job["cookies"]
            while (begun := time.monotonic()) < ends:
                try:
                    status = browser.post("/verify", job["fields"]).status
                except OSError:
                    continue
                if status == 200 and time.monotonic() < ends:  # noqa: PLR2004 - HTTP's own
                    times.append(time.monotonic() - begun)

    threads = [threading.Thread(target=work, args=[job], daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + TIMEOUT)
    results.put(times)


# -- Starts


@contextmanager
def starting(url: str, *, patience: float = TIMEOUT) -> Iterator[None]:
    """Let all the starters start, in a process of their own, while the block runs.

    Args:
        url: Where the service is.
        patience: Seconds that somebody who is refused waits at most.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_start_all, args=[url, stop, patience], daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.kill()
        process.join()


def _start_all(url: str, stop: Event, patience: float) -> None:
    """Start with one new number after the other."""
    places = itertools.count()  # whose `next` no thread interrupts

    def start() -> None:
        while not stop.is_set():
            try:
                wait = _start(url, f"+1646{5_552_000 + next(places):07}")
            except (OSError, http.client.HTTPException):
                wait = 1.0
            stop.wait(min(wait, patience))

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
