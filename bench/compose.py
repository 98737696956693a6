"""The compose stack under fire: `python3 -m bench.compose`, while `docker compose up` runs.

The whole flow goes through the balancer, any replica serving any step; then a replica is killed, the replicas are
restarted one by one, and the store is killed, all under load; then numbers and codes are looked for in logs and
metrics. Needs Docker's command line, and no packages of Python. Ends with 1 when a token was spent twice, or more
failed than was in the hands of what was killed.
"""

import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from bench.history import Before, History, Visitor, crowd, first_success, wrong_for
from tests.support.http import Browser

URL = "http://127.0.0.1:8080"
ROOT = Path(__file__).parents[1]
VISITORS = 4  # each has two requests under way at most
BACK_SECONDS = 2.0
faults = 0


def main() -> int:
    """Run all, and return the exit code."""
    flow()
    kill_a_replica()
    rolling_restart()
    kill_the_store()
    canaries()
    print("compose: ok" if not faults else f"compose: {faults} FAILED")
    return min(faults, 1)


def flow() -> None:
    """Any replica serves any step."""
    history = History()
    visitor = Visitor(URL, history)
    for _ in range(20):
        visitor.visit()
    serving = defaultdict(set)
    for line in docker("compose", "--ansi", "never", "logs", "--no-color", "web").splitlines():
        replica, _, event = line.partition("|")
        if event.strip().startswith("{"):
            facts = json.loads(event)
            serving[facts.get("id")].add(replica.strip())
    several = sum(len(replicas) > 1 for id_, replicas in serving.items() if id_)
    everybody = set().union(*serving.values())
    report("20 visits", history, several > 0, f"{several} verifications served by several of {len(everybody)} replicas")


def kill_a_replica() -> None:
    """Kill one with -9 under load: only what it had in its hands may fail."""
    history = History()
    victim = containers("web")[0]
    with crowd([URL], history, size=VISITORS):
        time.sleep(3)
        docker("kill", "--signal", "KILL", victim)
        time.sleep(4)
        docker("start", victim)
        time.sleep(4)
    in_hands = VISITORS * 2
    report("kill -9 of a replica", history, len(history.failures) <= in_hands, f"at most {in_hands} were in its hands")


def rolling_restart() -> None:
    """Replace every replica, without one failed request."""
    history = History()
    before = set(containers("web"))
    with crowd([URL], history, size=2):
        begun = time.monotonic()
        subprocess.run([ROOT / "deploy" / "rolling-restart"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        took = time.monotonic() - begun
    replaced = not before & set(containers("web")) and len(containers("web")) == len(before)
    report("rolling restart", history, not history.failures and replaced, f"{len(before)} replaced in {took:.0f} s")


def kill_the_store() -> None:
    """Kill Redis with -9 under load, and start it again."""
    history = History()
    store = containers("redis")[0]
    before = Before(Visitor(URL, history), 4)
    with crowd([URL], history, size=VISITORS):
        time.sleep(2)
        docker("kill", "--signal", "KILL", store)
        time.sleep(2)
        docker("start", store)
        while not answers(store):
            pass
        back = first_success(URL, History())
        time.sleep(2)
    again, lost = before.judge(URL)
    well = back <= BACK_SECONDS and not again and not lost
    words = f"a visit works {back:.2f} s after it answers; of codes from before {again} spent again, {lost} lost"
    report("kill -9 of Redis", history, well, words)


def canaries() -> None:
    """Look for the numbers and the tokens of some visits in all that the stack writes and counts."""
    history = History()
    visitor, birds = Visitor(URL, history), set[str]()
    for _ in range(5):
        with Browser(URL, timeout=10) as browser:
            if asked := visitor.ask(browser):
                number, token = asked
                visitor.type(browser, number, wrong_for(token), "wrong")
                visitor.type(browser, number, token, "right")
                # One of figures alone is found in any long number.
                birds |= {number.removeprefix("+1"), *({token} if re.search("[A-F]", token) else ())}
    read = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/metrics').read().decode())"
    written = docker("compose", "--ansi", "never", "logs", "--no-color")
    counted = "".join(docker("exec", replica, "python", "-c", read) for replica in containers("web"))
    well = not any(bird in written + counted for bird in birds) and "approved" in written and "approvals" in counted
    words = f"{len(birds)} of them, in {len(written):,} letters of logs and {len(counted):,} of metrics"
    report("numbers and codes, looked for", history, well, words)


def report(what: str, history: History, well: bool, more: str) -> None:  # noqa: FBT001 - a verdict
    """Print a line, and count what was not as promised."""
    global faults  # noqa: PLW0603 - a program with one run
    twice, lost, gave_up = history.spent_twice(), history.lost(), history.gave_up
    well = well and not twice and not lost and not gave_up and history.approved() > 0
    faults += not well
    print(
        f"{'ok  ' if well else 'FAIL'} {what}: {history.requests} requests, {len(history.failures)} failed, "
        f"{history.approved()} approved, {twice} spent twice, {lost} lost, {gave_up} gave up; {more}",
        flush=True,
    )


def answers(store: str) -> bool:
    """Tell whether Redis has read its log and answers."""
    ask = "REDISCLI_AUTH=$REDIS_PASSWORD exec valkey-cli --user textproof ping"
    done = subprocess.run(["docker", "exec", store, "sh", "-c", ask], check=False, capture_output=True, text=True)  # noqa: S607
    return "PONG" in done.stdout


def containers(service: str) -> list[str]:
    """Return the running containers of a service."""
    return docker("compose", "ps", "--quiet", service).split()


def docker(*words: str) -> str:
    """Run a command of Docker and return what it prints."""
    return subprocess.run(["docker", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S607


if __name__ == "__main__":
    sys.exit(main())
