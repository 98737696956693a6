"""The hosted flow: out to our pages and back, with a result that is good once, for one audience, for a minute."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web.result import Signer
from tests.api.application import RETURN_URL, Application
from tests.api.forgeries import encoded, forgeries, parts
from tests.conftest import SECRET
from tests.fakes import GoneStore, typed_token, wrong
from tests.support.http import fields

PUBLIC = "https://verify.example.com"
HOME = {"base_url": PUBLIC}
HEADER_NAMES = ["alg", "kid", "typ", "crit", "b64", "zip", "jku", "jwk", "x5c", "cty", "enc", ""]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from([*HEADER_NAMES, "ES256", "none"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(HEADER_NAMES), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def app(make_app, store):
    return make_app(store=store, PUBLIC_URL=PUBLIC)


@pytest.fixture
def browser(app):
    return app.test_client()


def opened(application, **more):
    """Open a session and return the address to send the browser to."""
    answer = application.post("/v1/sessions", {"return_url": RETURN_URL, **more})
    assert answer.status_code == 201, answer.text
    return answer.json["url"]


def asked(browser, url, number):
    """Open the address, fill in the phone form, and send it."""
    page = browser.get(urlsplit(url).path, **HOME)
    assert page.status_code == 200, page.text
    return browser.post("/request", data=fields(page.text) | {"phone": number}, **HOME)


def typed(browser, token):
    page = browser.get("/verify", **HOME)
    return browser.post("/verify", data=fields(page.text) | {"token": token}, **HOME)


def walked(application, browser, sender, number, **more):
    """Walk the whole way and return what came back: the address without its query, and the query."""
    assert asked(browser, opened(application, **more), number).status_code == 303
    back = typed(browser, typed_token(sender))
    assert back.status_code == 303, back.text
    return came_back(back)


def came_back(answer):
    address, _, query = answer.headers["Location"].partition("?")
    return address, dict(parse_qsl(query, strict_parsing=True))


def redeemed(application, result):
    return application.post("/v1/results/redeem", {"result": result})


def key_of(browser, result):
    """Return the published key that a result names, as a library of somebody else reads it."""
    published = jwt.PyJWKSet.from_dict(browser.get("/.well-known/jwks.json", **HOME).json)
    return published[jwt.get_unverified_header(result)["kid"]].key


# -- There and back


def test_the_way_out_and_back(shop, browser, sender, number, clock):
    address, facts = walked(
        shop, browser, sender, number, state="s/1 &2", nonce="n-1", reference="order-1001", locale="en-US"
    )

    assert address == RETURN_URL
    assert facts["state"] == "s/1 &2"
    claims = redeemed(shop, facts["result"]).json
    assert claims | {"jti": ""} == {
        "iss": PUBLIC,
        "aud": "shop",
        "sub": number,
        "iat": int(clock()),
        "exp": int(clock()) + 60,
        "jti": "",
        "nonce": "n-1",
        "reference": "order-1001",
    }


def test_a_library_that_is_not_ours_reads_the_result_from_the_published_keys(shop, browser, sender, number, clock):
    _, facts = walked(shop, browser, sender, number)
    result = facts["result"]

    options: Any = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "aud", "iss", "jti", "nonce"]}
    claims = jwt.decode(
        result, key_of(browser, result), algorithms=["ES256"], audience="shop", issuer=PUBLIC, options=options
    )

    assert (claims["sub"], claims["exp"] - claims["iat"]) == (number, 60)
    assert jwt.get_unverified_header(result)["alg"] == "ES256"


def test_a_digest_instead_of_the_number_is_the_same_each_time_and_another_for_each_client(  # noqa: PLR0917
    shop, rival, app, sender, number, clock
):
    def subject(application, back):
        answer = application.post("/v1/sessions", {"return_url": back, "subject": "digest"})
        browser = app.test_client()
        asked(browser, answer.json["url"], number)
        _, facts = came_back(typed(browser, typed_token(sender)))
        clock.advance(120)
        return jwt.decode(facts["result"], options={"verify_signature": False})["sub"]

    first, again = subject(shop, RETURN_URL), subject(shop, RETURN_URL)
    other = subject(rival, "https://rival.example.com/back")

    assert first == again != other
    assert number not in first


def test_without_a_nonce_the_result_carries_the_id_of_the_session(shop, browser, sender, number):
    answer = shop.post("/v1/sessions", {"return_url": RETURN_URL})
    asked(browser, answer.json["url"], number)
    _, facts = came_back(typed(browser, typed_token(sender)))

    assert redeemed(shop, facts["result"]).json["nonce"] == answer.json["id"]


def test_a_query_that_is_there_already_stays(app, add_client, browser, sender, number):
    back = "https://shop.example.com/phone?step=2"
    shop = Application(app.test_client(), add_client("shop", return_urls=[back]))

    asked(browser, shop.post("/v1/sessions", {"return_url": back}).json["url"], number)
    address, facts = came_back(typed(browser, typed_token(sender)))

    assert address == "https://shop.example.com/phone"
    assert list(facts) == ["step", "result"]


@pytest.mark.parametrize(
    "path",
    ["", "?x", "/%7Ephone", "/a%2Fb%3Fc%23d", "/a/../b", "//a", "/%", "/%0d%0aX:y", "/a?x=%41&y=a+b%20c", "/?a=?b&"],
)
def test_the_way_back_is_the_registered_address_to_the_letter(app, add_client, browser, sender, number, path):  # noqa: PLR0917
    """Nothing on the way reads it and writes it anew."""
    back = f"https://shop.example.com{path}"
    shop = Application(app.test_client(), add_client("shop", return_urls=[back]))

    asked(browser, shop.post("/v1/sessions", {"return_url": back}).json["url"], number)
    way = typed(browser, typed_token(sender)).headers["Location"]

    assert re.fullmatch(re.escape(back) + "[?&]result=[A-Za-z0-9._-]+", way)


def test_only_the_form_that_leads_back_may_lead_there(shop, browser, sender, number):
    """Browsers hold the answer to a form against `form-action`; the page names the one origin more."""
    url = opened(shop)
    start = browser.get(urlsplit(url).path, **HOME)
    asked(browser, url, number)
    verify = browser.get("/verify", **HOME)
    miss = typed(browser, wrong(typed_token(sender)))

    assert "form-action 'self';" in start.headers["Content-Security-Policy"]
    for page in (verify, miss):
        assert "form-action 'self' https://shop.example.com;" in page.headers["Content-Security-Policy"]
        assert page.headers["Content-Security-Policy"].count("shop.example.com") == 1


def test_without_a_session_the_page_stands_alone(client, sender, number):
    client.post("/request", data={"phone": number}, **HOME)

    assert "form-action 'self';" in client.get("/verify", **HOME).headers["Content-Security-Policy"]
    assert "is confirmed" in typed(client, typed_token(sender)).text


def test_a_refresh_of_the_end_gives_the_same_result_until_it_is_too_late(shop, browser, sender, clock, number):
    _, facts = walked(shop, browser, sender, number)
    clock.advance(59)
    again = browser.get("/verify", **HOME)
    clock.advance(1)
    late = browser.get("/verify", **HOME)

    assert _claims(_link(again)["result"])["jti"] == _claims(facts["result"])["jti"]
    assert _claims(_link(again)["result"])["exp"] == _claims(facts["result"])["exp"]
    assert "result" not in _link(late)
    assert _link(late)["error"] == "late"


def test_a_double_click_at_the_end_leads_back_twice_with_one_result(shop, browser, sender, number):
    asked(browser, opened(shop, state="s"), number)
    form = fields(browser.get("/verify", **HOME).text) | {"token": typed_token(sender)}

    answers = [browser.post("/verify", data=form | change, **HOME) for change in ({}, {}, {"nonce": "other"})]

    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({_claims(came_back(answer)[1]["result"])["jti"] for answer in answers}) == 1


def test_another_number_after_a_typo_is_the_same_session(shop, browser, sender, numbers):
    asked(browser, opened(shop, state="s"), next(numbers))
    number = next(numbers)

    first_page = browser.post("/cancel", **HOME)
    start = browser.get(first_page.headers["Location"], **HOME)
    asked(browser, start.headers["Location"], number)
    _, facts = came_back(typed(browser, typed_token(sender)))

    assert redeemed(shop, facts["result"]).json["sub"] == number


def test_the_session_names_the_number_that_it_is_good_for(shop, browser, sender, numbers):
    """Else an attacker would type a victim's number to the application, and an own one to us."""
    mine, other = next(numbers), next(numbers)
    url = opened(shop, to=f"({mine[2:5]}) {mine[5:]}")

    page = browser.get(urlsplit(url).path, **HOME)
    swapped = asked(browser, url, other)
    messages = len(sender.messages)
    right = asked(browser, url, mine)

    assert fields(page.text)["phone"] == mine
    assert (swapped.status_code, messages) == (422, 0)
    assert fields(swapped.text)["phone"] == mine
    assert right.status_code == 303


def test_a_start_in_a_session_counts_for_its_client_and_for_the_persons_address(app, add_client, sender, numbers):
    shop = Application(app.test_client(), add_client("shop", return_urls=[RETURN_URL], quota=["1/3600"]))

    first = asked(app.test_client(), opened(shop), next(numbers))
    second = asked(app.test_client(), opened(shop), next(numbers))

    assert (first.status_code, second.status_code) == (303, 429)


def test_a_resend_in_a_session_counts_for_its_client_too(app, add_client, sender, number, clock):
    shop = Application(app.test_client(), add_client("shop", return_urls=[RETURN_URL], quota=["1/3600"]))
    browser = app.test_client()
    asked(browser, opened(shop), number)
    clock.advance(30)

    assert browser.post("/resend", **HOME).status_code == 429
    assert len(sender.messages) == 1


# -- What another site can do


def test_opening_the_address_changes_nothing(shop, browser, redis):
    """Neither in the store nor in the browser: a cross-site start gets a form, and no more."""
    url = opened(shop)
    before = {name: redis.dump(name) for name in redis.scan_iter()}

    answer = browser.get(urlsplit(url).path, headers={"Sec-Fetch-Site": "cross-site"}, **HOME)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert {name: redis.dump(name) for name in redis.scan_iter()} == before


def test_another_site_cannot_send_the_form(shop, rival, browser, sender, number):
    form = fields(browser.get(urlsplit(opened(shop)).path, **HOME).text) | {"phone": number}

    answer = browser.post("/request", data=form, headers={"Sec-Fetch-Site": "cross-site"}, **HOME)

    assert answer.status_code == 403
    assert sender.messages == []


def test_a_session_that_another_site_opens_does_not_take_over_the_one_that_is_under_way(
    shop, rival, browser, sender, number
):
    asked(browser, opened(shop, state="mine"), number)
    foreign = rival.post("/v1/sessions", {"return_url": "https://rival.example.com/back"}).json["url"]
    browser.get(urlsplit(foreign).path, headers={"Sec-Fetch-Site": "cross-site"}, **HOME)

    address, facts = came_back(typed(browser, typed_token(sender)))

    assert (address, facts["state"]) == (RETURN_URL, "mine")


def test_a_session_is_good_for_one_confirmed_number(shop, app, browser, sender, numbers):
    url = opened(shop)
    late = app.test_client()
    asked(late, url, next(numbers))
    late_token = typed_token(sender)
    asked(browser, url, next(numbers))
    assert typed(browser, typed_token(sender)).status_code == 303

    assert typed(late, late_token).status_code == 404
    assert app.test_client().get(urlsplit(url).path, **HOME).status_code == 404
    assert (
        app.test_client().post("/request", data={"phone": next(numbers), "session": url[-22:]}, **HOME).status_code
        == 404
    )


def test_a_session_ends_by_itself(shop, browser, clock):
    url = opened(shop)
    clock.advance(1800)

    assert browser.get(urlsplit(url).path, **HOME).status_code == 404


def test_a_session_ends_with_its_key(shop, browser, store, number):
    url = opened(shop)
    store.clients.revoke(shop.key[3:11])

    assert browser.get(urlsplit(url).path, **HOME).status_code == 404


@pytest.mark.parametrize("id_", ["x", "A" * 22, "%00", "..", "é"], ids=repr)
def test_what_is_no_session_is_not_found(browser, id_):
    assert browser.get(f"/start/{id_}", **HOME).status_code == 404


REDIRECTS = [
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
    "",
    "null",
]


@pytest.mark.parametrize("address", REDIRECTS, ids=[f"{place:02}" for place in range(len(REDIRECTS))])
def test_nobody_is_sent_to_an_address_that_is_not_registered_to_the_letter(shop, address):
    answer = shop.post("/v1/sessions", {"return_url": address})

    assert answer.status_code == 422
    assert answer.json["code"] in {"unknown_return_url", "invalid_field"}


def test_there_are_forty_of_them():
    assert len(set(REDIRECTS)) >= 40


def test_an_address_of_another_client_is_none_of_ours(shop, rival):
    assert rival.post("/v1/sessions", {"return_url": RETURN_URL}).json["code"] == "unknown_return_url"


def test_the_host_that_a_request_names_is_in_no_address(shop):
    answer = shop.client.post(
        "/v1/sessions",
        json={"return_url": RETURN_URL},
        headers={"Authorization": f"Bearer {shop.key}", "Host": "evil.example", "X-Forwarded-Host": "evil.example"},
    )

    assert answer.json["url"].startswith(f"{PUBLIC}/start/")


def test_without_a_public_address_there_are_no_sessions(make_app, store, add_client):
    lost = Application(make_app(store=store).test_client(), add_client("shop", return_urls=[RETURN_URL]))

    answer = lost.post("/v1/sessions", {"return_url": RETURN_URL})

    assert (answer.status_code, answer.json["code"]) == (503, "no_public_url")


# -- The result


@pytest.fixture
def result(shop, browser, sender, number):
    _, facts = walked(shop, browser, sender, number)
    return facts["result"]


def test_a_result_is_redeemed_once(shop, result):
    assert [redeemed(shop, result).status_code for _ in range(3)] == [200, 422, 422]


def test_a_redemption_whose_answer_was_lost_is_asked_for_again_by_its_key(shop, result):
    answers = [shop.post("/v1/results/redeem", {"result": result}, idempotency="r-1") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_redemption_that_was_not_finished_goes_on_with_its_key(shop, result, monkeypatch):
    """The replica died, or the store went away, after the result was used up and before its answer was kept."""
    with monkeypatch.context() as dying:
        dying.setattr("service.web.once.Reply.is_final", False)
        shop.post("/v1/results/redeem", {"result": result}, idempotency="r-1")

    assert shop.post("/v1/results/redeem", {"result": result}, idempotency="r-2").status_code == 422
    assert shop.post("/v1/results/redeem", {"result": result}, idempotency="r-1").status_code == 200


def test_a_result_is_for_its_audience_only_and_nobody_else_uses_it_up(shop, rival, result):
    foreign = redeemed(rival, result)

    assert (foreign.status_code, foreign.json["code"]) == (422, "result_rejected")
    assert redeemed(shop, result).status_code == 200


def test_a_result_is_good_for_a_minute(shop, result, clock):
    clock.advance(60)

    assert redeemed(shop, result).json["code"] == "result_rejected"


def test_a_result_is_good_until_the_minute_is_over(shop, result, clock):
    clock.advance(59)

    assert redeemed(shop, result).status_code == 200


def _claims(result):
    return parts(result)[1]


def _link(page):
    return dict(parse_qsl(page.text.split(RETURN_URL + "?")[1].split('"')[0].replace("&amp;", "&")))


def test_what_was_forged_is_refused_and_uses_nothing_up(shop, browser, result):
    forged = forgeries(result, browser.get("/.well-known/jwks.json", **HOME).json)

    answers = {kind: redeemed(shop, forgery) for kind, forgery in forged.items()}

    assert {kind: (answer.status_code, answer.json["code"]) for kind, answer in answers.items()} == dict.fromkeys(
        forged, (422, "result_rejected")
    )
    assert redeemed(shop, result).status_code == 200


@given(header=st.dictionaries(st.sampled_from(HEADER_NAMES), JSON, max_size=4))
def test_no_header_is_too_strange(shop, result, header):
    """Beside the right algorithm and key, so that it gets as far as possible."""
    (head, _), (_, claims, signature) = parts(result), result.split(".")

    answer = redeemed(shop, f"{encoded(head | header)}.{claims}.{signature}")

    assert answer.status_code in ({200, 422} if head | header == head else {422})


def test_every_changed_character_is_noticed(shop, result):
    """Each one of head, claims and signature, unless it stands for the same bytes."""
    for place in range(0, len(result), 7):
        letter = "A" if result[place] != "A" else "B"
        changed = result[:place] + letter + result[place + 1 :]
        if place != len(result) - 1:
            assert redeemed(shop, changed).status_code == 422, place


def test_a_library_that_is_not_ours_refuses_what_was_forged(browser, result):
    """As an application reads it: the key by its id, then the signature. `make examples` asks jose from npm as well."""
    published = browser.get("/.well-known/jwks.json", **HOME).json
    options: Any = {"verify_exp": False, "verify_iat": False}

    def read(one, audience="shop"):
        return jwt.decode(one, key_of(browser, one), algorithms=["ES256"], audience=audience, options=options)

    assert read(result)["aud"] == "shop"
    for forged in forgeries(result, published).values():
        with pytest.raises((jwt.PyJWTError, KeyError)):
            read(forged)
    with pytest.raises(jwt.InvalidAudienceError):
        read(result, audience="rival")


# -- Keys


def published(browser):
    """Return the ids of the published keys."""
    return [key["kid"] for key in browser.get("/.well-known/jwks.json", **HOME).json["keys"]]


def test_all_replicas_have_the_same_keys_and_publish_no_secret(make_app, store):
    sets = [make_app(store=store).test_client().get("/.well-known/jwks.json").json for _ in range(2)]

    assert sets[0] == sets[1]
    assert [set(key) for key in sets[0]["keys"]] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]


def test_a_result_outlives_a_change_of_the_secret_and_of_the_keys(make_app, store, keys, shop, result):
    """Its key is an earlier one now: still published, and still read."""
    changed = make_app(store=store, PUBLIC_URL=PUBLIC, SECRET_KEY="n" * 40, SECRET_KEY_FALLBACKS=(SECRET,))
    keys.rotate()

    assert jwt.get_unverified_header(result)["kid"] in published(changed.test_client())
    assert redeemed(Application(changed.test_client(), shop.key), result).status_code == 200


def test_a_replica_that_has_not_heard_of_a_new_key_publishes_it(browser, keys):
    published(browser)
    keys.rotate()

    assert jwt.get_unverified_header(Signer(keys).sign({"sub": "x"}))["kid"] in published(browser)


def test_a_replica_that_has_not_heard_of_a_new_key_reads_what_it_signed(shop, browser, keys, clock):
    published(browser)
    keys.rotate()
    claims = {"aud": "shop", "iat": int(clock()), "exp": int(clock()) + 60, "jti": "one", "nonce": "n"}

    assert redeemed(shop, Signer(keys).sign(claims)).status_code == 200


def test_without_the_store_the_keys_that_are_known_are_published(browser, store, monkeypatch):
    before = published(browser)
    monkeypatch.setattr(type(store.keyring), "read", GoneStore().keyring.read)

    assert published(browser) == before


def test_the_store_holds_no_number_and_no_address_of_a_session(shop, browser, sender, redis, number):
    walked(shop, browser, sender, number, to=number, state="state-1", reference="order-1001")

    notes = b" ".join(name + redis.get(name) for name in redis.keys("{tp}:i:*"))

    assert notes
    for fact in (number, "state-1", "order-1001", "shop.example.com"):
        assert fact.encode() not in notes
    assert {name for name in redis.scan_iter() if redis.ttl(name) < 0} == {b"{tp}:clients", b"{tp}:keyring"}


def test_a_key_that_is_revoked_on_the_way_leads_nobody_back(shop, browser, store, sender, number):
    """The number is confirmed, and the page says so; the application that was shut out learns nothing."""
    asked(browser, opened(shop), number)
    store.clients.revoke(shop.key[3:11])

    end = typed(browser, typed_token(sender))

    assert (end.status_code, "Location" in end.headers) == (200, False)
    assert "shop.example.com" not in end.text


def test_a_key_that_is_revoked_while_the_form_is_sent_starts_nothing(  # noqa: PLR0917
    make_app, shop, store, sender, number, monkeypatch
):
    url = opened(shop)
    looks = iter([store.clients.find(shop.key[3:11]), None])
    monkeypatch.setattr(type(store.clients), "find", lambda _self, _prefix: next(looks))
    late = make_app(store=store, PUBLIC_URL=PUBLIC).test_client()

    answer = late.post("/request", data={"phone": number, "session": url.rpartition("/")[2]}, **HOME)

    assert (answer.status_code, sender.messages) == (404, [])


def test_a_session_under_a_keyring_that_is_gone_is_gone(make_app, store, keys, shop):
    url = opened(shop)
    keys.discard()
    fresh = make_app(store=store, PUBLIC_URL=PUBLIC).test_client()
    published(fresh)

    assert fresh.get(urlsplit(url).path, **HOME).status_code == 404


def test_the_demo_has_sessions_without_a_public_address(make_app, store, add_client):
    """So that an application can be tried out on a developer's machine with `make run`."""
    demo = make_app(store=store, SENDER="demo", sender=None)
    shop = Application(demo.test_client(), add_client("shop", return_urls=[RETURN_URL]))

    assert opened(shop).startswith("http://localhost/start/")


# -- Pages that are for applications, or for nobody


def test_people_whom_an_application_sends_walk_the_whole_way_where_others_find_no_form(
    make_app, store, sender, add_client, number
):
    app = make_app(store=store, PUBLIC_URL=PUBLIC, PAGES="applications")
    shop, browser = Application(app.test_client(), add_client("shop", return_urls=[RETURN_URL])), app.test_client()

    address, facts = walked(shop, browser, sender, number)

    assert (address, "result" in facts) == (RETURN_URL, True)
    assert browser.get("/", **HOME).status_code == 404, "the session is over"
    assert browser.post("/request", data={"phone": number}, **HOME).status_code == 404
    assert len(sender.messages) == 1


def test_where_pages_are_off_no_session_is_opened(make_app, store, add_client):
    app = make_app(store=store, PUBLIC_URL=PUBLIC, PAGES="off")
    shop = Application(app.test_client(), add_client("shop", return_urls=[RETURN_URL]))

    answer = shop.post("/v1/sessions", {"return_url": RETURN_URL})

    assert (answer.status_code, answer.json["code"]) == (503, "no_public_url")
