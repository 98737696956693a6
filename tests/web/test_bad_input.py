"""Bad input on every route: a clear no, never a 5xx, and neither a message nor a try spent by what is malformed."""

import io
import json
import re
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.web.steps import begin

FORM = "application/x-www-form-urlencoded"
ROUTES = {
    "/": {"GET"},
    "/request": {"POST"},
    "/verify": {"GET", "POST"},
    "/verify/status": {"GET"},
    "/resend": {"POST"},
    "/cancel": {"POST"},
    "/livez": {"GET"},
    "/readyz": {"GET"},
    "/webhooks/telnyx": {"POST"},
    "/metrics": {"GET"},
    "/start": {"GET"},
    "/authorize": {"GET", "POST"},
    "/par": {"POST"},
    "/token": {"POST"},
    "/userinfo": {"GET", "POST"},
    "/.well-known/openid-configuration": {"GET"},
    "/.well-known/jwks.json": {"GET"},
    "/static/style.css": {"GET"},
}  # and, in tests/api, those of the API: /v1/
READS_A_FORM = ["/request", "/verify", "/resend"]
NO = {303, 400, 403, 404, 405, 408, 411, 413, 414, 415, 422, 429}


@pytest.fixture
def app(lend_app, settings, store, sender, clock):
    """The service with all its routes, the carrier's webhooks included."""
    whole = settings(PUBLIC_URL="http://localhost", TELNYX_PUBLIC_KEY="A" * 43 + "=")
    return lend_app(whole, store=store, sender=sender, clock=clock)


@pytest.fixture
def visitor(app, client, sender, number):
    """A browser with a verification that waits for its code; nothing in the tests below may change that."""
    begin(client, sender, number)
    return client


@pytest.fixture
def assert_nothing_spent(app, visitor, sender):
    """Ask the store itself, and the carrier."""
    cookie, before = visitor.get_cookie("textproof").value, len(sender.messages)
    observer = app.test_client()
    observer.set_cookie("textproof", cookie)

    def assert_nothing_spent():
        stands = observer.get("/verify/status").json
        assert (stands["status"], stands["checks_left"], stands["sends_left"]) == ("pending", 5, 4)
        assert len(sender.messages) == before

    return assert_nothing_spent


def test_no_route_is_left_out(app):
    there = {rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/v1/")}

    assert {re.sub("<.*>", "", path) for path in there} == {re.sub("nonsense|style.css", "", path) for path in ROUTES}


# -- What people and programs may type. Any text is a number or a code, or is refused: `tests/verification`


@given(st.text(max_size=200))
@example("")
@example("\x00")
@example("n" * 3_000)
def test_any_nonce_is_a_name_and_nothing_more(visitor, assert_nothing_spent, text):
    answers = [visitor.post(path, data={"nonce": text, "token": "?", "phone": "?"}) for path in READS_A_FORM]

    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert_nothing_spent()


# -- What a program may send instead of a form

MULTIPART = "multipart/form-data; boundary=x"
CONTENT_TYPES = [
    *(FORM, f"{FORM}; charset=utf-16", f"{FORM}; charset=no-such-thing", "application/json; charset=utf-7"),
    *("multipart/form-data", "multipart/form-data; boundary=", MULTIPART, f"multipart/form-data; boundary={'x' * 300}"),
    *("application/json", "text/plain", "application/octet-stream", "", "nonsense", "a/b; c", '/;="'),
]
nested = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=10), st.lists, max_leaves=8)
bodies = (
    st.binary(max_size=300)
    | st.sampled_from([b"phone=", b"token=", b"phone=1&phone=2", b"--x\r\n", b"--x--\r\n", b"%", b"&&&", b"=", b"\xff"])
    | st.builds(
        lambda field, value: field + b"=" + value, st.sampled_from([b"phone", b"token"]), st.binary(max_size=60)
    )
    | st.builds(lambda value: json.dumps({"phone": value, "token": value}).encode(), nested)
)


@given(st.sampled_from([*READS_A_FORM, "/webhooks/telnyx"]), bodies, st.sampled_from(CONTENT_TYPES))
def test_any_body_is_told_no(visitor, assert_nothing_spent, path, body, content_type):
    answer = visitor.post(path, data=body, content_type=content_type)

    assert answer.status_code in NO - {303}
    assert_nothing_spent()


NASTY = {
    "nothing": (b"", FORM),
    "a-megabyte-of-a-field": (b"phone=" + b"2" * 1_000_000, FORM),
    "a-megabyte-of-nothing": (b"\x00" * 1_000_000, "application/octet-stream"),
    "a-megabyte-of-fields": (b"a=1&" * 250_000, FORM),
    "a-megabyte-of-parts": (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 20_000, MULTIPART),
    "two-thousand-brackets": (b"[" * 2_000, "application/json"),
    "a-form-said-to-be-json": (b"phone=%2B12025550143", "application/json"),
    "broken-escapes": (b"phone=%&token=%zz%", FORM),
    "raw-bytes-that-are-no-text": (b"phone=\xff\xfe&token=\xc3\x28", FORM),
    "many-fields": (b"&".join(b"f%d=" % number for number in range(700)), FORM),
    "a-file-for-a-field": (
        b'--x\r\nContent-Disposition: form-data; name="phone"; filename="a"\r\n\r\n+1\r\n--x--',
        MULTIPART,
    ),
    "a-part-without-end": (b'--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\n+1202', MULTIPART),
    "a-part-without-name": (b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n", MULTIPART),
    "a-part-with-a-broken-header": (b"--x\r\n:::\r\n\r\n1\r\n--x--\r\n", MULTIPART),
    "a-part-in-an-unknown-charset": (b"--x\r\nContent-Type: a/b; charset=nope\r\n\r\n1\r\n--x--", MULTIPART),
}


@pytest.mark.parametrize(("body", "content_type"), NASTY.values(), ids=NASTY)
def test_a_nasty_body_is_told_no(visitor, assert_nothing_spent, body, content_type):
    paths = [*READS_A_FORM, "/webhooks/telnyx"]

    answers = {path: visitor.post(path, data=body, content_type=content_type).status_code for path in paths}

    assert set(answers.values()) <= ({413} if len(body) > 65_536 else NO - {303})
    assert_nothing_spent()


def test_a_body_without_an_announced_length_is_cut_off_as_well(visitor, assert_nothing_spent):
    """What `Transfer-Encoding: chunked` looks like behind the server."""
    for path in READS_A_FORM:
        answer = visitor.post(
            path,
            input_stream=io.BytesIO(b"phone=" + b"2" * 1_000_000),
            content_type=FORM,
            environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
        )
        assert answer.status_code == 413
    assert_nothing_spent()


@pytest.mark.parametrize(
    ("path", "twice"),
    [("/request", "phone"), ("/request", "nonce"), ("/verify", "token"), ("/verify", "nonce"), ("/resend", "nonce")],
)
def test_a_field_that_is_there_twice_is_nobodys_honest_form(visitor, assert_nothing_spent, path, twice):
    """Two parsers on the way might each take another one."""
    form = {"phone": ["+12025550143"], "token": ["4E1AC0"], "nonce": ["x"]}
    form[twice] *= 2

    answer = visitor.post(path, data=form)

    assert answer.status_code == 400
    assert_nothing_spent()


def test_fields_in_the_address_are_not_read(visitor, assert_nothing_spent):
    """Addresses land in logs."""
    asked = {"phone": "+12025550143", "token": "4E1AC0", "nonce": "x"}

    answers = [visitor.post(path, query_string=asked) for path in READS_A_FORM]

    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert_nothing_spent()


# -- Methods, paths and headers


def test_a_method_that_a_route_does_not_know_is_told_which_it_does(visitor, assert_nothing_spent):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "BREW", "X" * 100):
        for path in (path for path, known in ROUTES.items() if method not in known):
            answer = visitor.open(path, method=method, buffered=True)

            assert answer.status_code == 405, f"{method} {path}"
            assert set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == ROUTES[path]
    assert_nothing_spent()


@given(st.text(max_size=60))
@example("verify/../verify")
@example("static/../../service/config.py")
@example("static/%2e%2e/pages.py")
@example("static/\x00")
@example("/evil.example/verify")
@example("\\evil.example")
@example("verify\n")
def test_any_other_path_is_not_found(app, visitor, assert_nothing_spent, path):
    known = {rule.rule for rule in app.url_map.iter_rules()}
    assume(re.sub("/+", "/", f"/{path}") not in known and not path.endswith((".css", ".js", ".svg")))
    as_the_server_gives_it = {"PATH_INFO": f"/{path}".encode().decode("latin-1")}

    for method in ("GET", "POST"):
        answer = visitor.open("/", method=method, environ_overrides=as_the_server_gives_it, buffered=True)

        assert answer.status_code in {308, 404, 405}
        assert urlsplit(answer.headers.get("Location", "")).netloc in {"", "localhost"}
    assert_nothing_spent()


HEADERS = [
    *("Accept", "Accept-Language", "Authorization", "Content-Type", "Cookie", "Forwarded", "Host", "If-Modified-Since"),
    *("If-None-Match", "Origin", "Range", "Referer", "Sec-Fetch-Site", "X-Forwarded-For", "X-Forwarded-Host"),
    *("telnyx-signature-ed25519", "telnyx-timestamp"),
]
# What a server lets through: Latin-1 without control characters.
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80)


# `/readyz` asks what fakeredis cannot answer, and a store that fails is not asked again for a moment.
EVERY = [(method, path) for path, methods in ROUTES.items() for method in sorted(methods) if path != "/readyz"]


@given(st.sampled_from(EVERY), st.sampled_from(HEADERS), header_values)
@example(("POST", "/request"), "Origin", "http://[")
@example(("GET", "/"), "Host", "x" * 64)
@example(("GET", "/"), "Host", "..a")
@example(("GET", "/static/style.css"), "Range", "bytes=9-1,-")
@example(("POST", "/webhooks/telnyx"), "telnyx-timestamp", "²")
@example(("POST", "/webhooks/telnyx"), "telnyx-timestamp", "9" * 80)
def test_any_header_is_harmless(app, route, name, value):
    method, path = route
    answer = app.test_client().open(path, method=method, headers={name: value.strip()}, buffered=True)

    assert answer.status_code < 500
