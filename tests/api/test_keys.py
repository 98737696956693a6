"""Client keys: 256 bits, shown once, known by a digest, dead everywhere as soon as they are revoked."""

import hmac
import logging
import re

import pytest
from click.testing import CliRunner

from service.__main__ import main
from service.app import create_app
from service.commands.keys import ClientKeys, NotPossible
from service.config import Settings
from service.verification import clients
from service.verification.clients import as_one, is_name, is_redirect_uri, new_key, proven
from tests.api.application import REDIRECT_URI, Application
from tests.conftest import our_own_logging
from tests.fakes import GoneStore

START = "/v1/verifications"
CLIENTS = "{tp}:clients"
FORM = re.compile(r"tp_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def textproof(store, keys, settings, monkeypatch):
    """The command, on the store of this test."""
    monkeypatch.setattr("service.__main__.settings_or_say", settings)
    monkeypatch.setattr("service.__main__.redis_store", lambda _settings: store)
    monkeypatch.setattr("service.__main__.keys_of", lambda _settings, _store: keys)
    return lambda *words: CliRunner().invoke(main, ["keys", *words])


# -- The command


def test_a_key_is_the_last_line_of_what_add_says_and_works(textproof, app, number):
    said = textproof("add", "shop")
    key = said.output.splitlines()[-1]

    assert said.exit_code == 0
    assert FORM.fullmatch(key)
    assert Application(app.test_client(), key).post(START, {"to": number}).status_code == 201


def test_the_list_shows_everything_but_the_key(textproof):
    key = textproof(
        "add", "shop", "--region", "us", "--redirect-uri", REDIRECT_URI, "--quota", "100/3600"
    ).output.split()[-1]

    listed = textproof("list").output

    assert key[:11] in listed
    assert key[12:] not in listed
    assert all(fact in listed for fact in ("shop", "US", REDIRECT_URI, "100/3600"))


def test_all_keys_of_a_name_are_revoked_by_the_name_and_one_by_its_prefix(textproof, app):
    keys = [textproof("add", "shop").output.split()[-1] for _ in range(3)]
    applications = [Application(app.test_client(), key) for key in keys]

    textproof("revoke", keys[0][:11])
    after_one = [application.get(f"{START}/x").status_code for application in applications]
    textproof("revoke", "shop")
    after_all = [application.get(f"{START}/x").status_code for application in applications]

    assert after_one == [401, 404, 404]
    assert after_all == [401, 401, 401]


def test_revoking_what_is_not_there_says_so(textproof):
    said = textproof("revoke", "nobody")

    assert said.exit_code == 1
    assert "no key of nobody" in said.output


def test_an_empty_list_says_how_to_begin(textproof):
    assert "keys add" in textproof("list").output


@pytest.mark.parametrize(
    "words",
    [
        ["Shop"],
        ["-shop"],
        ["a b"],
        ["x" * 33],
        ["shop", "--region", "UK"],
        ["shop", "--region", "Utopia"],
        ["shop", "--quota", "many"],
        ["shop", "--redirect-uri", "http://shop.example.com/"],
        ["shop", "--redirect-uri", "shop.example.com"],
        ["shop", "--redirect-uri", "myapp:/callback"],
        ["shop", "--redirect-uri", REDIRECT_URI, "--post-cancel-uri", "http://shop.example.com/"],
        ["shop", "--redirect-uri", REDIRECT_URI, "--alg", "HS256"],
        ["shop", "--redirect-uri", REDIRECT_URI, "--alg", "none"],
        ["shop", "--brand", "Łódź"],
        ["shop", "--brand", "x" * 31],
        ["shop", "--public"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_refused_in_words(textproof, store, words):
    said = textproof("add", *words)

    assert said.exit_code != 0
    assert "Traceback" not in said.output
    assert store.clients.all() == []


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("https://shop.example.com/phone", True),
        ("https://shop.example.com", True),
        ("https://shop.example.com:8443/a?b=c", True),
        ("http://localhost:3000/back", True),
        ("http://127.0.0.1/back", True),
        ("http://[::1]:3000/back", True),
        ("http://shop.example.com/", False),
        ("http://localhost.evil.example/", False),
        ("https://user@shop.example.com/", False),
        ("https://shop.example.com/#x", False),
        ("https://shop.example.com/a b", False),
        ("https://shop.example.com;script-src/", False),
        ("https://*/", False),
        ("https://shop.example.com:port/", False),
        ("https://[::1/", False),
        ("https:///path", False),
        ("//shop.example.com/", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://shop.example.com\\@evil.example/", False),
        ("https://shöp.example.com/", False),
        ("https://shop.example.com/\n", False),
        ("https://shop.example.com/" + "a" * 500, False),
        ("", False),
    ],
)
def test_people_are_sent_back_to_https_or_to_the_developers_own_machine(address, fits):
    assert is_redirect_uri(address) is fits


def test_names_are_short_and_plain():
    assert all(is_name(name) for name in ("a", "shop", "shop-2", "web_shop", "x" * 32))
    assert not any(is_name(name) for name in ("", "-", "a-", "Shop", "a.b", "a b", "é", "x" * 33, "shop\n"))


def test_a_client_of_openid_connect_has_all_that_was_said(textproof, store):
    words = ["--redirect-uri", REDIRECT_URI, "--redirect-uri", "http://localhost:3000/cb", "--brand", "Shop"]
    said = textproof("add", "shop", *words, "--post-cancel-uri", "https://shop.example.com/", "--alg", "ES256")

    (client,) = store.clients.all()

    assert FORM.fullmatch(said.output.splitlines()[-1])
    assert client.redirect_uris == (REDIRECT_URI, "http://localhost:3000/cb")
    assert (client.brand, client.cancel_uri, client.algorithm) == ("Shop", "https://shop.example.com/", "ES256")
    assert "SUBJECT_KEY is not set" in said.output
    assert store.signing.read(), "nobody has to wait for an RSA key later"
    listed = textproof("list").output
    assert all(fact in listed for fact in ("ES256", "Shop", "http://localhost:3000/cb"))


def test_another_key_has_what_the_newest_has_unless_it_is_said_anew(textproof, store):
    """And people may go back to where either says, so that an address is changed without a gap."""
    first = textproof(
        "add", "shop", "--redirect-uri", REDIRECT_URI, "--brand", "Shop", "--alg", "ES256"
    ).output.split()[-1]
    textproof("add", "shop", "--redirect-uri", "https://new.example.com/cb", "--brand", "New")
    textproof("add", "shop")

    client = as_one(store.clients.named("shop"))
    assert client is not None
    assert (client.redirect_uris, client.brand, client.algorithm) == (
        (REDIRECT_URI, "https://new.example.com/cb"),
        "New",
        "ES256",
    )
    textproof("revoke", first[:11])
    left = {uri for key in store.clients.named("shop") for uri in key.redirect_uris}
    assert left == {"https://new.example.com/cb"}


def test_a_public_application_has_no_key_and_cannot_have_one(textproof, store, app, number):
    said = textproof("add", "spa", "--public", "--redirect-uri", REDIRECT_URI)

    assert said.output.splitlines()[-1] == "spa"
    assert Application(app.test_client(), "spa").post(START, {"to": number}).status_code == 401
    assert textproof("add", "shop", "--redirect-uri", REDIRECT_URI).exit_code == 0
    assert "would be public" in textproof("add", "shop", "--public").output
    assert "public" in textproof("list").output


def test_a_brand_that_makes_the_message_two_is_refused_in_words(store, settings, clock):
    long = settings(
        PUBLIC_URL="https://verification-of-phone-numbers-for-all-of-our-shops.example.com", TOKEN_LENGTH=10
    )

    with pytest.raises(NotPossible, match="longer than one text message in "):
        ClientKeys(store, long).add("shop", now=clock(), brand="A name of thirty characters xx")

    assert store.clients.all() == []


def test_new_signing_keys_are_made_by_a_command(textproof, store):
    textproof("add", "shop", "--redirect-uri", REDIRECT_URI)
    before = store.signing.read()

    assert "They sign in a minute" in textproof("rotate-signing").output
    assert store.signing.read() != before


# -- The key


def test_a_key_has_256_bits_and_no_two_are_alike():
    keys = [new_key()[0] for _ in range(2000)]

    assert len({key[12:] for key in keys}) == 2000
    assert clients.SECRET_BYTES * 8 == 256


def test_a_prefix_that_is_taken_is_not_given_twice(store, clock, monkeypatch):
    taken = iter(["00000000", "00000000", "11111111"])
    monkeypatch.setattr("service.verification.clients.secrets.token_hex", lambda _bytes: next(taken))
    keys = ClientKeys(store)

    made = [keys.add(name, now=clock()) for name in ("one", "two")]

    assert [key[3:11] for key in made] == ["00000000", "11111111"]


def test_the_store_has_a_digest_and_not_the_key(redis, add_client):
    key = add_client("shop")

    ((prefix, line),) = redis.hgetall(CLIENTS).items()

    assert prefix.decode() == key[3:11]
    assert key[12:].encode() not in line
    assert redis.ttl(CLIENTS) == -1


# -- Who is let in


def bad_keys(key):
    other = "B" if key[-1] != "B" else "C"
    return {
        "none": None,
        "empty": "Bearer ",
        "no-scheme": key,
        "basic": f"Basic {key}",
        "short": f"Bearer {key[:-1]}",
        "long": f"Bearer {key}A",
        "wrong-secret": f"Bearer {key[:-1]}{other}",
        "wrong-prefix": f"Bearer tp_{'0' * 8}{key[11:]}",
        "case": f"Bearer {key.upper()}",
        "two": f"Bearer {key} {key}",
        "accent": f"Bearer {key[:-1]}é",
        "prefix-only": f"Bearer {key[:11]}",
    }


@pytest.mark.parametrize("kind", list(bad_keys("x" * 55)))
def test_whoever_has_no_valid_key_gets_one_and_the_same_401(app, add_client, sender, number, kind):
    header = bad_keys(add_client("shop"))[kind]

    answer = app.test_client().post(START, json={"to": number}, headers={"Authorization": header} if header else {})

    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (
        answer.json["detail"]
        == "Send `Authorization: Bearer <key>` with a key that `textproof keys add` made and nobody has revoked."
    )
    assert sender.messages == []


def test_the_scheme_is_written_in_any_case(app, add_client, number):
    key = add_client("shop")

    assert (
        app.test_client().post(START, json={"to": number}, headers={"Authorization": f"bearer {key}"}).status_code
        == 201
    )


@pytest.mark.parametrize("path", [START, f"{START}/x/check"])
def test_the_key_is_asked_for_before_the_body_is_read(client, path):
    assert client.post(path, data=b"[" * 4000, content_type="text/plain").status_code == 401


def test_an_unknown_key_takes_the_same_steps_as_a_wrong_one(store, app, add_client, number, monkeypatch):
    """One look-up and one comparison of equal length each: there is nothing in it to be measured."""
    key = add_client("shop")
    steps: list[object] = []
    look, compare = store.clients.find, hmac.compare_digest

    def watched_look(_self, prefix):
        steps.append("look")
        return look(prefix)

    def watched_compare(one, other):
        steps.append(("compare", len(one), len(other)))
        return compare(one, other)

    def taken(header):
        steps.clear()
        assert Application(app.test_client(), header).post(START, {"to": number}).status_code == 401
        return list(steps)

    monkeypatch.setattr(type(store.clients), "find", watched_look)
    monkeypatch.setattr(hmac, "compare_digest", watched_compare)

    wrong = taken(key[:-2] + ("AB" if key[-2:] != "AB" else "BA"))
    unknown = taken(f"tp_{'0' * 8}{key[11:]}")

    assert wrong == unknown == ["look", ("compare", 64, 64)]


def test_nobodys_digest_is_that_of_no_key():
    assert not proven(None, new_key()[0])
    assert not proven(None, "")


def test_no_key_is_in_a_log_or_an_answer(app, add_client, number, caplog):
    caplog.set_level(logging.DEBUG)
    key = add_client("shop")
    shop = Application(app.test_client(), key)
    answers = [
        shop.post(START, {"to": number}),
        shop.get(f"{START}/x"),
        shop.raw(START, b"{"),
    ]
    answers += [Application(app.test_client(), key[:-1] + "_").post(START, {"to": number})]

    shown = caplog.text + repr([vars(record) for record in caplog.records])
    shown += "".join(answer.text + str(answer.headers) for answer in answers)

    assert "client_refused" in shown
    assert key[12:40] not in shown


def test_what_cannot_be_is_said_by_itself(store):
    with pytest.raises(NotPossible, match="ISO 3166"):
        ClientKeys(store).add("shop", regions=["XX"], now=0)


# -- Keys say that a service is for real


def test_a_service_with_keys_and_without_a_sender_does_not_start_as_the_demo(store, add_client):
    """Everybody would read every code; a missing config.cfg must not do that."""
    with our_own_logging():
        assert create_app(Settings(), store=store).test_client().get("/demo").status_code == 200
        add_client("shop")
        with pytest.raises(SystemExit, match="keys of applications in Redis say that this service is for real"):
            create_app(Settings(), store=store)
        assert create_app(Settings(SENDER="demo"), store=store).test_client().get("/demo").status_code == 200


def test_where_nobody_knows_whether_there_are_keys_the_demo_has_to_be_named(store):
    with our_own_logging(), pytest.raises(SystemExit, match="nobody knows whether this service is for real"):
        create_app(Settings(), store=GoneStore())
