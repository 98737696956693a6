"""The contract, for programs and to read: `/v1/openapi.json`, `/v1/docs`, `/v1/problems/{code}`.

What there is to read is made of the contract itself, without a script and without any other host.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, make_response, render_template
from flask.typing import ResponseReturnValue

from ..verification.errors import Limit
from ..verification.limits import TABLE
from .problems import Refused
from .refusals import REFUSALS

METHODS = ("get", "post")
BODY = "application/json"
OF_RESENDS = frozenset({Limit.RESEND_WAIT, Limit.SENDS_OF_VERIFICATION})
# The contract has an example of each kind of 429; these are all that a message can meet.
LIMITS = {"start": [row.limit for row in TABLE if row.limit not in OF_RESENDS], "resend": [row.limit for row in TABLE]}
KEPT_SECONDS = 300  # ours


def routes() -> Blueprint:
    """Return the routes; all are open to everybody."""
    blueprint = Blueprint("docs", __name__)

    @blueprint.get("/v1/openapi.json", provide_automatic_options=False)
    def openapi() -> ResponseReturnValue:
        return _public(Response(_packed(), mimetype="application/json"))

    @blueprint.get("/v1/docs", provide_automatic_options=False)
    def read() -> ResponseReturnValue:
        return _public(make_response(render_template("docs.html", **contents())))

    @blueprint.get("/v1/problems/<code>", provide_automatic_options=False)
    def problem(code: str) -> ResponseReturnValue:
        if code not in REFUSALS:
            raise Refused("no_such_address")
        return _public(make_response(render_template("docs_problem.html", code=code, meant=REFUSALS[code])))

    return blueprint


def _public(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    return response


@cache
def _contract() -> str:
    return files(__package__).joinpath("openapi.json").read_text("utf-8")


@cache
def _packed() -> str:
    """Return it without the spaces, which are half of it."""
    return json.dumps(json.loads(_contract()), ensure_ascii=False, separators=(",", ":"))


@cache
def contents() -> dict[str, Any]:
    """Return what the page to read is made of."""
    contract = json.loads(_contract())
    whole = _resolved(contract, contract)
    chapters = [{"name": tag["name"], "about": tag["description"]} for tag in whole["tags"]]
    for chapter in chapters:
        chapter["operations"] = [
            operation | {"method": method.upper(), "path": path, "curl": _curl(method, path, operation)}
            for path, item in whole["paths"].items()
            for method, operation in item.items()
            if method in METHODS and chapter["name"] in operation["tags"]
        ]
    for operation in (operation for chapter in chapters for operation in chapter["operations"]):
        for answer in operation["responses"].values():
            answer["codes"] = list((answer["content"].get("application/problem+json") or {}).get("examples", ()))
        if operation["operationId"] in LIMITS:
            many = operation["responses"]["429"]
            many["codes"] = list(dict.fromkeys([*many["codes"], *LIMITS[operation["operationId"]]]))
    return {
        "info": whole["info"],
        "chapters": chapters,
        "schemas": {name: whole["components"]["schemas"][name] for name in ("Verification", "Problem")},
        "limits": TABLE,
        "codes": REFUSALS,
    }


def _curl(method: str, path: str, operation: dict[str, Any]) -> str:
    """Return the request as one types it into a shell, with the shortest of its examples."""
    words = [f'curl {"-X POST " if method == "post" else ""}"$BASE{path.replace("{id}", "$ID")}"']
    if operation.get("security") != []:
        words.append('-H "Authorization: Bearer $KEY"')
    if operation.get("requestBody", {}).get("required"):
        examples = operation["requestBody"]["content"][BODY]["examples"].values()
        words += [f'-H "Content-Type: {BODY}"', f"-d '{json.dumps(min((one['value'] for one in examples), key=len))}'"]
    return " \\\n  ".join(words)


def _resolved(part: Any, contract: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, list):
        return [_resolved(item, contract) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found: Any = contract
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return _resolved(found, contract) | {"x-name": part["$ref"].rpartition("/")[2]}
    return {name: _resolved(item, contract) for name, item in part.items()}
