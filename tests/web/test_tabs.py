"""One browser, several tabs, one cookie: a form is about the verification that it was shown for, and no other."""

import re
from itertools import combinations, product
from urllib.parse import urlsplit

import pytest

from service.commands.keys import ClientKeys
from tests.api.relying_party import RelyingParty, path_of
from tests.fakes import typed_token
from tests.support.http import fields
from tests.web.steps import ask, begin, nonce_of

PUBLIC = "https://verify.example.com"
HOME = {"base_url": PUBLIC}
CONFIRMED = "Your number is confirmed"
FIRST = ("/", "/start")  # where the phone form is: ours, or that of an application
ACTS = ("check", "resend", "cancel")
PATHS = {"check": "/verify", "resend": "/resend", "cancel": "/cancel"}


def orders(one, other):
    """Return every order in which two tabs can do what each of them does in its own."""
    steps = len(one) + len(other)
    for places in combinations(range(steps), len(one)):
        first, second = iter(one), iter(other)
        yield [(0, next(first)) if place in places else (1, next(second)) for place in range(steps)]


ORDERS = [
    pytest.param(order, id=" ".join(f"{act}{tab + 1}" for tab, act in order))
    for one, other in product(ACTS, ACTS)
    for order in orders(("start", one), ("start", other))
]


class Tabs:
    """Two tabs of one browser. Each has a number of its own, the first form that it was shown, and its code."""

    def __init__(self, browser, sender, clock, numbers, starts) -> None:
        self.browser, self.sender, self.clock = browser, sender, clock
        self.numbers = [next(numbers), next(numbers)]
        self.starts = starts
        self.forms: list[dict[str, str]] = [{}, {}]
        self.codes = ["", ""]
        self.current: int | None = None

    def readable(self, tab):
        number = self.numbers[tab]
        return f"{number[2:5]}-{number[5:8]}-{number[8:]}"

    def start(self, tab):
        form = fields(self.browser.get(self.starts[tab], **HOME).text)
        assert self.browser.post("/request", data=form | {"phone": self.numbers[tab]}, **HOME).status_code == 303
        self.forms[tab] = fields(self.browser.get("/verify", **HOME).text)
        self.codes[tab] = typed_token(self.sender)
        self.current = tab
        self.clock.advance(31)  # so that a message may be sent again

    def act(self, tab, act):
        return self.browser.post(PATHS[act], data=self.forms[tab] | {"token": self.codes[tab]}, **HOME)


@pytest.fixture
def tabs(make_app, sender, clock, numbers) -> Tabs:
    return Tabs(make_app(PUBLIC_URL=PUBLIC).test_client(), sender, clock, numbers, ["/", "/"])


@pytest.fixture
def hosted(make_app, store, sender, clock, numbers) -> Tabs:
    """Two tabs, into which two applications sent the browser."""
    app = make_app(store=store, PUBLIC_URL=PUBLIC)
    urls = []
    for name in ("one", "other"):
        back = f"https://{name}.example.com/phone"
        key = ClientKeys(store).add(name, redirect_uris=(back,), now=clock())
        begun = RelyingParty(app.test_client(), name, key, back).sends(app.test_client(), state=name)
        urls.append(path_of(begun.headers["Location"]))
    return Tabs(app.test_client(), sender, clock, numbers, urls)


def is_confirmed(answer):
    """Tell whether a number is confirmed by this answer, here or at an application."""
    return CONFIRMED in answer.text or "code=" in answer.headers.get("Location", "")


def walk(tabs, order):
    """Do it in this order, and hold each answer against what it must be. Return whose code was accepted, and how."""
    accepted = {}
    for tab, act in order:
        sent = len(tabs.sender.messages)
        if act == "start":
            tabs.start(tab)
            continue
        answer = tabs.act(tab, act)
        if tab != tabs.current:
            assert not is_confirmed(answer)
            assert len(tabs.sender.messages) == sent
            if tabs.current is None:
                assert (answer.status_code, urlsplit(answer.location).path in FIRST) == (303, True)
            else:
                assert answer.status_code == 409
                assert tabs.readable(tabs.current) in answer.text
                assert tabs.readable(tab) not in answer.text
        elif act == "check":
            assert is_confirmed(answer)
            accepted[tab] = answer.headers.get("Location", "")
        elif act == "resend":
            assert answer.location == "/verify"
            assert len(tabs.sender.messages) == sent + 1
        else:
            assert urlsplit(answer.location).path in FIRST
            tabs.current = None
    return accepted


@pytest.mark.parametrize("order", ORDERS)
def test_only_the_tab_that_began_last_is_heard(tabs, order):
    walk(tabs, order)


@pytest.mark.parametrize("order", ORDERS)
def test_a_confirmation_goes_to_the_application_whose_number_was_confirmed(hosted, order):
    for tab, address in walk(hosted, order).items():
        name = ("one", "other")[tab]
        assert re.fullmatch(rf"https://{name}\.example\.com/phone\?code=[\w-]{{43}}&state={name}&iss=.*", address)


@pytest.mark.parametrize("ended", ["pending", "approved", "locked"])
@pytest.mark.parametrize("act", ACTS)
def test_an_earlier_form_changes_nothing_however_the_current_one_stands(tabs, act, ended):
    tabs.start(0)
    tabs.start(1)
    for _ in range({"pending": 0, "approved": 1, "locked": 5}[ended]):
        wrong = "000000" if ended == "locked" else tabs.codes[1]
        form = tabs.forms[1] | {"token": wrong, "nonce": nonce_of(tabs.browser.get("/", **HOME))}
        tabs.browser.post("/verify", data=form, **HOME)
    before = tabs.browser.get("/verify/status", **HOME).json

    answer = tabs.act(0, act)

    assert before["status"] == ended
    assert answer.status_code == 409
    assert CONFIRMED not in answer.text
    assert tabs.browser.get("/verify/status", **HOME).json == before


def test_a_waiting_page_is_told_of_its_own_verification_only(tabs):
    tabs.start(0)
    query = {"verification": tabs.forms[0]["verification"]}
    assert tabs.browser.get("/verify/status", query_string=query, **HOME).json["status"] == "pending"
    tabs.start(1)

    answer = tabs.browser.get("/verify/status", query_string=query, **HOME)
    page = tabs.browser.get("/verify", query_string=query, **HOME)

    assert (answer.status_code, answer.json["code"]) == (409, "other_tab")
    assert page.status_code == 409
    assert tabs.readable(1) in page.text


def test_the_same_number_twice_is_two_verifications(tabs):
    tabs.numbers[1] = tabs.numbers[0]
    tabs.start(0)
    tabs.start(1)

    assert tabs.act(0, "check").status_code == 409
    assert CONFIRMED in tabs.act(1, "check").text


def test_a_form_that_names_none_is_about_the_current_one(client, sender, numbers):
    """Of a tab from before an upgrade, or of a program."""
    begin(client, sender, next(numbers))
    ask(client, next(numbers))

    assert client.post("/verify", data={"token": typed_token(sender), "nonce": "1"}).status_code == 200


def test_the_name_in_a_form_outlives_a_new_generation_of_keys(client, keys, sender, number):
    token = begin(client, sender, number)
    form = fields(client.get("/verify").text)

    keys.rotate()

    assert CONFIRMED in client.post("/verify", data=form | {"token": token}).text


@pytest.mark.parametrize("name", ["x", "é", "0" * 4000])
def test_a_name_that_we_did_not_make_is_that_of_another_tab(client, sender, number, name):
    token = begin(client, sender, number)

    assert client.post("/verify", data={"token": token, "verification": name}).status_code == 409
