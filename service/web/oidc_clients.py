"""Client authentication at `/token` and `/par`: client_secret_basic, client_secret_post, or none with PKCE."""

import logging
from collections.abc import Mapping
from urllib.parse import unquote_plus

from flask import request

from ..verification.clients import Client, as_one, prefix_of, proven
from ..verification.ports import Clients
from .oidc_request import OAuthError

log = logging.getLogger("textproof")


def authenticated(clients: Clients, form: Mapping[str, str]) -> Client:
    """Return the application that sent this request.

    Raises:
        OAuthError: Nobody knows, or it says so in two ways at once (RFC 6749, 2.3).
    """
    name, secret = _basic(form) if "Authorization" in request.headers else _posted(form)
    client = as_one(clients.named(name)) if name else None
    if client is None:
        raise _refused()
    if client.is_public:
        if secret:
            raise _refused(name)
        return client
    prefix = prefix_of(secret)
    key = clients.find(prefix) if prefix else None
    if not proven(key, secret) or key is None or key.name != name:
        raise _refused(name)
    return client


def _basic(form: Mapping[str, str]) -> tuple[str, str]:
    """Return name and secret, each of which was form-urlencoded first (RFC 6749, 2.3.1)."""
    given = request.authorization
    if given is None or given.type != "basic":
        raise _refused()
    name, secret = unquote_plus(given.username or ""), unquote_plus(given.password or "")
    if "client_secret" in form or form.get("client_id", name) != name:
        raise OAuthError("invalid_request", "The client is named in two ways at once")
    return name, secret


def _posted(form: Mapping[str, str]) -> tuple[str, str]:
    return form.get("client_id", ""), form.get("client_secret", "")


def _refused(name: str = "") -> OAuthError:
    """Return the error, once it is logged; `name` is that of an application: what nobody knows may be a secret."""
    log.warning("client_refused", extra={"route": str(request.url_rule), "client": name})
    return OAuthError("invalid_client", "There is no such client, or that is not its secret", 401)
