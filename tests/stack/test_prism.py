"""Telnyx's OpenAPI has nothing to say against our requests, nor against the answers of our fake.

`make prism` fetches Prism, which needs Node, and runs this. Elsewhere conftest.py leaves it out: the suite needs
nothing but Python, and skips nothing.
"""

import http.client
import json
from collections.abc import Iterator

import pytest

from service.sender.telnyx import TelnyxSender
from service.verification.errors import SendRefused, SendUncertain, VerificationError
from service.verification.message import Message
from service.verification.phone import PhoneNumber
from tests.sender.table import REFUSALS
from tests.support.processes import LONG_SECONDS, wait_until
from tests.support.telnyx import ERRORS, FakeTelnyx, TelnyxError, prism

pytestmark = pytest.mark.slow

PROFILE = "83d2343b-553f-4c5f-b8c8-fd27004f94bf"
KINDS = {
    "number": {"from_number": "+13125550001", "profile": ""},
    "number-of-a-profile": {"from_number": "+13125550001", "profile": PROFILE},
    "name": {"from_number": "Acme", "profile": PROFILE},
    "pool": {"from_number": "", "profile": PROFILE},
}


@pytest.fixture(scope="module")
def telnyx() -> Iterator[FakeTelnyx]:
    with FakeTelnyx() as fake:
        yield fake


@pytest.fixture(scope="module")
def proxy(telnyx) -> Iterator[prism.PrismProxy]:
    prism.install()
    with prism.PrismProxy(f"http://127.0.0.1:{telnyx.port}") as proxy:
        yield proxy


def send(telnyx, proxy, *, kind: str = "number", key: str) -> VerificationError | None:
    """Send through Prism, and return what was raised."""
    sender = TelnyxSender(
        api_key=telnyx.api_key,
        base_url=proxy.base_url,
        connections=1,
        webhook_url=lambda id_: f"https://verify.example.com/webhooks/telnyx?send={id_}",
        **KINDS[kind],
    )
    text = "4E1AC0 is your Acme code. It expires in 10 minutes. Do not share it.\n\n@verify.example.com #4E1AC0"
    try:
        sender.send(Message(to=PhoneNumber("+12025550143"), text=text, id=key, send=1))
    except VerificationError as error:
        return error
    finally:
        sender._client.close()
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_send_is_as_telnyx_describes_it(telnyx, proxy, kind):
    telnyx.clear()

    assert send(telnyx, proxy, kind=kind, key=kind) is None

    assert len(telnyx.requests) == 1
    assert proxy.violations() == []


@pytest.mark.parametrize("name", ERRORS)
def test_every_refusal_is_as_telnyx_describes_it(telnyx, proxy, name):
    telnyx.clear()
    telnyx.answer(name)

    error = send(telnyx, proxy, key=name)

    assert len(telnyx.requests) == 1
    assert proxy.violations() == []
    if name in REFUSALS:
        assert isinstance(error, SendRefused)
        assert (error.delivery, error.pause) == (REFUSALS[name].delivery, REFUSALS[name].pause)
    else:
        assert isinstance(error, SendUncertain)


def test_prism_does_look(telnyx):
    """At requests, and at answers: what is wrong is found."""
    telnyx.clear()
    with prism.PrismProxy(f"http://127.0.0.1:{telnyx.port}") as strict:
        good = {"from": "+13125550001", "to": "+12025550143", "text": "x"}
        assert _posted(strict, telnyx, {**good, "text": 5}).status == 422
        assert telnyx.requests == []

        telnyx.answer(TelnyxError(200, "40310", "An error", "as if it were a message"))
        assert _posted(strict, telnyx, good).status in (200, 500)
        telnyx.answer("list")
        assert _posted(strict, telnyx, good).status == 500
        wait_until(strict.violations, seconds=20, what="Prism writes down what it found")


def _posted(proxy: prism.PrismProxy, telnyx: FakeTelnyx, body: dict) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=LONG_SECONDS)
    headers = {"Authorization": f"Bearer {telnyx.api_key}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v2/messages", json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()
