"""What requirements/ pins, and whether it is closed: whether all that is needed is there, on every Python and system.

`requirements/metadata.json`, which `make pins` writes, holds what each distribution says that it needs. So this asks
nobody, and knows of those that are not installed here as well.
"""

import functools
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Environment, Marker, default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"

# The first and the last of each Python that the README promises. A patch level is there when a marker names it.
PYTHONS = ("3.11.0", "3.11.2", "3.11.3", "3.11.99", "3.12.0", "3.12.99", "3.13.0", "3.13.99", "3.14.0", "3.14.99")
SYSTEMS = (("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"))

# From which parts of pyproject.toml a file is made.
EXTRAS = {
    "run": ("demo",),
    "test": ("demo", "test", "dev"),
    "browser": ("demo", "test", "dev", "browser"),
}
GROUPS = {
    **dict.fromkeys(EXTRAS, "build"),
    "examples": "examples",
    "pins": "pins",
    "oldest-pip": "oldest-pip",
}


@dataclass(frozen=True)
class Pin:
    """One line of a file: `name==version ; marker`."""

    name: str
    version: str
    marker: str = ""

    def __str__(self) -> str:
        """As `metadata.json` names it."""
        return f"{self.name}=={self.version}"

    def applies(self, where: Environment) -> bool:
        """Tell whether it is installed there."""
        return _holds(self.marker, where)


@dataclass(frozen=True)
class Metadata:
    """What a distribution says of itself: `Requires-Dist`, one text each, and `Requires-Python`."""

    requires_dist: tuple[str, ...]
    requires_python: str


def _environment(python: str, sys_platform: str, platform_system: str, machine: str) -> Environment:
    """Return what markers ask for, on CPython."""
    return default_environment() | Environment(
        implementation_name="cpython",
        implementation_version=python,
        os_name="posix",
        platform_machine=machine,
        platform_python_implementation="CPython",
        platform_release="",
        platform_system=platform_system,
        platform_version="",
        python_full_version=python,
        python_version=".".join(python.split(".")[:2]),
        sys_platform=sys_platform,
    )


def environments() -> list[Environment]:
    """Return every Python on every system."""
    return [_environment(python, *system) for python in PYTHONS for system in SYSTEMS]


def read_pins(text: str) -> list[Pin]:
    """Return the pins of a requirements file."""
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)(?: *; *(.*?))? *\\?$", text, re.MULTILINE)
    return [Pin(*found) for found in lines]


def read_metadata() -> dict[str, Metadata]:
    """Return what `make pins` wrote down, by `name==version`."""
    said = json.loads((REQUIREMENTS / "metadata.json").read_text())
    return {pin: Metadata(tuple(one["requires_dist"]), one["requires_python"]) for pin, one in said.items()}


def roots(file: str) -> list[str]:
    """Return what pyproject.toml wants of a file, `"run"` for requirements/run.txt."""
    wants: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = list(wants["dependency-groups"][GROUPS[file]])
    if file in EXTRAS:
        found += wants["project"]["dependencies"]
        found += [one for extra in EXTRAS[file] for one in wants["project"]["optional-dependencies"][extra]]
    return found


def holes(
    pins: Iterable[Pin],
    wanted: Sequence[str],
    metadata: Mapping[str, Metadata],
    where: Sequence[Environment] | None = None,
) -> set[str]:
    """Return what is needed and not pinned, or pinned at a version that does not do; one sentence each.

    Args:
        pins: Of one file.
        wanted: Requirements that start it all; each pin is one as well.
        metadata: By `name==version`.
        where: `environments()` where None.
    """
    pins = list(pins)
    return {hole for one in where or environments() for hole in _holes(pins, wanted, metadata, one)}


def _holes(
    pins: Sequence[Pin], wanted: Sequence[str], metadata: Mapping[str, Metadata], where: Environment
) -> Iterator[str]:
    python = f"Python {where['python_full_version']} on {where['platform_system']}"
    present = {pin.name: pin for pin in pins if pin.applies(where)}
    todo = [(one, "", "pyproject.toml") for one in wanted] + [
        (str(pin), "", "its own line") for pin in present.values()
    ]
    done: set[tuple[str, str]] = set()
    while todo:
        text, extra, who = todo.pop()
        asked = _requirement(text)
        if not _holds(str(asked.marker or ""), where, extra):
            continue
        pin = present.get(canonicalize_name(asked.name))
        if pin is None or not asked.specifier.contains(pin.version, prereleases=True):
            yield f"{who} needs {text}, and there is {pin or 'none'} for {python}"
            continue
        for needed in {"", *asked.extras}:
            if (pin.name, needed) not in done:
                done.add((pin.name, needed))
                todo += [(one, needed, f"{pin}[{needed}]") for one in metadata[str(pin)].requires_dist]
        if not SpecifierSet(metadata[str(pin)].requires_python).contains(where["python_full_version"]):
            yield f"{pin} is not for {python}"


@functools.cache
def _requirement(text: str) -> Requirement:
    return Requirement(text)


@functools.cache
def _marker(text: str) -> Marker:
    return Marker(text)


def _holds(marker: str, where: Environment, extra: str = "") -> bool:
    return not marker or _marker(marker).evaluate(dict[str, Any](where) | {"extra": extra})
