"""Sheets, scripts and pictures: small, kept for good, and never stale."""

import gzip
import re

import pytest

NAMED = r'(?:href|src)="(/static/[^"]+)"'
FIRST_PAGE_MAX = 15 * 1024  # bytes
HEADERS_MAX = 1024  # bytes of one answer's head; ours: what gunicorn and we send is two thirds of that


@pytest.fixture(params=["real", "demo"])
def visitor(request, make_app):
    return make_app(**({"SENDER": "demo", "sender": None} if request.param == "demo" else {})).test_client()


def packed(client, address):
    return client.get(address, headers={"Accept-Encoding": "gzip, br"})


def test_every_file_has_an_address_that_names_its_content_and_is_kept_for_good(visitor):
    named = re.findall(NAMED, visitor.get("/").text)

    assert named
    for address in named:
        assert re.search(r"\?v=[0-9a-f]{10}$", address)
        assert "immutable" in visitor.get(address).headers["Cache-Control"]
        for other in (f"{address}x", address.split("?")[0]):
            assert visitor.get(other).headers["Cache-Control"] == "public, max-age=3600"


def test_a_file_is_the_same_compressed(visitor):
    for address in set(re.findall(NAMED, visitor.get("/").text)):
        plain, small = visitor.get(address), packed(visitor, address)

        assert plain.headers.get("Content-Encoding") is None
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.data) == plain.data
        assert (plain.headers["Vary"], small.headers["Vary"]) == ("Accept-Encoding", "Accept-Encoding")
        assert plain.mimetype == small.mimetype in {"text/css", "text/javascript", "image/svg+xml"}


@pytest.mark.parametrize("wish", ["", "identity", "gzip;q=0", "br"], ids=repr)
def test_who_cannot_unpack_gets_it_plain(client, wish):
    answer = client.get("/static/style.css", headers={"Accept-Encoding": wish})

    assert "Content-Encoding" not in answer.headers
    assert answer.text.startswith("/*")


def test_pages_are_never_compressed(visitor):
    """They hold what an attacker may want to measure (BREACH)."""
    for address in ("/", "/verify", "/nowhere", "/v1/openapi.json"):
        assert "Content-Encoding" not in packed(visitor, address).headers


def test_the_first_page_is_small_with_everything_that_it_names(visitor):
    page = visitor.get("/")
    parts = [page.data, *(packed(visitor, address).data for address in set(re.findall(NAMED, page.text)))]

    assert sum(len(part) + HEADERS_MAX for part in parts) < FIRST_PAGE_MAX


@pytest.mark.parametrize("name", ["nothing.css", "../pages.py", "%2e%2e/pages.py", "style.css/", ""], ids=repr)
def test_what_is_no_file_of_ours_is_not_there(client, name):
    assert client.get(f"/static/{name}").status_code == 404
