"""Logs: one JSON line for each event, its name first, facts as fields, phone numbers and client keys masked.

The mask is in the formatter, so that lines of libraries pass through it as well. A line that belongs to a request says
which: the balancer's name for it, or one of ours, which the caller is told as `X-Request-Id`.
"""

import json
import logging
import random
import re
import sys
import time
from contextvars import ContextVar

from flask import Flask, Response, request

log = logging.getLogger("textproof")

# From seven digits on, as the shortest numbers have; with what people write between them. A prefix is no number: its
# last four digits are not there.
NUMBER = re.compile(r'(?<!"prefix": ")\+[0-9](?:[ .()/-]{0,2}[0-9]){6,}')
SHOWN = 4  # digits at most, and never more than half of a number
CLIENT_KEY = re.compile(r"(tp_[0-9a-f]{8}_)[A-Za-z0-9_-]+")
REQUEST_ID = re.compile(r"[0-9A-Za-z._-]{8,64}")
OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}
request_id: ContextVar[str] = ContextVar("request_id", default="")


_as_json = json.JSONEncoder(default=str, ensure_ascii=False).encode
CHATTY = ("telnyx", "httpx", "httpcore")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON: `time`, `level`, `event`, the request, then what `extra` holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if request_id.get():
            line["request"] = request_id.get()
        line |= {name: value for name, value in vars(record).items() if name not in OWN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return mask(_as_json(line))


def mask(text: str) -> str:
    """Hide at least half of every phone number in `text`, and all but the prefix of every client key."""
    hidden = CLIENT_KEY.sub(r"\1•", text) if "tp_" in text else text
    return NUMBER.sub(_hide, hidden)


def _hide(number: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in number[0])
    return re.sub("[0-9]", "•", number[0], count=digits - min(SHOWN, digits // 2))


def name_requests(app: Flask, *, proxies: int) -> None:
    """Give every request a name, and log what became of it while debugging: no query, no address.

    Args:
        app: The service.
        proxies: How many of ours a request comes through; without any, a name that comes along is nobody's we know.
    """

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "") if proxies else ""
        request_id.set(given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}")

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = request_id.get()
        log.debug("request", extra={"method": request.method, "path": request.path, "status": response.status_code})
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        request_id.set("")


def configure(*, debug: bool, also: logging.Handler | None = None) -> None:
    """Send every log of this process to standard error, as JSON, and to one more handler.

    Debugging is for our own code only: Telnyx's SDK and httpx would write tokens and numbers.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(_is_ours)  # TELNYX_LOG turns levels down again, after this
    logging.basicConfig(level=logging.INFO, handlers=[handler, *([also] if also else [])], force=True)
    logging.getLogger("textproof").setLevel(logging.DEBUG if debug else logging.INFO)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("gunicorn.error").addFilter(_without_quotation)


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether a record may be written: libraries that see messages may only warn."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in CHATTY


def _without_quotation(record: logging.LogRecord) -> bool:
    """Take out what gunicorn quotes of a request that it could not read: the line may hold anything, a key as well."""
    if str(record.msg).startswith("Invalid request"):
        record.msg, record.args = "request_unreadable", ()
    return True
