"""What the kernel says of processes. Linux only: processor time and memory are read from /proc."""

import os
import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
PER_SECOND = 1_000_000_000  # schedstat counts in ns


def can_measure() -> bool:
    """Tell whether this system has what is read here."""
    return (PROC / "self" / "schedstat").exists()


def family(pid: int) -> list[int]:
    """Return a process and everything that it started."""
    children: list[int] = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            children += [int(child) for child in task.read_text().split()]
    return [pid, *(one for child in children for one in family(child))]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of processes so far, user and system, of all their threads."""
    spent = 0
    for pid in pids:
        for task in (PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                spent += int((task / "schedstat").read_text().split()[0])
    return spent / PER_SECOND


def shared_megabytes(pids: Iterable[int]) -> list[float]:
    """Return the proportional set size of each process: its own memory, and its share of what it shares."""
    sizes = []
    for pid in pids:
        found = re.search(r"^Pss: +(\d+) kB", (PROC / str(pid) / "smaps_rollup").read_text(), re.MULTILINE)
        sizes.append(int(found[1]) / 1024 if found else 0.0)
    return sizes


def facts() -> str:
    """Return what machine this is, without its name."""
    model = re.search(r"^model name\s*: (.*)$", (PROC / "cpuinfo").read_text(), re.MULTILINE)
    total = re.search(r"^MemTotal: +(\d+) kB", (PROC / "meminfo").read_text(), re.MULTILINE)
    memory = f"{int(total[1]) / 1024 / 1024:.0f} GiB" if total else "memory unknown"
    return (
        f"{os.cpu_count()} cores ({model[1].strip() if model else platform.machine()}), {memory}, "
        f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    )
