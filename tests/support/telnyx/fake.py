"""The server: it records every send, answers as told, and posts receipts.

An outcome is `"accepted"`, a name of `ERRORS`, a name of `FAULTS`, or a `TelnyxError` of the test's
own. `FakeTelnyx.answer` sets it for everybody; a magic number brings its own.
"""

import json
import queue
import re
import socket
import socketserver
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Self, cast
from urllib.parse import parse_qs, urlsplit, urlunsplit

from tests.support.processes import free_port, wait_until
from tests.support.telnyx import webhooks
from tests.support.telnyx.account import FakeAccount
from tests.support.telnyx.errors import ERRORS, RECEIPT_ERRORS, TelnyxError
from tests.support.telnyx.messages import accepted_message, fault_of
from tests.support.telnyx.webhooks import Delivery, Signer

FAULTS: dict[str, str] = {
    "hang": "no answer until `release`",
    "slow": "the answer comes after `seconds`",
    "drip": "the answer comes byte by byte, one in `seconds`",
    "drop": "the message is taken, the connection closed without an answer",
    "drop_before": "the connection is closed before the message is read",
    "garble": "200, and JSON that breaks off",
    "html": "200, and a page",
    "empty": "200, and {}",
    "null_data": '200, and {"data": null}',
    "list": "200, and []",
    "bad_gateway": "502, and a page instead of an error with a code",
}
"""How an answer goes wrong. In all but `drop_before` and `bad_gateway` the message was accepted."""

RECEIPTS = ("delivered", "delivery_unconfirmed", *RECEIPT_ERRORS)
"""What becomes of an accepted message; a code stands for `delivery_failed` with that error."""

KEY_PATTERN = re.compile(r"[A-Za-z0-9_:-]{1,255}", re.ASCII)  # Telnyx's, for Idempotency-Key
PAGE = b"<!doctype html><title>Sorry</title><p>Try again later.</p>"


def _magic_numbers() -> dict[str, str]:
    """Number the outcomes in the ranges that North America keeps for fiction (555-0100 to 0199)."""
    outcomes = [*ERRORS, *(name for name in FAULTS if name != "drop_before"), "accepted"]
    numbers = {f"+13035550{100 + place}": name for place, name in enumerate(outcomes)}
    later = {f"+14045550{100 + place}": f"receipt:{name}" for place, name in enumerate(RECEIPTS)}
    return numbers | later


MAGIC_NUMBERS: dict[str, str] = _magic_numbers()
"""Outcome by number. Keep +1 303 555 01xx and +1 404 555 01xx free of other uses."""


def number_for(outcome: str) -> str:
    """Return the number that brings this outcome; `"receipt:40008"` for one that comes later."""
    return next(number for number, name in MAGIC_NUMBERS.items() if name == outcome)


@dataclass(frozen=True)
class Recorded:
    """One POST as it came, good or bad. `at` is in unix seconds."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    raw: bytes
    body: Any  # what the JSON says; None where it says nothing readable
    idempotency_key: str | None
    at: float


@dataclass(frozen=True)
class _Script:
    outcome: str | TelnyxError = "accepted"
    seconds: float = 1.0
    wait_seconds: float = 0.0


@dataclass(frozen=True)
class _Reply:
    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    closes: bool = False  # nothing is sent
    byte_seconds: float = 0.0  # pause after each byte

    def head(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} -",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            f"X-Request-Id: {uuid.uuid4()}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _json(status: int, content: Any, headers: tuple[tuple[str, str], ...] = ()) -> _Reply:
    return _Reply(status, json.dumps(content).encode(), headers=headers)


def _refusal(error: TelnyxError) -> _Reply:
    return _json(error.status, error.body(), error.headers)


_DISTORTED: dict[str, _Reply] = {
    "drop": _Reply(0, b"", closes=True),
    "garble": _Reply(200, b'{"data": {"record_type": "message", "id": "4038'),
    "html": _Reply(200, PAGE, "text/html; charset=utf-8"),
    "empty": _json(200, {}),
    "null_data": _json(200, {"data": None}),
    "list": _json(200, []),
}


@dataclass
class _Ledger:
    """Answers by idempotency key, as Telnyx keeps them: the good ones only."""

    answered: dict[str, tuple[bytes, _Reply]] = field(default_factory=dict)
    in_flight: set[str] = field(default_factory=set)

    def claim(self, key: str, raw: bytes) -> _Reply | None:
        """Return what is to be answered at once, or None where the request may go ahead."""
        if not KEY_PATTERN.fullmatch(key):
            return _refusal(ERRORS["10015"])
        if key in self.answered:
            known, reply = self.answered[key]
            return reply if known == raw else _refusal(ERRORS["10027"])
        if key in self.in_flight:
            return _refusal(ERRORS["10036"])
        self.in_flight.add(key)
        return None


class FakeTelnyx:
    """`POST /v2/messages` on a free loopback port, and GETs about the account.

    Args:
        api_key: The one key that it lets in.

    Attributes:
        requests: Every POST, in the order of arrival.
        messages: `data` of every message accepted: what people would have been texted.
        webhooks: Post `message.sent` and `message.finalized` to the `webhook_url` of a message.
        webhook_origin: Post them here instead, `http://host:port`; path and query stay. For a
            product that calls itself by a public name.
        disorder: Post the final event first, and each twice.
        receipt: How a message ends, one of `RECEIPTS`, unless its number says otherwise.
        deliveries: Every webhook posted by itself.
        account: What GET tells about the account; GETs are not recorded.
    """

    def __init__(self, api_key: str = "KEY_of_a_fake_account") -> None:
        self.api_key = api_key
        self.port = free_port()
        self.requests: list[Recorded] = []
        self.messages: list[dict[str, Any]] = []
        self.deliveries: list[Delivery] = []
        self.webhooks = False
        self.webhook_origin: str | None = None
        self.disorder = False
        self.receipt = "delivered"
        self._signer = Signer()
        self.account = FakeAccount(self._signer.public_key)
        self._script = _Script()
        self._ledger = _Ledger()
        self._lock = threading.Lock()
        self._holds = False
        self._held = 0
        self._release = threading.Event()
        self._closing = threading.Event()
        self._events: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        self._owed = 0

    @property
    def base_url(self) -> str:
        """For `TELNYX_BASE_URL`, `/v2` included."""
        return f"http://127.0.0.1:{self.port}/v2"

    @property
    def public_key(self) -> str:
        """Base64 of the 32 bytes that prove our webhooks."""
        return self._signer.public_key

    @property
    def held(self) -> int:
        """How many requests hang now."""
        return self._held

    # What a test tells it.

    def answer(self, outcome: str | TelnyxError, *, seconds: float = 1.0, wait_seconds: float = 0.0) -> None:
        """Let every request from now on end so, until the next call.

        Args:
            outcome: `"accepted"`, a key of `ERRORS` or of `FAULTS`, or an error of your own.
            seconds: How slow `slow` is, and each byte of `drip`.
            wait_seconds: How long an accepted message says that it is queued.
        """
        if isinstance(outcome, str) and outcome not in {"accepted", *ERRORS, *FAULTS}:
            raise KeyError(outcome)
        self._script = _Script(outcome, seconds, wait_seconds)

    def hold(self) -> None:
        """Let every request that comes wait before it is answered, well or badly, until `release`."""
        with self._lock:
            self._holds = True

    def release(self) -> None:
        """Let every request that hangs now, or is held, go on."""
        with self._lock:
            self._holds = False
            self._release.set()
            self._release = threading.Event()

    def clear(self) -> None:
        """Forget what was recorded, release what hangs, and accept again at once."""
        self.answer("accepted")
        self.release()
        with self._lock:
            self.requests.clear()
            self.messages.clear()
            self.deliveries.clear()
            self._ledger = _Ledger()

    # What a test asks it.

    def texts_to(self, number: str) -> list[str]:
        """Return the texts of the messages that this number would have been sent, oldest first."""
        with self._lock:
            return [one["text"] for one in self.messages if one["to"][0]["phone_number"] == number]

    def await_held(self, count: int) -> None:
        """Return when that many requests hang, or are held."""
        wait_until(lambda: self._held >= count, what=f"{count} requests hang")

    def await_webhooks(self) -> None:
        """Return when every webhook owed so far was delivered or given up."""
        wait_until(lambda: self._owed == 0, what="webhooks are delivered")

    # Webhooks.

    def sign(self, body: bytes, timestamp: int | str | None = None) -> dict[str, str]:
        """Return the headers that prove `body`, at `timestamp` (unix seconds; now where None)."""
        return self._signer.headers(body, timestamp)

    def webhook(self, url: str, occurred: Mapping[str, Any], *, timestamp: int | str | None = None) -> int | None:
        """POST one signed event and return the status; None where none came."""
        body = json.dumps(occurred).encode()
        return webhooks.post(url, body, self.sign(body, timestamp))

    def _announce(self, message: dict[str, Any]) -> None:
        url = message["webhook_url"]
        if not (self.webhooks and url):
            return
        if self.webhook_origin is not None:
            _, _, path, query, _ = urlsplit(url)
            url = self.webhook_origin + urlunsplit(("", "", path, query, ""))
        number = message["to"][0]["phone_number"]
        end = MAGIC_NUMBERS.get(number, "").removeprefix("receipt:")
        first, last = webhooks.sent(message), _ending(message, end, self.receipt)
        events = [last, first, last, first] if self.disorder else [first, last]
        with self._lock:
            self._owed += len(events)
        for one in events:
            self._events.put((url, one))

    def _deliver(self) -> None:
        while (owed := self._events.get()) is not None:
            url, occurred = owed
            made = [] if self._closing.is_set() else webhooks.deliver(self._signer, url, occurred)
            with self._lock:
                self.deliveries.extend(made)
                self._owed -= 1

    # Answers.

    def reply_to(self, request: Recorded) -> _Reply:
        """Record the request, take as long as the outcome takes, and return what to send."""
        with self._lock:
            self.requests.append(request)
            script = self._script
            refusal = self._refuse(request)
            key = request.idempotency_key
            if refusal is None and key is not None:
                refusal = self._ledger.claim(key, request.raw)
            ledger, released, holds = self._ledger, self._release, self._holds
        if holds:
            self._wait_for(released)
        if refusal is not None:
            return refusal
        try:
            return self._play(request, script, ledger, released)
        finally:
            with self._lock:
                ledger.in_flight.discard(key or "")

    def tell(self, path: str, headers: Mapping[str, str]) -> _Reply:
        """Return what to send to a GET; `answer` is for these as well."""
        with self._lock:
            script, released = self._script, self._release
        where = urlsplit(path)
        if headers.get("Authorization") != f"Bearer {self.api_key}":
            return _refusal(ERRORS["10009"])
        outcome = script.outcome
        if isinstance(outcome, TelnyxError) or outcome in ERRORS:
            return _refusal(outcome if isinstance(outcome, TelnyxError) else ERRORS[outcome])
        if outcome == "bad_gateway":
            return _Reply(502, PAGE, "text/html; charset=utf-8")
        if outcome == "hang":
            self._wait_for(released)
        told = self.account.answer(where.path.removeprefix("/v2"), parse_qs(where.query))
        good = _refusal(ERRORS["10005"]) if told is None or not where.path.startswith("/v2/") else _json(200, told)
        if outcome == "drip":
            return _Reply(good.status, good.body, byte_seconds=script.seconds)
        return _DISTORTED.get(outcome, good)

    def _refuse(self, request: Recorded) -> _Reply | None:
        if request.path != "/v2/messages":
            return _refusal(ERRORS["10005"])
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            return _refusal(ERRORS["10009"])
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _refusal(TelnyxError(415, "10014", "Unsupported Media Type", "Send JSON."))
        if request.body is None:
            return _refusal(ERRORS["10026"])
        fault = fault_of(request.body)
        return None if fault is None else _refusal(fault)

    def _play(self, request: Recorded, script: _Script, ledger: _Ledger, released: threading.Event) -> _Reply:
        magic = MAGIC_NUMBERS.get(request.body["to"], "")
        outcome = magic if magic and not magic.startswith("receipt:") else script.outcome
        if isinstance(outcome, TelnyxError):
            return _refusal(outcome)
        if outcome in ERRORS:
            return _refusal(ERRORS[outcome])
        if outcome == "bad_gateway":
            return _Reply(502, PAGE, "text/html; charset=utf-8")
        if outcome == "hang":
            self._wait_for(released)
        if outcome == "slow":
            self._closing.wait(script.seconds)
        good = self._accept(request, script, ledger)
        if outcome == "drip":
            return _Reply(200, good.body, byte_seconds=script.seconds)
        return _DISTORTED.get(outcome, good)

    def _wait_for(self, released: threading.Event) -> None:
        with self._lock:
            self._held += 1
        try:
            released.wait()
        finally:
            with self._lock:
                self._held -= 1

    def _accept(self, request: Recorded, script: _Script, ledger: _Ledger) -> _Reply:
        message = accepted_message(request.body, wait_seconds=script.wait_seconds)
        reply = _json(200, {"data": message})
        with self._lock:
            self.messages.append(message)
            if request.idempotency_key is not None:
                ledger.answered[request.idempotency_key] = (request.raw, reply)
        self._announce(message)
        return reply

    @property
    def closes_unread(self) -> bool:
        """Whether a connection is closed before anything is read from it."""
        return self._script.outcome == "drop_before"

    def pause(self, seconds: float) -> bool:
        """Wait, and return whether the server goes on."""
        return not self._closing.wait(seconds)

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True),
            threading.Thread(target=self._deliver, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.release()
        self._events.put(None)
        self._server.shutdown()
        self._server.cut_all()
        self._server.server_close()
        for thread in self._threads:
            thread.join()


def _ending(message: Mapping[str, Any], magic: str, usual: str) -> dict[str, Any]:
    end = magic if magic in RECEIPTS else usual
    if end == "delivered":
        return webhooks.delivered(message)
    if end == "delivery_unconfirmed":
        return webhooks.unconfirmed(message)
    return webhooks.failed(message, end)


class _Server(socketserver.ThreadingTCPServer):
    """Knows its connections, so that it can cut them; asks no name server about anybody."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, fake: FakeTelnyx) -> None:
        self.fake = fake
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", fake.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        """Wake every thread that waits for a request on a kept connection."""
        for connection in list(self._open):
            with suppress(OSError):  # already gone
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def fake(self) -> FakeTelnyx:
        return cast("_Server", self.server).fake

    def handle(self) -> None:
        try:
            if not self.fake.closes_unread:
                super().handle()
        except ConnectionError:
            pass  # the client did not wait

    def do_POST(self) -> None:
        if self.fake.closes_unread:
            self.close_connection = True
            return
        self._send(self.fake.reply_to(self._read()))

    def do_GET(self) -> None:
        self._send(self.fake.tell(self.path, dict(self.headers)))

    def _send(self, reply: _Reply) -> None:
        if reply.closes:
            self.close_connection = True
        elif reply.byte_seconds:
            self._drip(reply)
        else:
            self.wfile.write(reply.head() + reply.body)

    def _read(self) -> Recorded:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in self.headers.items()}
        key = headers.get("idempotency-key")
        path = self.path.partition("?")[0]
        return Recorded(path, headers, raw, body, key, time.time())

    def _drip(self, reply: _Reply) -> None:
        for byte in reply.head() + reply.body:
            self.wfile.write(bytes([byte]))
            if not self.fake.pause(reply.byte_seconds):
                break

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Say nothing: requests are recorded, and a text may hold a token."""
