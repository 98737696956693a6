"""One script is one round trip; and a server that has forgotten the scripts is told them again."""

import functools
import time
from urllib.parse import urlencode

import pytest

from service.commands.keys import ClientKeys
from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.errors import Delivery, TokenRejected
from service.verification.ports import Verdict
from tests.fakes import typed_token, wrong
from tests.store.attempts import Attempt
from tests.store.engines import EVERY, ONE_SERVER, binary_of, engines, opened
from tests.store.watching import watched
from tests.support.servers import SentinelServers, StoreServer

AFTERWARDS = 0.3  # seconds: a background thread of ours would have written by then
STEPS = {
    "start": lambda one: one.start("form-1"),
    "start again": lambda one: one.start("form-1"),
    "wrong check": lambda one: one.miss(),
    "resend": lambda one: one.resend(),
    "report": lambda one: one.report(Delivery.SENT, "event-1"),
    "unsend": lambda one: one.unsend(2),
    "show": lambda one: one.show(),
    "right check": lambda one: one.check(),
    "late check": lambda one: one.check(),
    "cancel": lambda one: one.cancel(),
    "opt out": lambda one: one.opt_out(),
}


@pytest.fixture
def attempt_at(policy, keyring, clock, numbers):
    """`attempt_at(client)()` asks a store on this client for a fresh number."""

    def ask(client):
        store = RedisStore(client, policy)
        store.keyring.put({"id": keyring.id.encode()}, instead_of="")
        return lambda: Attempt(store, keyring, clock, next(numbers))

    return ask


@pytest.mark.parametrize("engine", engines(*EVERY), indirect=True)
def test_every_verb_does_the_same_on_every_engine(begun, attempt, clock):
    one = begun()
    stranger = attempt(one.number, source="a stranger")
    verdicts = [stranger.start(), one.start(), one.miss()]
    clock.advance(30)
    verdicts += [one.resend("form-1", "caller-1"), one.resend("form-1", "caller-2"), one.unsend(2)]
    verdicts += [one.report(Delivery.SENT, "event-1"), one.report(Delivery.SENT, "event-1"), one.show()]
    verdicts += [one.check(nonce="form-2"), one.check(nonce="form-2"), one.cancel()]
    one.forgive()
    one.opt_out()
    verdicts += [attempt(one.number).start(), attempt().show()]

    assert [answer.verdict.value for answer in verdicts] == [
        *("shared", "done", "rejected"),
        *("done", "repeated", "done"),
        *("done", "repeated", "done"),
        *("done", "repeated", "approved"),
        *("opted_out", "gone"),
    ]


@pytest.fixture
def trips(engine):
    """`trips(steps)` does steps, by name, and returns what each sent to the server, and what came after them all."""
    (server,) = engine.nodes

    def of(steps):
        with watched(server) as commands:
            seen = {}
            for name, step in steps.items():
                step()
                seen[name] = [words[0].upper() for words in commands()]
            time.sleep(AFTERWARDS)
            return seen, commands()

    return of


def test_every_verb_is_one_round_trip_and_nothing_follows(attempt, trips, verifier, sender, clock):
    """Refusals as well; and in the verifier as in the store."""
    for step in STEPS.values():
        step(attempt(watched=False))  # the scripts are loaded, the connection is made
    one, begun = attempt(watched=False), []

    seen, afterwards = trips(
        {
            **{name: functools.partial(step, one) for name, step in STEPS.items()},
            "whole start": lambda: begun.append(verifier.start(attempt().number)),
            "whole show": lambda: verifier.show(begun[0].id),
            "whole wrong check": lambda: refused(verifier, begun[0].id, wrong(typed_token(sender))),
            "whole resend": lambda: clock.advance(30) or verifier.resend(begun[0].id),
            "whole right check": lambda: verifier.check(begun[0].id, typed_token(sender)),
        }
    )

    assert {name: words for name, words in seen.items() if words != ["EVALSHA"]} == {}
    assert afterwards == []


def refused(verifier, id_, token):
    with pytest.raises(TokenRejected):
        verifier.check(id_, token)


@pytest.fixture
def shop(app, store):
    """A browser, and an application: its client and the headers of its requests."""
    key = ClientKeys(store).add("shop", now=1)
    return app.test_client(), app.test_client(), {"Authorization": f"Bearer {key}"}


def test_a_page_and_an_application_s_request_are_one_round_trip(shop, trips, numbers, sender, clock):
    """An application's key is known for a second."""
    (browser, backend, headers), ids = shop, []

    def ask(path, status, **content):
        answer = backend.open(f"/v1/verifications{path}", headers=headers, **content)
        assert answer.status_code == status
        return answer.json

    def visit(path, status, **form):
        assert browser.open(path, method="POST" if form else "GET", data=form).status_code == status

    def walk(to, phone):
        return {
            "page start": lambda: visit("/request", 303, phone=phone),
            "page show": lambda: visit("/verify", 200),
            "page wrong check": lambda: visit("/verify", 422, token=wrong(typed_token(sender))),
            "page resend": lambda: clock.advance(30) or visit("/resend", 303, again="1"),
            "page right check": lambda: visit("/verify", 200, token=typed_token(sender)),
            "start": lambda: ids.append(ask("", 201, method="POST", json={"to": to})["id"]),
            "show": lambda: ask(f"/{ids[-1]}", 200),
            "wrong check": lambda: ask(
                f"/{ids[-1]}/check", 422, method="POST", json={"token": wrong(typed_token(sender))}
            ),
            "resend": lambda: clock.advance(30) or ask(f"/{ids[-1]}/resend", 200, method="POST"),
            "right check": lambda: ask(f"/{ids[-1]}/check", 200, method="POST", json={"token": typed_token(sender)}),
        }

    trips(walk(next(numbers), next(numbers)))  # scripts, keyring and the application's key are known

    seen, afterwards = trips(walk(next(numbers), next(numbers)))

    assert {name: words for name, words in seen.items() if _scripts(words) != ["EVALSHA"]} == {}
    assert afterwards == []


def test_a_page_of_an_application_is_two_round_trips_at_most(  # noqa: PLR0917
    make_app, store, trips, numbers, sender, clock
):
    """A start and a resend may look the application up; a check writes down what answers the request."""
    back = "https://shop.example.com/phone"
    key = ClientKeys(store).add("shop", redirect_uris=(back,), now=1)
    app = make_app(store=store, PUBLIC_URL="https://verify.example.com")
    home = {"base_url": "https://verify.example.com"}
    asked = {"client_id": "shop", "redirect_uri": back, "response_type": "code", "scope": "openid phone"}
    token = {"grant_type": "authorization_code", "redirect_uri": back, "client_id": "shop", "client_secret": key}

    def walk(phone):
        browser, sealed, codes = app.test_client(), [], []

        def visit(path, status, **form):
            answer = browser.open(path, method="POST" if form else "GET", data=form, **home)
            assert answer.status_code == status, answer.text
            return answer.headers.get("Location", "").partition("=")[2]

        return {
            "authorize": lambda: sealed.append(visit(f"/authorize?{urlencode(asked)}", 303)),
            "form": lambda: visit(f"/start?authorization={sealed[0]}", 200),
            "start": lambda: visit("/request", 303, phone=phone, authorization=sealed[0]),
            "show": lambda: visit("/verify", 200),
            "wrong check": lambda: visit("/verify", 422, token=wrong(typed_token(sender))),
            "resend": lambda: clock.advance(30) or visit("/resend", 303, again="1"),
            "right check": lambda: codes.append(visit("/verify", 303, token=typed_token(sender)).partition("&")[0]),
            "token": lambda: visit("/token", 200, code=codes[0], **token),
        }

    trips(walk(next(numbers)))  # scripts, keyring and signing keys are known

    seen, afterwards = trips(walk(next(numbers)))

    counted = {name: len([word for word in words if word != "HGETALL"]) for name, words in seen.items()}
    lookups = {name for name, words in seen.items() if words.count("HGETALL") > 1}
    assert counted | {"token": 0} == {
        "authorize": 0,
        "form": 1,
        "start": 1,
        "show": 1,
        "wrong check": 1,
        "resend": 1,
        "right check": 2,
        "token": 0,
    }
    assert counted["token"] <= 4, "its code, its token, its use; and once a second the key"
    assert (lookups, seen["right check"], afterwards) == (set(), ["EVALSHA", "EVALSHA"], [])


def _scripts(words):
    """Leave out the look-up of an application's key, which a busy machine may need more than once."""
    return [word for word in words if word != "HGET"]


def test_a_start_is_few_keys_and_the_right_check_takes_its_token_away(engine, attempt):
    """The record, its token, the number; and what no approval followed, of its network, range, country and of all."""
    one = attempt(watched=False, caller=Caller.at("192.0.2.7"))
    made = lambda: "".join(sorted(name.removeprefix("{tp}:")[0] for name in engine.names()))  # noqa: E731

    one.start("form-1")
    assert made() == "dhhlntuvy"
    one.miss()
    assert made() == "cdghhlntuvwy"
    one.check()
    assert made() == "adghhnvwy"


@pytest.mark.parametrize("name", engines(*ONE_SERVER))
def test_a_restarted_server_goes_on_where_it_was(name, attempt_at, ends):
    server = ends.enter_context(StoreServer(binary_of(name), appendonly=True))
    one = attempt_at(opened(server.url, [server], ends).client)()
    one.start()
    one.miss(3)
    server.restart()

    assert one.record.checks == 3
    assert one.check().verdict is Verdict.DONE


@pytest.mark.slow
def test_the_store_follows_a_failover(attempt_at, ends):
    """The next primary knows what was replicated, and is told the scripts, which were not."""
    servers = ends.enter_context(SentinelServers())
    make = attempt_at(opened(servers.url, [servers.primary], ends).client)
    attempts = [make() for _ in range(3)]
    for one in attempts:
        one.start()
    attempts[0].check()
    attempts[1].miss(4)
    with servers.primary.client() as primary:
        primary.set("marker", "", ex=60)  # what WAIT waits for is what its own connection has written
        assert primary.wait(2, 5000) == 2

    servers.await_failover(servers.kill_primary())

    assert attempts[0].check().verdict is Verdict.APPROVED
    assert attempts[1].miss().verdict is Verdict.REJECTED
    assert attempts[1].record.checks == 5
    assert attempts[2].check().verdict is Verdict.DONE
