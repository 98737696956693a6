"""`textproof stats`: its forms, its days, and that `/metrics` counts the same."""

import csv
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner

from service import __main__ as command
from service.commands import stats
from service.verification.caller import Caller
from service.verification.errors import Limited, SendRefused
from tests.fakes import typed_token

HERE = Caller.at("192.0.2.7")


@pytest.fixture
def said(monkeypatch, settings, store):
    """`said("today")` runs `textproof stats` with these words, and returns its code and what it printed."""
    monkeypatch.setattr(command, "settings_or_exit", settings)
    monkeypatch.setattr(command, "redis_store", lambda _settings: store)

    def run(*words):
        result = CliRunner().invoke(command.main, ["stats", *words])
        return result.exit_code, result.stdout + (str(result.exception) if result.exit_code else "")

    return run


@pytest.fixture
def lived(verifier, sender, clock, numbers):
    """Has one person finish after 9 s, one be refused by the carrier, and one by a limit; returns the day."""
    one = verifier.start(next(numbers), caller=HERE)
    clock.advance(9)
    verifier.check(one.id, typed_token(sender))
    sender.refuse()
    with pytest.raises(SendRefused):
        verifier.start(next(numbers), caller=HERE)
    number = next(numbers)
    for _ in range(5):
        verifier.start(number, caller=HERE)
    with pytest.raises(Limited):
        verifier.start(number, caller=HERE)
    return str(datetime.fromtimestamp(clock(), UTC).date())


def test_a_table_for_people(said, lived):
    code, printed = said(lived)
    head, all_, refused, us = printed.splitlines()

    assert code == 0
    assert head.split() == [
        *("day", "country", "channel", "client", "starts", "refused", "sends", "delivered", "approved", "%"),
        *("seconds", "spent"),
    ]
    assert all_.split()[1:4] == ["all", "all", "all"]
    assert us.split()[1:] == ["US", "sms", "pages", "7", "1", "6", "0", "1", "14", "9", "0.0000"]
    assert refused.split() == ["refused", "by", "sends_of_number", "1"]


def test_json_and_csv_say_the_same(said, lived):
    rows = json.loads(said(lived, "--json")[1])
    lines = list(csv.DictReader(said(lived, "--csv")[1].splitlines()))

    assert [row["country"] for row in rows] == ["all", "US"]
    assert rows[1]["refused"] == {"sends_of_number": 1}
    assert [(line["country"], line["starts"], line["refused"], line["seconds"]) for line in lines] == [
        *(("all", "7", "1", "9"), ("US", "7", "1", "9"))
    ]


def test_a_day_on_which_nothing_happened_has_no_rows(said, lived):
    code, printed = said("2001-01-01", "--json")

    assert (code, json.loads(printed)) == (0, [])


def test_what_is_no_day_is_said_to_be_none(said):
    code, printed = said("someday")

    assert code == 1
    assert printed.startswith("someday is no day: write it like 2026-11-27")


@pytest.mark.parametrize(
    ("day", "many", "meant"),
    [("today", 1, ["2026-11-28"]), ("yesterday", 2, ["2026-11-27", "2026-11-26"]), ("2026-03-01", 1, ["2026-03-01"])],
)
def test_days_are_named(day, many, meant):
    assert [str(one) for one in stats.days(day, many, date(2026, 11, 28))] == meant


def test_an_approval_after_midnight_is_of_the_next_day(verifier, sender, store, clock, number):
    midnight = datetime.fromtimestamp(clock(), UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    clock.now = midnight.timestamp() - 5
    one = verifier.start(number, caller=HERE)
    clock.advance(10)
    verifier.check(one.id, typed_token(sender))

    first, second = (stats.read(store, (midnight + timedelta(seconds=s)).date())[0] for s in (-1, 1))
    assert (first.starts, first.approved, second.starts, second.approved) == (1, 0, 0, 1)
    assert (second.conversion, second.seconds) == (None, 10)


def test_metrics_count_the_same(make_app, store, sender, clock, numbers):
    """Both from the same people; `/metrics` from the log, `stats` from the scripts."""
    app = make_app(store=store, MESSAGE_PRICES=(("*", 0.01),))
    browser = app.test_client()
    for place in range(12):
        browser.post("/request", data={"phone": next(numbers)}, environ_overrides={"REMOTE_ADDR": f"192.0.2.{place}"})
        if place % 2:
            browser.post("/verify", data={"token": typed_token(sender)})
    for _ in range(9):
        browser.post("/request", data={"phone": "+12025550143"})
    counted = app.test_client().get("/metrics").text
    row = stats.read(store, datetime.fromtimestamp(clock(), UTC).date())[0]

    assert row.starts == _sum(counted, "textproof_starts_total")
    assert row.sends == _sum(counted, 'textproof_sends_total{country="US",outcome="accepted"}')
    assert row.approved == _sum(counted, "textproof_approvals_total")
    assert row.spent == pytest.approx(_sum(counted, 'textproof_cost_total{country="US",kind="expected"}'))
    assert row.refused == {"sends_of_number": _sum(counted, 'textproof_refusals_total{verdict="sends_of_number"}')}


def _sum(text, name):
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))
