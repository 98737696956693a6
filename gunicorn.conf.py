"""How gunicorn serves Textproof. HOST, PORT, WORKERS and DRAIN_SECONDS are settings, like the others."""

import gc
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.config import settings_or_exit

_settings = settings_or_exit()
_cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]

bind = _settings.address
workers = _settings.WORKERS or len(_cores)
worker_class = "gthread"
threads = 32
preload_app = True  # the SDK's 100 MB are loaded once and shared
http_parser = "python"
control_socket_disable = True  # on by default since 25.1, and nothing here uses it
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - heartbeats, not data

timeout = 30  # a worker that gives no sign of life; requests have deadlines of their own
graceful_timeout = 15  # longer than any request may take
keepalive = 75  # longer than the balancer keeps a connection
backlog = 1024
# What a browser brings along: 50 cookies of 4,096 bytes for the whole domain (RFC 6265, 6.1), in one line; addresses
# with what others have added to them (the most that gunicorn takes); more headers than the balancer lets through, 101.
limit_request_line = 8190
limit_request_fields = 128
limit_request_field_size = 50 * (4096 + len("; "))
forwarded_allow_ips = ""  # who to believe is decided by the service, not here

accesslog = None  # the service logs events, not addresses
errorlog = "-"
loglevel = "warning"

# Each worker counts into files here, which `/metrics` adds up. A new folder for each start: what an earlier
# service counted is not ours, and what one left behind that was killed goes away.
_counts = Path(worker_tmp_dir or tempfile.gettempdir())
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    for left in _counts.glob("textproof-counts-*"):
        if not Path("/proc", left.name.split("-")[2]).exists() and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=f"textproof-counts-{os.getpid()}-", dir=_counts)


def post_fork(server: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Keep a worker on one core, where each has one: handing the interpreter lock across cores costs a third."""
    if len(_cores) > 1 and server.num_workers == len(_cores):
        os.sched_setaffinity(0, {_cores[worker.age % len(_cores)]})


def when_ready(server: Any) -> None:  # noqa: ANN401
    """The port is bound, and no worker is forked yet: leave alone what they share, and let TERM drain before it stops.

    The collector would look at a hundred thousand objects of the SDK again and again, and write to their pages, which
    ends the sharing. On TERM, `/readyz` first answers 503 for DRAIN_SECONDS, so that the balancer stops sending.
    """
    gc.collect()
    gc.freeze()
    drain, stop = server.app.wsgi().extensions["drain"], server.handle_term

    def drain_and_stop() -> None:
        drain()
        time.sleep(_settings.DRAIN_SECONDS)
        stop()

    server.handle_term = drain_and_stop
    if said := os.environ.get("SAY_WHEN_READY"):  # `textproof run` prints where it listens
        print(said, flush=True)  # noqa: T201


def child_exit(server: Any, worker: Any) -> None:  # noqa: ANN401, ARG001
    """Forget what a worker that has ended had under way; what it has counted stays."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - reads the folder's name when imported

    with suppress(OSError):
        mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:  # noqa: ANN401, ARG001
    """Leave nothing behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
