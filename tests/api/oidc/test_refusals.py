"""What the provider says no to: OpenID Connect Core 1.0, OAuth 2.0 (RFC 6749), RFC 7636, RFC 9126 and RFC 9700.

To the application, once it is known and where people may be sent back to; on a page of ours until then.
"""

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from tests.api.application import REDIRECT_URI
from tests.api.relying_party import HOME, PUBLIC, asked, came_back, read, typed
from tests.fakes import typed_token

# -- /authorize, to the application

TO_APPLICATION = {
    "no response_type": ({"response_type": None}, "invalid_request"),
    "implicit": ({"response_type": "id_token"}, "unsupported_response_type"),
    "token": ({"response_type": "token"}, "unsupported_response_type"),
    "hybrid": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "no openid": ({"scope": "phone"}, "invalid_scope"),
    "openid in another spelling": ({"scope": "OpenID"}, "invalid_scope"),
    "fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "form_post": ({"response_mode": "form_post"}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "plain by default": ({"code_challenge_method": None}, "invalid_request"),
    "a method without a challenge": ({"code_challenge": None}, "invalid_request"),
    "another method": ({"code_challenge_method": "S512"}, "invalid_request"),
    "a challenge that is none": ({"code_challenge": "short"}, "invalid_request"),
    "prompt none": ({"prompt": "none"}, "login_required"),
    "prompt none and more": ({"prompt": "none login"}, "invalid_request"),
    "max_age in words": ({"max_age": "soon"}, "invalid_request"),
    "max_age below zero": ({"max_age": "-1"}, "invalid_request"),
    "request": ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    "request_uri": ({"request_uri": "https://shop.example.com/request"}, "request_uri_not_supported"),
    "registration": ({"registration": "{}"}, "registration_not_supported"),
    "state twice": ({"state": ["a", "b"]}, "invalid_request"),
    "scope twice": ({"scope": ["openid", "openid"]}, "invalid_request"),
    "nonce twice": ({"nonce": ["a", "b"]}, "invalid_request"),
    "response_type twice": ({"response_type": ["code", "code"]}, "invalid_request"),
    "a state that is not ASCII": ({"state": "é"}, "invalid_request"),
    "a state with a line end": ({"state": "a\r\nSet-Cookie: b=c"}, "invalid_request"),
    "more than a cookie can carry": ({"state": "s" * 3000}, "invalid_request"),
    "a number that cannot be texted": ({"login_hint": "+1 202"}, "invalid_request"),
    "a landline abroad": ({"login_hint": "+442079460000"}, "invalid_request"),
}


@pytest.mark.parametrize(("changes", "error"), TO_APPLICATION.values(), ids=TO_APPLICATION)
def test_the_application_is_told_what_is_wrong_with_its_request(shop, browser, sender, changes, error):
    answer = shop.sends(browser, **changes)

    address, facts = came_back(answer)
    assert (answer.status_code, address) == (303, REDIRECT_URI)
    assert (facts["error"], facts["iss"]) == (error, PUBLIC)
    assert facts.get("state") == (
        None if "state" in changes and len(changes["state"]) < 3000 else shop.asks(**changes)["state"]
    )
    assert "code" not in facts
    assert "Set-Cookie" not in answer.headers
    assert set(facts["error_description"]).isdisjoint('"\\')


IGNORED = {
    "a scope that nobody knows": {"scope": "openid phone email offline_access"},
    "a parameter that nobody knows": {"resource": ["https://a.example", "https://b.example"]},
    "prompt": {"prompt": "login consent"},
    "an e-mail address for a hint": {"login_hint": "jo@example.com"},
    "languages that are not there": {"ui_locales": "tlh x-klingon"},
    "a hint to another session": {"id_token_hint": "eyJ", "display": "popup", "max_age": "0"},
    "what has no value": {"prompt": "", "request": "", "response_mode": ""},
}


@pytest.mark.parametrize("changes", IGNORED.values(), ids=IGNORED)
def test_what_may_be_ignored_is(shop, browser, changes):
    assert shop.sends(browser, **changes).headers["Location"].startswith("/start?authorization=")


# -- /authorize, on a page of ours

REDIRECTS = [
    None,
    "https://evil.example/",
    "https://shop.example.com",
    "https://shop.example.com/",
    "https://shop.example.com/phone/",
    "https://shop.example.com/phone?",
    "https://shop.example.com/phone#",
    "https://shop.example.com/phone#@evil.example",
    "https://shop.example.com/phone?next=https://evil.example",
    "https://shop.example.com/phone/../evil",
    "https://shop.example.com/./phone",
    "https://shop.example.com//phone",
    "https://shop.example.com/%70hone",
    "https://shop.example.com/phone%00",
    "https://shop.example.com/phone%0d%0aLocation:https://evil.example",
    "https://shop.example.com/phone\r\nLocation: https://evil.example",
    "https://shop.example.com/phone\t",
    " https://shop.example.com/phone",
    "https://shop.example.com/phone ",
    "https://shop.example.com:443/phone",
    "https://shop.example.com:8443/phone",
    "https://SHOP.example.com/phone",
    "HTTPS://shop.example.com/phone",
    "http://shop.example.com/phone",
    "https://shop.example.com./phone",
    "https://shop.example.com.evil.example/phone",
    "https://evil.example/shop.example.com/phone",
    "https://shop.example.com@evil.example/phone",
    "https://evil.example\\@shop.example.com/phone",
    "https://shop.example.com\\.evil.example/phone",
    "https:\\\\shop.example.com\\phone",
    "https:shop.example.com/phone",
    "https:///shop.example.com/phone",
    "https:/shop.example.com/phone",
    "//shop.example.com/phone",
    "//evil.example/phone",
    "/\\evil.example",
    "/phone",
    "phone",
    "javascript:alert(1)//https://shop.example.com/phone",
    "data:text/html,<script>location='https://evil.example'</script>",
    "https://shop。example.com/phone",
    "https://shop.example.com/phone\u202e",
    "https://sh\u00f6p.example.com/phone",
    "null",
    "",
    ["https://shop.example.com/phone", "https://evil.example/"],
    ["https://shop.example.com/phone", "https://shop.example.com/phone"],
]


@pytest.mark.parametrize("address", REDIRECTS, ids=[f"{place:02}" for place in range(len(REDIRECTS))])
def test_nobody_is_sent_to_an_address_that_is_not_registered_to_the_letter(shop, browser, address):
    answer = shop.sends(browser, redirect_uri=address, prompt="none")

    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert "redirect_uri" in answer.text
    assert "evil" not in answer.text


CLIENTS = {"none": None, "nobody": "nobody", "twice": ["shop", "shop"], "a key": "tp_0a1b2c3d_x", "strange": "\0é<b>"}


@pytest.mark.parametrize("name", CLIENTS.values(), ids=CLIENTS)
def test_nobody_is_sent_to_an_application_that_is_not_known(shop, browser, name):
    answer = shop.sends(browser, client_id=name)

    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert "<b>" not in answer.text


def test_an_address_of_another_application_is_none_of_ours(shop, rival, browser):
    assert rival.sends(browser, redirect_uri=REDIRECT_URI).status_code == 400


def test_a_public_application_listens_on_any_port_of_the_person_s_own_machine_and_nowhere_else(
    add_client, spa, shop, browser
):
    """RFC 8252, 7.3: of the loopback address itself, not of a name for it. One that has a key does not."""
    add_client("shop", redirect_uris=(REDIRECT_URI, "http://127.0.0.1/cb"))
    add_client("spa", redirect_uris=("http://127.0.0.1/cb", "http://[::1]:1/cb?a=b", "http://localhost:3000/cb"))

    def led(address):
        return spa.sends(browser, redirect_uri=address).status_code

    good = ["http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", "http://[::1]:5/cb?a=b", "http://localhost:3000/cb"]
    bad = ["http://localhost:3001/cb", "https://127.0.0.1:5/cb", "http://127.0.0.1:5/cb2", "http://127.0.0.1:5/cb?a=b"]
    bad += ["http://127.0.0.1:5@evil.example/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.2:5/cb"]
    bad += ["http://127.0.0.1:5/cb#", "http://127.0.0.1:/cb", "http://127.0.0.1:x/cb", "http://[::1]:5/cb"]

    assert [led(address) for address in good] == [303] * len(good)
    assert [led(address) for address in bad] == [400] * len(bad)
    assert shop.sends(browser, redirect_uri="http://127.0.0.1:49152/cb").status_code == 400


def test_a_public_application_needs_pkce(spa, browser):
    _, facts = came_back(spa.sends(browser, code_challenge=None, code_challenge_method=None))

    assert facts["error"] == "invalid_request"


def test_a_key_for_the_api_alone_sends_nobody_here(add_client, shop, browser):
    add_client("backend")

    assert shop.sends(browser, client_id="backend").status_code == 400


# -- /token

TOKEN = {
    "no grant_type": ({"grant_type": None}, "invalid_request"),
    "another grant_type": ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    "refresh": ({"grant_type": "refresh_token", "refresh_token": "x"}, "unsupported_grant_type"),
    "no code": ({"code": None}, "invalid_request"),
    "another code": ({"code": "A" * 43}, "invalid_grant"),
    "an empty code": ({"code": ""}, "invalid_request"),
    "a strange code": ({"code": "\0é\ud7ff"}, "invalid_grant"),
    "no redirect_uri": ({"redirect_uri": None}, "invalid_request"),
    "grant_type twice": ({"grant_type": ["authorization_code"] * 2}, "invalid_request"),
    "code twice": ({"code": ["a", "b"]}, "invalid_request"),
    "verifier twice": ({"code_verifier": ["a", "b"]}, "invalid_request"),
    "client_id twice": ({"client_id": ["shop", "shop"]}, "invalid_request"),
    "another client_id": ({"client_id": "rival"}, "invalid_request"),
    "two ways to say the secret": ({"client_secret": "tp_x"}, "invalid_request"),
}


@pytest.mark.parametrize(("changes", "error"), TOKEN.values(), ids=TOKEN)
def test_a_code_is_not_exchanged(shop, code, changes, error):
    """And is still good for who asks in the right way."""
    answer = shop.exchanges(code, **changes)

    assert (answer.status_code, answer.json["error"]) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert shop.exchanges(code).status_code == 200


def test_a_code_of_another_application_is_refused_and_stays_good(shop, rival, code):
    stolen = rival.exchanges(code, redirect_uri=shop.redirect_uri, code_verifier=shop.verifier)

    assert stolen.json["error"] == "invalid_grant"
    assert shop.exchanges(code).status_code == 200


UNKNOWN = {
    "nothing": {"headers": {}, "client_id": None},
    "a name without a secret": {"headers": {}},
    "a wrong secret": {"headers": {}, "client_secret": "tp_0a1b2c3d_" + "A" * 43},
    "an empty secret": {"headers": {}, "client_secret": ""},
    "Bearer": {"headers": {"Authorization": "Bearer x"}},
    "no base64": {"headers": {"Authorization": "Basic !!!"}},
    "no colon": {"headers": {"Authorization": "Basic " + b64encode(b"shop").decode()}},
    "nobody": {"headers": {"Authorization": "Basic " + b64encode(b"nobody:x").decode()}, "client_id": None},
    "an assertion": {"headers": {}, "client_assertion": "x", "client_assertion_type": "x"},
}


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN)
def test_who_is_not_known_gets_no_token(shop, code, changes):
    answer = shop.exchanges(code, **changes)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="textproof"'
    assert shop.exchanges(code).status_code == 200


def test_a_key_of_another_application_is_none_of_this_one(shop, rival, code):
    assert shop.exchanges(code, headers=shop.basic(key=rival.key)).status_code == 401
    assert shop.exchanges(code, headers=rival.basic(name="shop")).status_code == 401


def test_a_public_application_has_no_secret(spa, walk):
    _, facts = walk(spa)

    assert spa.exchanges(facts["code"], client_secret="x").status_code == 401
    assert spa.exchanges(facts["code"], code_verifier=None).json["error"] == "invalid_grant"
    assert spa.exchanges(facts["code"]).status_code == 200


def test_what_is_in_the_address_or_in_json_is_not_read(shop, code):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": shop.redirect_uri}
    form |= {"code_verifier": shop.verifier, "client_id": "shop", "client_secret": shop.key}

    by_address = shop.client.post(f"/token?{urlencode(form)}", **HOME)
    by_json = shop.client.post("/token", data=json.dumps(form), content_type="application/json", **HOME)

    assert [by_address.status_code, by_json.status_code] == [401, 401]
    assert shop.client.post("/token", data=form, **HOME).status_code == 200


# -- /userinfo


@pytest.mark.parametrize("token", ["x", "A" * 43, "é", "a b"])
def test_what_is_no_access_token_is_refused(shop, token):
    answer = shop.client.post("/userinfo", data={"access_token": token}, **HOME)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="textproof", error="invalid_token"'


def test_without_a_token_nothing_is_said_but_how_to_bring_one(shop):
    answer = shop.client.get("/userinfo?access_token=x", **HOME)

    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="textproof"'


def test_an_application_that_was_revoked_is_refused_everywhere(shop, code, store, browser):
    token = shop.exchanges(code).json["access_token"]
    store.clients.revoke(shop.key[3:11])

    assert shop.asks_who(token).status_code == 401
    assert shop.exchanges(code).status_code == 401
    assert shop.sends(browser).status_code == 400


# -- /par


def push(application, **changes):
    form = application.asks(**changes)
    return application.client.post("/par", data=form, headers=application.basic(), **HOME)


def test_a_request_that_was_pushed_is_good_once_for_its_application(shop, rival, browser, sender, number):
    pushed = push(shop, login_hint=number)
    assert (pushed.status_code, pushed.json["expires_in"]) == (201, 90)
    address = pushed.json["request_uri"]
    assert number not in address

    foreign = browser.get("/authorize", query_string={"client_id": "rival", "request_uri": address}, **HOME)
    assert foreign.status_code == 400

    again = push(shop, login_hint=number).json["request_uri"]
    first, second = (
        browser.get("/authorize", query_string={"client_id": "shop", "request_uri": again}, **HOME) for _ in range(2)
    )
    assert asked(browser, first, number).status_code == 303
    assert (second.status_code, "Location" in second.headers) == (400, False)
    _, facts = came_back(typed(browser, typed_token(sender)))
    assert read(browser, shop.exchanges(facts["code"]).json["id_token"])["phone_number"] == number


PUSHED = {name: row for name, row in TO_APPLICATION.items() if name != "request_uri"} | {
    "a request of another": ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    "another redirect_uri": ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
    "no redirect_uri": ({"redirect_uri": None}, "invalid_request"),
}


@pytest.mark.parametrize(("changes", "error"), PUSHED.values(), ids=PUSHED)
def test_what_cannot_be_asked_for_cannot_be_pushed(shop, changes, error):
    answer = push(shop, **changes)

    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_who_is_not_known_pushes_nothing(shop):
    answer = shop.client.post("/par", data=shop.asks(), headers=shop.basic(key="tp_x"), **HOME)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("address", ["", "x", "A" * 200, "é"])
def test_a_pushed_request_that_is_none_is_on_a_page_of_ours(browser, shop, address):
    query = {"client_id": "shop", "request_uri": f"urn:ietf:params:oauth:request_uri:{address}"}

    assert browser.get("/authorize", query_string=query, **HOME).status_code == 400
