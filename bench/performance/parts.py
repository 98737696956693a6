"""What a right code spends its time on: each part is left out in turn, in one thread and without a server around it.

`python -m bench.performance.parts` prints the table; `make bench` has it among its own. What is left out changes what
is answered, so this says where time goes, and is no way to save it.
"""

import io
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext, redirect_stderr
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flask import Flask

from bench.performance.crowd import Crowd
from bench.performance.servers import CLIENT_CORE, EVERY_LIMIT, ROOT, SERVICE, pin
from tests.support.servers import StoreServer

ROUNDS, REQUESTS = 9, 300
MILLION = 1_000_000
Serve = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def rows() -> Iterator[str]:
    """Yield the lines of the table, measured in a process of its own."""
    command = [sys.executable, "-m", __name__]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    yield from done.stdout.splitlines()


def main() -> None:
    """Measure, print."""
    pin(CLIENT_CORE)
    with ExitStack() as ends:
        store = ends.enter_context(StoreServer())
        counts = ends.enter_context(tempfile.TemporaryDirectory())
        here = {"TEXTPROOF_REDIS_URL": store.url, "TEXTPROOF_CONFIG": str(ROOT / "config.cfg.example")}
        os.environ.update(SERVICE | EVERY_LIMIT | here)
        os.environ.update(BARE_REDIS_URL=store.url, PROMETHEUS_MULTIPROC_DIR=counts)
        seen = _measured(Crowd(store.url))
    whole = statistics.median(seen["all of it"])
    print("| one right code, in one thread | processor time, µs |")
    print("|---|---|")
    print(f"| Flask + form | {statistics.median(seen['none']):.0f} |")
    print(f"| Flask + form + EVALSHA | {statistics.median(seen['one']):.0f} |")
    print(f"| Textproof | {whole:.0f} |")
    for name, times in list(seen.items())[3:]:
        print(f"| … {name} | {statistics.median(times) - whole:+.0f} |")


def _measured(crowd: Crowd) -> dict[str, list[float]]:
    """Return what one request takes with each part left out, in µs, round for round, in turns."""
    from bench.performance import bare, stubbed  # noqa: PLC0415 - they read the environment

    with redirect_stderr(Path(os.devnull).open("w")):  # where its log goes from then on
        service = stubbed.create_app()
    beside = bare.create_app()
    left_out = {"all of it": nullcontext, **_parts(service, crowd)}
    seen: dict[str, list[float]] = {}
    for turn in range(ROUNDS + 1):
        for name in ("none", "one"):
            took = _time(beside, crowd, f"/{name}/form")
            seen.setdefault(name, []).extend([took] if turn else [])
        for name, leave_out in left_out.items():
            with leave_out():
                took = _time(service, crowd)
            seen.setdefault(name, []).extend([took] if turn else [])
    return seen


def _parts(service: Flask, crowd: Crowd) -> dict[str, Callable[[], AbstractContextManager[object]]]:
    """Return what leaves out each part."""
    from prometheus_client import Counter, Histogram  # noqa: PLC0415 - it reads the environment

    from bench.performance import bare  # noqa: PLC0415 - as above
    from service.store.script import Scripts  # noqa: PLC0415
    from service.web import pages  # noqa: PLC0415

    def nothing(*_: object) -> None:
        pass

    def unsigned(_signer: object, value: str, **_how: object) -> bytes:
        return value.encode().split(b".")[0]

    answers: dict[str, dict[str, Any]] = {}
    ask = Scripts.run

    def ask_less(scripts: Scripts, name: str, *words: Any, **how: Any) -> dict[str, Any]:  # noqa: ANN401
        if name != "check":
            return ask(scripts, name, *words, **how)
        scripts.client.evalsha(bare.DIGEST, 1, "bare:less")
        return dict(answers[name])

    def note(scripts: Scripts, name: str, *words: Any, **how: Any) -> dict[str, Any]:  # noqa: ANN401
        answers[name] = ask(scripts, name, *words, **how)
        return answers[name]

    with patch.object(Scripts, "run", note):
        _time(service, crowd, requests=3)
    log = logging.getLogger("textproof")
    return {
        "without Redis": partial(patch.object, Scripts, "run", lambda _scripts, name, *_, **_how: dict(answers[name])),
        "with bare Flask's script for its own": partial(patch.object, Scripts, "run", ask_less),
        "without the page": partial(patch.object, pages, "render_template", lambda *_, **_more: "x" * 1500),
        "without the line of the log, and what counts it": partial(patch.object, log, "isEnabledFor", lambda _: False),
        "without timers": partial(patch.multiple, Histogram, observe=nothing),
        "without counters": partial(patch.multiple, Counter, inc=nothing),
        "without the signature of the cookie": partial(patch, "itsdangerous.TimestampSigner.unsign", unsigned),
    }


def _time(serve: Serve, crowd: Crowd, path: str = "/verify", *, requests: int = REQUESTS) -> float:
    """Return the processor time of one request, in µs."""
    asked = [_environment(crowd.form_check(path)) for _ in range(requests)]
    statuses = set()
    begun = time.process_time()
    for one in asked:
        answer = serve(one, lambda status, *_: statuses.add(status))
        for _ in answer:
            pass
        getattr(answer, "close", lambda: None)()
    took = time.process_time() - begun
    if statuses != {"200 OK"}:
        raise SystemExit(f"{path}: {statuses}")
    return took / requests * MILLION


def _environment(request: bytes) -> dict[str, Any]:
    """Return a request as a WSGI server would hand it over."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split()
    environment = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for line in lines:
        name, _, value = line.partition(": ")
        name = name.upper().replace("-", "_")
        environment[name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"] = value
    return environment


if __name__ == "__main__":
    main()
