"""What arrives at a server, as it sees it itself (MONITOR)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis

HANDSHAKE = ("HELLO", "CLIENT", "AUTH", "SELECT", "READONLY")
END = "textproof-tests-end"


@contextmanager
def watched(server: redis.Redis) -> Iterator[Callable[[], list[list[str]]]]:
    """Give a function that returns the commands sent since it was last asked, without those that scripts call.

    Each command is a list of words; those that open a connection are left out.
    """
    with server.monitor() as monitor:

        def commands() -> list[list[str]]:
            seen = [event["command"].split() for event in _events(server, monitor) if event["client_type"] != "lua"]
            return [words for words in seen if words[0].upper() not in HANDSHAKE]

        yield commands


@contextmanager
def watched_scripts(server: redis.Redis) -> Iterator[Callable[[], list[tuple[list[str], list[list[str]]]]]]:
    """Give a function that returns the scripts run since it was last asked, each with the commands that it called."""
    with server.monitor() as monitor:

        def scripts() -> list[tuple[list[str], list[list[str]]]]:
            seen: list[tuple[list[str], list[list[str]]]] = []
            for event in _events(server, monitor):
                words = event["command"].split()
                if event["client_type"] == "lua":
                    seen[-1][1].append(words)
                elif words[0].upper() == "EVALSHA":
                    seen.append((words, []))
            return seen

        yield scripts


def _events(server: redis.Redis, monitor: Any) -> Iterator[dict[str, Any]]:
    server.echo(END)
    while END not in (event := monitor.next_command())["command"]:
        yield event
