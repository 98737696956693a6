"""The real SDK, over a real socket, to a Telnyx of our own.

| fixture | is |
|---|---|
| `telnyx` | a `FakeTelnyx` that accepts everything until it is told otherwise |
| `make_sender`, `carrier` | `TelnyxSender` as production builds it, aimed there; `make_sender(profile=…)` changes it |
| `message` | makes messages, each to another number under another id |
| `journal` | the logs as production writes them: `journal.lines()`, and the records that they were made of |
"""

import itertools
from collections.abc import Callable, Iterator

import pytest

from service.sender.telnyx import TelnyxSender
from service.verification.message import Message
from service.verification.phone import PhoneNumber
from tests.sender.journal import Journal, production_logs
from tests.support.telnyx import FakeTelnyx

FROM = "+13125550001"
_ids = itertools.count()


@pytest.fixture(scope="session")
def running_telnyx() -> Iterator[FakeTelnyx]:
    with FakeTelnyx() as fake:
        yield fake


@pytest.fixture
def telnyx(running_telnyx) -> FakeTelnyx:
    running_telnyx.clear()
    return running_telnyx


@pytest.fixture
def make_sender(telnyx) -> Iterator[Callable[..., TelnyxSender]]:
    made: list[TelnyxSender] = []

    def make(**changes) -> TelnyxSender:
        usual = {
            "api_key": telnyx.api_key,
            "from_number": FROM,
            "profile": "",
            "base_url": telnyx.base_url,
            "connections": 16,
        }
        made.append(TelnyxSender(**usual | changes))
        return made[-1]

    yield make

    for sender in made:
        sender._client.close()


@pytest.fixture
def carrier(make_sender) -> TelnyxSender:
    return make_sender()


@pytest.fixture
def message(numbers) -> Callable[..., Message]:
    """Tokens and ids are of the form that the verifier makes."""

    def make(*, to: str = "", token: str = "4E1AC0", text: str = "", send: int = 1) -> Message:
        written = text or f"{token} is your Acme code. It expires in 10 minutes. Do not share it."
        return Message(to=PhoneNumber(to or next(numbers)), text=written, id=f"{next(_ids):063}", send=send)

    return make


@pytest.fixture
def journal() -> Iterator[Journal]:
    with production_logs() as journal:
        yield journal
