"""Workers and replicas that are killed in the middle of their work: no token is spent twice, and none is lost."""

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from http.client import HTTPException

import pytest

from tests.races.people import Person, arrive
from tests.support.http import Browser, burst
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess, service_group

pytestmark = pytest.mark.slow

PEOPLE = 30
DEVICES = 6  # each person's, all with the same code
AT_ONCE = 16
ROUNDS = 2  # at least; then until somebody was cut off


@pytest.fixture(scope="module")
def replicas():
    with StoreServer() as store:
        settings = {
            "TEXTPROOF_REDIS_URL": store.url,
            "TEXTPROOF_SENDER": "demo",
            "TEXTPROOF_SECRET_KEY": "0123456789abcdef0123456789abcdef",
            "TEXTPROOF_LIMITS_MODE": "observe",
        }
        with service_group(2, workers=2, **settings) as started:
            yield started
            for replica in started:
                replica.kill()  # in no order: who is killed need not be waited for


class Device:
    """Sends the same form again, now here and now there, until somebody answers."""

    def __init__(self, person: Person, name: str, replicas: list[ServiceProcess]) -> None:
        self._person = person
        self._name = name
        self._replicas = replicas
        self.cut_off = 0

    def check(self, place: int) -> int:
        form = {"token": self._person.token, "nonce": self._name}
        for turn in range(200):
            with Browser(self._replicas[(place + turn) % len(self._replicas)].url) as browser:
                browser.cookies = dict(self._person.cookies)
                try:
                    answer = browser.post("/verify", form)
                except (OSError, HTTPException):
                    self.cut_off += 1
                    time.sleep(0.02)
                    continue
            if answer.status != 503:
                return answer.status
            time.sleep(0.02)
        raise AssertionError("nobody answers any more")


def check_from_all_devices(replicas, people, at_half_time=lambda: None) -> tuple[list[Counter], int]:
    """Let every device of everybody check at once; return each person's answers, and how many were cut off."""
    devices = [Device(person, f"device-{name}", replicas) for name in range(DEVICES) for person in people]
    answered = itertools.count(1)

    def check(place: int) -> int:
        status = devices[place].check(place)
        if next(answered) == len(devices) // 2:
            at_half_time()
        return status

    statuses = burst(len(devices), check, AT_ONCE)
    answers = [Counter(statuses[place :: len(people)]) for place in range(len(people))]
    return answers, sum(device.cut_off for device in devices)


def test_workers_that_are_killed_spend_no_token_twice(replicas, numbers):
    cut_off = rounds = 0
    chance = random.Random(5)
    while rounds < ROUNDS or not cut_off:
        rounds += 1
        people = [arrive(chance.choice(replicas), next(numbers)) for _ in range(PEOPLE)]
        done = threading.Event()

        def kill_now_and_then():
            while not done.wait(0.05):  # noqa: B023
                victims = chance.choice(replicas).workers()
                if len(victims) > 1:
                    with suppress(ProcessLookupError):
                        os.kill(chance.choice(victims), signal.SIGKILL)

        killer = threading.Thread(target=kill_now_and_then)
        killer.start()
        try:
            answers, cut = check_from_all_devices(replicas, people)
        finally:
            done.set()
            killer.join()
        cut_off += cut

        assert answers == [{200: 1, 409: DEVICES - 1}] * PEOPLE


def test_a_replica_that_is_killed_spends_no_token_twice(replicas, numbers):
    people = [arrive(replicas[0], next(numbers)) for _ in range(PEOPLE)]
    second = replicas[1]

    answers, cut_off = check_from_all_devices(replicas, people, at_half_time=second.kill)
    second.start()

    assert answers == [{200: 1, 409: DEVICES - 1}] * PEOPLE
    assert cut_off > 0, "nobody was in the middle of anything"
