"""Metrics for Prometheus, and `GET /metrics`, which answers direct requests only, none that came through a balancer.

The rules know nothing of this. They log events with facts, and `Counting` counts those; stores and senders are timed
from outside. A label is a country, a route, or one of our own words: never a number, an address, a token or an id.

Under gunicorn each worker counts into files, which `/metrics` adds up (see gunicorn.conf.py).
"""

import functools
import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

from flask import Flask, Response, abort, g, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from ..verification.envelope import KeyringChanged
from ..verification.errors import SendRefused, SendUncertain, StoreUnavailable
from ..verification.message import Message
from ..verification.ports import Accepted, Sender, Store
from .address import FORWARDED, FORWARDED_FOR

log = logging.getLogger("textproof")

REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
STORE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2)
SENDER_SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 6)
OPERATORS = frozenset({"/livez", "/readyz", "/metrics"})  # asked each second, and by nobody who waits for the answer
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
UNKNOWN = "unknown"
ALARMS = ("range_closed", "range_would_close", "range_low_conversion", "country_low_conversion")
FAULTS = ("internal_error", "send_broken")
T = TypeVar("T")


class Metrics:
    """The numbers of one service."""

    def __init__(self, sends_at_once: int = 0) -> None:
        """Make them all, so that `/metrics` names each from the start.

        Args:
            sends_at_once: Slots in the outbox of a process.
        """
        self._unreadable: set[str] = set()
        self.registry = CollectorRegistry()
        counter, timer = self._counter, self._timer
        self.starts = counter("starts", "Verifications that began.", "country", "kind")
        self.sends = counter("sends", "Messages handed to the carrier, by what it said.", "country", "outcome")
        self.deliveries = counter("deliveries", "What the carrier told later.", "country", "delivery")
        self.approvals = counter("approvals", "Verifications that ended well.", "country")
        self.refusals = counter("refusals", "Refusals of the verbs; rejected is a wrong code.", "verdict")
        self.limits = counter("limits", "Sends that a limit refused, or would have.", "limit", "country", "outcome")
        self.alarms = counter("alarms", "What the limits found: closed ranges, low conversion.", "news")
        self.cost = counter("cost", "Money: by MESSAGE_PRICES (expected), as Telnyx says (billed).", "country", "kind")
        self.pauses = counter("pauses", "How often all sending was paused.")
        self.forged = counter("webhooks_refused", "Webhooks that were not the carrier's.")
        self.errors = counter("errors", "Faults of our own: 500s and sends that broke.", "event")
        self.not_ready = counter("not_ready", "Probes that were told no.")
        self.requests = timer("request_seconds", "Requests.", REQUEST_SECONDS, "route", "method", "status")
        self._request = functools.cache(self.requests.labels)
        self.store_seconds = timer("store_seconds", "Steps of the store.", STORE_SECONDS, "verb", "outcome")
        self.sender_seconds = timer(
            "sender_seconds", "Messages on their way to the carrier.", SENDER_SECONDS, "outcome"
        )
        self.in_flight = self._gauge("sends_in_flight", "Messages that the carrier has not answered yet.", "livesum")
        self.places = self._gauge("send_places", "Messages that a process may hand over at once.", "max")
        self.places.set(sends_at_once)
        # A counter that is first seen at 1 has not grown, as far as Prometheus can tell: what is rare begins at 0.
        for news in ALARMS:
            self.alarms.labels(news)
        for event in FAULTS:
            self.errors.labels(event)
        self.limits.labels("no_place", UNKNOWN, "refused")
        self.shed = self.limits.labels("busy", UNKNOWN, "refused").inc

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"textproof_{name}", words, labels, registry=self.registry)

    def _timer(self, name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"textproof_{name}", words, labels, buckets=buckets, registry=self.registry)

    def _gauge(self, name: str, words: str, mode: Any) -> Gauge:  # noqa: ANN401 - the library's own list of words
        return Gauge(f"textproof_{name}", words, registry=self.registry, multiprocess_mode=mode)

    def show(self) -> bytes:
        """Return all numbers, of all workers, as Prometheus reads them."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        everybody = CollectorRegistry()
        everybody.register(Workers(self._unreadable))
        return generate_latest(everybody)

    def timed_store(self, store: Store) -> Store:
        """Return the same store, each step of which is timed."""
        return cast("Store", _TimedStore(store, self.store_seconds))

    def timed_sender(self, sender: Sender) -> Sender:
        """Return the same sender, each message of which is timed."""
        return _TimedSender(sender, self.sender_seconds, self.in_flight)

    def watch(self, app: Flask) -> None:
        """Time the requests of a service, and add `/metrics`."""
        app.before_request(_begin)
        app.after_request(self._end)

        @app.get("/metrics")
        def metrics() -> ResponseReturnValue:
            if FORWARDED_FOR in request.headers or FORWARDED in request.headers:
                abort(404)  # who comes through a balancer is not the one who watches us
            return Response(self.show(), content_type=CONTENT_TYPE_LATEST)

    def _end(self, response: Response) -> Response:
        rule, method = request.url_rule, request.method
        route = rule.rule if rule else UNKNOWN
        if route not in OPERATORS:
            self._request(route, method if method in METHODS else UNKNOWN, response.status_code).observe(
                time.monotonic() - g.begun
            )
        return response


def _begin() -> None:
    g.begun = time.monotonic()


class Workers(MultiProcessCollector):
    """Adds up what all workers count, without the files that a worker left half-written when it was killed."""

    def __init__(self, said: set[str]) -> None:
        """Take the names of the files that were told of already."""
        super().__init__(None)  # type: ignore[no-untyped-call]
        self._said = said

    def collect(self) -> Iterable[Metric]:
        """Return the sums."""
        files = map(str, Path(self._path).glob("*.db"))
        return cast("Iterable[Metric]", self.merge(list(filter(self._is_whole, files))))  # type: ignore[no-untyped-call]

    def _is_whole(self, file: str) -> bool:
        try:
            self.merge([file])  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001 - whatever the library makes of half a file
            if file not in self._said:
                self._said.add(file)
                log.warning("metrics_unreadable", extra={"file": file, "cause": type(error).__name__})
            return False
        return True


class Counting(logging.Handler):
    """Counts the events of the service's log."""

    def __init__(self, metrics: Metrics) -> None:
        """Take what to count with."""
        super().__init__(logging.INFO)
        self.addFilter(logging.Filter("textproof"))
        count = metrics
        self._events: dict[str, Callable[[_Facts], None]] = {
            "verification_started": lambda of: count.starts.labels(of.country, "test" if of["test"] else "new").inc(),
            "verification_shared": lambda of: count.starts.labels(of.country, "shared").inc(),
            "verification_approved": lambda of: count.approvals.labels(of.country).inc(),
            "verification_refused": lambda of: count.refusals.labels(of["verdict"]).inc(),
            "send_accepted": lambda of: _accepted(count, of),
            "send_refused": lambda of: count.sends.labels(of.country, of["delivery"]).inc(),
            "send_uncertain": lambda of: count.sends.labels(of.country, "uncertain").inc(),
            "send_not_allowed": lambda of: count.limits.labels(of["reason"], of.country, "refused").inc(),
            "limiter": lambda of: _noticed(count, of),
            "receipt": lambda of: _received(count, of),
            "sending_paused": lambda _: count.pauses.inc(),
            "webhook_refused": lambda _: count.forged.inc(),
            **{event: lambda _, event=event: count.errors.labels(event).inc() for event in FAULTS},  # type: ignore[misc]
            "not_ready": lambda _: count.not_ready.inc(),
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Count a line."""
        counted = self._events.get(record.msg)
        if counted is not None:
            counted(_Facts(record))


class _Facts:
    """What a line says besides its event."""

    def __init__(self, record: logging.LogRecord) -> None:
        self._facts = vars(record)

    def __getitem__(self, name: str) -> str:
        return str(self._facts.get(name, ""))

    @property
    def country(self) -> str:
        return self["country"] or UNKNOWN

    def money(self, name: str) -> float:
        return max(0.0, float(self._facts.get(name) or 0))


def _accepted(count: Metrics, of: _Facts) -> None:
    count.sends.labels(of.country, "accepted").inc()
    count.cost.labels(of.country, "expected").inc(of.money("price"))


def _received(count: Metrics, of: _Facts) -> None:
    if of["verdict"] == "done":
        count.deliveries.labels(of.country, of["delivery"]).inc()
        count.cost.labels(of.country, "billed").inc(of.money("cost"))


def _noticed(count: Metrics, of: _Facts) -> None:
    if of["limit"]:
        count.limits.labels(of["limit"], of.country, "observed").inc()
    else:
        count.alarms.labels(of["news"]).inc()


class _TimedStore:
    """A store whose every step is timed: those of verifications by their verb, others with their port in front."""

    def __init__(self, store: Store, timer: Histogram) -> None:
        self.verifications = _TimedPort(store.verifications, timer)
        self.limits = store.limits
        self.notes = _TimedPort(store.notes, timer, "notes_")
        self.clients = _TimedPort(store.clients, timer, "clients_")
        self.keyring = _TimedPort(store.keyring, timer, "keyring_")
        self.signing = _TimedPort(store.signing, timer, "signing_")
        self.ready = _TimedPort(store, timer).ready
        self.memory_used = store.memory_used


class _TimedPort:
    """A port of a store."""

    def __init__(self, port: object, timer: Histogram, label: str = "") -> None:
        self._port = port
        self._timer = timer
        self._label = label

    def __getattr__(self, verb: str) -> Any:  # noqa: ANN401 - whatever the port has
        step = getattr(self._port, verb)
        timer = functools.cache(functools.partial(self._timer.labels, f"{self._label}{verb}"))

        def timed(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - what the port takes and gives
            outcome, begun = "failed", time.monotonic()
            try:
                result = step(*arguments, **named)
                outcome = "done"
            except KeyringChanged:
                outcome = "keyring_changed"
                raise
            except StoreUnavailable:
                outcome = "unavailable"
                raise
            finally:
                timer(outcome).observe(time.monotonic() - begun)
            return result

        self.__dict__[verb] = timed  # the next call finds it at once
        return timed


class _TimedSender:
    """A sender whose every message is timed."""

    def __init__(self, sender: Sender, timer: Histogram, in_flight: Gauge) -> None:
        self._sender = sender
        self._timer = timer
        self._in_flight = in_flight

    def send(self, message: Message) -> Accepted:
        """See `Sender`."""
        outcome, begun = "broken", time.monotonic()
        self._in_flight.inc()
        try:
            accepted = self._sender.send(message)
            outcome = "accepted"
        except SendRefused:
            outcome = "refused"
            raise
        except SendUncertain:
            outcome = "uncertain"
            raise
        finally:
            self._in_flight.dec()
            self._timer.labels(outcome).observe(time.monotonic() - begun)
        return accepted
