"""Documentation that cannot lag: what the README, the example and the decisions say is held against the code."""

import ast
import json
import re
from pathlib import Path

import pytest

from service.config import KEYS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLE = (ROOT / "config.cfg.example").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
CONTRACT = json.loads((ROOT / "service" / "web" / "openapi.json").read_text())
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
DOCS = [*PAGES, *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
ROW = re.compile(r"^\| `([A-Z][A-Z_]+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
TABLE = README.split("## Settings")[1].split("\n## ")[0]
SETTINGS = {name: (default, words) for name, default, words in ROW.findall(TABLE)}


# -- Settings


def test_the_readme_has_every_setting_and_no_other():
    assert set(SETTINGS) == set(KEYS)


@pytest.mark.parametrize("name", KEYS)
def test_the_readme_has_the_right_default(name):
    """As somebody would write it into `config.cfg`."""
    default = KEYS[name].default
    written = ast.literal_eval(SETTINGS[name][0].strip("`"))

    if default in ("", ()):
        assert written in ("", [])
    else:
        assert KEYS[name].metadata["kind"](written) == default


@pytest.mark.parametrize("name", KEYS)
def test_the_readme_says_what_a_setting_is_for(name):
    assert len(SETTINGS[name][1]) > 8


@pytest.mark.parametrize("name", [name for name, key in KEYS.items() if key.metadata["hidden"]])
def test_the_readme_and_the_example_say_what_is_a_secret(name):
    assert "secret" in SETTINGS[name][1].lower()
    assert "secret" in _comment_above(name).lower()


@pytest.mark.parametrize("name", KEYS)
def test_the_example_explains_every_setting_above_it(name):
    assert len(_comment_above(name)) > 20


def _comment_above(name):
    """Return the comment that a setting stands under, alone or together with others of its kind."""
    found = re.search(rf"((?:^#[^\n]*\n)+)(?:[A-Z_]+ = [^\n]*\n)*?{name} = ", EXAMPLE, re.MULTILINE)
    return found[1] if found else ""


# -- Routes


@pytest.fixture
def routes(make_app):
    """Every route of the service and its demo, with all that settings can switch on: `GET /verify`."""
    whole = {"PUBLIC_URL": "https://verify.example.com", "TELNYX_PUBLIC_KEY": "A" * 43 + "="}
    apps = [make_app(**whole), make_app(SENDER="demo", sender=None)]
    rules = [rule for app in apps for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    return {f"{method} {_as_written(rule.rule)}" for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}}


def _as_written(rule):
    """Return `/v1/verifications/{id}` for Flask's `/v1/verifications/<id_>`."""
    return re.sub(r"<(?:\w+:)?(\w+?)_?>", r"{\1}", rule)


def test_every_route_is_documented(routes):
    """Where people read, or in the contract of the API."""
    text = "\n".join(page.read_text() for page in DOCS)
    contract = {f"{verb.upper()} {path}" for path, verbs in CONTRACT["paths"].items() for verb in verbs}

    assert {route for route in routes if f"`{route}`" not in text and route not in contract} == set()


def test_the_readme_names_no_route_that_is_not_there(routes):
    table = README.split("## Pages")[1].split("\n## ")[0]

    assert set(re.findall(r"`((?:GET|POST) [^`]+)`", table)) <= routes


# -- Commands


def test_every_make_target_that_is_named_is_there():
    there = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    named = {target for page in DOCS for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)}

    assert {"run", "test", "check"} <= named
    assert named <= there


def test_make_help_lists_every_target_of_the_readme():
    listed = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))

    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= listed


def test_the_two_commands_come_first():
    """Whoever comes from the tutorial reads these before anything else."""
    assert re.findall(r"^make ([a-z]+)", README, re.MULTILINE)[:2] == ["run", "test"]


# -- Links


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


# -- Decisions


def test_there_are_decisions_numbered_without_a_gap():
    assert DECISIONS
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_context_options_decision_and_consequence(page):
    text = page.read_text()
    sections = dict(re.findall(r"^## (\w+)\n+(.*?)(?=\n## |\Z)", text, re.MULTILINE | re.DOTALL))

    assert list(sections) == ["Context", "Options", "Decision", "Consequence"]
    assert all(len(words.strip()) > 20 for words in sections.values())
    assert text.startswith(f"# {int(page.name[:4])}. ")


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_fits_on_one_page(page):
    assert len(page.read_text().splitlines()) <= 60


# -- The map of the house


def test_the_map_in_the_package_names_every_room():
    import service  # noqa: PLC0415 - its docstring is what is tested

    rooms = {path.name.removesuffix(".py") for path in (ROOT / "service").iterdir() if not path.name.startswith("__")}

    assert {room for room in rooms if room not in (service.__doc__ or "")} == set()


@pytest.mark.parametrize("room", ["web"])
def test_the_map_of_a_room_names_every_file(room):
    text = (ROOT / "service" / room / "__init__.py").read_text()
    files = {path.name for path in (ROOT / "service" / room).glob("*.py") if path.name != "__init__.py"}

    assert {name for name in files if name not in text} == set()
