"""`/metrics`: everything that matters to an operator, and nothing about anybody."""

import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.parser import text_string_to_metric_families

from service.sender.demo import DemoSender
from service.verification.policy import Window
from service.web.metrics import Counting, Metrics
from tests.fakes import GoneStore, ReadyStore, typed_token, wrong
from tests.web.steps import ask, begin, check

ONE_AN_HOUR = (Window(1, timedelta(hours=1)),)
SERVICE = Path(__file__).parents[2] / "service"


def numbers_of(client):
    """Return every sample that is not 0: its name with its labels, and its value."""
    text = client.get("/metrics").text
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.value and not sample.name.endswith(("_bucket", "_sum", "_created"))
    }


def count(found, name, **labels):
    """Return the sum of all samples of a name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (sample, *rest), value in found.items() if sample == name and wanted <= set(rest))


@pytest.fixture
def says():
    """Counts one line of the log, and returns what there is to see then."""
    metrics = Metrics()
    handler = Counting(metrics)

    def say(event, **facts):
        record = logging.makeLogRecord({"name": "textproof", "levelno": logging.INFO, "msg": event} | facts)
        handler.handle(record)
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in metrics.registry.collect()
            for sample in family.samples
            if sample.value
        }

    return say


def test_a_verification_is_counted_from_its_start_to_its_approval(client, sender, number):
    token = begin(client, sender, number)
    check(client, wrong(token))
    check(client, token)

    found = numbers_of(client)

    assert count(found, "textproof_starts_total", country="US", kind="new") == 1
    assert count(found, "textproof_sends_total", country="US", outcome="accepted") == 1
    assert count(found, "textproof_refusals_total", verdict="rejected") == 1
    assert count(found, "textproof_approvals_total", country="US") == 1


def test_a_message_that_is_refused_or_lost_is_counted_as_such(client, sender, numbers):
    sender.refuse()
    ask(client, next(numbers))
    sender.lose()
    ask(client, next(numbers))

    found = numbers_of(client)

    assert count(found, "textproof_sends_total", outcome="failed") == 1
    assert count(found, "textproof_sends_total", outcome="uncertain") == 1
    assert count(found, "textproof_sender_seconds_count", outcome="refused") == 1


@pytest.mark.parametrize(("observe", "outcome", "starts"), [((), "refused", 1), (("address",), "observed", 2)])
def test_a_limit_is_counted_by_its_name_whether_it_refuses_or_watches(make_app, numbers, observe, outcome, starts):
    client = make_app(STARTS_PER_ADDRESS=ONE_AN_HOUR, OBSERVE=observe).test_client()
    for _ in range(2):
        ask(client, next(numbers))

    found = numbers_of(client)

    assert count(found, "textproof_limits_total", limit="starts_of_address", country="US", outcome=outcome) == 1
    assert count(found, "textproof_starts_total") == starts


def test_requests_are_timed_by_route_and_never_by_path(client):
    client.get("/")
    client.get("/nowhere/+12025550143")
    client.open("/", method="BREW")

    found = numbers_of(client)

    assert count(found, "textproof_request_seconds_count", route="/", method="GET", status="200") == 1
    assert count(found, "textproof_request_seconds_count", route="unknown", status="404") == 1
    assert count(found, "textproof_request_seconds_count", method="unknown") == 1
    assert "nowhere" not in str(found)
    assert "BREW" not in str(found)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_are_not_counted_as_requests(client, path):
    client.get(path)

    assert count(numbers_of(client), "textproof_request_seconds_count") == 0


def test_steps_of_the_store_are_timed_by_verb(client, sender, number):
    begin(client, sender, number)

    found = numbers_of(client)

    assert count(found, "textproof_store_seconds_count", verb="start", outcome="done") == 1
    assert count(found, "textproof_store_seconds_count", verb="keyring_read", outcome="done") == 1


def test_a_step_under_another_keyring_is_counted_as_such(client, keys, sender, numbers):
    begin(client, sender, next(numbers))
    keys.rotate()
    begin(client, sender, next(numbers))

    found = numbers_of(client)

    assert count(found, "textproof_store_seconds_count", verb="start", outcome="keyring_changed") == 1
    assert count(found, "textproof_store_seconds_count", verb="start", outcome="done") == 2


def test_a_store_that_is_gone_and_a_probe_that_was_told_so_are_counted(make_app, number):
    client = make_app(store=GoneStore()).test_client()
    ask(client, number)
    assert count(numbers_of(client), "textproof_store_seconds_count", outcome="unavailable") == 1

    client.get("/readyz")

    assert count(numbers_of(client), "textproof_not_ready_total") == 1


def test_money_is_counted_as_expected_and_as_billed(says):
    says("send_accepted", country="US", price=0.0079)
    found = says("receipt", country="US", delivery="delivered", verdict="done", cost=0.01)

    assert found["textproof_cost_total", ("country", "US"), ("kind", "expected")] == 0.0079
    assert found["textproof_cost_total", ("country", "US"), ("kind", "billed")] == 0.01
    assert found["textproof_deliveries_total", ("country", "US"), ("delivery", "delivered")] == 1


def test_a_receipt_that_came_before_is_not_counted_again(says):
    found = says("receipt", country="US", delivery="delivered", verdict="repeated", cost=0.01)

    assert not any(name.startswith(("textproof_deliveries", "textproof_cost")) for name, *_ in found)


@pytest.mark.parametrize(
    ("event", "facts", "name"),
    [
        ("limiter", {"news": "range_closed", "country": "US"}, "textproof_alarms_total"),
        ("sending_paused", {}, "textproof_pauses_total"),
        ("webhook_refused", {}, "textproof_webhooks_refused_total"),
        ("internal_error", {}, "textproof_errors_total"),
        ("send_broken", {}, "textproof_errors_total"),
    ],
)
def test_what_an_operator_is_called_for_is_counted(says, event, facts, name):
    assert sum(value for (found, *_), value in says(event, **facts).items() if found == name) == 1


def test_lines_of_others_are_not_counted(says):
    assert not any("starts" in name for name, *_ in says("verification_started", name="werkzeug", country="US"))


def test_every_event_that_is_counted_is_logged_somewhere():
    code = "\n".join(path.read_text() for path in SERVICE.rglob("*.py") if path.name != "metrics.py")
    counted = Counting(Metrics())._events

    assert {event for event in counted if f'"{event}"' not in code} == set()


@pytest.mark.parametrize("header", [{"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}], ids=str)
def test_who_comes_through_a_balancer_sees_no_numbers(client, header):
    answer = client.get("/metrics", headers=header)

    assert answer.status_code == 404
    assert "textproof_" not in answer.text


@pytest.mark.parametrize(
    "left",
    [
        b"",
        b"\x00",
        b"\x20\x00\x00\x00",
        b"\xff" * 64,
        b"\x28\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00nope" + b" " * 40,
    ],
    ids=["empty", "a-byte", "cut", "noise", "no-json"],
)
@pytest.mark.parametrize("name", ["counter_99.db", "gauge_livesum_99.db", "histogram_99.db", "gauge.db"])
def test_what_a_killed_worker_left_half_written_hides_no_other_number(tmp_path, monkeypatch, left, name):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    whole = MmapedDict(tmp_path / "counter_1.db")
    whole.write_value(mmap_key("seen", "seen_total", ["a"], ["b"], "Seen."), 3.0, 0.0)
    whole.close()
    (tmp_path / name).write_bytes(left)

    assert b'seen_total{a="b"} 3.0' in Metrics().show()


def test_no_number_token_id_or_address_is_in_a_metric(make_app, sender, number):
    client = make_app(TRUSTED_PROXIES=1).test_client()
    here = {"X-Forwarded-For": "203.0.113.77"}
    client.post("/request", data={"phone": number, "nonce": "a-nonce"}, headers=here)
    token = typed_token(sender)
    client.post("/verify", data={"token": wrong(token)}, headers=here)
    client.post("/verify", data={"token": token}, headers=here)
    client.post("/verify", data={"token": token}, headers=here)
    client.get(f"/verify?{number}={token}", headers=here)

    text = client.get("/metrics").text

    for canary in (
        number,
        number[1:],
        number[-7:],
        token,
        token.lower(),
        "203.0.113",
        sender.messages[0].id,
        "a-nonce",
    ):
        assert canary not in text


def test_labels_are_words_of_ours(client, sender, number):
    """A value that somebody else chose could be anything, and there could be as many of them as they like."""
    check(client, begin(client, sender, number))

    labels = re.findall(r'(\w+)="([^"]*)"', client.get("/metrics").text)

    assert all(re.fullmatch(r"[a-z_:]+|[A-Z]{2,4}|\d{3}|/[a-z/<>_:.{}]*|\+Inf|[\d.e-]+", value) for _, value in labels)


def test_the_demo_is_timed_like_any_carrier(make_app, store, keys, clock, number):
    demo = DemoSender(store.notes, keys, clock)
    client = make_app(SENDER="demo", store=store, sender=demo).test_client()
    ask(client, number)

    assert count(numbers_of(client), "textproof_sender_seconds_count", outcome="accepted") == 1


def test_a_step_of_another_port_is_named_after_it(store):
    metrics = Metrics()
    timed = metrics.timed_store(store)

    assert timed.notes.list("inbox") == []
    assert timed.clients.all() == []
    assert metrics.timed_store(ReadyStore()).ready() == []

    verbs = {
        sample.labels["verb"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if "verb" in sample.labels
    }
    assert verbs == {"notes_list", "clients_all", "ready"}
