"""A small browser for tests: cookies, forms, one kept-alive connection, and many calls at once.

Follows no redirect and runs no script. It belongs to the thread that made it.
"""

import http.client
import json
import select
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from tests.support.processes import LONG_SECONDS

FORM = "application/x-www-form-urlencoded"
Result = TypeVar("Result")
GONE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


@dataclass(frozen=True)
class Response:
    """An answer. `headers` are looked up in any case."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.text)


class Browser:
    """One visitor: one connection and one cookie jar.

    Args:
        base_url: `http://host:port`.
        timeout: Seconds to wait for a connection and for each part of an answer.
        headers: Sent with every request.
        source: The loopback address to come from.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = LONG_SECONDS,
        headers: Mapping[str, str] | None = None,
        source: str = "",
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.cookies: dict[str, str] = {}
        self._headers = dict(headers or {})
        where = urlsplit(self.base_url)
        self._connection = http.client.HTTPConnection(
            where.hostname or "127.0.0.1", where.port, timeout=timeout, source_address=(source, 0) if source else None
        )

    def get(self, path: str, headers: Mapping[str, str | None] | None = None) -> Response:
        """Fetch; once more where the kept connection turns out to be closed."""
        try:
            return self.request("GET", path, headers=headers)
        except GONE:
            return self.request("GET", path, headers=headers)

    def post(
        self, path: str, data: Mapping[str, str] | bytes = b"", headers: Mapping[str, str | None] | None = None
    ) -> Response:
        """Send a form, or the given bytes, as this site's own page would.

        Sent once, whatever happens.

        Args:
            path: Starts with a slash.
            data: Fields of a form, or a body whose `Content-Type` is in `headers`.
            headers: Replace those of a browser; None removes one.
        """
        body = data if isinstance(data, bytes) else urlencode(data).encode()
        own: dict[str, str | None] = {"Content-Type": FORM, "Origin": self.base_url, "Sec-Fetch-Site": "same-origin"}
        return self.request("POST", path, body, headers=_merged(own, headers or {}))

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str | None] | None = None
    ) -> Response:
        """Send one request and return the answer, whatever its status."""
        sent = _merged(self._headers, headers or {})
        if self.cookies:
            jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            sent = _merged({"Cookie": jar}, sent)
        self._drop_dead_connection()
        try:
            self._connection.request(
                method, path, body, {name: value for name, value in sent.items() if value is not None}
            )
            answer = self._connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except BaseException:
            self.close()
            raise
        self._remember(answer.headers.get_all("Set-Cookie", []))
        return Response(answer.status, answer.headers, text)

    def _drop_dead_connection(self) -> None:
        """Close a kept connection that the server has closed: then even a POST may be sent."""
        channel = self._connection.sock
        if channel is None:
            return
        watch = select.poll()  # select() knows no more than 1,024 files
        watch.register(channel, select.POLLIN)
        if watch.poll(0):
            self._connection.close()

    def _remember(self, set_cookies: list[str]) -> None:
        for line in set_cookies:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.coded_value

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def __del__(self) -> None:
        # For browsers in a `threading.local`, which nobody closes.
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _merged(base: Mapping[str, str | None], changes: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return `base` with `changes`, names compared in lower case."""
    changed = {name.lower() for name in changes}
    return {name: value for name, value in base.items() if name.lower() not in changed} | dict(changes)


def fields(page: str) -> dict[str, str]:
    """Return name and value of every named input of the page's first form, hidden ones included."""
    reader = _FirstForm()
    reader.feed(page)
    return reader.fields


class _FirstForm(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._forms = 0
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._forms += 1
            self._inside = self._forms == 1
        elif self._inside and tag == "input" and found.get("name"):
            self.fields[str(found["name"])] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def burst(n: int, function: Callable[[int], Result], threads: int | None = None) -> list[Result | Exception]:
    """Call `function(0)` to `function(n - 1)` and return what each returned or raised, in order.

    All threads start at one moment. Each keeps its share of the calls, so that whatever it holds in
    a `threading.local` (a `Browser`, say) lives through them.

    Args:
        n: How many calls.
        function: Receives the number of the call.
        threads: How many at once; one a call where None, at most 64.
    """
    threads = min(n, threads or 64)
    results: list[Any] = [None] * n
    start = threading.Barrier(threads)

    def work(first: int) -> None:
        start.wait()
        for number in range(first, n, threads):
            try:
                results[number] = function(number)
            except Exception as error:  # noqa: BLE001 (what was raised is a result here)
                results[number] = error

    workers = [threading.Thread(target=work, args=[first], daemon=True) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results
