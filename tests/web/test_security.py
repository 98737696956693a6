"""What the browser is told on every answer, and which requests are not ours."""

import re
from typing import Any

import pytest
from flask import Response
from werkzeug.test import EnvironBuilder

from service.web.security import HEADERS
from tests.fakes import GoneStore
from tests.store.engines import Engine
from tests.web.steps import begin

PUBLIC = "https://verify.example.com"


class BrokenStore:
    """A store with a fault of ours: nobody expects what it raises."""

    def __getattr__(self, verb):
        def fail(*_arguments, **_facts):
            raise RuntimeError("hunter2 and +12025550143")

        return fail


# -- Headers

ANSWERS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "first-page": ("GET", "/", {}, 200),
    "code-page": ("GET", "/verify", {}, 200),
    "status": ("GET", "/verify/status", {}, 200),
    "live": ("GET", "/livez", {}, 200),
    "style": ("GET", "/static/style.css", {}, 200),
    "head": ("HEAD", "/", {}, 200),
    "options": ("OPTIONS", "/request", {}, 200),
    "bad-request": ("POST", "/request", {"data": {"phone": ["1", "2"]}}, 400),
    "cross-site": ("POST", "/request", {"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
    "not-found": ("GET", "/nowhere", {}, 404),
    "not-found-style": ("GET", "/static/nothing.css", {}, 404),
    "wrong-method": ("PUT", "/verify", {}, 405),
    "wrong-method-for-programs": ("POST", "/verify/status", {}, 405),
    "too-large": ("POST", "/request", {"data": b"x" * 5_000}, 413),
    "form-again": ("POST", "/request", {"data": {"phone": "?"}}, 422),
    "too-soon": ("POST", "/resend", {}, 429),
    "redirect": ("POST", "/cancel", {}, 303),
}


def assert_headers(answer):
    for name, value in HEADERS.items():
        assert answer.headers.getlist(name) == [value]


def test_every_answer_has_the_security_headers(visitor):
    answers = {
        name: visitor.open(path, method=method, buffered=True, **more)
        for name, (method, path, more, _) in ANSWERS.items()
    }

    assert {name: answer.status_code for name, answer in answers.items()} == {
        name: status for name, (*_, status) in ANSWERS.items()
    }
    for answer in answers.values():
        assert_headers(answer)


@pytest.fixture
def visitor(client, sender, number):
    """A browser with a verification that waits for its code."""
    begin(client, sender, number)
    return client


@pytest.mark.parametrize("path", ["/verify/status", "/livez", "/readyz", "/verify"])
def test_our_own_faults_have_them_too(make_app, visitor, path):
    """500 and 503."""
    for store in (BrokenStore(), GoneStore()):
        browser = make_app(store=store).test_client()
        browser.set_cookie("textproof", visitor.get_cookie("textproof").value)

        assert_headers(browser.get(path))


@pytest.mark.parametrize(
    ("public_url", "told"), [(PUBLIC, ["max-age=31536000"]), ("http://127.0.0.1:8000", []), ("", [])]
)
def test_browsers_are_told_to_come_by_https_where_that_is_how_people_come(make_app, public_url, told):
    """Pages, API, statics and errors alike; and not where nothing answers by HTTPS: browsers would be locked out."""
    client = make_app(PUBLIC_URL=public_url).test_client()

    for path in ("/", "/livez", "/static/style.css", "/nowhere", "/v1/openapi.json", "/v1/nothing"):
        assert client.get(path, buffered=True).headers.getlist("Strict-Transport-Security") == told


def test_pages_are_not_kept(visitor):
    """Back must not show the page of a verification that has ended."""
    for path in ("/verify", "/", "/nowhere"):
        assert visitor.get(path).headers["Cache-Control"] == "no-store"


def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline():
    policy = dict(rule.split(" ", 1) for rule in HEADERS["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}


@pytest.mark.parametrize("path", ["/", "/verify", "/nowhere"])
def test_no_page_needs_what_the_policy_forbids(visitor, path):
    page = visitor.get(path).text

    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=|javascript:|https?://", page)


def test_attributes_are_separated(client, visitor):
    """Templates that trim white space glue them together easily."""
    pages = [client.get("/"), client.get("/nowhere"), visitor.get("/verify"), visitor.post("/request")]
    pages.append(visitor.post("/verify", data={"token": "?"}))
    tags = [tag for page in pages for tag in re.findall("<[a-z][^>]*>", page.text)]

    assert [tag for tag in tags if not re.fullmatch(r'<[a-z0-9]+(\s+[a-z-]+(="[^"]*")?)*\s*>', tag)] == []


# -- An error of ours


def test_an_error_of_ours_shows_nothing_of_itself_and_no_debugger(make_app, number):
    """Also with DEBUG: that is for the log, not for visitors."""
    broken = make_app(store=BrokenStore(), DEBUG=True).test_client()

    answer = broken.post("/request", data={"phone": number})

    assert answer.status_code == 500
    assert "<title>Error: " in answer.text
    assert [word for word in ("hunter2", "Traceback", "RuntimeError") if word in answer.text] == []
    for path in ("/console", "/?__debugger__=yes&cmd=resource&f=style.css"):
        assert "debugger" not in broken.get(path).text.lower()


# -- Cross-site requests

SITES = {
    "no-browser": ({}, True),
    "our-page": ({"Sec-Fetch-Site": "same-origin"}, True),
    "typed-by-hand": ({"Sec-Fetch-Site": "none"}, True),
    "a-neighbour": ({"Sec-Fetch-Site": "same-site"}, False),
    "another-site": ({"Sec-Fetch-Site": "cross-site"}, False),
    "a-word-nobody-knows": ({"Sec-Fetch-Site": "friendly"}, False),
    "an-empty-word": ({"Sec-Fetch-Site": ""}, False),
    "another-case": ({"Sec-Fetch-Site": "Same-Origin"}, False),
    "old-browser-our-host": ({"Origin": "http://localhost"}, True),
    "old-browser-public-url": ({"Origin": PUBLIC}, True),
    "old-browser-hidden-origin": ({"Origin": "null"}, False),
    "old-browser-another-site": ({"Origin": "https://evil.example"}, False),
    "old-browser-longer-name": ({"Origin": "http://localhost.evil.example"}, False),
    "old-browser-shorter-name": ({"Origin": "http://local"}, False),
    "old-browser-another-port": ({"Origin": "http://localhost:81"}, False),
    "old-browser-name-in-front": ({"Origin": "http://localhost@evil.example"}, False),
    "old-browser-name-in-the-path": ({"Origin": "https://evil.example/localhost"}, False),
    "old-browser-broken-address": ({"Origin": "http://[localhost"}, False),
    "old-browser-empty-origin": ({"Origin": ""}, False),
    "another-site-that-claims-our-origin": ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
}


@pytest.mark.parametrize("public_url", ["", PUBLIC], ids=["without-public-url", "with-public-url"])
def test_a_post_from_another_site_is_refused(make_app, sender, numbers, public_url):
    client = make_app(PUBLIC_URL=public_url).test_client()
    expected = {name: 303 if ours else 403 for name, (_, ours) in SITES.items()}
    if not public_url:
        expected["old-browser-public-url"] = 403

    answers = {
        name: client.post("/request", data={"phone": next(numbers)}, headers=headers).status_code
        for name, (headers, _) in SITES.items()
    }

    assert answers == expected
    assert len(sender.messages) == list(expected.values()).count(303)


def test_no_form_of_ours_can_be_sent_by_another_site(client, sender, clock, number):
    form = {"phone": number, "token": begin(client, sender, number), "nonce": "x"}
    clock.advance(30)
    before = client.get("/verify/status").json

    for path in ("/request", "/verify", "/resend", "/cancel"):
        assert client.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403

    assert client.get("/verify/status").json == before
    assert len(sender.messages) == 1


def test_a_link_from_another_site_is_welcome(visitor):
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}

    assert visitor.get("/", headers=headers).status_code == 200
    assert visitor.get("/verify", headers=headers).status_code == 200


# -- Only POST changes anything


LOOKED_AT = ["/", "/request", "/verify", "/verify/status", "/resend", "/cancel", "/livez", "/static/style.css"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing(visitor, redis, sender, clock, method):
    """Mail scanners, previews and prefetching browsers look at everything."""
    clock.advance(30)
    before = Engine(redis, [redis]).contents()
    asked = {"phone": "+12025550143", "token": "4E1AC0", "nonce": "x"}

    answers = [visitor.open(path, method=method, query_string=asked, buffered=True) for path in LOOKED_AT]

    assert {answer.status_code for answer in answers} <= {200, 405}
    assert not any("Set-Cookie" in answer.headers for answer in answers)
    assert Engine(redis, [redis]).contents() == before
    assert len(sender.messages) == 1


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.", "a@b", "[::1]", "ü.example", "x" * 300, "..a"], ids=ascii
)
def test_no_address_is_made_of_what_the_caller_says_our_name_is(client, number, host):
    answer = client.post("/request", data={"phone": number}, headers={"Host": host})

    assert answer.status_code < 500
    assert answer.headers.get("Location", "/verify") == "/verify"
    assert host not in answer.text
    assert_headers(answer)


BROKEN_HOSTS = ["", " ", "a b", "a@b", "a,b", "a, a", "a/b", "a?b", "a#b", "a\\b", "a:b", "a:1:2", "a:123456", "é"]
BROKEN_HOSTS += ["[::1", "::1"]
TEXT, JSON = "text/plain", "application/problem+json"


@pytest.mark.parametrize("host", [*BROKEN_HOSTS, None], ids=repr)
@pytest.mark.parametrize(("path", "kind"), [("/", TEXT), ("/nowhere", TEXT), ("/v1/verifications", JSON)])
def test_a_request_that_names_no_host_is_told_so(serve, path, kind, host):
    """RFC 9112, 3.2. Two lines arrive joined with a comma."""
    answer = serve(_environ(path, host))

    assert (answer.status_code, answer.mimetype) == (400, kind)


@pytest.mark.parametrize("host", ["a", "A.example", "a.example:8443", "a:", "web_1:8000", "a.", "[::1]:80", "10.0.0.1"])
def test_a_host_is_any_that_can_be_one(serve, host):
    assert serve(_environ("/", host)).status_code == 200


def test_before_http_1_1_nobody_had_to_name_it(serve):
    assert serve(_environ("/livez", None, protocol="HTTP/1.0")).status_code == 200


@pytest.fixture
def serve(make_app):
    """Answers as to a server, with nothing between that would put a host right."""
    service = make_app()
    return lambda environ: Response.from_app(service.wsgi_app, environ)


def _environ(path, host, protocol="HTTP/1.1"):
    environ = EnvironBuilder(path).get_environ() | {"SERVER_PROTOCOL": protocol}
    del environ["HTTP_HOST"]
    return environ | ({} if host is None else {"HTTP_HOST": host})
