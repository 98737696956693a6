"""Documentation that cannot lag: what the README, the example and the decisions say is held against the code."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import settings
from service.__main__ import main
from service.config import KEYS, SECTIONS
from service.verification.errors import Limit
from service.verification.limits import TABLE

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
CONTRACT = json.loads((ROOT / "service" / "web" / "openapi.json").read_text())
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
DOCS = [*PAGES, *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))


# -- Settings


@pytest.mark.parametrize(("name", "make"), settings.FILES.items(), ids=settings.FILES)
def test_what_is_written_about_settings_is_made_from_where_they_are_stated(name, make):
    """`make docs` makes it so."""
    there = (ROOT / name).read_text()

    assert make(there) == there


@pytest.mark.parametrize("name", KEYS)
def test_a_setting_says_what_it_is_for_where_it_stands_and_whether_it_is_a_secret(name):
    facts = KEYS[name].metadata

    assert facts["section"] in SECTIONS
    assert facts["sentence"].endswith(".")
    assert ("Secret" in facts["sentence"]) == facts["hidden"]


@pytest.mark.parametrize("name", [name for name in KEYS if KEYS[name].metadata["example"]])
def test_an_example_of_a_setting_is_right(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logo.svg").write_text("<svg/>")
    example = ast.literal_eval(KEYS[name].metadata["example"].replace("/etc/textproof/templates", str(tmp_path)))

    KEYS[name].metadata["kind"](example)


def test_the_table_of_limits_has_all():
    assert sorted(row.limit for row in TABLE) == sorted(Limit)


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


def test_the_two_commands_come_first_and_make_help_lists_all_of_the_readme():
    """Whoever comes from the tutorial reads these before anything else."""
    listed = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))

    assert re.findall(r"^make ([a-z]+)", README, re.MULTILINE)[:2] == ["run", "test"]
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= listed


def test_the_command_says_which_version_it_is():
    """The image is not installed, and has no package that could be asked."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert CliRunner().invoke(main, ["--version"]).output == f"textproof, version {project['version']}\n"


# -- Links


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_example_is_in_the_guide_and_is_run():
    guide = (ROOT / "docs" / "integration.md").read_text()
    tests = "".join((ROOT / "tests" / "api" / name).read_text() for name in ("test_examples.py", "test_libraries.py"))
    kinds = {".py", ".mjs", ".conf", ".sh"}
    examples = [path for place in ("*", "*/*") for path in (ROOT / "examples").glob(place) if path.suffix in kinds]

    assert len(examples) > 5
    assert [path for path in examples if f"](../{path.relative_to(ROOT)})" not in guide] == []
    assert [path for path in examples if str(path.relative_to(ROOT / "examples").with_suffix("")) not in tests] == []


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
    assert len(text.splitlines()) <= 60, "it fits on one page"


# -- The map of the stack


@pytest.mark.parametrize("package", ["service", "service/commands", "service/web"])
def test_the_map_of_a_package_names_every_file(package):
    text = (ROOT / package / "__init__.py").read_text()
    files = {path.name for path in (ROOT / package).glob("*.py") if not path.name.startswith("__")}
    files |= {f"{path.name}/" for path in (ROOT / package).glob("*/") if package == "service" and path.name[0] != "_"}

    assert {name for name in files if name not in text} == set()
