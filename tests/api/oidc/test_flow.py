"""The OpenID Connect provider: out to our pages and back, with a code that is good once, for one application."""

from urllib.parse import parse_qsl, urlencode

import jwt
import pytest
from joserfc.jwk import ECKey, RSAKey

from service.web import oidc_keys
from tests.api.application import REDIRECT_URI
from tests.api.relying_party import HOME, PUBLIC, RelyingParty, asked, came_back, read, typed
from tests.conftest import SECRET
from tests.fakes import GoneStore, typed_token, wrong
from tests.support.http import fields


def test_the_way_out_and_back(shop, browser, walk, number, clock):
    address, facts = walk(shop, number=number, reference="order-1001", acr_values="sms")

    given = shop.exchanges(facts["code"])

    assert (address, facts["state"], facts["iss"]) == (REDIRECT_URI, "state-1", PUBLIC)
    assert given.status_code == 200, given.text
    assert given.headers["Cache-Control"] == "no-store"
    assert [given.json[name] for name in ("token_type", "expires_in", "scope")] == ["Bearer", 300, "openid phone"]
    claims = read(browser, given.json["id_token"])
    assert claims | {"sub": "", "at_hash": ""} == {
        "iss": PUBLIC,
        "aud": "shop",
        "sub": "",
        "iat": int(clock()),
        "exp": int(clock()) + 300,
        "auth_time": int(clock()),
        "nonce": "nonce-1",
        "amr": ["sms"],
        "acr": "sms",
        "at_hash": "",
        "reference": "order-1001",
        "phone_number": number,
        "phone_number_verified": True,
    }
    assert shop.asks_who(given.json["access_token"]).json == {
        name: claims[name] for name in ("sub", "phone_number", "phone_number_verified")
    }


def test_a_browser_may_send_the_request_as_a_form(shop, browser, sender, number):
    """From another site, as it must be."""
    begun = browser.post("/authorize", data=shop.asks(), headers={"Sec-Fetch-Site": "cross-site"}, **HOME)

    assert asked(browser, begun, number).status_code == 303


def test_without_the_scope_phone_nobody_is_told_the_number(shop, browser, walk, number):
    _, facts = walk(shop, number=number, scope="openid")

    given = shop.exchanges(facts["code"])

    assert given.json["scope"] == "openid"
    assert number not in str(read(browser, given.json["id_token"]))
    assert set(shop.asks_who(given.json["access_token"]).json) == {"sub"}


def test_the_operator_s_key_makes_the_name_of_a_number_where_there_is_one(make_app, store, shop, code):
    own = make_app(store=store, PUBLIC_URL=PUBLIC, SUBJECT_KEY="k" * 40).test_client()
    token = shop.exchanges(code).json["access_token"]

    assert shop.asks_who(token).json["sub"] != RelyingParty(own, "shop").asks_who(token).json["sub"]


def test_the_application_names_the_number_that_can_be_confirmed(shop, browser, sender, numbers):
    """Else somebody would type a victim's number to the application, and an own one to us."""
    mine, other = next(numbers), next(numbers)
    begun = shop.sends(browser, login_hint=f"({mine[2:5]}) {mine[5:]}")

    swapped = asked(browser, begun, other)
    messages = len(sender.messages)
    right = asked(browser, begun, mine)

    assert (swapped.status_code, messages) == (422, 0)
    assert fields(swapped.text)["phone"] == mine
    assert right.status_code == 303


def test_a_start_and_a_resend_count_for_the_application_and_for_the_person_s_address(app, add_client, clock, numbers):
    shop = RelyingParty(app.test_client(), "shop", add_client("shop", redirect_uris=(REDIRECT_URI,), quota=["1/3600"]))
    browser, other = app.test_client(), app.test_client()

    assert asked(browser, shop.sends(browser), next(numbers)).status_code == 303
    assert asked(other, shop.sends(other), next(numbers)).status_code == 429
    clock.advance(30)
    assert browser.post("/resend", **HOME).status_code == 429


def test_another_number_after_a_typo_is_the_same_request(shop, browser, sender, numbers):
    asked(browser, shop.sends(browser), next(numbers))
    number = next(numbers)

    asked(browser, browser.post("/cancel", **HOME), number)
    _, facts = came_back(typed(browser, typed_token(sender)))

    assert read(browser, shop.exchanges(facts["code"]).json["id_token"])["phone_number"] == number


def test_the_way_back_is_the_registered_address_to_the_letter(app, add_client, browser, sender, number):
    """Nothing on the way reads it and writes it anew."""
    back = "https://shop.example.com/%7Ea%2Fb/../c?x=%41&y=a+b%20c"
    shop = RelyingParty(app.test_client(), "shop", add_client("shop", redirect_uris=(back,)), back)
    asked(browser, shop.sends(browser), number)

    assert f'href="{back.replace("&", "&amp;")}' in browser.get("/verify", **HOME).text
    assert typed(browser, typed_token(sender)).headers["Location"].startswith(f"{back}&code=")


def test_a_refresh_of_the_end_leads_back_with_the_same_code_until_it_is_too_late(shop, browser, walk, clock):
    _, facts = walk(shop)
    clock.advance(59)
    again = browser.get("/verify", **HOME)
    clock.advance(1)
    late = browser.get("/verify", **HOME)

    assert _link(again)["code"] == facts["code"]
    assert (_link(late)["error"], _link(late)["state"], "code" in _link(late)) == ("access_denied", "state-1", False)


def test_a_double_click_at_the_end_leads_back_twice_with_one_code(shop, browser, sender, number):
    asked(browser, shop.sends(browser), number)
    form = fields(browser.get("/verify", **HOME).text) | {"token": typed_token(sender)}

    answers = [browser.post("/verify", data=form | change, **HOME) for change in ({}, {}, {"nonce": "other"})]

    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({came_back(answer)[1]["code"] for answer in answers}) == 1


def _link(page):
    return dict(parse_qsl(page.text.split(REDIRECT_URI + "?")[1].split('"')[0].replace("&amp;", "&")))


def test_only_the_form_that_leads_back_may_lead_to_another_host(shop, browser, sender, number):
    """Browsers hold the answer to a form, and where that leads on to, against `form-action`."""
    begun = shop.sends(browser)
    start = browser.get(begun.headers["Location"], **HOME)
    asked(browser, begun, number)
    verify = browser.get("/verify", **HOME)
    miss = typed(browser, wrong(typed_token(sender)))

    assert "form-action 'self';" in start.headers["Content-Security-Policy"]
    for page in (verify, miss):
        assert "form-action 'self' https:;" in page.headers["Content-Security-Policy"]


def test_the_longest_request_fits_into_a_cookie_and_a_form(shop, browser, sender, number):
    """A browser drops a cookie that has more than 4,096 bytes, name and value (RFC 6265, 6.1)."""
    fits = lambda size: "error" not in shop.sends(browser, state="s" * size).headers["Location"]  # noqa: E731
    longest = next(filter(fits, range(2600, 0, -20)))

    sent = asked(browser, shop.sends(browser, state="s" * longest), number)
    _, facts = came_back(typed(browser, typed_token(sender)))

    assert longest > 1500
    assert len(sent.headers["Set-Cookie"].split(";")[0]) < 4096
    assert facts["state"] == "s" * longest


# -- The way out for who does not want to


DENIED = f"{REDIRECT_URI}?error=access_denied&amp;state=state-1&amp;iss=https%3A%2F%2Fverify.example.com"


@pytest.mark.parametrize(
    ("cancel", "address"), [("", DENIED), ("https://shop.example.com/cart", "https://shop.example.com/cart")]
)
def test_every_page_has_a_way_back_to_the_application(  # noqa: PLR0917
    app, add_client, browser, sender, number, cancel, address
):
    key = add_client("shop", redirect_uris=(REDIRECT_URI,), brand="Shop & Co", cancel_uri=cancel)
    shop = RelyingParty(app.test_client(), "shop", key)
    begun = shop.sends(browser)
    pages = [browser.get(begun.headers["Location"], **HOME), asked(browser, begun, "12")]
    asked(browser, begun, number)
    pages.append(browser.get("/verify", **HOME))
    pages += [typed(browser, wrong(typed_token(sender))) for _ in range(5)]
    pages.append(browser.get("/verify", **HOME))

    assert [page.status_code for page in pages] == [200, 422, 200, *[422] * 5, 429]
    for page in pages:
        assert f'href="{address}" rel="noreferrer">Back to Shop &amp; Co<' in page.text
        assert "– Shop &amp; Co</title>" in page.text
    assert " is your Shop & Co code." in sender.messages[-1].text


def test_who_comes_alone_sees_no_application(client, browser, shop):
    browser.get(shop.sends(browser).headers["Location"], **HOME)

    assert 'rel="noreferrer"' not in browser.get("/", **HOME).text


# -- What another site can do


def test_opening_the_address_changes_nothing(shop, browser, redis):
    """Neither in the store nor in the browser: a cross-site start gets a form, which another site cannot send."""
    before = {name: redis.dump(name) for name in redis.scan_iter()}

    begun = browser.get(f"/authorize?{urlencode(shop.asks())}", headers={"Sec-Fetch-Site": "cross-site"}, **HOME)
    page = browser.get(begun.headers["Location"], headers={"Sec-Fetch-Site": "cross-site"}, **HOME)
    sent = browser.post("/request", data=fields(page.text), headers={"Sec-Fetch-Site": "cross-site"}, **HOME)

    assert (begun.status_code, page.status_code, sent.status_code) == (303, 200, 403)
    assert not any("Set-Cookie" in answer.headers for answer in (begun, page, sent))
    assert {name: redis.dump(name) for name in redis.scan_iter()} == before


def test_a_request_that_another_site_opens_does_not_take_over_the_one_that_is_under_way(
    shop, rival, browser, sender, number
):
    asked(browser, shop.sends(browser, state="mine"), number)
    browser.get(rival.sends(browser).headers["Location"], headers={"Sec-Fetch-Site": "cross-site"}, **HOME)

    address, facts = came_back(typed(browser, typed_token(sender)))

    assert (address, facts["state"]) == (REDIRECT_URI, "mine")


def test_a_request_is_good_for_one_confirmed_number(shop, app, browser, sender, numbers):
    begun, late = shop.sends(browser), app.test_client()
    asked(late, begun, next(numbers))
    late_token = typed_token(sender)
    asked(browser, begun, next(numbers))
    assert typed(browser, typed_token(sender)).status_code == 303

    refused = typed(late, late_token)

    assert (refused.status_code, "Location" in refused.headers) == (404, False)
    assert app.test_client().get(begun.headers["Location"], **HOME).status_code == 404


def test_a_request_ends_by_itself(shop, browser, clock):
    begun = shop.sends(browser)
    clock.advance(1800)

    sealed = begun.headers["Location"].partition("=")[2]
    assert browser.get(begun.headers["Location"], **HOME).status_code == 404
    assert browser.post("/request", data={"phone": "12", "authorization": sealed}, **HOME).status_code == 404


def test_what_was_not_sealed_here_is_none(browser):
    for sealed in ("", "x", "A" * 200, "%00", "é"):
        assert browser.get(f"/start?authorization={sealed}", **HOME).status_code == 404


def _revoke(shop, store, add_client):
    store.clients.revoke(shop.key[3:11])


def _move(shop, store, add_client):
    """It is still there, and nobody goes back to that address of it."""
    add_client("shop", redirect_uris=("https://shop.example.com/new",))
    store.clients.revoke(shop.key[3:11])


@pytest.mark.parametrize("end", [_revoke, _move])
def test_nobody_is_led_back_to_an_application_that_was_revoked_on_the_way(  # noqa: PLR0917
    shop, browser, app, add_client, store, sender, numbers, end
):
    """Neither with a code, nor by a link; and nothing is sent for it."""
    begun, done = shop.sends(browser), app.test_client()
    asked(done, shop.sends(done), next(numbers))
    typed(done, typed_token(sender))
    asked(browser, begun, next(numbers))
    phone = fields(app.test_client().get(begun.headers["Location"], **HOME).text) | {"phone": next(numbers)}
    token = fields(browser.get("/verify", **HOME).text) | {"token": typed_token(sender)}
    end(shop, store, add_client)

    pages = [
        browser.get(begun.headers["Location"], **HOME),
        app.test_client().post("/request", data=phone, **HOME),
        browser.get("/verify", **HOME),
        browser.post("/verify", data=token, **HOME),
        browser.post("/verify", data={"token": token["token"], "verification": "another tab's"}, **HOME),
        browser.post("/resend", **HOME),
        done.get("/verify", **HOME),
    ]

    for page in pages:
        assert (page.status_code, "Location" in page.headers) == (404, False)
        assert "This link no longer works" in page.text
        assert "shop.example.com" not in page.text
    assert len(sender.messages) == 2
    assert browser.get("/", **HOME).status_code == 200, "without the application they can go on"


def test_a_store_that_goes_away_at_the_end_costs_no_code(  # noqa: PLR0917
    shop, browser, store, sender, number, monkeypatch
):
    """The number is confirmed, the answer is not written down: the same form again leads back."""
    asked(browser, shop.sends(browser), number)
    form = fields(browser.get("/verify", **HOME).text) | {"token": typed_token(sender)}
    with monkeypatch.context() as gone:
        gone.setattr(type(store.notes), "claim", GoneStore().notes.claim)
        again = browser.post("/verify", data=form, **HOME)

    assert again.status_code == 503
    assert "form-action 'self' https:;" in again.headers["Content-Security-Policy"], "the form may lead back"
    assert "code" in came_back(browser.post("/verify", data=form, **HOME))[1]


def test_no_log_line_has_a_secret(shop, walk, number, caplog):
    caplog.set_level("DEBUG")
    _, facts = walk(shop, number=number, login_hint=number)
    given = shop.exchanges(facts["code"]).json
    shop.exchanges(facts["code"])
    shop.exchanges("wrong", headers={}, client_secret=shop.key[:-1] + "_")
    shop.exchanges("wrong", headers={}, client_id=shop.key)
    shop.asks_who(given["access_token"])

    shown = caplog.text + repr([vars(record) for record in caplog.records])

    assert "code_refused" in shown
    for fact in (number, facts["code"], given["access_token"], given["id_token"], shop.key[12:40], shop.verifier):
        assert fact not in shown


# -- What libraries read


def test_discovery_says_what_is_there(browser):
    said = browser.get("/.well-known/openid-configuration", **HOME)

    assert said.json["issuer"] == PUBLIC
    for name in ("authorization", "token", "userinfo", "pushed_authorization_request"):
        path = said.json[f"{name}_endpoint"].removeprefix(PUBLIC)
        assert browser.open(path, method="OPTIONS", **HOME).status_code == 200
    assert said.json["request_uri_parameter_supported"] is False, "it is true where it is not said"
    assert said.headers["Cache-Control"] == "public, max-age=300"


def test_the_demo_is_whatever_host_asks(make_app, store):
    demo = make_app(store=store, SENDER="demo", sender=None).test_client()

    assert demo.get("/.well-known/openid-configuration", base_url="http://lan:8000").json["issuer"] == "http://lan:8000"


def test_without_a_public_address_there_is_no_provider(make_app, store, shop):
    lost = make_app(store=store).test_client()

    assert lost.get("/authorize", query_string=shop.asks()).status_code == 503
    assert lost.get("/.well-known/openid-configuration").json["error"] == "temporarily_unavailable"


@pytest.mark.parametrize("path", ["/token", "/par", "/userinfo", "/.well-known/jwks.json"])
def test_applications_in_browsers_may_call(browser, path):
    asks = {"Origin": "https://spa.example.com", "Access-Control-Request-Headers": "authorization,content-type"}
    before = browser.open(path, method="OPTIONS", headers=asks, **HOME)
    answer = browser.open(path, method="GET" if "well" in path else "POST", headers=asks, **HOME)

    assert "Authorization" in before.headers["Access-Control-Allow-Headers"]
    for one in (before, answer):
        assert one.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in one.headers


def test_pages_may_not_be_read_by_other_sites(browser, shop):
    begun = shop.sends(browser)

    for page in (begun, browser.get(begun.headers["Location"], **HOME)):
        assert "Access-Control-Allow-Origin" not in page.headers


@pytest.mark.parametrize("pages", ["applications", "off"])
def test_pages_that_are_for_applications_are_there_for_them(make_app, store, shop, number, pages):
    browser = make_app(store=store, PUBLIC_URL=PUBLIC, PAGES=pages).test_client()

    if pages == "off":
        assert shop.sends(browser).status_code == 404
        return
    assert asked(browser, shop.sends(browser), number).status_code == 303


# -- Keys


def kids(browser):
    return [key["kid"] for key in browser.get("/.well-known/jwks.json", **HOME).json["keys"]]


def signed(browser, shop, walk):
    _, facts = walk(shop)
    return jwt.get_unverified_header(shop.exchanges(facts["code"]).json["id_token"])


def test_an_application_chooses_how_its_tokens_are_signed(add_client, shop, browser, walk):
    assert signed(browser, shop, walk)["alg"] == "RS256"
    add_client("shop", algorithm="ES256")

    _, facts = walk(shop)

    assert read(browser, shop.exchanges(facts["code"]).json["id_token"])["aud"] == "shop"
    assert signed(browser, shop, walk)["alg"] == "ES256"


def test_all_replicas_have_the_same_keys_and_publish_no_secret(make_app, store):
    sets = [make_app(store=store).test_client().get("/.well-known/jwks.json").json["keys"] for _ in range(2)]

    assert sets[0] == sets[1]
    assert [set(key) for key in sets[0]] == [
        {"kty", "n", "e", "kid", "use", "alg"},
        {"kty", "crv", "x", "y", "kid", "use", "alg"},
    ]


@pytest.fixture
def signing(store, keys, clock, monkeypatch):
    """The signing keys as the operator's command has them; each time new ones are made."""
    monkeypatch.undo()
    return oidc_keys.SigningKeys(store.signing, keys, clock=clock)


def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(make_app, store, signing, clock):
    """By a replica that has not heard of it yet as well."""
    browser = make_app(store=store, PUBLIC_URL=PUBLIC).test_client()
    old = kids(browser)
    signing.rotate()

    assert (len(kids(browser)), set(kids(browser)) > set(old)) == (4, True)
    head = {"typ": "JWT", "alg": "RS256", "kid": old[0]}
    assert jwt.get_unverified_header(signing.sign({}, "RS256")) == head
    clock.advance(60)
    assert jwt.get_unverified_header(signing.sign({}, "RS256"))["kid"] not in old
    clock.advance(3599)
    assert len(kids(browser)) == 4
    clock.advance(1)
    assert set(kids(browser)).isdisjoint(old)


def test_rotation_after_rotation_keeps_what_still_signs(signing, clock):
    signing.prepare()
    for _ in range(3):
        signing.rotate()
        clock.advance(20)
        kid = jwt.get_unverified_header(signing.sign({}, "ES256"))["kid"]
        assert kid in [key["kid"] for key in signing.published()["keys"]]


def test_two_that_make_keys_at_once_end_with_the_same(store, keys, clock, signing, monkeypatch):
    other = oidc_keys.SigningKeys(store.signing, keys, clock=clock)
    made = oidc_keys.made
    kept: list[bool] = []

    def slowly():
        if not kept:
            kept.append(True)
            other.prepare()  # meanwhile
        return made()

    monkeypatch.setattr(oidc_keys, "made", slowly)

    assert signing.published() == other.published()


def test_keys_outlive_a_rotation_of_the_keyring_and_the_loss_of_the_store(store, keys, redis, signing, clock):
    before = signing.published()
    for _ in range(12):
        keys.rotate()
    fresh = oidc_keys.SigningKeys(store.signing, keys, clock=clock)
    assert fresh.published() == before

    redis.flushall()

    assert signing.published() == before
    assert oidc_keys.SigningKeys(store.signing, keys, clock=clock).published() == before


def test_keys_under_a_keyring_that_is_gone_are_made_anew(store, keys, redis, signing, clock):
    before = signing.published()
    redis.delete("{tp}:keyring")
    fresh_keys = type(keys)(store.keyring, [SECRET], prefix="tp")
    fresh_keys()

    fresh = oidc_keys.SigningKeys(store.signing, fresh_keys, clock=clock)

    assert fresh.published() != before


def test_without_the_store_the_keys_that_are_known_are_published(browser, store, monkeypatch):
    before = kids(browser)
    monkeypatch.setattr(type(store.signing), "read", GoneStore().signing.read)

    assert kids(browser) == before


def test_the_operator_s_own_keys_sign_and_earlier_ones_are_published(make_app, store, shop, walk):
    new, old, curve = RSAKey.generate_key(2048), RSAKey.generate_key(2048), ECKey.generate_key("P-256")
    pems = "".join(key.as_pem(private=True).decode() for key in (new, old, curve))
    app = make_app(store=store, PUBLIC_URL=PUBLIC, SIGNING_KEY=pems)

    assert kids(app.test_client()) == [key.thumbprint() for key in (new, old, curve)]
    assert store.signing.read() == {}
