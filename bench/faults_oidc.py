"""What is left of people whom an application sent when replicas and Redis die: a row of `bench.faults`.

Each walks the whole way through the balancer, types a wrong code and the right one, and the application exchanges what
it gets twice at once. Whoever is lost on the way begins again, as people do.
"""

import http.client
import random
import secrets
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt

from bench.history import GaveUp, History, Visitor, fresh_number, meanwhile, wrong_for
from bench.run import VISITORS, Row, Run
from service.commands.keys import ClientKeys
from service.config import Settings
from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.authorization import challenge_of
from tests.races.naive import NaiveStore
from tests.support.http import Browser, burst, fields

KILLS = 5
PATIENCE = 60.0  # seconds that somebody begins again for
NAME, BACK = "shop", "https://shop.example.com/callback"


class Application:
    """An application, and what its people and their codes came to."""

    def __init__(self, url: str, key: str, history: History) -> None:
        self.url = url
        self.key = key
        self.history = history
        self.exchanged = Counter[str]()
        """By code, how often it gave tokens."""
        self.used: list[dict[str, str]] = []
        """Exchanges that gave tokens."""
        self.unproven = 0
        """Flows that went on without the right code, or whose tokens say another number."""
        self.begun = self.confirmed = self.stuck = self.finished = 0
        self._lock = threading.Lock()

    def walk(self, _place: int, over: threading.Event) -> None:
        """Let one person after the other walk, until it is over; each until they are through."""
        while not over.is_set():
            ends = time.monotonic() + PATIENCE
            while not self._attempt():
                if time.monotonic() > ends:
                    with self._lock:
                        self.stuck += 1
                    break
        with self._lock:
            self.finished += 1  # a thread that broke did not

    def exchange(self, form: dict[str, str]) -> dict[str, Any]:
        """Exchange a code, again for as long as nobody answers; return the tokens, or nothing."""
        with Browser(self.url, timeout=10) as backend:
            visitor = Visitor(self.url, self.history)
            answer = visitor.persist(lambda: backend.post("/token", form))
        if answer.status != http.client.OK:
            return {}
        with self._lock:
            self.exchanged[form["code"]] += 1
            self.used.append(form)
        return dict(answer.json())

    def _attempt(self) -> bool:
        """Walk from the application to its tokens; tell whether they came."""
        with self._lock:
            self.begun += 1
            source = f"127.{1 + self.begun % 250}.{1 + self.begun // 250 % 250}.1"  # a network has its share
        number, verifier, nonce = fresh_number(), secrets.token_urlsafe(32), secrets.token_urlsafe(8)
        with suppress(GaveUp), Browser(self.url, timeout=10, source=source) as browser:
            code = self._sent_and_back(browser, number, challenge_of(verifier), nonce)
            if not code:
                return False
            form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code": code, "code_verifier": verifier}
            form |= {"client_id": NAME, "client_secret": self.key}
            given = [one for one in burst(2, lambda _: self.exchange(form)) if isinstance(one, dict) and one]
            if not given:
                return False
            claims = self._claims(browser, given[0]["id_token"])
            with self._lock:
                self.confirmed += 1
                self.unproven += (claims["phone_number"], claims["nonce"]) != (number, nonce)
            return True
        return False

    def _sent_and_back(self, browser: Browser, number: str, challenge: str, nonce: str) -> str:
        """Send somebody to us; return the code that they come back with, or nothing."""
        visitor = Visitor(self.url, self.history)
        asked = {"client_id": NAME, "redirect_uri": BACK, "response_type": "code", "scope": "openid phone"}
        asked |= {"nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256"}
        begun = visitor.persist(lambda: browser.get(f"/authorize?{urlencode(asked)}"))
        if begun.status != http.client.SEE_OTHER:
            return ""
        form = fields(visitor.persist(lambda: browser.get(begun.headers["Location"])).text)
        started = visitor.persist(lambda: browser.post("/request", {**form, "phone": number}))
        token = visitor.token(browser, number) if started.status == http.client.SEE_OTHER else None
        if token is None:
            return ""
        mark = fields(visitor.persist(lambda: browser.get("/verify")).text)
        for typed in (wrong_for(token), token):
            sent = {**mark, "token": typed, "nonce": secrets.token_urlsafe(8)}
            answer = visitor.persist(lambda sent=sent: browser.post("/verify", sent))  # type: ignore[misc]
            came = parse_qs((answer.headers["Location"] or "").partition("?")[2]).get("code", [""])[0]
            if came and typed != token:
                with self._lock:
                    self.unproven += 1
            if came:
                return came
        return ""

    def _claims(self, browser: Browser, token: str) -> dict[str, Any]:
        published = Visitor(self.url, self.history).persist(lambda: browser.get("/.well-known/jwks.json"))
        key = jwt.PyJWKSet.from_dict(published.json())[jwt.get_unverified_header(token)["kid"]].key
        return dict(jwt.decode(token, key, algorithms=["RS256"], audience=NAME, leeway=5))


def o01(run: Run) -> Row:
    """Replicas and Redis are killed while people whom an application sent are on their way."""
    with closing(connect(run.store.url)) as client:
        keys = ClientKeys(RedisStore(client, Settings().policy))
        key = keys.add(NAME, redirect_uris=(BACK,), now=time.time())
    shop = Application(run.url, key, run.history())
    with meanwhile(shop.walk, VISITORS):
        for _ in range(KILLS):
            replica = random.choice(run.fleet.replicas)  # noqa: S311 - which one does not matter
            replica.kill()
            replica.start()
            time.sleep(1)
            run.store.kill()
            run.store.start()
            time.sleep(1)
    late = sum(bool(shop.exchange(form)) for form in list(shop.used))
    twice = sum(times > 1 for times in shop.exchanged.values())
    with run.store.client() as client:
        naive = NaiveStore(client, 5)
        naive.start("code", "A1B2C3")
        control = burst(2, lambda _: naive.check("code", "A1B2C3")).count("accepted")
    well = not (twice or late or shop.unproven or shop.stuck) and shop.finished == VISITORS and control > 1
    figures = (
        f"{shop.confirmed} people confirmed in {shop.begun} tries, {shop.stuck} stuck, {shop.unproven} without their "
        f"code; {twice} of {len(shop.exchanged)} codes exchanged twice, {late} again later; naive: {control} times"
    )
    return Row("O01", f"{KILLS} x kill -9 of each, OpenID", well, figures)


ROWS = (o01,)
