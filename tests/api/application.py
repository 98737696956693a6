"""An application that calls the API from its backend."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug import Response

from service.verification.envelope import Keys
from service.web.cookie import FlowCookie

REDIRECT_URI = "https://shop.example.com/phone"
RIVAL_URI = "https://rival.example.com/back"


class Application:
    """Calls with a key, over Flask's test client."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client = client
        self.key = key

    def post(self, path: str, body: Any = None, *, idempotency: str | None = None, **headers: str) -> Any:
        """Send JSON, or nothing."""
        named = {"Idempotency-Key": idempotency} if idempotency is not None else {}
        sent = {"json": body} if body is not None else {}
        return self.client.post(path, headers=self._headers() | named | headers, **sent)

    def raw(self, path: str, data: bytes, content_type: str | None = "application/json") -> Any:
        """Send any bytes."""
        return self.client.post(path, data=data, content_type=content_type, headers=self._headers())

    def raw_named(self, data: bytes, idempotency: str) -> Any:
        """Start with these very bytes."""
        named = self._headers() | {"Idempotency-Key": idempotency}
        return self.client.post("/v1/verifications", data=data, content_type="application/json", headers=named)

    def again(self) -> "Application":
        """Return the same application on another connection."""
        return Application(self.client.application.test_client(), self.key)

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self._headers())

    def start(self, number: str, **more: str) -> dict[str, Any]:
        """Start a verification and return it."""
        answer = self.post("/v1/verifications", {"to": number, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def check(self, id_: str, token: str, **more: Any) -> Any:
        return self.post(f"/v1/verifications/{id_}/check", {"token": token}, **more)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def cookie_of(keys: Keys, id_: str) -> tuple[str, str]:
    """Return the cookie of a browser that is bound to a verification, as if it had started it."""
    answer = Response()
    FlowCookie(keys, secure=False).write(answer, id_)
    name, value = answer.headers["Set-Cookie"].split(";")[0].split("=", 1)
    return name, value
