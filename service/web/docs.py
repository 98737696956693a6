"""The contract, for programs and to read: `/v1/openapi.json`, `/v1/docs`, `/v1/problems/{code}`.

What there is to read is made of the contract itself, without a script and without any other host.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, make_response, render_template
from flask.typing import ResponseReturnValue

from .codes import CODES
from .problems import Refused

METHODS = ("get", "post")
KEPT_SECONDS = 300  # ours


def routes() -> Blueprint:
    """Return the routes; all are open to everybody."""
    blueprint = Blueprint("docs", __name__)

    @blueprint.get("/v1/openapi.json", provide_automatic_options=False)
    def openapi() -> ResponseReturnValue:
        return _public(Response(_packed(), mimetype="application/json"))

    @blueprint.get("/v1/docs", provide_automatic_options=False)
    def read() -> ResponseReturnValue:
        return _public(make_response(render_template("docs.html", chapters=chapters(), codes=CODES)))

    @blueprint.get("/v1/problems/<code>", provide_automatic_options=False)
    def problem(code: str) -> ResponseReturnValue:
        if code not in CODES:
            raise Refused("no_such_address")
        return _public(make_response(render_template("docs_problem.html", code=code, meant=CODES[code])))

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
def chapters() -> list[dict[str, Any]]:
    """Return the operations by tag, with everything that they refer to in its place."""
    contract = json.loads(_contract())
    whole = _resolved(contract, contract)
    chapters = [{"info": whole["info"], "name": tag["name"], "about": tag["description"]} for tag in whole["tags"]]
    for chapter in chapters:
        chapter["operations"] = [
            operation | {"method": method.upper(), "path": path}
            for path, item in whole["paths"].items()
            for method, operation in item.items()
            if method in METHODS and chapter["name"] in operation["tags"]
        ]
    return chapters


def _resolved(part: Any, contract: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, list):
        return [_resolved(item, contract) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found: Any = contract
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return _resolved(found, contract)
    return {name: _resolved(item, contract) for name, item in part.items()}
