"""A browser's way through: what every step answers, and that one click is one message."""

import re

import pytest

from service.verification.errors import Delivery
from service.web.words import DELIVERIES
from tests.fakes import GoneStore, typed_token, wrong
from tests.web.steps import ask, begin, check, fail_checks, nonce_of, resend, title_of


def seen(client):
    """Return how this browser's verification stands, as the waiting page is told."""
    return client.get("/verify/status").json


# -- Through


def test_a_number_is_confirmed(client, sender, number):
    assert client.get("/").status_code == 200
    started = ask(client, number)
    assert (started.status_code, started.location) == (303, "/verify")
    page = client.get(started.location)
    assert page.status_code == 200
    assert f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}" in page.text
    assert re.search(r"Your code expires at <time", page.text)
    for action in ("/verify", "/resend", "/cancel"):  # without scripts, too, everything is a form or a link
        assert re.search(f'<form [^>]*method="post" action="{action}"', page.text)

    confirmed = check(client, typed_token(sender))

    assert confirmed.status_code == 200
    assert "Your number is confirmed" in confirmed.text


def test_no_page_holds_the_code(client, sender, clock, number):
    token = begin(client, sender, number)
    clock.advance(30)

    pages = [client.get("/verify"), client.get("/verify/status"), check(client, wrong(token)), resend(client)]

    assert not any(token in f"{page.headers}{page.text}" for page in pages)


def test_no_address_holds_a_number_a_code_or_an_id(client, sender, clock, number):
    """Addresses land in histories, logs and referrers."""
    token = begin(client, sender, number)
    clock.advance(30)

    assert resend(client).location == "/verify"
    assert typed_token(sender) == token, "it is the same once more"
    assert client.post("/cancel").location == "/"
    assert client.get("/verify").location == "/", "it is forgotten"


def test_phones_make_no_links_of_numbers_in_a_page(client):
    """Those of Apple do, unless they are told not to."""
    for path in ("/", "/nowhere", "/v1/docs"):
        assert '<meta name="format-detection" content="telephone=no">' in client.get(path).text


# -- The phone form


@pytest.mark.parametrize(
    ("phone", "words"),
    [
        ("", "Enter your mobile number"),
        ("hello", "“h” cannot be in a phone number"),
        ("202555014\x7f3", "Use only digits"),
        ("+1 202 555 0143 x5", "extension"),
        ("12345", "not a valid phone number"),
        ("+44 7400 123456", "numbers in that country"),
        ("+1 900 234 5678", "that kind of number"),
        ("+881612345678", "international service numbers"),
        ("1" * 33, "too long"),
    ],
)
def test_a_number_that_cannot_be_texted_shows_the_form_again_with_what_to_do(client, sender, phone, words):
    answer = ask(client, phone)

    assert answer.status_code == 422
    assert words in answer.text
    assert title_of(answer).startswith("Error: ")
    assert f'value="{phone}"' in answer.text
    assert "Set-Cookie" not in answer.headers
    assert sender.messages == []


def test_what_was_typed_is_shown_again_without_becoming_markup(client):
    answer = ask(client, '"><script>alert(1)</script>')

    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


OF_THE_NUMBER = (Delivery.LANDLINE, Delivery.INVALID_NUMBER, Delivery.OPTED_OUT, Delivery.COUNTRY)


@pytest.mark.parametrize(
    ("delivery", "status", "retry_after", "words"),
    [
        (None, 429, "3600", "Try again in 60 minutes"),
        (Delivery.FAILED, 503, "60", "on our side"),
        *((delivery, 422, None, DELIVERIES[delivery]) for delivery in OF_THE_NUMBER),
    ],
)
def test_a_start_that_is_refused_says_why_and_when_to_come_back(  # noqa: PLR0917
    client, sender, number, delivery, status, retry_after, words
):
    if delivery:
        sender.refuse(delivery=delivery)
    else:
        assert [ask(client, number).status_code for _ in range(5)] == [303] * 5

    answer = ask(client, number)

    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert words in answer.text
    assert title_of(answer).startswith("Error: ")


def test_a_message_that_may_be_lost_is_said_to_be(client, sender, number):
    sender.lose()

    assert ask(client, number).status_code == 303
    assert DELIVERIES[Delivery.UNCERTAIN] in client.get("/verify").text


# -- The code form


def test_a_wrong_code_shows_the_form_again_with_the_tries_left_until_only_a_new_code_helps(client, sender, number):
    token = begin(client, sender, number)
    nonce = nonce_of(client.get("/verify"))

    answers = [check(client, wrong(token)) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [422] * 5
    words = ["4 tries left", "3 tries left", "2 tries left", "1 try left", "last try"]
    assert [word in answer.text for word, answer in zip(words, answers, strict=True)] == [True] * 5
    assert ['name="token"' in answer.text for answer in answers] == [True] * 4 + [False]
    assert all(title_of(answer).startswith("Error: ") for answer in answers)
    for nothing in ('action="/resend"', "as often as we can", "0 seconds"):
        assert nothing not in answers[-1].text
    late = client.post("/verify", data={"token": token, "nonce": nonce})
    assert late.status_code == 429
    assert "Get a new code" in late.text


@pytest.mark.parametrize(
    ("alphabet", "typed", "words"),
    [
        ("hex", "", "Enter the 6 characters"),
        ("hex", "12345", "has 6 characters. You entered 5"),
        ("hex", "GGGGGG", "only 0 to 9 and A to F"),
        ("hex", "4E¹AC0", "“¹” cannot be in the code. The code has only 0 to 9 and A to F"),
        ("digits", "12345G", "“G” cannot be in the code"),
    ],
)
def test_a_malformed_code_costs_no_try(make_app, sender, number, alphabet, typed, words):  # noqa: PLR0917
    client = make_app(TOKEN_ALPHABET=alphabet).test_client()
    begin(client, sender, number)

    answer = check(client, typed)

    assert answer.status_code == 422
    assert words in answer.text
    assert ("A to F" in answer.text) == (alphabet == "hex"), "the words are about the code that is in the message"
    assert seen(client)["checks_left"] == 5


def test_a_code_of_somebody_else_is_wrong(app, sender, numbers):
    """The tutorial took it."""
    mine, other = app.test_client(), app.test_client()
    begin(mine, sender, next(numbers))
    token = begin(other, sender, next(numbers))

    assert check(mine, token).status_code == 422
    assert check(other, token).status_code == 200


# -- Send again


def test_send_again_too_soon_says_when(client, sender, number):
    begin(client, sender, number)

    answer = resend(client)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert "in 30 seconds" in answer.text
    assert title_of(answer).startswith("Error: ")
    assert len(sender.messages) == 1


def test_send_again_after_the_last_message_is_neither_offered_nor_said_to_come(client, sender, clock, number):
    begin(client, sender, number)
    for wait in (30, 60, 90, 120):
        clock.advance(wait)
        assert resend(client).status_code == 303
    page = client.get("/verify")

    answer = client.post("/resend", data={"nonce": nonce_of(page)})

    assert 'action="/resend"' not in page.text
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, None)
    assert len(sender.messages) == 5


def test_a_refused_send_again_keeps_the_earlier_code(client, sender, clock, number):
    token = begin(client, sender, number)
    clock.advance(30)
    sender.refuse()

    answer = resend(client)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert check(client, token).status_code == 200


# -- Where there is no verification


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/verify"), ("POST", "/verify"), ("POST", "/resend"), ("POST", "/cancel")], ids=str
)
def test_without_a_verification_there_is_only_the_beginning(client, sender, method, path):
    answer = client.open(path, method=method, data={"token": "4E1AC0"})

    assert (answer.status_code, answer.location) == (303, "/")
    assert sender.messages == []


def test_without_a_verification_the_status_is_not_found(client):
    answer = client.get("/verify/status")

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.json["code"] == "not_found"


# -- How it ended: no code form where no code is accepted


@pytest.fixture(params=["approved", "locked", "canceled", "expired"])
def ended(request, client, sender, clock, number):
    """How it ended, with the code and the name of a request that was on the page before."""
    token = begin(client, sender, number)
    nonce = nonce_of(client.get("/verify"))
    match request.param:
        case "approved":
            check(client, token)
        case "locked":
            fail_checks(client, token, times=5)
        case "canceled":
            cookie = client.get_cookie("textproof").value
            client.post("/cancel")
            client.set_cookie("textproof", cookie)
        case "expired":
            clock.advance(600)
    sender.messages.clear()
    return request.param, token, nonce


ACTS = {
    "looks": lambda client, _token, _nonce: client.get("/verify"),
    "types-nonsense": lambda client, _token, nonce: client.post("/verify", data={"token": "?", "nonce": nonce}),
    "types-a-wrong-code": lambda client, token, nonce: client.post(
        "/verify", data={"token": wrong(token), "nonce": f"{nonce}2"}
    ),
    "sends-again": lambda client, _token, nonce: client.post("/resend", data={"nonce": nonce}, follow_redirects=True),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_has_ended_shows_no_code_form(client, sender, ended, act):
    """Whoever types into a form that accepts nothing is fooled."""
    _, token, nonce = ended

    answer = act(client, token, nonce)

    assert answer.status_code < 500
    assert 'name="token"' not in answer.text
    assert "0 seconds" not in answer.text
    assert sender.messages == []


def test_coming_back_later_says_how_it_ended(client, ended):
    how, _, _ = ended

    answer = client.get("/verify")

    assert answer.status_code == {"approved": 200, "locked": 429, "canceled": 404, "expired": 404}[how]
    assert ("Your number is confirmed" if how == "approved" else "Get a new code") in answer.text


# -- A refresh, Back and a double click


@pytest.mark.parametrize("has_cookie", [True, False], ids=["", "the second click leaves before the cookie arrives"])
def test_a_double_click_or_back_on_the_first_form_sends_once(app, client, sender, number, has_cookie):
    form = {"phone": number, "nonce": nonce_of(client.get("/"))}
    assert client.post("/request", data=form).status_code == 303
    client = client if has_cookie else app.test_client()

    again = client.post("/request", data=form)

    assert (again.status_code, again.location) == (303, "/verify")
    assert len(sender.messages) == 1
    assert check(client, typed_token(sender)).status_code == 200


def test_back_after_a_change_and_a_double_click_send_once(client, sender, number):
    """Somebody changed the number, went Back to the form, and means the same number after all."""
    form = {"phone": number, "nonce": nonce_of(client.get("/"))}
    client.post("/request", data=form)
    assert [client.post("/cancel").location for _ in range(2)] == ["/"] * 2, "no error for a double click there"

    for _ in range(2):
        client.post("/request", data=form)

    assert len(sender.messages) == 2


def test_looking_again_sends_nothing(client, sender, number):
    begin(client, sender, number)

    for path in ("/verify", "/", "/verify", "/verify/status", "/verify"):
        assert client.get(path).status_code == 200

    assert len(sender.messages) == 1


def test_a_refreshed_try_costs_one_and_a_refreshed_success_is_a_success(client, sender, number):
    token = begin(client, sender, number)

    for typed, status, words in ((wrong(token), 422, "4 tries left"), (token, 200, "Your number is confirmed")):
        form = {"token": typed, "nonce": nonce_of(client.get("/verify"))}
        for _ in range(3):
            answer = client.post("/verify", data=form)
            assert answer.status_code == status
            assert words in answer.text
    other_tab = client.post("/verify", data={"token": token, "nonce": "of another tab"})

    assert "Your number is confirmed" in other_tab.text
    assert "Error" not in title_of(other_tab)


def test_a_double_click_on_send_again_sends_once(client, sender, clock, number):
    begin(client, sender, number)
    clock.advance(30)
    form = {"nonce": nonce_of(client.get("/verify"))}

    clicks = [client.post("/resend", data=form) for _ in range(3)]

    assert [(click.status_code, click.location) for click in clicks] == [(303, "/verify")] * 3
    assert len(sender.messages) == 2


def test_every_page_names_its_next_request_anew(client, sender, number):
    begin(client, sender, number)

    nonces = {nonce_of(client.get(path)) for path in ("/", "/", "/verify", "/verify")}

    assert len(nonces) == 4
    assert min(len(nonce) for nonce in nonces) >= 16


# -- The waiting page


def test_the_status_is_told_in_numbers_and_words(client, sender, clock, number):
    begin(client, sender, number)
    clock.advance(10)

    assert seen(client) == {
        "status": "pending",
        "delivery": "on_its_way",
        "message": DELIVERIES[Delivery.ON_ITS_WAY],
        "expires_in": 590,
        "next_send_in": 20,
        "sends_left": 4,
        "checks_left": 5,
    }


# -- Without the store


@pytest.fixture
def cut_off(client, make_app, sender, number):
    """The same browser in front of a replica that has lost the store."""
    begin(client, sender, number)
    browser = make_app(store=GoneStore()).test_client()
    browser.set_cookie("textproof", client.get_cookie("textproof").value)
    return browser


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/request"), ("GET", "/verify"), ("POST", "/verify"), ("POST", "/resend"), ("POST", "/cancel"),
     ("GET", "/verify/status")],
    ids=str,
)  # fmt: skip
def test_without_the_store_everything_waits(client, cut_off, sender, number, method, path):  # noqa: PLR0917
    """Nothing is sent and nothing is accepted, and everybody is told when to come back. Then all is as before."""
    sent = sender.messages[:]

    answer = cut_off.open(path, method=method, data={"phone": number, "token": typed_token(sender), "nonce": "click"})

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert sender.messages == sent
    assert check(client, typed_token(sender)).status_code == 200


def test_without_the_store_the_first_page_is_shown_also_to_whoever_has_a_cookie(cut_off, make_app):
    """And by a worker that has no keyring yet."""
    assert cut_off.get("/").status_code == 200
    assert make_app(store=GoneStore()).test_client().get("/").status_code == 200


def test_without_a_secret_of_their_own_replicas_agree_on_one_in_the_store(make_app, sender, number):
    own = {"SECRET_KEY": "", "SECRET_KEY_FALLBACKS": ()}
    one, other, alone = (make_app(**own, store=store).test_client() for store in (None, None, GoneStore()))
    token = begin(one, sender, number)
    for browser in (other, alone):
        browser.set_cookie("textproof", one.get_cookie("textproof").value)

    assert alone.post("/request", data={"phone": number}).status_code == 503
    assert alone.post("/verify", data={"token": token}).status_code == 503
    assert check(other, token).status_code == 200
    assert len(sender.messages) == 1
