"""Logs: one JSON line for each event, without a whole phone number, whoever wrote it."""

import json
import logging

import pytest

from service.web.logs import JsonFormatter, mask


def line_of(message, *arguments, error=None, **extra):
    record = logging.makeLogRecord(
        {"name": "textproof", "levelno": logging.INFO, "levelname": "INFO", "msg": message, "args": arguments}
        | {"exc_info": error}
        | extra
    )
    return JsonFormatter().format(record)


def test_a_line_has_the_time_the_level_the_event_and_its_facts():
    line = json.loads(line_of("token_rejected", id="abc", checks_left=2))

    assert list(line) == ["time", "level", "event", "id", "checks_left"]
    assert (line["level"], line["event"], line["checks_left"]) == ("info", "token_rejected", 2)
    assert line["time"].endswith("Z")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("to +12025550143", "to +•••••••0143"),
        ("+447400123456 and +12025550143", "+••••••••3456 and +•••••••0143"),
        ("+1••••••0143", "+1••••••0143"),
        ("+6907290", "+••••290"),
        ("+690 7290", "+••• •290"),
        ("+1 (202) 555-0143", "+• (•••) •••-0143"),
        ("+123456789012345678", "+••••••••••••••5678"),
        ('{"prefix": "+44740012"}', '{"prefix": "+44740012"}'),
        ("+1 of 2", "+1 of 2"),
        ("2026-11-22T13:00:00", "2026-11-22T13:00:00"),
    ],
)
def test_numbers_are_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize("digits", range(7, 20))
def test_at_least_half_of_a_number_is_hidden_whatever_its_length(digits):
    assert mask("+" + "7" * digits).count("•") >= digits / 2


def test_numbers_are_masked_wherever_a_library_puts_them():
    error = ValueError("cannot send to +12025550143")

    line = line_of("POST %s", "/x?to=+12025550143", error=(ValueError, error, None), to=["+12025550143"])

    assert "202555" not in line
    assert line.count("0143") == 3


@pytest.mark.parametrize("nasty", ["a\nfake line", "a\r\n{}", "\u2028", '"}', "\x00"], ids=ascii)
def test_nobody_can_write_a_second_line(nasty):
    line = line_of("event", typed=nasty)

    assert len(line.split("\n")) == 1
    assert json.loads(line)["typed"] == nasty
    assert json.loads(line_of("event", path=object()))["path"].startswith("<object"), "what is no JSON is text"


def test_every_line_of_the_service_is_one_json_object(make_app, sender, number, capfd):
    client = make_app(DEBUG=True).test_client()

    client.post("/request", data={"phone": number})
    client.get("/readyz")

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert {"verification_started", "not_ready"} <= {line["event"] for line in lines}
    assert not any(number in str(line) for line in lines)


@pytest.mark.parametrize("debug", [False, True])
def test_debugging_is_for_our_own_code_only(make_app, debug):
    """The libraries would write tokens and numbers."""
    make_app(DEBUG=debug)

    assert logging.getLogger("textproof").isEnabledFor(logging.DEBUG) is debug
    for library in ("werkzeug", "redis", "anything"):
        assert not logging.getLogger(library).isEnabledFor(logging.DEBUG)
    for carrier in ("telnyx", "httpx", "httpcore"):
        assert not logging.getLogger(carrier).isEnabledFor(logging.INFO)
