"""How fast the service is, beside what is as fast as it could be.

    make bench                    all of it; what is promised goes into docs/performance.md (under ten minutes)
    make bench ARGS=quick         all of it, small; nothing is written
    make bench ARGS="check trips" some rows; nothing is written
    make bench ARGS="bytes --pending 1000000"

Those that are compared take turns, round for round, on one core; the client and the store have another. What counts is
a ratio of processor time within a round: absolute figures of a machine that others use as well drift by half.
"""

import argparse
import logging
import math
import statistics
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

from bench.performance import flood, machine, peers, rows
from bench.performance.budget import Book
from bench.performance.load import CONNECTIONS
from bench.performance.rows import FULL, QUICK, Candidate, Measured, Ratio, Size, Stage
from bench.performance.servers import CLIENT_CORE, ROOT, pin

PAGE = ROOT / "docs" / "performance.md"
LEAST = 0.30  # of bare Flask with one EVALSHA; ours: docs/performance.md says why
BEGIN, END = "<!-- written by make bench -->", "<!-- as far as here -->"

Lines = Iterator[str]


def main() -> None:
    """Measure, print, and write the page when all of it was measured."""
    words = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("what", nargs="*", metavar="quick | " + " | ".join(PARTS))
    words.add_argument("--rounds", type=int, help="how often each is measured")
    words.add_argument("--requests", type=int, help="in each round, of each")
    words.add_argument("--pending", type=int, help="verifications that wait at the same time")
    given = words.parse_args()
    unknown = set(given.what) - {"quick", *PARTS}
    if unknown:
        words.error(f"there is no {', '.join(sorted(unknown))}")
    if not machine.can_measure():
        raise SystemExit("This needs Linux: processor time and memory of processes are read from /proc.")
    size = QUICK if "quick" in given.what else FULL
    asked = {name: vars(given)[name] for name in ("rounds", "requests", "pending") if vars(given)[name]}
    size = replace(size, **asked)
    chosen = [name for name in PARTS if name in given.what] or list(WHOLE)
    logging.disable()  # the client's side uses the service's own rules, which log
    pin(CLIENT_CORE)

    book, text = Book(), [f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine.facts()}. {rounds(size)}", ""]
    for name in chosen:
        for line in PARTS[name](size, book):
            say(line)
            text.append(line)
        say("")
        text.append("")
    kept = ["### The budget", "", *book.lines()]
    say("\n".join(kept))
    if "quick" not in given.what and chosen == list(WHOLE):
        before, _, rest = PAGE.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text("\n".join([before + BEGIN, text[0], "", *kept[2:], END + after]))


def rounds(size: Size) -> str:
    """Return how it was measured, in a sentence."""
    return (
        f"{size.rounds} rounds of {size.requests:,} requests each, in turns, after one to warm up; "
        "medians, and the least and the most in brackets."
    )


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


# -- The parts


def check(size: Size, book: Book) -> Lines:
    """(a)."""
    pages = yield from compared("(a) A code typed into the page", rows.checks_of_pages, size, reference="form")
    reference = pages["Flask + form + EVALSHA"]
    book.at_least("check, page: of Flask + form + one EVALSHA", pages["Textproof"].ratio(reference), LEAST)
    again = pages["Flask + form + EVALSHA, the form again"]
    book.at_least(
        "check, page, a wrong code: of the same with its page", pages["Textproof, a wrong code"].ratio(again), LEAST
    )
    yield ""
    api = yield from compared("(a) A code checked by an application", rows.checks_of_api, size, reference="json")
    reference = api["Flask + json + EVALSHA"]
    book.at_least("check, API: of Flask + JSON + one EVALSHA", api["Textproof"].ratio(reference), LEAST)


def start(size: Size, book: Book) -> Lines:
    """(b)."""
    title = "(b) A number typed into the page, every limit on, a carrier that takes every message at once"
    pages = yield from compared(title, rows.starts_of_pages, size, reference="form", connections=rows.STARTERS)
    reference = pages["Flask + form + EVALSHA"]
    book.at_least("start, page: of Flask + form + one EVALSHA", pages["Textproof"].ratio(reference), LEAST)
    yield ""
    title = "(b) A number given by an application"
    api = yield from compared(title, rows.starts_of_api, size, reference="json", connections=rows.STARTERS)
    reference = api["Flask + json + EVALSHA"]
    book.at_least("start, API: of Flask + JSON + one EVALSHA", api["Textproof"].ratio(reference), LEAST)


def refusals(size: Size, book: Book) -> Lines:
    """(c)."""
    for title, candidates in (
        ("typed into the page", rows.refusals_of_pages),
        ("given by an application", rows.refusals_of_api),
    ):
        with ExitStack() as ends:
            measured = rows.in_turns(candidates(Stage(ends)), size, connections=rows.STARTERS)
        yield f"### (c) A number {title}, refused"
        yield ""
        yield f"| {rows.STARTERS} connections | processor time, µs | of a good start |"
        yield "|---|---|---|"
        for name, seen in measured.items():
            cost = Ratio([1 / each for each in seen.ratio(measured[rows.GOOD]).each])
            yield f"| {name} | {statistics.median(seen.microseconds):.0f} | {cost} |"
            if name in rows.EARLY:
                book.at_most(f"a start {title}, refused: {name}", cost.median, 1 / 3)
        yield ""


def compared(
    title: str,
    candidates: Callable[[Stage], list[Candidate]],
    size: Size,
    *,
    reference: str,
    connections: int = rows.CONNECTIONS,
) -> Generator[str, None, dict[str, Measured]]:
    """Measure those side by side; yield their table, and return what was measured."""
    with ExitStack() as ends:
        measured = rows.in_turns(candidates(Stage(ends)), size, connections=connections)
    one, none = measured[f"Flask + {reference} + EVALSHA"], measured[f"Flask + {reference}"]
    yield f"### {title}"
    yield ""
    heads = ("processor time, µs", "requests/s", "p99, ms", "of Flask + EVALSHA", "of Flask", "the same of requests/s")
    yield f"| {connections} connections | {' | '.join(heads)} |"
    yield "|---|---|---|---|---|---|---|"
    for name, seen in measured.items():
        yield f"| {name} | {figures(seen)} | {seen.ratio(one)} | {seen.ratio(none)} | {seen.rate(one)} |"
    return measured


def figures(seen: Measured) -> str:
    """Return the middle of what was seen: processor time, requests a second, the slowest."""
    cpu, rate, slowest = (statistics.median(each) for each in (seen.microseconds, seen.per_second, seen.slowest))
    return f"{cpu:.0f} | {rate:.0f} | {slowest:.0f}"


def telnyx(size: Size, book: Book) -> Lines:
    """(d)."""
    slow = rows.slow_carrier(size)
    yield "### (d) A Telnyx that takes 200 ms, and one that hangs"
    yield ""
    yield "| one worker, Telnyx's own client, 16 places | |"
    yield "|---|---|"
    yield f"| messages a second while 80 clients ask | {slow.sends:.0f} |"
    yield f"| checks a second, alone | {slow.alone.per_second:.0f} |"
    yield f"| checks a second, meanwhile | {slow.meanwhile.per_second:.0f} |"
    yield f"| p99 of checks, alone | {slow.alone.slowest:.0f} ms |"
    yield f"| p99 of checks, meanwhile | {slow.meanwhile.slowest:.0f} ms |"
    hanging = rows.hanging_carrier(size)
    yield f"| checks while every place hangs, of those alone | {hanging} |"
    book.at_least("checks while every send hangs, of those alone", hanging, 0.80)


def trips(_size: Size, book: Book) -> Lines:
    """(e)."""
    with ExitStack() as ends:
        found = rows.trips(Stage(ends))
    yield "### (e) Trips to Redis"
    yield ""
    yield "| | trips | sent | after the answer | commands, with those of scripts |"
    yield "|---|---|---|---|---|"
    for name, seen in found.items():
        yield (
            f"| {name} | {len(seen.trips)} | {', '.join(seen.trips)} | {', '.join(seen.afterwards) or 'nothing'} "
            f"| {seen.commands} |"
        )
    book.at_most("trips of a check (page, a wrong code)", len(found["check, page, wrong"].trips), 1)
    book.at_most("trips of a check (page, a right code)", len(found["check, page, right"].trips), 1)
    book.at_most("trips of a start (page)", len(found["start, page"].trips), 1)
    book.at_most("trips of a check (API)", len(found["check, API, right"].trips), 1)
    book.at_most("trips of a start (API)", len(found["start, API"].trips), 1)


def bytes_(size: Size, book: Book) -> Lines:
    """(f)."""
    yield "### (f) Memory of Redis"
    yield ""
    heads = (
        "waiting",
        "token and record, bytes",
        "with all of a start, bytes",
        "and its trail, bytes",
        "keys each",
        "keys when all has passed",
    )
    yield f"| | {' | '.join(heads)} |"
    yield "|---|---|---|---|---|---|---|"
    for one in rows.memory(size):
        sizes = f"{one.alone:.0f} | {one.each:.0f} | {one.told:.0f}"
        yield f"| {one.server} | {one.pending:,} | {sizes} | {one.keys:.1f} | {one.left} |"
        book.at_most(f"bytes of a token and its record, {one.server}", one.alone, 400)
        book.at_most(f"bytes with the number's budgets, {one.server}", one.each, 470 if "valkey" in one.server else 640)
        book.at_most(f"keys left after expiry, {one.server}", one.left, 0)


def flood_(size: Size, book: Book) -> Lines:
    """(h)."""
    yield "### (h) 32 connections that check, beside others that start"
    yield ""
    heads = "checks/s alone | meanwhile | kept | p99 alone, ms | meanwhile | times | starts were told"
    yield f"| | starts | {heads} |"
    yield "|---|---|---|---|---|---|---|---|---|"
    least: dict[str, float] = {}
    for kept in flood.measure(size.seconds):
        yield str(kept)
        name = kept.way.name
        if kept.flood.rate < math.inf:
            continue  # a record: how it grows
        least[name] = min(least.get(name, math.inf), kept.share.median)
        what = f"{name}, {kept.flood.name}"
        if name == flood.BALANCER:
            book.at_least(f"checks kept in a flood: {what}", kept.share, 0.85)
            book.at_most(f"p99 of checks in a flood, times: {what}", kept.slower.median, 2)
        elif name == flood.WORKER:
            book.at_least(f"checks kept in a flood: {what}", kept.share, 0.25)
    through = f"{least[flood.BALANCER]:.2f}" if flood.BALANCER in least else "(no haproxy here)"
    yield ""
    yield f"flood: checks keep {through} {flood.THROUGH}, {least[flood.WORKER]:.2f} {flood.WITHOUT}"


def weight(size: Size, book: Book) -> Lines:
    """(g)."""
    seen = rows.weight(size)
    yield "### (g) Memory of the processes, and the first answer"
    yield ""
    yield "| with Telnyx's client loaded | |"
    yield "|---|---|"
    yield f"| PSS of the first process | {seen.master:.0f} MB |"
    yield f"| PSS of each of four workers, at work | {', '.join(f'{one:.0f}' for one in seen.workers)} MB |"
    yield f"| all five | {seen.master + sum(seen.workers):.0f} MB |"
    yield f"| first 200 after | {seen.seconds:.1f} s |"
    book.at_most("MB of four workers together (PSS)", sum(seen.workers), 200)
    book.at_most("seconds until the first 200", seen.seconds, 3.0)


def peers_(size: Size, _book: Book) -> Lines:
    """(i)."""
    yield "### (i) better-auth beside the service, one core each"
    yield ""
    with ExitStack() as ends:
        stage = Stage(ends)
        try:
            peer = ends.enter_context(peers.BetterAuth(stage.store.url, stage.crowd.number))
        except peers.CannotRun as why:
            yield f"Not run here: {why}."
            return
        fewer = replace(size, requests=size.requests // peers.SHARE)
        starts = rows.in_turns(peers.starts(stage, peer), fewer, connections=rows.STARTERS)
        checks = rows.in_turns(peers.checks(stage, peer), fewer, connections=CONNECTIONS)
    yield f"{fewer.requests:,} requests each in a round, of better-auth after {peers.WARM:,} of each kind to warm up."
    yield ""
    yield from of_ours(f"{rows.STARTERS} connections, a number given by an application", starts)
    yield ""
    yield from of_ours(f"{CONNECTIONS} connections, a right code checked by an application", checks)


def of_ours(title: str, measured: Mapping[str, Measured]) -> Lines:
    """Return a table of peers, each beside the service."""
    heads = ("processor time, µs", "requests/s", "p99, ms", "of Textproof", "the same of requests/s")
    yield f"| {title} | {' | '.join(heads)} |"
    yield "|---|---|---|---|---|---|"
    ours = measured[peers.OURS]
    for name, seen in measured.items():
        yield f"| {name} | {figures(seen)} | {seen.ratio(ours)} | {seen.rate(ours)} |"


WHOLE: Mapping[str, Callable[[Size, Book], Lines]] = {
    "check": check,
    "start": start,
    "refusals": refusals,
    "telnyx": telnyx,
    "trips": trips,
    "bytes": bytes_,
    "weight": weight,
    "flood": flood_,
}
PARTS = WHOLE | {"peers": peers_}
"""With what needs Node and is no promise."""


if __name__ == "__main__":
    main()
