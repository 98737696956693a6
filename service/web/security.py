"""Cross-site requests and response headers."""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Request, abort, request
from werkzeug.exceptions import BadHost

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
OURS = frozenset({"same-origin", "none"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with it, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "otp-credentials=(self), camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
# A year (ASVS 5.0, 3.4.1). Of this host alone: what runs beside it is not ours to decide.
SECURE_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}


def protect(app: Flask, *, secure: bool) -> None:
    """Put the headers on every answer. `secure` is whether people reach this service by HTTPS."""
    headers = HEADERS | {"Cache-Control": "no-store"} | (SECURE_HEADERS if secure else {})
    by_name = {name.lower(): (name, value) for name, value in headers.items()}
    answer = app.wsgi_app

    # Around Flask, where headers are a plain list: its own checks each name and value again, each time.
    def answer_with_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def begin(status: str, own: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:  # noqa: ANN401
            there = {name.lower() for name, _ in own}
            return start_response(status, own + [pair for name, pair in by_name.items() if name not in there], *error)

        return answer(environ, begin)

    app.wsgi_app = answer_with_headers  # type: ignore[method-assign]  # as Flask's manual has it


def refuse_bad_host(app: Flask) -> None:
    """Answer 400 to a request that does not name one host (RFC 9112, 3.2): what stands before us may read another."""

    @app.before_request
    def look() -> None:
        host = request.environ.get("HTTP_HOST")
        has_to = request.environ.get("SERVER_PROTOCOL") not in ("HTTP/0.9", "HTTP/1.0")
        if (host is None and has_to) or (host is not None and not HOST.fullmatch(host)):
            raise BadHost


def refuse_cross_site(public_url: str) -> None:
    """End the current request if another site made the browser send it.

    Fetch metadata tells; where a browser sends none, the origin does. A caller that sends
    neither is no browser, and has no cookie that could be abused.
    """
    if request.method in UNSAFE and not _is_ours(request, public_url):
        abort(403)


def is_from_elsewhere(environ: WSGIEnvironment) -> bool:
    """Tell whether a browser says that another site made it send this (Fetch Metadata)."""
    return environ.get("HTTP_SEC_FETCH_SITE", "none") not in OURS


def _is_ours(asked: Request, public_url: str) -> bool:
    if "Sec-Fetch-Site" in asked.headers:
        return not is_from_elsewhere(asked.environ)
    origin = asked.headers.get("Origin")
    if origin is None:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(host) and (origin == public_url or host == asked.host)
