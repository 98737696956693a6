"""A worker that is told to stop finishes the sends that it has accepted."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stack.people import Person
from tests.stack.stack import HASTY, settings_for
from tests.support.processes import wait_until
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess
from tests.support.telnyx import FakeTelnyx

pytestmark = pytest.mark.slow

SENDS = 10


def test_sends_that_were_accepted_are_finished_and_noted(fresh):
    with StoreServer() as store, FakeTelnyx() as telnyx:
        telnyx.hold()
        with ServiceProcess(settings_for(store, telnyx), seconds=HASTY) as service, ThreadPoolExecutor() as aside:
            numbers = [next(fresh) for _ in range(SENDS)]
            for number in numbers:
                with Person(service.url) as person:
                    assert person.ask(number).status == 303
            telnyx.await_held(SENDS)

            stopping = aside.submit(service.stop)
            wait_until(lambda: not is_open(service.port), what="it takes nobody any more")
            telnyx.release()

            assert stopping.result() == 0
            log = [json.loads(line) for line in service.log().splitlines() if line.startswith("{")]

        assert sorted(one["to"][0]["phone_number"] for one in telnyx.messages) == sorted(numbers)
        assert len(telnyx.requests) == SENDS, "each once"
        assert sum(line["event"] == "send_accepted" for line in log) == SENDS


def is_open(port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
