"""One line for each event, and each line says which request it belongs to."""

import ast
import json
from pathlib import Path

import pytest

from tests.web.steps import ask, begin, check

ROOT = Path(__file__).parents[2]
HERE = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture
def lines(capfd):
    """Return what was logged since the last time."""
    return lambda: [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_all_lines_of_a_request_have_its_name_also_those_of_the_sending_thread(make_app, number, lines):
    answer = ask(make_app().test_client(), number)

    told = {line["event"]: line["request"] for line in lines() if "request" in line}
    assert {"verification_started", "send_accepted"} <= told.keys()
    assert set(told.values()) == {answer.headers["X-Request-Id"]}


def test_two_requests_have_two_names(client):
    assert client.get("/").headers["X-Request-Id"] != client.get("/").headers["X-Request-Id"]


def test_a_line_outside_a_request_has_none(lines, make_app):
    make_app(TOKEN_LENGTH=4)

    assert [line for line in lines() if "request" in line] == []


def test_the_name_that_our_balancer_gives_is_kept(make_app):
    client = make_app(TRUSTED_PROXIES=1).test_client()

    answer = client.get("/", headers=HERE | {"X-Request-Id": "d3b07384-d9a0-4c1c-8ad1-000000000000"})

    assert answer.headers["X-Request-Id"] == "d3b07384-d9a0-4c1c-8ad1-000000000000"


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "with space", "a\tb-c-d-e", "+12025550143", '"}{"event":"x"'], ids=ascii
)
def test_a_name_that_is_none_is_replaced(make_app, given):
    client = make_app(TRUSTED_PROXIES=1).test_client()

    assert client.get("/", headers=HERE | {"X-Request-Id": given}).headers["X-Request-Id"] != given


def test_without_a_balancer_of_ours_nobody_names_requests(client):
    assert client.get("/", headers={"X-Request-Id": "a-name-of-mine"}).headers["X-Request-Id"] != "a-name-of-mine"


@pytest.mark.parametrize("debug", [False, True])
def test_requests_are_logged_while_debugging_without_their_query(lines, make_app, debug):
    make_app(DEBUG=debug).test_client().get("/verify?phone=+12025550143&token=A1B2C3")

    requests = [line for line in lines() if line["event"] == "request"]
    assert len(requests) == debug
    assert "A1B2C3" not in str(requests)
    if debug:
        assert (requests[0]["method"], requests[0]["path"], requests[0]["status"]) == ("GET", "/verify", 303)


def test_what_is_logged_of_a_verification(make_app, sender, number, lines):
    """Who reads the log can follow it from end to end, and knows nobody's number."""
    client = make_app().test_client()

    check(client, begin(client, sender, number))

    seen = [line for line in lines() if "id" in line]
    assert [line["event"] for line in seen] == ["verification_started", "send_accepted", "verification_approved"]
    assert len({line["id"] for line in seen}) == 1
    assert all(line["to"].endswith(number[-4:]) and "•" in line["to"] for line in seen if "to" in line)
    assert {line["country"] for line in seen} == {"US"}


def events():
    """Yield the first argument of each call of a log in the service: the name of an event, or what chooses one."""
    for file in (ROOT / "service").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name("log"), attr="log"), args=[_, first, *_]):
                    yield first
                case ast.Call(func=ast.Attribute(value=ast.Name("log")), args=[first, *_]):
                    yield first


def test_every_event_is_named_in_the_manual():
    said = (word.value for first in events() for word in ast.walk(first) if isinstance(word, ast.Constant))
    names = {name for name in said if isinstance(name, str)}
    manual = (ROOT / "docs" / "operations.md").read_text("utf-8")

    assert len(names) > 20
    assert {name for name in names if f"`{name}`" not in manual} == set()
