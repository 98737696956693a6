"""What is not exactly what was asked for is refused, in JSON, before anything is spent."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

START = "/v1/verifications"
NUMBER = "+12025550143"

UNREADABLE = {  # more of them: tests/test_strict_json.py
    "nothing": (b"", 415),
    "no-json": (b"to=%2B12025550143", 400),
    "half": (b'{"to": "+1202', 400),
    "list": (b'["+12025550143"]', 400),
    "null": (b"null", 400),
    "deep": (b"[" * 4000, 400),
    "twice": (b'{"to": "+12025550143", "to": "+12025550144"}', 400),
    "latin-1": ('{"to": "+12025550143", "reference": "é"}'.encode("latin-1"), 400),
}
INVALID = {
    "unknown-field": {"to": NUMBER, "token": "1"},
    "missing": {},
    "number": {"to": 12025550143},
    "null": {"to": None},
    "bool": {"to": True},
    "list": {"to": [NUMBER]},
    "object": {"to": {"$ne": ""}},
    "empty": {"to": ""},
    "long": {"to": "1" * 65},
    "reference-long": {"to": NUMBER, "reference": "r" * 65},
    "known-text": {"to": NUMBER, "known": "true"},
    "known-number": {"to": NUMBER, "known": 1},
    "known-nothing": {"to": NUMBER, "known": None},
    "reference-empty": {"to": NUMBER, "reference": ""},
    "reference-newline": {"to": NUMBER, "reference": "a\nb"},
    "reference-end": {"to": NUMBER, "reference": "a\n"},
    "locale-word": {"to": NUMBER, "locale": "English please"},
    "locale-path": {"to": NUMBER, "locale": "../../etc"},
    "locale-long": {"to": NUMBER, "locale": "en" + "-abcdefgh" * 5},
    "channel": {"to": NUMBER, "channel": "sms"},
    "prototype": {"to": NUMBER, "__proto__": {}},
}


@pytest.mark.parametrize(("raw", "status"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_json_object_is_refused(shop, sender, store, raw, status):
    answer = shop.raw(START, raw, "application/json" if raw else None)

    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert sender.messages == []


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_what_has_another_shape_is_refused_and_says_which_field(shop, sender, body):
    answer = shop.post(START, body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_field")
    assert answer.json["field"] in answer.json["detail"]
    assert sender.messages == []


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "json"]
)
def test_another_media_type_is_a_415(shop, sender, content_type):
    answer = shop.raw(START, b'{"to": "+12025550143"}', content_type)

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert sender.messages == []


def test_a_charset_beside_the_media_type_is_fine(shop):
    assert shop.raw(START, b'{"to": "+12025550143"}', "application/json; charset=utf-8").status_code == 201


def test_a_body_beyond_four_kilobytes_is_a_413(shop, sender):
    answer = shop.raw(START, b'{"to": "' + b"1" * 5000 + b'"}')

    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert sender.messages == []


def test_a_body_that_does_not_say_how_long_it_is_is_not_cut_and_believed(shop, sender, number):
    """What comes after the limit could say something else."""
    honest = b'{"to": "%s"}' % number.encode()
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}  # as gunicorn says it

    def ask(raw):
        return shop.client.post(
            START,
            input_stream=io.BytesIO(raw),
            content_type="application/json",
            headers={"Authorization": f"Bearer {shop.key}"},
            environ_overrides=chunked,
        )

    long = ask(honest.ljust(4096) + b"}")
    exact = ask(honest.ljust(4096))

    assert (long.status_code, long.json["code"]) == (413, "too_large")
    assert exact.status_code == 201
    assert len(sender.messages) == 1


@pytest.mark.parametrize("verb", ["resend", "cancel"])
@pytest.mark.parametrize("raw", [b"[]", b'{"a": 1}', b"null"], ids=repr)
def test_a_verb_without_fields_takes_none(shop, number, verb, raw):
    id_ = shop.start(number)["id"]

    assert shop.raw(f"{START}/{id_}/{verb}", raw).status_code in {400, 422}
    assert shop.get(f"{START}/{id_}").json["status"] == "pending"


@pytest.mark.parametrize(
    "id_", ["x", "A" * 42, "A" * 64, "%00", "..", "a b", "é", "A" * 2000, "'", "{id}", "A" * 41 + "%0A"], ids=repr
)
@pytest.mark.parametrize("verb", ["", "/check", "/resend", "/cancel"])
def test_what_is_no_id_is_not_found(shop, id_, verb):
    path = f"{START}/{id_}{verb}"
    body = {"token": "12AB56"} if verb == "/check" else {}

    answer = shop.post(path, body) if verb else shop.get(path)

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.slow
@given(body=st.dictionaries(st.sampled_from(["to", "known", "reference", "locale", "token", "id"]), JSON))
def test_no_json_is_too_strange(shop, sender, body):
    answer = shop.post(START, body)

    assert answer.status_code in {400, 413, 422}
    assert sender.messages == []


# -- Everything under /v1 is JSON


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/", 404),
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1//verifications", 404),
        ("POST", "/v1/verifications/", 404),
        ("GET", "/v1/problems/nothing", 404),
        ("GET", "/v1/verifications", 405),
        ("PUT", "/v1/verifications", 405),
        ("OPTIONS", "/v1/verifications", 405),
        ("DELETE", "/v1/openapi.json", 405),
        ("POST", "/.well-known/jwks.json", 405),
        ("TRACE", "/v1/verifications", 405),
    ],
)
def test_what_is_not_there_says_so_in_json(client, method, path, status):
    answer = client.open(path, method=method)

    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert "code" in answer.json


def test_a_405_says_what_is_allowed(client):
    assert client.get("/v1/verifications").headers["Allow"] == "POST"


def test_cookies_play_no_role(shop, client, number):
    """A browser that has a verification has no more rights here than one without."""
    client.post("/request", data={"phone": number})

    assert client.post(START, json={"to": number}).status_code == 401
    assert "Set-Cookie" not in shop.post(START, {"to": number}).headers
