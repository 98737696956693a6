"""Parameters of `/authorize` and `/par`: OpenID Connect Core 3.1.2, OAuth 2.0, RFC 7636, RFC 9126.

An error goes back to the application once it is known to be the application, and where people may be sent back to.
Until then it is on a page of ours.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from ..languages import Languages
from ..verification.authorization import LIFE_SECONDS, Authorization
from ..verification.clients import Client, as_one
from ..verification.errors import InvalidNumber
from ..verification.ports import Clients
from ..verification.verifier import Verifier
from .problems import Refused

SCOPES = ("openid", "phone")
ACR = "sms"
PUSHED = "urn:ietf:params:oauth:request_uri:"
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url
PRINTABLE = re.compile(r"[ -~]*")  # RFC 6749, appendix A.5
REFERENCE = re.compile(r"[ -~]{1,64}")
NUMBER = re.compile(r"[-+0-9 ().]+")
ID_BYTES = 32
KNOWN = frozenset(
    (
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "prompt",
        "max_age",
        "code_challenge",
        "code_challenge_method",
        "login_hint",
        "ui_locales",
        "acr_values",
        "reference",
        "request",
        "request_uri",
        "registration",
    )
)
"""All others are ignored, as the specifications have it."""
UNSUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


class OAuthError(Exception):
    """What an application is told, by its code (RFC 6749, 4.1.2.1 and 5.2)."""

    def __init__(self, code: str, why: str, status: int = 400) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why
        """For developers; no `"` and no `\\`, and nothing that came with the request."""
        self.status = status


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads requests of one provider."""

    verifier: Verifier
    clients: Clients
    clock: Callable[[], float]
    languages: Languages

    def client(self, parameters: Mapping[str, str], repeated: set[str]) -> Client:
        """Return who asks, with the address to go back to checked.

        Raises:
            Refused: There is no such application, or no such address of it: nobody is to be sent there.
        """
        client = as_one(self.clients.named(parameters.get("client_id", "")))
        if "client_id" in repeated or client is None:
            raise Refused("bad_authorization", "client_id names no application here.")
        address = parameters.get("redirect_uri", "")
        if "redirect_uri" in repeated or not client.may_return_to(address):
            raise Refused("bad_authorization", "redirect_uri is not, to the letter, one of this application's.")
        return client

    def authorization(
        self, client: Client, parameters: Mapping[str, str], repeated: set[str], *, issuer: str
    ) -> Authorization:
        """Return what is asked for.

        Raises:
            OAuthError: That cannot be.
        """
        asked = parameters.get
        for name, code in UNSUPPORTED.items():
            if name in parameters:
                raise OAuthError(code, f"{name} is not supported")
        if repeated & KNOWN:
            raise OAuthError("invalid_request", "A parameter is there more than once")
        if asked("response_type") != "code":
            code = "unsupported_response_type" if asked("response_type") else "invalid_request"
            raise OAuthError(code, "response_type must be code")
        if asked("response_mode", "query") != "query":
            raise OAuthError("invalid_request", "response_mode must be query")
        scope = asked("scope", "").split()
        if "openid" not in scope:
            raise OAuthError("invalid_scope", "scope must have openid")
        if not PRINTABLE.fullmatch(asked("state", "")) or not PRINTABLE.fullmatch(asked("nonce", "")):
            raise OAuthError("invalid_request", "state and nonce must be printable ASCII characters")
        if not re.fullmatch("[0-9]{0,9}", asked("max_age", "")):
            raise OAuthError("invalid_request", "max_age must be a number of seconds")
        prompt = asked("prompt", "").split()
        if "none" in prompt:
            code = "login_required" if len(prompt) == 1 else "invalid_request"
            raise OAuthError(code, "Each number is confirmed by the person, with a code")
        return Authorization(
            id=secrets.token_urlsafe(ID_BYTES),
            client=client.name,
            redirect_uri=parameters["redirect_uri"],
            issuer=issuer,
            ends=int(self.clock()) + LIFE_SECONDS,
            scope=" ".join(name for name in SCOPES if name in scope),
            state=asked("state", ""),
            nonce=asked("nonce", ""),
            challenge=_challenge(client, parameters),
            to=self._number(client, asked("login_hint", "")),
            acr=ACR if "acr_values" in parameters else "",
            reference=asked("reference", "") if REFERENCE.fullmatch(asked("reference", "")) else "",
            locale=self._locale(asked("ui_locales", "")),
            brand=client.brand,
            cancel_uri=client.cancel_uri,
        )

    def _locale(self, tags: str) -> str:
        """Return the first language of a list that the pages have, or ""."""
        return next((tag for tag in tags.split() if self.languages.pick(tag)), "")[:35]

    def _number(self, client: Client, hint: str) -> str:
        """Return the number that is asked for; "" when the hint is something else, as an e-mail address is."""
        if not NUMBER.fullmatch(hint):
            return ""
        try:
            return self.verifier.number(hint, caller=client.caller).e164
        except InvalidNumber as error:
            raise OAuthError("invalid_request", "login_hint is a number that cannot be texted") from error


def read(values: MultiDict[str, str]) -> tuple[dict[str, str], set[str]]:
    """Return parameters, and the names of those that are there more than once; one without a value is not there."""
    repeated = {name for name, found in values.lists() if len(found) > 1}
    return {name: value for name, value in values.items() if value}, repeated


def to_application(parameters: Mapping[str, str], repeated: set[str], error: OAuthError, *, issuer: str) -> str:
    """Return the address that tells an application what is wrong; client and address have to be checked before."""
    state = parameters.get("state", "")
    return Authorization(
        id="",
        client="",
        redirect_uri=parameters["redirect_uri"],
        issuer=issuer,
        ends=0,
        state=state if "state" not in repeated and PRINTABLE.fullmatch(state) else "",
    ).answer(error=error.code, error_description=error.why)


def _challenge(client: Client, parameters: Mapping[str, str]) -> str:
    challenge, method = parameters.get("code_challenge", ""), parameters.get("code_challenge_method", "plain")
    if not challenge:
        if client.is_public or "code_challenge_method" in parameters:
            raise OAuthError("invalid_request", "code_challenge is missing")
        return ""
    if method != "S256" or not CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge_method must be S256, and code_challenge fit it")
    return challenge
