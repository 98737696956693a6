"""What production would have written to standard error, and the records that it was made of."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from service.web import logs


class Journal(logging.Handler):
    """Keeps what is logged.

    Attributes:
        records: Every record that reached the root, whole.
        written: What the service's own handler wrote.
    """

    def __init__(self, written: io.StringIO) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.written = written

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)

    @property
    def text(self) -> str:
        """Everything that was written."""
        return self.written.getvalue()

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """Return the lines that were written, as facts; only those of one event where it is named."""
        every = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in every if not event or line["event"] == event]

    def facts(self) -> str:
        """Return everything that is in the records, before anything is masked."""
        return "\n".join(f"{record.getMessage()} {vars(record)}" for record in self.records)


@contextmanager
def production_logs(*, debug: bool = False) -> Iterator[Journal]:
    """Log as the service does, and give the logs back as they were."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], _levels()
    root.handlers[:] = []
    written = io.StringIO()
    with redirect_stderr(written):
        logs.configure(debug=debug)
    journal = Journal(written)
    root.addHandler(journal)
    try:
        yield journal
    finally:
        root.handlers[:] = handlers
        for name in _levels():
            logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


def _levels() -> dict[str, int]:
    """Return the level of every logger that exists; the root's name is empty."""
    return {name: logging.getLogger(name).level for name in ("", *logging.root.manager.loggerDict)}
