"""People: each has a number and an address of their own, and some have a verification whose code they know."""

import itertools
import json
import random
import secrets
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

from werkzeug import Response

from bench.performance.load import post
from bench.performance.servers import EVERY_LIMIT, ROOT, SECRET, SERVICE
from service.commands.keys import ClientKeys
from service.config import Settings
from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.envelope import Keys
from service.verification.message import Message
from service.verification.policy import Policy
from service.verification.ports import Accepted
from service.verification.verifier import Verifier
from service.web.cookie import FlowCookie

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
CHECK, API_CHECK = "/verify", "/v1/verifications/{}/check"
AREAS = (202, 212, 213, 305, 312, 415, 617, 646, 718, 917)
PREFIXES = [
    f"+1{area}{exchange}"
    for exchange in range(200, 1000)
    for area in AREAS
    if not str(exchange).endswith("11")  # 911 and the like
]


@dataclass(frozen=True)
class Pending:
    """A verification, and the code that was sent."""

    id: str
    token: str
    address: str


NOBODY = Pending("A" * 63, "0AAAAA", "2001:db8::1")
"""For those who are compared, and look nothing up."""


class Crowd:
    """Everybody who comes to one store."""

    def __init__(self, store_url: str) -> None:
        """Take where the service keeps what it knows."""
        environment = (
            SERVICE
            | EVERY_LIMIT
            | {"TEXTPROOF_REDIS_URL": store_url, "TEXTPROOF_CONFIG": str(ROOT / "config.cfg.example")}
        )
        self.settings = Settings.load(environment)
        self._random = random.Random(8)  # noqa: S311 - the same people each time
        self._policy: Policy = self.settings.policy
        store = RedisStore(connect(store_url), self._policy)
        keys = Keys(store.keyring, [SECRET], prefix="tp")
        self._places = itertools.count()
        self._tokens: dict[str, str] = {}
        self._cookie = FlowCookie(keys, secure=False)
        self._verifier = Verifier(self._policy, store=store.verifications, sender=self, keys=keys, clock=time.time)
        self.key = ClientKeys(store).add("bench", now=time.time())

    @staticmethod
    def policy(brief: int | None) -> Policy:
        """Return the rules as shipped; or such that all they count ends within so many seconds."""
        policy = Settings(SENDER="demo").policy
        if brief is None:
            return policy
        span = timedelta(seconds=brief)
        windows = ("sends_of_number", "checks_of_number", "checks_in_a_row")
        shorter = {name: tuple(window._replace(span=span) for window in getattr(policy, name)) for name in windows}
        return replace(policy, token_life=span, sends_an_hour=0, **shorter)

    def send(self, message: Message) -> Accepted:
        """See `Sender`."""
        self._tokens[message.id] = message.text.split(maxsplit=1)[0]
        return Accepted()

    def number(self) -> str:
        """Return a number that nobody else has, in a range that few have."""
        place = next(self._places)
        turn, prefix = divmod(place, len(PREFIXES))
        return f"{PREFIXES[prefix]}{(turn * 6677 + prefix * 7) % 10_000:04}"  # no two are neighbours

    def address(self) -> str:
        """Return somebody's address, of one of 65,536 networks that are for examples."""
        return f"2001:db8:{self._random.getrandbits(16):x}:{self._random.getrandbits(16):x}::1"

    def pending(self, *, owner: str = "") -> Pending:
        """Return a verification that waits for its code; of an application, if it has a name."""
        address = self.address()
        caller = Caller(client=owner) if owner else Caller.at(address)
        one = self._verifier.start(self.number(), caller=caller, nonce=secrets.token_urlsafe(12))
        return Pending(one.id, self._tokens.pop(one.id), address)

    # -- Requests, as bytes

    def form_start(
        self, path: str = "/request", *, phone: str = "", address: str = "", site: str = "same-origin"
    ) -> bytes:
        """Return somebody asking for a code."""
        fields = {"nonce": secrets.token_urlsafe(12), "phone": phone or self.number()}
        return self._form(path, fields, address or self.address(), site=site)

    def form_check(self, path: str = CHECK, *, right: bool = True) -> bytes:
        """Return somebody typing the code, or another one."""
        one = self.pending() if path == CHECK else NOBODY
        token = one.token if right else _another(one.token)
        fields = {"nonce": secrets.token_urlsafe(12), "token": token}
        return self._form(path, fields, one.address, self._cookie_of(one.id))

    def api_start(self, path: str = "/v1/verifications", *, to: str = "", key: str = "", **more: str) -> bytes:
        """Return an application asking for a code."""
        return self._json(path, {"to": to or self.number()} | more, key)

    def api_check(self, path: str = API_CHECK, *, right: bool = True) -> bytes:
        """Return an application checking the code."""
        one = self.pending(owner="bench") if path == API_CHECK else NOBODY
        return self._json(path.format(one.id), {"token": one.token if right else _another(one.token)})

    def _form(
        self, path: str, fields: dict[str, str], address: str, cookie: str = "", site: str = "same-origin"
    ) -> bytes:
        headers = [
            ("Origin", "http://localhost"),
            ("Sec-Fetch-Site", site),
            ("Accept", "text/html"),
            ("X-Forwarded-For", address),
            *([("Cookie", cookie)] if cookie else []),
        ]
        return post(path, urlencode(fields).encode(), kind=FORM, headers=headers)

    def _json(self, path: str, fields: dict[str, str], key: str = "") -> bytes:
        headers = [("Authorization", f"Bearer {key or self.key}"), ("Accept", JSON), ("X-Forwarded-For", "198.18.0.1")]
        return post(path, json.dumps(fields).encode(), kind=JSON, headers=headers)

    def _cookie_of(self, id_: str) -> str:
        response = Response()
        self._cookie.write(response, id_)
        return response.headers["Set-Cookie"].partition(";")[0]


def _another(token: str) -> str:
    return ("0" if token[0] != "0" else "1") + token[1:]
