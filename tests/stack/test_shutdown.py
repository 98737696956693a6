"""A worker that is told to stop finishes the sends that it has accepted."""

import json
import threading

import pytest

from tests.stack.people import Person
from tests.stack.stack import settings_for
from tests.support.http import burst
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess
from tests.support.telnyx import FakeTelnyx

pytestmark = pytest.mark.slow

SENDS = 10
SLOW = 2.5  # seconds; longer than a request waits for the answer


def test_sends_that_were_accepted_are_finished_and_noted(fresh):
    with StoreServer() as store, FakeTelnyx() as telnyx:
        telnyx.delay = SLOW
        with ServiceProcess(settings_for(store, telnyx)) as service:
            people = [Person(service.url) for _ in range(SENDS)]
            numbers = [next(fresh) for _ in people]
            stopping = threading.Timer(1.0, service.stop)  # while Telnyx still thinks
            stopping.start()

            answers = burst(SENDS, lambda place: people[place].ask(numbers[place]).status)
            stopping.join()

            assert answers == [303] * SENDS
            assert service.stop() == 0
            log = [json.loads(line) for line in service.log().splitlines() if line.startswith("{")]

        assert sorted(one["to"][0]["phone_number"] for one in telnyx.messages) == sorted(numbers)
        assert len(telnyx.requests) == SENDS, "each once"
        assert sum(line["event"] == "send_accepted" for line in log) == SENDS
        for person in people:
            person.close()
