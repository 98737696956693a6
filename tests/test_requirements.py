"""pip installs what requirements/ pins and looks for nothing else. So all that is needed must be in it."""

import dataclasses
import json
import re
from importlib.metadata import distribution, distributions

import pytest
from packaging.utils import canonicalize_name

from tests.support.pins import (
    GROUPS,
    PYTHONS,
    REQUIREMENTS,
    ROOT,
    Metadata,
    Pin,
    environments,
    holes,
    read_metadata,
    read_pins,
    roots,
)

TEXTS = {file.stem: file.read_text() for file in REQUIREMENTS.glob("*.txt")}
PINS = {name: read_pins(text) for name, text in TEXTS.items()}
METADATA = read_metadata()
LOCKS = [ROOT / "examples/express", ROOT / "tests/support/telnyx/npm", ROOT / "bench/performance/better_auth"]


def test_every_file_is_known():
    assert set(TEXTS) == set(GROUPS)


@pytest.mark.parametrize("name", GROUPS)
def test_every_pin_has_its_hashes_and_no_line_is_overlooked(name):
    lines = TEXTS[name].splitlines()
    pinned = [line for line in lines if not re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}(?: \\)?", line)]

    assert len(PINS[name]) == len(pinned)
    assert all(line.endswith("\\") for line in pinned)


@pytest.mark.parametrize("name", GROUPS)
def test_all_that_is_needed_is_there_on_every_python_and_system(name):
    assert holes(PINS[name], roots(name), METADATA) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", GROUPS)
def test_without_any_of_its_lines_something_is_missing(name):
    for pin in PINS[name]:
        others = [one for one in PINS[name] if one is not pin]
        needed = [where for where in environments() if pin.applies(where)][:1]

        assert not needed or holes(others, roots(name), METADATA, needed), f"{pin} is of no use"


def changed(name, **changes):
    """Return the pins of test.txt, one of them changed."""
    assert name in {pin.name for pin in PINS["test"]}
    return [dataclasses.replace(pin, **changes) if pin.name == name else pin for pin in PINS["test"]]


def wanting(requirement):
    """Return what is said of the pins, when coverage wants something more."""
    (coverage,) = (pin for pin in PINS["test"] if pin.name == "coverage")
    return METADATA | {str(coverage): Metadata((requirement,), "")}


WITHOUT_LUPA = [pin for pin in PINS["test"] if pin.name != "lupa"]  # fakeredis[lua] wants it
EARLY_TOMLI = "tomli; python_full_version <= '3.11.0a6' and extra == 'toml'"
HOLES = {
    "what an extra needs": (WITHOUT_LUPA, METADATA, r"\[lua\] needs lupa"),
    "what an extra of a dependency needs": (PINS["test"], wanting("tomli; extra == 'toml'"), r"\[toml\] needs tomli"),
    "another version": (
        changed("click", version="1.0"),
        METADATA | {"click==1.0": Metadata((), "")},
        "needs click[<>=]",
    ),
    "a Python that a marker leaves out": (
        changed("async-timeout", marker="python_full_version < '3.11.2'"),  # redis needs it before Python 3.11.3
        METADATA,
        r"async-timeout.*3\.11\.2 ",
    ),
    "a system that a marker leaves out": (
        changed("anyio", marker="sys_platform == 'linux'"),
        METADATA,
        "anyio.*Darwin",
    ),
}


@pytest.mark.parametrize(("pins", "metadata", "hole"), HOLES.values(), ids=HOLES)
def test_what_is_missing_is_found(pins, metadata, hole):
    found = holes(pins, roots("test"), metadata)

    assert found
    assert [one for one in found if not re.search(hole, one)] == []


def test_what_nobody_wants_is_not_missed():
    assert holes(WITHOUT_LUPA, [one for one in roots("test") if "[lua]" not in one], METADATA) == set()
    assert holes(PINS["test"], roots("test"), wanting(EARLY_TOMLI)) == set()


def test_a_distribution_for_newer_pythons_only_is_a_hole():
    found = holes([Pin("new", "1")], [], {"new==1": Metadata((), ">=3.12")})

    assert {hole.partition("for Python ")[2] for hole in found} == {
        f"{python} on {name}" for python in PYTHONS[:4] for name in ("Linux", "Darwin")
    }


def test_every_patch_level_that_a_marker_names_is_tried():
    """One before it, and itself. What is before Python 3.11 is of no interest."""
    markers = [pin.marker for pins in PINS.values() for pin in pins]
    markers += [one.partition(";")[2] for said in METADATA.values() for one in said.requires_dist]
    named = {int(patch) for text in markers for patch in re.findall(r"['\"]3\.11\.([1-9]\d*)['\"]", text)}
    later = {patch for text in markers for patch in re.findall(r"['\"]3\.1[2-9]\.[1-9]\d*['\"]", text)}
    tried = {int(python.split(".")[2]) for python in PYTHONS if python.startswith("3.11")}

    assert {patch - 1 for patch in named} | named <= tried
    assert later == set()


# -- Whether the file is true


def test_what_is_written_down_is_of_the_pins_and_of_nothing_else():
    assert set(METADATA) == {str(pin) for pins in PINS.values() for pin in pins}


def test_what_is_installed_says_of_itself_what_is_written_down():
    """What another Python or system needs is not here to be asked; `make pins` did."""
    here = {canonicalize_name(one.name) for one in distributions()}
    asked = [pin for pin in PINS["test"] if pin.name in here]

    assert len(asked) > 80
    assert {str(pin): sorted(distribution(pin.name).requires or []) for pin in asked} == {
        str(pin): list(METADATA[str(pin)].requires_dist) for pin in asked
    }
    assert [pin for pin in asked if distribution(pin.name).version != pin.version] == []


# -- The rest that is fetched


def test_every_command_of_pip_in_the_makefile_is_exact():
    text = (ROOT / "Makefile").read_text()

    assert text.count("pip install") == 1
    assert "--no-deps" in re.search(r"pip install .*", text)[0]  # type: ignore[index]
    assert "--require-hashes --only-binary :all:" in re.search(r"PIP_EXACT := .*", text)[0]  # type: ignore[index]
    assert "npm install" not in text


@pytest.mark.parametrize("folder", LOCKS, ids=lambda path: path.name)
def test_npm_gets_what_is_written_and_no_host_is(folder):
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    fetched = {name: one for name, one in packages.items() if name}

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert packages[""]["dependencies"] == wanted
    assert all(one["integrity"].startswith("sha512-") for one in fetched.values())
    assert not any("resolved" in one for one in fetched.values())


@pytest.mark.parametrize("name", GROUPS)
def test_no_pin_names_a_host(name):
    assert "://" not in TEXTS[name]
    assert "-index" not in TEXTS[name]
