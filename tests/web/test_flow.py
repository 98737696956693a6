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
    assert client.get(started.location).status_code == 200

    confirmed = check(client, typed_token(sender))

    assert confirmed.status_code == 200
    assert "Your number is confirmed" in confirmed.text


def test_the_code_form_shows_the_number_that_was_typed(client, sender, number):
    begin(client, sender, number)

    page = client.get("/verify").text

    assert f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}" in page
    assert re.search(r"Your code expires at <time", page)


def test_no_page_holds_the_code(client, sender, clock, number):
    token = begin(client, sender, number)
    clock.advance(30)

    pages = [client.get("/verify"), client.get("/verify/status"), check(client, wrong(token)), resend(client)]

    assert not any(token in f"{page.headers}{page.text}" for page in pages)


def test_no_address_holds_a_number_a_code_or_an_id(client, clock, number):
    """Addresses land in histories, logs and referrers."""
    started = ask(client, number)
    clock.advance(30)

    locations = [started.location, resend(client).location, client.post("/cancel").location]

    assert locations == ["/verify", "/verify", "/"]


def test_the_pages_work_without_scripts(client, sender, number):
    """Everything is a form or a link; a script only makes the waiting livelier."""
    begin(client, sender, number)

    page = client.get("/verify").text

    for action in ("/verify", "/resend", "/cancel"):
        assert re.search(f'<form [^>]*method="post" action="{action}"', page)


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
    ids=["nothing", "words", "hidden", "extension", "short", "not-allowed", "premium", "satellite", "long"],
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


def test_too_many_messages_to_a_number_are_refused_with_a_time(client, number):
    for _ in range(5):
        assert ask(client, number).status_code == 303

    answer = ask(client, number)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3600"
    assert "Try again in 60 minutes" in answer.text
    assert title_of(answer).startswith("Error: ")


def test_a_carrier_that_is_down_is_our_fault(client, sender, number):
    sender.refuse()

    answer = ask(client, number)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "on our side" in answer.text


@pytest.mark.parametrize("delivery", [Delivery.LANDLINE, Delivery.INVALID_NUMBER, Delivery.OPTED_OUT, Delivery.COUNTRY])
def test_a_number_that_the_carrier_refuses_is_told_why(client, sender, number, delivery):
    sender.refuse(delivery=delivery)

    answer = ask(client, number)

    assert answer.status_code == 422
    assert DELIVERIES[delivery] in answer.text
    assert "Retry-After" not in answer.headers


def test_a_message_that_may_be_lost_is_said_to_be(client, sender, number):
    sender.lose()

    assert ask(client, number).status_code == 303
    assert DELIVERIES[Delivery.UNCERTAIN] in client.get("/verify").text


# -- The code form


def test_a_wrong_code_shows_the_form_again_with_the_tries_left(client, sender, number):
    token = begin(client, sender, number)

    answer = check(client, wrong(token))

    assert answer.status_code == 422
    assert "4 tries left" in answer.text
    assert title_of(answer).startswith("Error: ")
    assert 'name="token"' in answer.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter the 6 characters"),
        ("12345", "has 6 characters. You entered 5"),
        ("GGGGGG", "only 0 to 9 and A to F"),
        ("4E¹AC0", "“¹” cannot be in the code. The code has only 0 to 9 and A to F"),
    ],
    ids=["nothing", "short", "not-hex", "superscript"],
)
def test_a_malformed_code_costs_no_try(client, sender, number, typed, words):
    begin(client, sender, number)

    answer = check(client, typed)

    assert answer.status_code == 422
    assert words in answer.text
    assert seen(client)["checks_left"] == 5


def test_a_malformed_code_of_digits_is_not_asked_for_letters(make_app, sender, number):
    """The words have to be about the code that is in the message."""
    client = make_app(TOKEN_ALPHABET="digits").test_client()
    begin(client, sender, number)

    answer = check(client, "12345G")

    assert answer.status_code == 422
    assert "A to F" not in answer.text


def test_what_people_do_to_codes_is_forgiven(client, sender, number):
    token = begin(client, sender, number)

    assert check(client, f" {token[:3]}-{token[3:]} ".lower()).status_code == 200


def test_the_fifth_try_if_right_passes(client, sender, number):
    token = begin(client, sender, number)
    fail_checks(client, token, times=4)

    assert check(client, token).status_code == 200


def test_the_last_wrong_try_says_that_it_was_the_last(client, sender, number):
    token = begin(client, sender, number)
    fail_checks(client, token, times=4)

    answer = check(client, wrong(token))

    assert answer.status_code == 422
    assert "last try" in answer.text


def test_after_five_wrong_tries_there_is_only_a_new_start(client, sender, number):
    token = begin(client, sender, number)
    nonce = nonce_of(client.get("/verify"))
    fail_checks(client, token, times=5)

    answer = client.post("/verify", data={"token": token, "nonce": nonce})

    assert answer.status_code == 429
    assert "Get a new code" in answer.text


def test_too_many_wrong_codes_for_a_number_are_refused_with_a_time(make_app, sender, number):
    """Over all its verifications: the waiting one is not accepted either."""
    app = make_app(MAX_CHECKS=5)
    waiting = app.test_client()
    token = begin(waiting, sender, number)
    for _ in range(3):
        other = app.test_client()
        fail_checks(other, begin(other, sender, number), times=5)

    answer = check(waiting, token)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "86400"


@pytest.mark.parametrize("after", [600, 601], ids=str)
def test_a_code_is_not_accepted_after_ten_minutes(client, sender, clock, number, after):
    token = begin(client, sender, number)
    nonce = nonce_of(client.get("/verify"))
    clock.advance(after)

    answer = client.post("/verify", data={"token": token, "nonce": nonce})

    assert answer.status_code == 404
    assert "Get a new code" in answer.text


def test_a_code_is_accepted_up_to_then(client, sender, clock, number):
    token = begin(client, sender, number)
    clock.advance(599)

    assert check(client, token).status_code == 200


def test_a_code_of_somebody_else_is_wrong(app, sender, numbers):
    """The tutorial took it."""
    mine, other = app.test_client(), app.test_client()
    begin(mine, sender, next(numbers))
    token = begin(other, sender, next(numbers))

    assert check(mine, token).status_code == 422
    assert check(other, token).status_code == 200


# -- Send again, and change the number


def test_send_again_sends_the_same_code_when_the_wait_is_over(client, sender, clock, number):
    token = begin(client, sender, number)
    clock.advance(30)

    answer = resend(client)

    assert (answer.status_code, answer.location) == (303, "/verify")
    assert len(sender.messages) == 2
    assert typed_token(sender) == token


def test_send_again_too_soon_says_when(client, sender, number):
    begin(client, sender, number)

    answer = resend(client)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "30"
    assert "in 30 seconds" in answer.text
    assert title_of(answer).startswith("Error: ")
    assert len(sender.messages) == 1


def test_send_again_after_the_last_message_does_not_offer_to_wait(client, sender, clock, number):
    begin(client, sender, number)
    for wait in (30, 60, 90, 120):
        clock.advance(wait)
        assert resend(client).status_code == 303
    nonce = nonce_of(client.get("/verify"))

    answer = client.post("/resend", data={"nonce": nonce})

    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
    assert len(sender.messages) == 5


def test_after_the_last_message_the_button_is_gone(client, sender, clock, number):
    begin(client, sender, number)
    for wait in (30, 60, 90, 120):
        clock.advance(wait)
        resend(client)

    assert 'action="/resend"' not in client.get("/verify").text


def test_a_refused_send_again_keeps_the_earlier_code(client, sender, clock, number):
    token = begin(client, sender, number)
    clock.advance(30)
    sender.refuse()

    answer = resend(client)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert check(client, token).status_code == 200


def test_change_the_number_ends_the_verification_and_forgets_it(client, sender, number):
    begin(client, sender, number)

    answer = client.post("/cancel")

    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/verify").location == "/"


def test_after_a_change_the_old_code_is_worth_nothing(app, sender, number):
    """Even to a browser that kept the cookie."""
    client, keeper = app.test_client(), app.test_client()
    token = begin(client, sender, number)
    kept = client.get_cookie("textproof")
    client.post("/cancel")
    keeper.set_cookie("textproof", kept.value)

    assert keeper.post("/verify", data={"token": token}).status_code == 404


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


def test_the_page_of_the_last_wrong_try_offers_nothing_that_does_not_work(client, sender, number):
    token = begin(client, sender, number)
    fail_checks(client, token, times=4)

    answer = check(client, wrong(token)).text

    assert 'name="token"' not in answer
    assert 'action="/resend"' not in answer
    assert "as often as we can" not in answer
    assert "0 seconds" not in answer


# -- A refresh, Back and a double click


def test_a_double_click_on_the_first_form_sends_once(client, sender, number):
    form = {"phone": number, "nonce": nonce_of(client.get("/"))}

    clicks = [client.post("/request", data=form) for _ in range(3)]

    assert [click.status_code for click in clicks] == [303, 303, 303]
    assert len(sender.messages) == 1
    assert check(client, typed_token(sender)).status_code == 200


def test_a_double_click_without_cookies_in_between_sends_once(app, sender, number):
    """The second click leaves before the first one's cookie arrives."""
    one, other = app.test_client(), app.test_client()
    form = {"phone": number, "nonce": nonce_of(one.get("/"))}

    one.post("/request", data=form)
    other.post("/request", data=form)

    assert len(sender.messages) == 1
    assert check(other, typed_token(sender)).status_code == 200


def test_back_to_a_first_form_that_was_sent_sends_nothing_new(client, sender, number):
    form = {"phone": number, "nonce": nonce_of(client.get("/"))}
    client.post("/request", data=form)
    client.get("/verify")

    again = client.post("/request", data=form)

    assert (again.status_code, again.location) == (303, "/verify")
    assert len(sender.messages) == 1


def test_back_after_a_change_and_a_double_click_send_once(client, sender, number):
    """Somebody changed the number, went Back to the form, and means the same number after all."""
    form = {"phone": number, "nonce": nonce_of(client.get("/"))}
    client.post("/request", data=form)
    client.post("/cancel")
    sender.messages.clear()

    for _ in range(2):
        client.post("/request", data=form)

    assert len(sender.messages) == 1


def test_looking_again_sends_nothing(client, sender, number):
    begin(client, sender, number)

    for path in ("/verify", "/", "/verify", "/verify/status", "/verify"):
        assert client.get(path).status_code == 200

    assert len(sender.messages) == 1


def test_a_refreshed_wrong_try_costs_one(client, sender, number):
    token = begin(client, sender, number)
    form = {"token": wrong(token), "nonce": nonce_of(client.get("/verify"))}

    answers = [client.post("/verify", data=form) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert all("4 tries left" in answer.text for answer in answers)
    assert seen(client)["checks_left"] == 4


def test_a_refreshed_success_is_a_success(client, sender, number):
    token = begin(client, sender, number)
    form = {"token": token, "nonce": nonce_of(client.get("/verify"))}

    answers = [client.post("/verify", data=form) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_after_a_success_another_tab_is_told_that_all_is_done(client, sender, number):
    token = begin(client, sender, number)
    check(client, token)

    answer = client.post("/verify", data={"token": token, "nonce": "of another tab"})

    assert "Your number is confirmed" in answer.text
    assert "Error" not in title_of(answer)


def test_a_double_click_on_send_again_sends_once(client, sender, clock, number):
    begin(client, sender, number)
    clock.advance(30)
    form = {"nonce": nonce_of(client.get("/verify"))}

    clicks = [client.post("/resend", data=form) for _ in range(3)]

    assert [(click.status_code, click.location) for click in clicks] == [(303, "/verify")] * 3
    assert len(sender.messages) == 2


def test_a_double_click_on_change_shows_no_error(client, sender, number):
    begin(client, sender, number)

    clicks = [client.post("/cancel") for _ in range(2)]

    assert [(click.status_code, click.location) for click in clicks] == [(303, "/")] * 2


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
def test_without_the_store_everything_waits(cut_off, sender, number, method, path):
    """Nothing is sent and nothing is accepted, and everybody is told when to come back."""
    sent = sender.messages[:]

    answer = cut_off.open(path, method=method, data={"phone": number, "token": typed_token(sender), "nonce": "click"})

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert sender.messages == sent


def test_when_the_store_is_back_the_code_still_works(client, cut_off, sender):
    assert cut_off.post("/verify", data={"token": typed_token(sender)}).status_code == 503

    assert check(client, typed_token(sender)).status_code == 200


def test_without_the_store_the_first_page_is_still_shown(make_app):
    assert make_app(store=GoneStore()).test_client().get("/").status_code == 200


def test_a_worker_that_has_no_keyring_yet_shows_the_form_to_whoever_has_a_cookie(make_app, client, sender, number):
    begin(client, sender, number)
    fresh = make_app(store=GoneStore()).test_client()
    fresh.set_cookie("textproof", client.get_cookie("textproof").value)

    assert fresh.get("/").status_code == 200


def test_without_the_store_and_a_secret_of_its_own_nothing_is_confirmed(make_app, sender, number):
    client = make_app(store=GoneStore(), SECRET_KEY="", SECRET_KEY_FALLBACKS=()).test_client()
    client.set_cookie("textproof", "anything")

    assert client.post("/request", data={"phone": number}).status_code == 503
    assert client.get("/verify").status_code == 503
    assert client.post("/verify", data={"token": "4E1AC0"}).status_code == 503
    assert sender.messages == []


def test_without_a_secret_of_their_own_replicas_agree_on_one(make_app, sender, number):
    own = {"SECRET_KEY": "", "SECRET_KEY_FALLBACKS": ()}
    one, other = make_app(**own).test_client(), make_app(**own).test_client()
    token = begin(one, sender, number)
    other.set_cookie("textproof", one.get_cookie("textproof").value)

    assert check(other, token).status_code == 200
