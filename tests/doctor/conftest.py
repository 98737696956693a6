"""A healthy set-up, all of it real but for the carrier, and `textproof doctor` to look at it.

| fixture | is |
|---|---|
| `telnyx` | a fake Telnyx whose account suits the settings |
| `redis` | a store server of this file, healthy again for every test |
| `front` | a web server that answers `/v1/openapi.json` as the service does: `front.status`, `front.body` |
| `doctor` | runs the command: `doctor()` on the healthy set-up, `doctor(SECRET_KEY="")` on another one |
"""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from service.__main__ import main
from service.commands import doctor as product
from tests.support.servers import StoreServer
from tests.support.telnyx import FakeTelnyx
from tests.support.telnyx.account import NUMBER

PUBLIC = "https://verify.example.com"
API_KEY = "KEY0123456789ABCDEF_of_the_doctor"
SECRET = "a secret of the doctor's tests, of enough letters".replace(" ", "_")
PASSWORD = "password-of-redis"
PUBLIC_ADDRESS = "93.184.216.34"


@dataclass
class Report:
    """What the command said, on standard error as well, and how it ended."""

    output: str
    error: str
    exit_code: int

    def lines(self, mark: str) -> list[str]:
        """Return the texts of the lines with this mark."""
        return [line[6:] for line in self.output.splitlines() if line.startswith(f"{mark:<5} ")]

    @property
    def fixes(self) -> list[str]:
        return self.lines("fix")


class Front:
    """What stands at PUBLIC_URL."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b'{"openapi":"3.1.0","info":{"title":"Textproof"}}'
        self.asked: list[str] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                front.asked.append(self.path)
                self.send_response(front.status)
                self.end_headers()
                self.wfile.write(front.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"

    def fetch(self, url: str) -> tuple[int, bytes]:
        """Ask as the product does, here instead of at the public address."""
        return product.fetch(self.origin + urlsplit(url).path)


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front()
    thread = threading.Thread(target=front.server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    yield front
    front.server.shutdown()
    front.server.server_close()
    thread.join()


@pytest.fixture
def telnyx() -> Iterator[FakeTelnyx]:
    with FakeTelnyx(API_KEY) as fake:
        yield fake


@pytest.fixture(scope="module")
def store_server() -> Iterator[StoreServer]:
    with StoreServer(appendonly=True) as server:
        yield server


@pytest.fixture
def redis(store_server) -> Iterator[StoreServer]:
    yield store_server
    store_server.flush()
    for name, value in {"maxmemory": 0, "maxmemory-policy": "noeviction", "appendonly": "yes"}.items():
        store_server.ask("CONFIG SET", name, value)


@pytest.fixture
def plain(telnyx, redis) -> dict[str, str]:
    """The settings of the healthy set-up."""
    return {
        "SENDER": "telnyx",
        "API_KEY": API_KEY,
        "FROM_NUMBER": NUMBER,
        "TELNYX_BASE_URL": telnyx.base_url,
        "TELNYX_PUBLIC_KEY": telnyx.public_key,
        "PUBLIC_URL": PUBLIC,
        "TRUSTED_PROXIES": "1",
        "SECRET_KEY": SECRET,
        "REDIS_URL": redis.url,
    }


@pytest.fixture
def doctor(plain, front, tmp_path) -> Callable[..., Report]:
    """Run the command as an operator does. Whatever it is run on, it must keep what is secret."""
    nothing = tmp_path / "config.cfg"
    nothing.touch()

    def run(*, resolve=lambda _host: [PUBLIC_ADDRESS], fetch=front.fetch, **changes: str | None) -> Report:
        questions = {"resolve": resolve, "fetch": fetch}
        environ = {f"TEXTPROOF_{key}": value for key, value in {**plain, **changes}.items() if value is not None}
        result = CliRunner().invoke(main, ["doctor"], env={"TEXTPROOF_CONFIG": str(nothing), **environ}, obj=questions)
        assert isinstance(result.exception, SystemExit | None), result.exception
        for secret in (API_KEY, SECRET, PASSWORD, "v1_secret", "rP1VamejkU2v0qIUxntqLW2c"):
            assert secret not in result.output
        assert not re.search(r"\+[0-9]{6}", result.output)
        return Report(result.stdout, result.stderr, result.exit_code)

    return run
