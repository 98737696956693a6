"""The contract as a text: valid, complete, and with examples that are true."""

import html
import itertools
import json
import re
import shlex

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from service.verification.errors import Delivery, Hold, Limit
from service.verification.ports import Status
from service.web.problems import problem_of
from service.web.refusals import BY_STATUS, REFUSALS
from tests.fakes import typed_token
from tests.support.service import ROOT
from tests.web.test_problems import TABLE

CONTRACT = json.loads((ROOT / "service/web/openapi.json").read_text())
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
SCHEMAS = CONTRACT["components"]["schemas"]
SHOWN = ("Verification", "Problem")  # each once, with links to it


def resolved(part):
    if isinstance(part, list):
        return [resolved(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found = CONTRACT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return resolved(found)
    return {name: resolved(item) for name, item in part.items()}


def examples(media):
    return {name: example["value"] for name, example in media.get("examples", {}).items()}


ANSWERS = [
    pytest.param(status, media, example, id=f"{name}-{status}-{label}")
    for name, (_, _, operation) in OPERATIONS.items()
    for status, answer in resolved(operation["responses"]).items()
    for media in answer["content"].values()
    for label, example in examples(media).items()
]
BODIES = [
    pytest.param(name, resolved(media["schema"]), example, id=f"{name}-{label}")
    for name, (_, _, operation) in OPERATIONS.items()
    for media in operation.get("requestBody", {"content": {}})["content"].values()
    for label, example in examples(media).items()
]


def test_the_contract_is_valid_openapi():
    validate(CONTRACT)

    assert CONTRACT["openapi"].startswith("3.1")


def test_what_is_served_is_the_contract(client):
    answer = client.get("/v1/openapi.json")

    assert (answer.status_code, answer.mimetype, answer.json) == (200, "application/json", CONTRACT)


def test_every_route_is_in_the_contract_and_no_other(app):
    routes = {
        (re.sub(r"<\w+>", "{id}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1/") and rule.rule not in {"/v1/docs", "/v1/problems/<code>"}
    }

    assert {(path, method) for path, method, _ in OPERATIONS.values()} == routes


@pytest.mark.parametrize(("status", "media", "example"), ANSWERS)
def test_an_example_of_an_answer_fits_its_schema(status, media, example):
    Draft202012Validator(media["schema"], format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example)

    if int(status) >= 400:
        assert example["status"] == REFUSALS[example["code"]].status == int(status)
        assert example["type"] == f"/v1/problems/{example['code']}"


@pytest.mark.parametrize(("name", "schema", "example"), BODIES)
def test_an_example_of_a_body_fits_its_schema(name, schema, example):
    Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize(("name", "schema", "example"), BODIES)
def test_an_example_of_a_body_gets_the_answer_that_is_promised(  # noqa: PLR0917
    shop, sender, clock, name, schema, example
):
    """Each is sent as it stands, but for the code, which nobody can know beforehand."""
    path, _, operation = OPERATIONS[name]
    if "{id}" in path:
        path = path.replace("{id}", shop.start("+12025550143")["id"])
        clock.advance(30)
    if name == "check":
        example = {"token": typed_token(sender)}
    status, promised = next(iter(operation["responses"].items()))

    answer = shop.post(path, example)

    assert answer.status_code == int(status)
    media = resolved(promised)["content"]["application/json"]
    Draft202012Validator(media["schema"]).validate(answer.json)
    assert {fact: type(value) for fact, value in answer.json.items()}.keys() == examples(media)["answer"].keys()


# -- What the code knows and the contract says


def test_the_contract_has_every_status_and_every_delivery():
    assert set(SCHEMAS["Verification"]["properties"]["status"]["enum"]) == {status.value for status in Status}
    assert set(SCHEMAS["Verification"]["properties"]["delivery"]["enum"]) == {delivery.value for delivery in Delivery}


@pytest.mark.parametrize("error", [row[0] for row in TABLE], ids=lambda error: f"{type(error).__name__}-{error}")
def test_everything_that_can_be_said_no_to_has_a_code_that_is_explained(error):
    problem = problem_of(error)

    assert REFUSALS[problem.code].status == problem.status


def test_every_limit_and_every_hold_is_explained():
    assert {code.value for kind in (Limit, Hold) for code in kind} <= set(REFUSALS)


def test_what_http_says_no_with_is_explained_under_its_status():
    assert all(REFUSALS[code].status == status for status, code in BY_STATUS.items())


# -- To read


def test_the_documentation_shows_every_operation_field_and_code(client):
    page = client.get("/v1/docs")

    assert page.status_code == 200
    for path, method, operation in OPERATIONS.values():
        assert f"{method.upper()} {path}" in page.text
        assert operation["summary"] in page.text
    for code in REFUSALS:
        assert f"/v1/problems/{code}" in page.text
    for name in ("Start", "Verification"):
        assert all(f"<code>{field}</code>" in page.text for field in SCHEMAS[name]["properties"])


def test_whoever_reads_the_documentation_is_told_first_where_and_with_what(client):
    page = client.get("/v1/docs").text
    first_request = page.index("curl")

    assert page.index("http://localhost") < first_request
    assert page.index("Authorization: Bearer") < first_request
    assert page.count('<th scope="row"><code>checks_left</code>') == len(SHOWN)


def test_every_request_of_the_documentation_is_understood(client, shop, numbers):
    """As one would type it: what is answered is in the contract, and is not about the request's form."""
    typed = {
        html.unescape(found) for found in re.findall("<code>(curl .*?)</code>", client.get("/v1/docs").text, re.DOTALL)
    }

    assert len(typed) == len(OPERATIONS)
    for line in typed:
        id_ = shop.start(next(numbers))["id"]  # of its own: one of them ends it
        words = shlex.split(
            line.replace("\\\n", " ").replace("$BASE", "").replace("$ID", id_).replace("$KEY", shop.key)
        )
        path = next(word for word in words if word.startswith("/"))
        options = dict(itertools.pairwise(words))
        headers = dict(word.split(": ") for word in words if ": " in word and not word.startswith("{"))
        answer = client.open(path, method=options.get("-X", "GET"), headers=headers, data=options.get("-d"))
        assert answer.status_code in {200, 201, 422, 429}, line
        assert "field" not in (answer.json or {}), line


def test_all_that_can_limit_a_message_is_told(client):
    page = client.get("/v1/docs").text
    table = page[page.index('id="limits"') : page.index('id="problems"')]
    start, resend = (page[page.index(f'id="{name}"') :].split("</section>")[0] for name in ("start", "resend"))

    assert set(re.findall(r"problems/(\w+)", table)) == {name for name, code in REFUSALS.items() if code.status == 429}
    assert set(Limit) - set(re.findall(r"problems/(\w+)", start)) == {Limit.RESEND_WAIT, Limit.SENDS_OF_VERIFICATION}
    assert set(Limit) <= set(re.findall(r"problems/(\w+)", resend))


@pytest.mark.parametrize("code", REFUSALS)
def test_every_code_has_a_page_where_its_type_leads_to(client, code):
    page = client.get(f"/v1/problems/{code}")

    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert REFUSALS[code].title.replace("'", "&#39;") in page.text


@pytest.mark.parametrize("path", ["/v1/docs", "/v1/problems/locked"])
def test_what_is_to_be_read_comes_from_here_alone_and_runs_nothing(client, path):
    page = client.get(path)

    assert "<script" not in page.text
    assert re.findall(r"(?:src|href)=\"(?!/|#)([^\"]*)", page.text) == []
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
