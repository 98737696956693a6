"""Several replicas on one real store: what one was told, all know."""

import json
import re
import secrets
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.commands.keys import ClientKeys
from service.store.clients import KNOWN_SECONDS
from service.verification.authorization import Authorization, Authorizations
from service.verification.envelope import Keys
from tests.api.application import cookie_of
from tests.fakes import wrong
from tests.races.people import code_of
from tests.support.http import Browser, Response, burst
from tests.support.processes import LONG_SECONDS, wait_until
from tests.support.service import service_group

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def replicas(server):
    settings = {"TEXTPROOF_REDIS_URL": server.url, "TEXTPROOF_SENDER": "demo", "TEXTPROOF_LIMITS_MODE": "observe"}
    with service_group(3, **settings) as started:
        yield started


@pytest.fixture
def real_keys(real_store):
    return Keys(real_store.keyring, [], prefix="tp")


def post(replica, key, path, body=None, **headers):
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    with Browser(replica.url) as browser:
        return browser.request("POST", path, json.dumps(body or {}).encode(), sent)


def test_a_request_sent_again_to_another_replica_is_not_done_again(replicas, add, numbers):
    key, body = add("twice"), {"to": next(numbers)}

    answers = [post(one, key, "/v1/verifications", body, **{"Idempotency-Key": "one"}) for one in replicas]

    assert [answer.status for answer in answers] == [201] * 3
    assert len({answer.text for answer in answers}) == 1


def test_equal_requests_at_once_are_one_message(replicas, add, numbers):
    """Whoever comes second is told to wait, or gets the answer of the first."""
    key, number = add("crowd"), next(numbers)

    def ask(turn):
        # A worker that is busy with starts says 503, and then the same again is right.
        while True:
            sent = {"Idempotency-Key": "crowd"}
            answer = post(replicas[turn % 3], key, "/v1/verifications", {"to": number}, **sent)
            if answer.status != 503:
                return answer

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(36)))
    with Browser(replicas[0].url) as browser:
        letters = [letter for letter in browser.get("/demo/messages").json() if letter["to"] == number]

    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status == 201}) == 1
    assert len(letters) == 1


def test_a_revoked_key_is_refused_everywhere_within_a_second(replicas, add, real_store):
    """Under load: 12 callers never stop."""
    key, path = add("leaver"), "/v1/verifications/unknown/cancel"
    seen: list[tuple[int, bool, int]] = []  # who asked, whether the key was revoked before, what the replica said
    revoked = threading.Event()
    ends = threading.Event()

    def ask_on_and_on(turn):
        with Browser(replicas[turn % 3].url) as browser:
            while not ends.is_set():
                late = revoked.is_set()
                sent = {"Authorization": f"Bearer {key}"}
                seen.append((turn, late, browser.request("POST", path, headers=sent).status))

    with ThreadPoolExecutor(12) as pool:
        callers = [pool.submit(ask_on_and_on, turn) for turn in range(12)]
        try:
            wait_until(lambda: len({turn for turn, _, _ in seen}) == 12, what="everybody was answered")
            ClientKeys(real_store).revoke("leaver")
            time.sleep(KNOWN_SECONDS)  # what is promised: after it, nobody gets through
            revoked.set()
            wait_until(lambda: len({turn for turn, late, _ in seen if late}) == 12, what="everybody was, once more")
        finally:
            ends.set()
    for caller in callers:
        caller.result()

    assert {status for _, late, status in seen if late} == {401}
    assert {404} <= {status for _, _, status in seen} <= {404, 401}
    assert KNOWN_SECONDS <= 1


def test_checks_through_both_doors_of_all_replicas_are_five_in_all(replicas, add, real_keys, numbers):
    """240 wrong ones at once, from the application and from the person's browser, on three replicas."""
    key, number = add("crowd"), next(numbers)
    begun = post(replicas[0], key, "/v1/verifications", {"to": number}).json()
    token, path = code_of(replicas[0], number), f"/v1/verifications/{begun['id']}/check"
    cookie = dict([cookie_of(real_keys, begun["id"])])
    own = threading.local()

    def guess(turn):
        if not hasattr(own, "browser"):
            own.browser = Browser(replicas[turn % 3].url)
            own.browser.cookies |= cookie
        typo = wrong(token)
        if turn // 12 % 2:
            return own.browser.post("/verify", {"token": typo, "nonce": str(turn)}).status
        sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return own.browser.request("POST", path, json.dumps({"token": typo}).encode(), sent).status

    statuses = Counter(burst(240, guess, threads=12))
    late = post(replicas[1], key, path, {"token": token})

    assert statuses == {422: 5, 429: 235}
    assert late.status == 429


def test_a_code_is_used_once_on_all_replicas_and_its_reuse_revokes_what_it_gave(replicas, real_store, real_keys, add):
    """Asked for at once, at each of them."""
    key, back = add("redeemer"), "https://shop.example.com/phone"
    made = Authorizations(real_store.notes, real_keys, clock=time.time)
    asked = Authorization(secrets.token_urlsafe(32), "redeemer", back, "http://x", int(time.time()) + 60)
    form = {"grant_type": "authorization_code", "code": made.approve(asked, "1", "+12025550143")}
    form |= {"redirect_uri": back, "client_id": "redeemer", "client_secret": key}

    answers = burst(24, lambda turn: Browser(replicas[turn % 3].url).post("/token", form), threads=12)

    found = Counter(answer.status for answer in answers if isinstance(answer, Response))

    assert found == {200: 1, 400: 23}
    bodies = [answer.json() for answer in answers if isinstance(answer, Response)]
    (given,) = [body["access_token"] for body in bodies if "access_token" in body]
    with Browser(replicas[0].url) as browser:
        assert browser.request("GET", "/userinfo", headers={"Authorization": f"Bearer {given}"}).status == 401


BROKEN = {
    "no-size": b"zz\r\n{}\r\n0\r\n\r\n",
    "negative-size": b"-2\r\n{}\r\n0\r\n\r\n",
    "no-end-of-line": b"2\r\n{}0\r\n\r\n",
    "bad-trailer": b"2\r\n{}\r\n0\r\nfoo\r\n\r\n",
    "cut-off": b"ff\r\n{",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("path", ["/v1/verifications", "/request"])
def test_chunks_that_are_broken_are_no_fault_of_ours(replicas, add, path, body):
    """And what comes behind them on the same connection is not taken for another request."""
    replica = replicas[0]
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {add('chunks')}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", replica.port), timeout=LONG_SECONDS) as connection:
        connection.sendall(head.encode() + body + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert re.findall(rb"^HTTP/1.1 (\d)", said, re.MULTILINE) == [b"4"]
    assert "internal_error" not in replica.log()


def test_a_key_in_the_path_is_not_logged(replicas, add):
    key = add("logged")
    post(replicas[0], "", f"/v1/verifications/{key}/check")  # pasted into the wrong place

    log = replicas[0].log()

    assert '"route": "/v1/verifications/<id_>/check"' in log
    assert key[12:40] not in log
