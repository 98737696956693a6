"""Starts that come while a worker is busy with starts: told so at once, and no check is."""

import threading

import pytest

from service.commands.keys import ClientKeys
from service.web import load_shedding
from tests.api.application import Application
from tests.support.processes import LONG_SECONDS, wait_until
from tests.web.steps import ask, begin, check, title_of


class Slow:
    """A store that keeps starts waiting while it is told to."""

    def __init__(self, store):
        self._store = store
        self.verifications = self
        self.is_asked, self.may_go = threading.Semaphore(0), threading.Event()
        self.may_go.set()

    def start(self, *arguments, **facts):
        if not self.may_go.is_set():
            self.is_asked.release()
            assert self.may_go.wait(LONG_SECONDS)
        return self._store.verifications.start(*arguments, **facts)

    def __getattr__(self, name):
        found = getattr(self._store, name, None)
        return getattr(self._store.verifications, name) if found is None else found


class Hanging:
    """A carrier that lets the first message wait."""

    def __init__(self, sender):
        self._sender = sender
        self.is_asked, self.may_go = threading.Event(), threading.Event()

    def send(self, message):
        if not self.is_asked.is_set():
            self.is_asked.set()
            assert self.may_go.wait(LONG_SECONDS)
        return self._sender.send(message)


@pytest.fixture
def slow(store):
    return Slow(store)


@pytest.fixture
def app(make_app, slow, monkeypatch):
    monkeypatch.setattr(load_shedding, "AT_ONCE", 2)
    return make_app(store=slow)


@pytest.fixture
def busy(app, slow, numbers):
    """As many starts under way as there may be, until the test is over."""
    told: list[int] = []
    threads: list[threading.Thread] = []

    def start_two():
        slow.may_go.clear()
        for place in range(2):
            form = {"phone": next(numbers), "nonce": f"nonce-{place}"}
            visitor = app.test_client()
            threads.append(
                threading.Thread(
                    target=lambda visitor=visitor, form=form: told.append(
                        visitor.post("/request", data=form).status_code
                    )
                )
            )
            threads[-1].start()
            assert slow.is_asked.acquire(timeout=LONG_SECONDS)
        return told

    yield start_two
    slow.may_go.set()
    for thread in threads:
        thread.join(LONG_SECONDS)
    assert told == [303, 303]


def test_a_start_is_told_at_once_and_a_check_is_not(app, sender, numbers, busy):
    visitor = app.test_client()
    token = begin(visitor, sender, next(numbers))
    busy()

    refused = ask(app.test_client(), next(numbers))

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "3")
    assert "We’re sending a lot of codes right now. Try again in 3 seconds." in refused.text
    assert visitor.post("/resend").status_code == 503
    assert app.test_client().get("/").status_code == 200
    assert visitor.get("/verify/status").status_code == 200
    assert visitor.get("/livez").status_code == 200
    assert check(visitor, token).status_code == 200
    assert (
        'textproof_limits_total{country="unknown",limit="busy",outcome="refused"} 2.0' in visitor.get("/metrics").text
    )


def test_programs_are_told_in_json(app, store, clock, number, busy):
    key = ClientKeys(store).add("shop", now=clock())
    shop = Application(app.test_client(), key)
    started = shop.start(number)
    busy()

    for path, body in (("/v1/verifications", {"to": number}), (f"/v1/verifications/{started['id']}/resend", {})):
        refused = shop.post(path, body)
        assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
        assert (refused.json["code"], refused.json["retry_after"]) == ("no_place", 3)
    assert shop.check(started["id"], "00000F").status_code == 422


def test_when_they_have_ended_the_next_one_begins(app, slow, numbers, busy):
    told = busy()
    assert ask(app.test_client(), next(numbers)).status_code == 503
    slow.may_go.set()

    wait_until(lambda: len(told) == 2, seconds=LONG_SECONDS, what="both have begun")

    assert ask(app.test_client(), next(numbers)).status_code == 303


@pytest.mark.parametrize(
    "of",
    [
        {"accepted": "", "chosen": "", "spoken": "en"},
        {"accepted": "de", "chosen": "", "spoken": "de"},
        {"accepted": "de", "chosen": "fr", "spoken": "fr"},
        {"accepted": "de", "chosen": "xx", "spoken": "de"},
    ],
    ids=str,
)
@pytest.mark.parametrize("site", ["same-origin", "cross-site"])
def test_it_is_said_in_the_language_of_the_visitor(make_app, monkeypatch, of, site):
    monkeypatch.setattr(load_shedding, "AT_ONCE", 0)
    client = make_app().test_client()
    for name, value in (("a", "b"), ("lang", of["chosen"]), ("z", "y")):
        client.set_cookie(name, value)

    for _ in range(2):
        refused = client.post("/request", headers={"Accept-Language": of["accepted"], "Sec-Fetch-Site": site})
        assert refused.status_code == (503 if site == "same-origin" else 403)
        assert '<html lang="{}"'.format(of["spoken"]) in refused.text
        assert title_of(refused)
        assert refused.headers["Content-Security-Policy"]


def test_those_who_wait_for_the_carrier_are_not_in_the_way(make_app, monkeypatch, numbers, sender):
    monkeypatch.setattr(load_shedding, "AT_ONCE", 1)
    carrier = Hanging(sender)
    app = make_app(sender=carrier)
    form = {"phone": next(numbers), "nonce": "nonce-1"}
    first = threading.Thread(target=lambda: app.test_client().post("/request", data=form))
    first.start()
    assert carrier.is_asked.wait(LONG_SECONDS)

    def is_let_in():
        return ask(app.test_client(), next(numbers)).status_code == 303

    wait_until(is_let_in, seconds=LONG_SECONDS, what="the first one waits")  # it may be on its way to that
    carrier.may_go.set()
    first.join(LONG_SECONDS)
