"""Each answer fits into the balancer's buffer, so that a client that reads slowly holds no replica."""

import re

import pytest
from flask import render_template

from service.languages import Languages
from service.verification.phone import REGIONS
from service.web.samples import samples
from tests.support.service import ROOT

BUFFER = int(re.findall(r"^\s*tune\.bufsize (\d+)", (ROOT / "deploy/haproxy.cfg").read_text(), re.MULTILINE)[0])
HEAD = 5_000  # bytes of headers, and of what HAProxy keeps free
LANGUAGES = [one.tag for one in Languages().offered]


@pytest.fixture
def everywhere(make_app):
    """A service with every page, which texts every country."""
    return make_app(ALLOWED_REGIONS=sorted(REGIONS), PUBLIC_URL="https://verify.example.com")


def test_every_answer_that_needs_nothing_fits(everywhere):
    client = everywhere.test_client()
    rules = everywhere.url_map.iter_rules()
    paths = {rule.rule for rule in rules if "GET" in (rule.methods or ()) and not rule.arguments}
    static = {f"/static/{file.name}" for file in (ROOT / "service/web/static").iterdir() if file.is_file()}

    sizes = {path: len(client.get(path).data) for path in sorted((paths | static) - {"/metrics"})}

    assert {"/", "/v1/docs", "/v1/openapi.json", "/static/style.css"} < set(sizes)
    assert {path: size for path, size in sizes.items() if size > BUFFER - HEAD} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_in_every_language_fits(everywhere, settings, language):
    policy = settings(ALLOWED_REGIONS=sorted(REGIONS)).policy
    with everywhere.test_request_context("/", headers={"Accept-Language": language}):
        everywhere.preprocess_request()
        sizes = [(name, len(render_template(name, **facts).encode())) for name, facts in samples(policy)]

    assert [(name, size) for name, size in sizes if size > BUFFER - HEAD] == []
