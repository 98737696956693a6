"""Write metadata.json: what each distribution that is pinned here says that it needs.

`make pins` runs it. With it, `tests/test_requirements.py` knows what is needed on another Python or system than the
one that it runs on, without asking anybody. pip is asked for the pins as they are, so that no marker hides one.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ASK = [
    *("-m", "pip", "install", "--dry-run", "--report", "-", "--requirement", "/dev/stdin"),
    *("--ignore-installed", "--no-deps", "--only-binary", ":all:", "--quiet"),
]


def pins() -> set[tuple[str, str]]:
    """Return name and version of every pin."""
    return {
        pin for file in HERE.glob("*.txt") for pin in re.findall(r"^([\w.-]+)==(\S+)", file.read_text(), re.MULTILINE)
    }


def described(wanted: set[tuple[str, str]]) -> dict[str, dict[str, object]]:
    """Return what they say of themselves, by `name==version`."""
    lines = "".join(f"{name}=={version}\n" for name, version in wanted)
    report = subprocess.run([sys.executable, *ASK], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    said = {}
    for one in json.loads(report.stdout)["install"]:
        data = one["metadata"]
        name = re.sub(r"[-_.]+", "-", data["name"]).lower()
        said[f"{name}=={data['version']}"] = {
            "requires_python": data.get("requires_python", ""),
            "requires_dist": sorted(data.get("requires_dist", [])),
        }
    return said


def main() -> None:
    """Ask for all, at most one version of each at a time."""
    left, said = pins(), {}
    while left:
        batch = dict(left)
        said |= described(set(batch.items()))
        left -= set(batch.items())
    (HERE / "metadata.json").write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
