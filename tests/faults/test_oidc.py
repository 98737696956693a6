"""Keys change under people whom an application sent: no flow is lost, whichever replicas it meets, and no name changes.

FLOWS=1000 walks so many; the signing keys of the first rotation sign from its second minute on.
"""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from service.commands.keys import ClientKeys
from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.envelope import Keys
from service.web.oidc_keys import SigningKeys
from tests.races.people import code_of
from tests.support.http import Browser, fields
from tests.support.processes import LONG_SECONDS, wait_until
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.slow

FLOWS = int(os.environ.get("FLOWS", "60"))
OLD, NEW = "0123456789abcdef" * 2, "fedcba9876543210" * 2
BACK = "https://shop.example.com/callback"


@pytest.fixture
def store(ends, server, policy):
    return RedisStore(ends.enter_context(closing(connect(server.url))), policy)


def walk(replicas: list[ServiceProcess], turn: int, number: str, key: str) -> dict[str, Any]:
    """Go the whole way, each step at another replica; return what the ID token says, checked by a library."""
    first, second, third = (Browser(replicas[(turn + step) % len(replicas)].url) for step in range(3))
    asked = {"client_id": "shop", "redirect_uri": BACK, "response_type": "code", "scope": "openid phone"}
    with first, second, third:
        begun = urlsplit(first.get(f"/authorize?{urlencode(asked)}").headers["Location"])
        form = fields(second.get(f"{begun.path}?{begun.query}").text)
        assert third.post("/request", form | {"phone": number}).status == 303
        second.cookies = dict(third.cookies)
        done = second.post("/verify", {"token": code_of(replicas[0], number)})
        assert done.status == 303, done.text
        given = {"grant_type": "authorization_code", "redirect_uri": BACK, "client_id": "shop", "client_secret": key}
        given["code"] = parse_qs(urlsplit(done.headers["Location"]).query)["code"][0]
        token = third.post("/token", given).json()["id_token"]
        published = jwt.PyJWKSet.from_dict(first.get("/.well-known/jwks.json").json())
    signed_by = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(token, published[signed_by].key, algorithms=["RS256"], audience="shop", leeway=5)
    assert claims["phone_number"] == number
    return claims | {"kid": signed_by}


def test_rotations_under_load_lose_no_flow(replica_with, store, numbers):
    keys = Keys(store.keyring, [OLD], prefix="tp")
    signing = SigningKeys(store.signing, keys, clock=time.time)
    key = ClientKeys(store).add("shop", redirect_uris=(BACK,), now=time.time())
    replicas = [replica_with(OLD), replica_with(OLD)]
    steady = next(numbers)
    before = walk(replicas, 0, steady, key)
    seen: list[dict[str, Any]] = []
    lock = threading.Lock()

    def go(turn: int) -> None:
        with lock:
            number = next(numbers)
        seen.append(walk(list(replicas), turn, number, key))

    def after(share: float) -> None:
        wait_until(lambda: len(seen) >= FLOWS * share, seconds=LONG_SECONDS + FLOWS, what="people come and go")

    with ThreadPoolExecutor(4) as pool:
        people = [pool.submit(go, turn) for turn in range(FLOWS)]
        after(0.1)
        signing.rotate()
        after(0.3)
        keys.rotate()
        after(0.4)
        replicas.append(replica_with(NEW, OLD))
        after(0.6)
        signing.rotate()
        after(0.8)
        Keys(store.keyring, [NEW, OLD], prefix="tp").rotate()
    for one in people:
        one.result()

    print(f"{len(seen)} flows, signed by {len({claims['kid'] for claims in seen})} keys")  # noqa: T201 - for `-s`
    assert len(seen) == FLOWS
    assert walk(replicas, 0, steady, key)["sub"] == before["sub"]
