"""Several replicas on one real store: what one was told, all know."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.clients import ClientKeys
from service.store.connect import connect
from service.store.redis import RedisStore
from tests.support.http import Browser
from tests.support.servers import StoreServer
from tests.support.service import service_group

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    with StoreServer() as server:
        yield server


@pytest.fixture(scope="module")
def replicas(server):
    settings = {"TEXTPROOF_REDIS_URL": server.url, "TEXTPROOF_SENDER": "demo", "TEXTPROOF_LIMITS_MODE": "observe"}
    with service_group(3, **settings) as started:
        yield started


@pytest.fixture
def real_store(server, policy):
    client = connect(server.url)
    yield RedisStore(client, policy)
    client.close()


@pytest.fixture
def add(real_store):
    return lambda name: ClientKeys(real_store).add(name, regions=(), return_urls=(), quota=(), now=time.time())


def post(replica, key, path, body=None, **headers):
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    with Browser(replica.url) as browser:
        return browser.request("POST", path, json.dumps(body or {}).encode(), sent)


def test_a_verification_goes_on_at_any_replica(replicas, add, numbers):
    key, number = add("walker"), next(numbers)
    begun = post(replicas[0], key, "/v1/verifications", {"to": number}).json()
    with Browser(replicas[1].url) as browser:
        letters = browser.get("/demo/messages").json()
    token = next(letter["text"].split()[0] for letter in letters if letter["to"] == number)

    checked = post(replicas[2], key, f"/v1/verifications/{begun['id']}/check", {"token": token})

    assert (checked.status, checked.json()["status"]) == (200, "approved")


def test_a_request_sent_again_to_another_replica_is_not_done_again(replicas, add, numbers):
    key, body = add("twice"), {"to": next(numbers)}

    answers = [post(one, key, "/v1/verifications", body, **{"Idempotency-Key": "one"}) for one in replicas]

    assert [answer.status for answer in answers] == [201] * 3
    assert len({answer.text for answer in answers}) == 1


def test_equal_requests_at_once_are_one_message(replicas, add, numbers):
    """Whoever comes second is told to wait, or gets the answer of the first."""
    key, number = add("crowd"), next(numbers)

    def ask(turn):
        return post(replicas[turn % 3], key, "/v1/verifications", {"to": number}, **{"Idempotency-Key": "crowd"})

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(36)))
    with Browser(replicas[0].url) as browser:
        letters = [letter for letter in browser.get("/demo/messages").json() if letter["to"] == number]

    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status == 201}) == 1
    assert len(letters) == 1


def test_a_revoked_key_is_refused_everywhere_at_once(replicas, add, real_store):
    """While it is in use. What was promised is a second; the store is asked for each request, so it is none."""
    key = add("leaver")
    path = "/v1/verifications/unknown/cancel"
    before = [post(replica, key, path).status for _ in range(5) for replica in replicas]

    ClientKeys(real_store).revoke("leaver")
    after = [post(replica, key, path).status for _ in range(5) for replica in replicas]

    assert before == [404] * 15
    assert after == [401] * 15


def test_no_key_is_in_the_log_of_a_replica(replicas, add, numbers):
    key = add("logged")
    post(replicas[0], key, "/v1/verifications", {"to": next(numbers)})
    post(replicas[0], key[:-1], "/v1/verifications", {"to": next(numbers)})

    log = replicas[0].log()

    assert "client_refused" in log
    assert key[12:40] not in log
