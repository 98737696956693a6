"""What arrives at a server, as it sees it itself (MONITOR)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
            server.echo(END)
            seen: list[list[str]] = []
            while True:
                event = monitor.next_command()
                if END in event["command"]:
                    return seen
                words = event["command"].split()
                if event["client_type"] != "lua" and words[0].upper() not in HANDSHAKE:
                    seen.append(words)

        yield commands
