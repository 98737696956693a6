"""Logs: one JSON line for each event, its name first, facts as fields, phone numbers masked.

The mask is in the formatter, so that lines of libraries pass through it as well.
"""

import json
import logging
import re
import sys
import time

NUMBER = re.compile(r"\+[1-9][0-9]{3,10}(?=[0-9]{4})")
OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON: `time`, `level`, `event`, then what `extra` holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in OWN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return mask(json.dumps(line, default=str, ensure_ascii=False))


def mask(text: str) -> str:
    """Hide all but the last four digits of every phone number in `text`."""
    return NUMBER.sub(lambda match: "+" + "•" * (len(match[0]) - 1), text)


def configure(*, debug: bool) -> None:
    """Send every log of this process to standard error, as JSON.

    Debugging is for our own code only: Telnyx's SDK and httpx would write tokens and numbers.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("textproof").setLevel(logging.DEBUG if debug else logging.INFO)
    for chatty in ("telnyx", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
