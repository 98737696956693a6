"""Under gunicorn: `/metrics` counts what all workers did, those that are gone included, and nothing of before."""

import os
import re
import signal

import pytest

from tests.support.http import Browser
from tests.support.processes import wait_until
from tests.support.servers import StoreServer
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.slow

ASKED = 24
PAGES = re.compile(r'textproof_request_seconds_count\{[^}]*route="/"[^}]*\} (\d+)')


@pytest.fixture(scope="module")
def service():
    with StoreServer() as store:
        settings = {"TEXTPROOF_REDIS_URL": store.url, "TEXTPROOF_SENDER": "demo"}
        with ServiceProcess(settings, workers=2) as started:
            yield started


def pages(service):
    """Return how many pages the service says it has served."""
    with Browser(service.url) as browser:
        return sum(int(value) for value in PAGES.findall(browser.get("/metrics").text))


def ask(service):
    for _ in range(ASKED):
        with Browser(service.url) as browser:  # a connection of its own: whichever worker is free takes it
            assert browser.get("/").status == 200


def test_what_all_workers_did_is_counted_whoever_is_asked(service):
    before = pages(service)

    ask(service)

    assert {pages(service) for _ in range(8)} == {before + ASKED}


def test_what_a_worker_did_is_counted_after_its_end(service):
    ask(service)
    before, killed = pages(service), service.workers()

    os.kill(killed[0], signal.SIGKILL)
    wait_until(lambda: len(set(service.workers()) - set(killed)) == 1, what="a new worker")

    assert pages(service) == before


def test_a_service_that_starts_again_begins_at_nothing(service):
    ask(service)
    service.stop()
    service.start()

    assert pages(service) == 0
