"""The OpenID Connect provider: discovery, `/authorize`, `/par`, `/token`, `/userinfo`, signing keys.

OpenID Connect Core 1.0 and Discovery, OAuth 2.0 (RFC 6749) as RFC 9700 wants it: code flow only, PKCE with S256, exact
addresses, `iss` in the answer (RFC 9207), pushed requests (RFC 9126). Each authorization is a verification of its own.
"""

import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from ..verification.authorization import (
    PUSHED_SECONDS,
    TOKEN_SECONDS,
    Authorization,
    Authorizations,
    Grant,
    NoAuthorization,
    TooLong,
)
from ..verification.clients import ALGORITHMS, as_one
from ..verification.errors import StoreUnavailable
from ..verification.ports import Clients
from .oidc_clients import authenticated
from .oidc_keys import SigningKeys
from .oidc_pages import begin_at
from .oidc_request import ACR, KNOWN, PUSHED, SCOPES, OAuthError, Reader, read, to_application
from .problems import STORE_RETRY, Refused, problem_of

log = logging.getLogger("textproof")

KEYS_SECONDS = 300  # ours: libraries ask again for a key that they do not know
ID_TOKEN_SECONDS = 300  # ours: it is read once, at once
AMR = "sms"  # RFC 8176
TOO_LONG = "The request is too long: state and nonce may have some 1,500 characters together"
OF_TOKEN = ("grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret")


class Provider:
    """The provider over one verifier."""

    def __init__(
        self,
        authorizations: Authorizations,
        signing: SigningKeys,
        clients: Clients,
        reader: Reader,
        *,
        clock: Callable[[], float],
        public_url: str,
        is_demo: bool,
        languages: list[str],
    ) -> None:
        """Take what it needs; `is_demo` allows for having no public address, `languages` are those of the pages."""
        self._authorizations = authorizations
        self._signing = signing
        self._clients = clients
        self._reader = reader
        self._clock = clock
        self._public_url = public_url
        self._is_demo = is_demo
        self._languages = languages

    def routes(self) -> tuple[Blueprint, Blueprint]:
        """Return the routes for browsers, and those for programs."""
        people, programs = Blueprint("authorize", __name__), Blueprint("oidc", __name__)
        people.add_url_rule("/authorize", view_func=self.authorize, methods=["GET", "POST"])
        programs.post("/par")(self.push)
        programs.post("/token")(self.token)
        programs.add_url_rule("/userinfo", view_func=self.userinfo, methods=["GET", "POST"])
        programs.get("/.well-known/openid-configuration")(self.configuration)
        programs.get("/.well-known/jwks.json")(self.keys)
        programs.register_error_handler(Exception, _answer)
        programs.after_request(_open_to_browsers)
        return people, programs

    # -- The browser comes

    def authorize(self) -> ResponseReturnValue:
        """Go on to the pages, or back to the application with what is wrong. Nothing is changed."""
        parameters, repeated = read(request.values)
        issuer = self._issuer()
        if parameters.get("request_uri", "").startswith(PUSHED):
            parameters, repeated = self._pulled(parameters, repeated), set()
        client = self._reader.client(parameters, repeated)
        try:
            asked = self._reader.authorization(client, parameters, repeated, issuer=issuer)
            return redirect(begin_at(self._sealed(asked)), 303)
        except OAuthError as error:
            log.info("authorization_refused", extra={"client": client.name, "why": error.code})
            return redirect(to_application(parameters, repeated, error, issuer=issuer), 303)

    def _pulled(self, parameters: dict[str, str], repeated: set[str]) -> dict[str, str]:
        try:
            pushed = self._authorizations.pulled(parameters["request_uri"].removeprefix(PUSHED))
        except NoAuthorization as error:
            raise Refused("bad_authorization", "request_uri was used before, or is too old.") from error
        if "client_id" in repeated or parameters.get("client_id") != pushed["client_id"]:
            raise Refused("bad_authorization", "client_id is not the one that pushed this request.")
        return pushed

    def _sealed(self, asked: Authorization) -> str:
        try:
            return self._authorizations.sealed(asked)
        except TooLong as error:
            raise OAuthError("invalid_request", TOO_LONG) from error

    # -- The application calls

    def push(self) -> ResponseReturnValue:
        """Take a request from the application itself, so that none of it is in an address (RFC 9126)."""
        form, repeated = read(request.form)
        client = authenticated(self._clients, form)
        form["client_id"] = client.name
        if "request_uri" in form:
            raise OAuthError("invalid_request", "request_uri cannot be pushed")
        try:
            self._reader.client(form, repeated)
            self._sealed(self._reader.authorization(client, form, repeated, issuer=self._issuer()))
            pushed = self._authorizations.pushed({name: form[name] for name in KNOWN & form.keys()})
        except Refused as error:
            raise OAuthError("invalid_request", problem_of(error).detail) from error
        except TooLong as error:
            raise OAuthError("invalid_request", TOO_LONG) from error
        return jsonify(request_uri=f"{PUSHED}{pushed}", expires_in=PUSHED_SECONDS), 201

    def token(self) -> ResponseReturnValue:
        """Give an ID token and an access token for a code."""
        form, repeated = read(request.form)
        if repeated & set(OF_TOKEN):
            raise OAuthError("invalid_request", "A parameter is there more than once")
        client = authenticated(self._clients, form)
        if "grant_type" not in form:
            raise OAuthError("invalid_request", "grant_type is missing")
        if form["grant_type"] != "authorization_code":
            raise OAuthError("unsupported_grant_type", "grant_type must be authorization_code")
        if "code" not in form or "redirect_uri" not in form:
            raise OAuthError("invalid_request", "code and redirect_uri are needed")
        try:
            grant, access = self._authorizations.redeem(
                form["code"],
                client=client.name,
                redirect_uri=form["redirect_uri"],
                verifier=form.get("code_verifier", ""),
            )
        except NoAuthorization as error:
            log.warning("code_refused", extra={"client": client.name, "why": str(error)})
            raise OAuthError("invalid_grant", "The code was used, is too old, or is not for this request") from error
        given = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": grant.authorization.scope,
            "id_token": self._signing.sign(self._claims(grant, access), client.algorithm),
        }
        return given, 200, {"Pragma": "no-cache"}

    def userinfo(self) -> ResponseReturnValue:
        """Return what an access token may be told."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = request.form.get("access_token", "")  # RFC 6750, 2.2
        if not token:
            return "", 401, {"WWW-Authenticate": 'Bearer realm="textproof"'}
        try:
            grant = self._authorizations.access(token)
            if as_one(self._clients.named(grant.authorization.client)) is None:
                raise NoAuthorization("revoked")  # noqa: TRY301 - all of them are answered alike
        except NoAuthorization as error:
            log.info("access_token_refused", extra={"why": str(error)})
            raise OAuthError("invalid_token", "The access token is too old, was revoked, or is none", 401) from error
        return jsonify(self._person(grant))

    def configuration(self) -> ResponseReturnValue:
        """Return what a client library has to know (OpenID Connect Discovery, 3)."""
        issuer = self._issuer()
        facts: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "pushed_authorization_request_endpoint": f"{issuer}/par",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ALGORITHMS,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "acr_values_supported": [ACR],
            "claims_supported": [
                *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "amr", "acr"),
                *("phone_number", "phone_number_verified", "reference"),
            ],
            "prompt_values_supported": ["none", "login", "consent"],
            "ui_locales_supported": self._languages,
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "authorization_response_iss_parameter_supported": True,
        }
        return _kept(jsonify(facts))

    def keys(self) -> ResponseReturnValue:
        """Return the public keys."""
        return _kept(jsonify(self._signing.published()))

    # -- What is told

    def _claims(self, grant: Grant, access: str) -> dict[str, Any]:
        asked, now = grant.authorization, int(self._clock())
        given = {"nonce": asked.nonce, "acr": asked.acr, "reference": asked.reference}
        return {
            "iss": asked.issuer,
            "aud": asked.client,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "auth_time": grant.at,
            "amr": [AMR],
            "at_hash": urlsafe_b64encode(sha256(access.encode()).digest()[:16]).decode().rstrip("="),
            **{name: value for name, value in given.items() if value},
            **self._person(grant),
        }

    def _person(self, grant: Grant) -> dict[str, Any]:
        person: dict[str, Any] = {"sub": self._authorizations.subject(grant.authorization.client, grant.number)}
        if "phone" in grant.authorization.scope.split():
            person |= {"phone_number": grant.number, "phone_number_verified": True}
        return person

    def _issuer(self) -> str:
        """Return where people reach this service. The demo takes it from the request."""
        if not self._public_url and not self._is_demo:
            raise Refused("no_public_url")
        return self._public_url or request.host_url.rstrip("/")


def _answer(error: Exception) -> ResponseReturnValue:
    """Answer a program that something is wrong (RFC 6749, 5.2; RFC 6750, 3)."""
    headers = {}
    match error:
        case OAuthError(status=401, code="invalid_token"):
            headers["WWW-Authenticate"] = f'Bearer realm="textproof", error="{error.code}"'
        case OAuthError(status=401):
            headers["WWW-Authenticate"] = 'Basic realm="textproof"'
        case OAuthError():
            pass
        case StoreUnavailable():
            error = OAuthError("temporarily_unavailable", "Send the same again in a few seconds", 503)
            headers["Retry-After"] = str(STORE_RETRY)
        case Refused():
            problem = problem_of(error)
            error = OAuthError("temporarily_unavailable", problem.detail, problem.status)
        case HTTPException(code=int(status)) if status < 500:  # noqa: PLR2004 - HTTP's own border
            error = OAuthError("invalid_request", "The request cannot be read", status)
        case _:
            log.error("internal_error", exc_info=error, extra={"path": request.path})
            error = OAuthError("server_error", "A fault of this service: its log has it", 500)
    return make_response({"error": error.code, "error_description": error.why}, error.status, headers)


def _open_to_browsers(response: Response) -> Response:
    """Let applications in browsers call: what they have is in the request itself, and no cookie counts (CORS)."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"
    return response


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={KEYS_SECONDS}"
    return response
