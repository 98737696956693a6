"""A clock that is wrong, for one program and what it starts: the time of day is some seconds more or less for them.

    python -m bench.skew 800 make check    runs a command so many days from now; needs a C compiler

Debian's faketime does the same, but a server with an allocator of its own does not start under it, and with it some
short sleeps of threads fail.
"""

import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

COMPILER = shutil.which("cc")
SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *ahead;

__attribute__((constructor)) static void find(void) {
    int file = open(getenv("SKEW_FILE"), O_RDONLY);
    void *seen = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    if (seen == MAP_FAILED) abort();
    ahead = seen;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (into) *into = exact.tv_sec;
    return exact.tv_sec;
}
"""


class WrongClock:
    """The clock of whoever is started with `env`. It may be set while they run."""

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="textproof-clock-"))
        source, library, ahead = (self._directory / name for name in ("clock.c", "clock.so", "ahead"))
        source.write_text(SOURCE)
        subprocess.run([COMPILER or "cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        ahead.write_bytes(bytes(struct.calcsize("l")))
        with ahead.open("r+b") as file:
            self._ahead = mmap.mmap(file.fileno(), 0)
        self.env = {**os.environ, "LD_PRELOAD": str(library), "SKEW_FILE": str(ahead)}
        return self

    def set(self, seconds: int) -> None:
        """Let it be so many seconds ahead; behind when negative."""
        self._ahead[:] = struct.pack("l", seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ahead.close()
        shutil.rmtree(self._directory, ignore_errors=True)


def main() -> None:
    """Run a command some days from now, and end as it ends."""
    days, *command = sys.argv[1:]
    with WrongClock() as clock:
        clock.set(int(days) * 86_400)
        status = subprocess.run(command, env=clock.env, check=False).returncode
    sys.exit(status)


if __name__ == "__main__":
    main()
