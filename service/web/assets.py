"""Static files: read and compressed at the start, and cached by browsers for good.

Each has an address that changes with its content. Pages themselves are never compressed: beside a secret, the length of
what was compressed tells something of it (BREACH).
"""

import gzip
import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request

from .branding import ACCENT, Branding

FILES = Path(__file__).parent / "static"
FOR_GOOD = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"  # at an address without its version
TEXTS = frozenset({"text/css", "text/javascript", "image/svg+xml"})
VERSION = 10  # characters of a digest


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    packed: bytes | None
    """The same, compressed; None where that gains nothing."""
    kind: str
    version: str


def serve(app: Flask, branding: Branding) -> None:
    """Serve all files under `/static/`, as an operator wants them to look."""
    assets = {path.name: _asset(path.name, path.read_bytes()) for path in sorted(FILES.iterdir())}
    assets["style.css"] = _asset("style.css", assets["style.css"].body + branding.styles().encode())
    if branding.accent:
        icon = assets["icon.svg"].body.replace(ACCENT.encode(), branding.accent.encode())
        assets["icon.svg"] = _asset("icon.svg", icon)
    if branding.logo:
        assets[branding.logo_name] = _asset(branding.logo_name, Path(branding.logo).read_bytes())

    def static(filename: str) -> Response:
        asset = assets.get(filename)
        if asset is None:
            abort(404)
        packed = asset.packed if request.accept_encodings.quality("gzip") > 0 else None
        response = Response(packed or asset.body, content_type=asset.kind)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        is_current = request.args.get("v") == asset.version
        response.headers["Cache-Control"] = FOR_GOOD if is_current else FOR_AN_HOUR
        return response

    app.add_url_rule("/static/<path:filename>", "static", static)

    @app.url_defaults
    def name_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and values.get("filename") in assets:
            values["v"] = assets[values["filename"]].version


def _asset(name: str, body: bytes) -> Asset:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(body, 9, mtime=0) if kind in TEXTS else body
    kind_of_text = f"{kind}; charset=utf-8" if kind in TEXTS else kind
    return Asset(body, packed if len(packed) < len(body) else None, kind_of_text, sha256(body).hexdigest()[:VERSION])
