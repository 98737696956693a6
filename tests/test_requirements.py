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


def test_what_an_extra_needs_is_missed():
    """Without lupa, fakeredis is complete; fakeredis[lua], which is wanted, is not."""
    others = [pin for pin in PINS["test"] if pin.name != "lupa"]
    found = holes(others, roots("test"), METADATA)

    assert found
    assert all("[lua] needs lupa" in hole for hole in found)
    assert holes(others, [one for one in roots("test") if "[lua]" not in one], METADATA) == set()


@pytest.mark.parametrize(
    ("tomli", "missed"),
    [
        ("tomli; python_full_version <= '3.11.0a6' and extra == 'toml'", 0),
        ("tomli; extra == 'toml'", len(environments())),
    ],
)
def test_what_an_extra_of_a_dependency_needs_is_missed(tomli, missed):
    """pytest-cov wants coverage[toml]. Releases of coverage needed tomli for it, on early Pythons, and may again."""
    (coverage,) = (pin for pin in PINS["test"] if pin.name == "coverage")
    another = METADATA | {str(coverage): Metadata((tomli,), "")}

    found = [hole for where in environments() for hole in holes(PINS["test"], roots("test"), another, [where])]

    assert len(found) == missed
    assert all("[toml] needs tomli" in hole for hole in found)


def test_a_marker_that_leaves_out_a_python_or_a_system_is_a_hole():
    """async-timeout is what redis needs before Python 3.11.3."""
    late = holes(changed("async-timeout", marker="python_full_version < '3.11.2'"), roots("test"), METADATA)
    there = holes(changed("anyio", marker="sys_platform == 'linux'"), roots("test"), METADATA)

    assert late
    assert all("async-timeout" in hole and "3.11.2 " in hole for hole in late)
    assert there
    assert all("anyio" in hole and "Darwin" in hole for hole in there)


def test_a_version_that_does_not_do_is_a_hole():
    another = METADATA | {"click==1.0": Metadata((), "")}

    assert any("needs click>=" in hole for hole in holes(changed("click", version="1.0"), roots("test"), another))


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
