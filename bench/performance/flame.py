"""A picture of where the time of a request goes: `python -m bench.performance.flame docs/flame.svg`.

py-spy looks at the worker while checks and starts are asked for, 500 times a second, and sees who holds the
interpreter. It has to be on the PATH, or be named by PYSPY. The wider a box, the more of the time; what hangs below it
was called by it.
"""

import argparse
import html
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.performance.load import CONNECTIONS, drive
from bench.performance.rows import STARTERS, Stage
from bench.performance.servers import CLIENT_CORE, pin

WIDTH, ROW, LETTER, TOP = 1400, 15, 6.2, 36  # px
LEAST = 0.004  # of the whole; what is smaller is left out
ROOMS = {
    "service": "#e8743b",
    "redis": "#c9463d",
    "flask": "#5899da",
    "werkzeug": "#7fb3e6",
    "jinja2": "#19a979",
    "templates": "#19a979",
    "gunicorn": "#bcc3c8",
    "prometheus_client": "#945ecf",
    "phonenumbers": "#edbf33",
}


@dataclass
class Frame:
    """A function, called from where it lies."""

    name: str
    samples: int = 0
    inside: dict[str, "Frame"] = field(default_factory=dict)

    def add(self, stack: Sequence[str], samples: int) -> None:
        """Note a stack that was seen."""
        self.samples += samples
        if stack:
            self.inside.setdefault(stack[0], Frame(stack[0])).add(stack[1:], samples)


def main() -> None:
    """Profile, and write the picture."""
    words = argparse.ArgumentParser(prog="python -m bench.performance.flame", description=__doc__)
    words.add_argument("picture", type=Path)
    words.add_argument("--requests", type=int, default=3000, help="of each verb")
    given = words.parse_args()
    spy = os.environ.get("PYSPY") or shutil.which("py-spy")
    if not spy:
        raise SystemExit("py-spy is not here. `pip install py-spy` brings it; PYSPY says where it is.")
    whole = Frame("")
    pin(CLIENT_CORE)
    with ExitStack() as ends:
        stage = Stage(ends)
        for verb, ask, connections in (
            ("check", stage.crowd.form_check, CONNECTIONS),
            ("start", stage.crowd.form_start, STARTERS),
        ):
            seen = _profile(spy, stage, ask, given.requests, connections)
            total = sum(seen.values())
            for stack, samples in seen.items():
                whole.add([verb, *stack], round(samples * 10_000 / total))
    given.picture.write_text(picture(whole))


def _profile(
    spy: str, stage: Stage, ask: Callable[[], bytes], count: int, connections: int
) -> Counter[tuple[str, ...]]:
    requests = [ask() for _ in range(count)]
    drive(stage.service.port, [ask() for _ in range(200)], connections=connections)
    with tempfile.NamedTemporaryFile(suffix=".raw") as raw:
        worker = str(stage.service.pids[-1])
        options = [
            "--rate",
            "500",
            "--gil",
            "--format",
            "raw",
            "--output",
            raw.name,
            "--pid",
            worker,
            "--duration",
            "60",
        ]
        watching = subprocess.Popen([spy, "record", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Event().wait(1.0)
        drive(stage.service.port, requests, connections=connections)
        watching.send_signal(2)
        watching.wait(30)
        lines = Path(raw.name).read_text().splitlines()
    seen = Counter[tuple[str, ...]]()
    for line in lines:
        stack, _, samples = line.rpartition(" ")
        seen[tuple(_named(part) for part in stack.split(";"))] += int(samples)
    return seen


def _named(frame: str) -> str:
    """Return "function (room)" of py-spy's "function (path:line)"."""
    match = re.fullmatch(r"(.*) \((.*?)(?::\d+)?\)", frame)
    if not match:
        return frame
    parts = match[2].removesuffix(".py").split("/")
    room = next((place for place, part in enumerate(parts) if part in ROOMS), len(parts) - 1)
    return f"{match[1]} ({'/'.join(parts[room:][-3:])})"


def picture(whole: Frame) -> str:
    """Return the SVG."""
    boxes = list(_boxes(whole, 0, 0.0, WIDTH / whole.samples, whole.samples * LEAST))
    height = TOP + ROW * (max(depth for depth, *_ in boxes) + 2)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace">',
        "<style>text { font-size: 10px }</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for place, (room, colour) in enumerate(ROOMS.items()):
        lines.append(f'<rect x="{10 + place * 130}" y="8" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{26 + place * 130}" y="18">{room}</text>')
    for depth, left, width, frame in boxes:
        share = f"{frame.samples / whole.samples:.1%}"
        name = html.escape(frame.name)
        top = TOP + depth * ROW
        lines.append(
            f'<g><title>{name} {share}</title><rect x="{left:.1f}" y="{top}" width="{max(0.5, width - 0.5):.1f}" '
            f'height="{ROW - 1}" fill="{_colour(frame.name)}"/>'
        )
        letters = int((width - 4) / LETTER)
        if letters > 2:  # noqa: PLR2004 - fewer say nothing
            lines.append(f'<text x="{left + 2:.1f}" y="{top + 11}">{html.escape(frame.name[:letters])}</text>')
        lines.append("</g>")
    return "\n".join([*lines, "</svg>\n"])


def _boxes(
    frame: Frame, depth: int, left: float, scale: float, least: float
) -> Iterator[tuple[int, float, float, Frame]]:
    for inner in sorted(frame.inside.values(), key=lambda one: one.name):
        if inner.samples >= least:
            yield depth, left, inner.samples * scale, inner
            yield from _boxes(inner, depth + 1, left, scale, least)
        left += inner.samples * scale


def _colour(name: str) -> str:
    _, _, where = name.partition("(")
    return ROOMS.get(re.split(r"[/)]", where)[0], "#e3e3e3")


if __name__ == "__main__":
    main()
