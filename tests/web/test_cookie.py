"""The cookie binds a browser to its verification: signed, opaque, and good for nothing else."""

import time
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner

from tests.fakes import typed_token
from tests.web.steps import ask, begin, check

HTTPS = "https://verify.example.com"
PLAIN, HOST = "textproof", "__Host-textproof"
OLD, NEW = (f"the {age} secret, of the length that is asked for" for age in ("old", "new"))


def set_by(answer):
    """Return the one cookie that an answer sets."""
    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    return cookie


def signed(key, id_, *, at=None):
    """Return a cookie value as the service makes it, or as it made it earlier."""

    class Signer(TimestampSigner):
        def get_timestamp(self):
            return int(at or time.time())

    return Signer(key, salt=b"textproof", key_derivation="none").sign(id_).decode()


@pytest.mark.parametrize(
    ("public_url", "key", "is_secure"), [("", PLAIN, ""), ("http://localhost:8000", PLAIN, ""), (HTTPS, HOST, True)]
)
def test_the_cookie_is_closed_to_scripts_and_with_https_for_this_host_only(
    make_app, number, public_url, key, is_secure
):
    """`__Host-`: browsers take it only with Secure, Path=/ and without Domain, and no neighbour can set it."""
    cookie = set_by(ask(make_app(PUBLIC_URL=public_url).test_client(), number))

    assert (cookie.key, cookie["secure"]) == (key, is_secure)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")


def test_the_cookie_outlives_the_code_and_not_the_day(client, number):
    """So that a late visitor is told that the code has expired, and a shared computer forgets."""
    assert 600 < int(set_by(ask(client, number))["max-age"]) <= 3600


def test_the_cookie_holds_the_id_and_nothing_else(client, sender, keyring, number):
    answer = ask(client, number)
    id_, stamp, signature = set_by(answer).value.split(".")

    assert keyring.opened(id_).number.e164 == number
    assert len(stamp) <= 8
    assert len(signature) <= 44
    assert number[-4:] not in id_
    assert sender.messages[0].text.split()[0] not in answer.headers["Set-Cookie"]


def test_only_the_start_sets_a_cookie(client, sender, number):
    token = begin(client, sender, number)

    answers = [client.get("/"), client.get("/verify"), client.get("/verify/status"), check(client, token)]

    assert [answer.headers.get("Set-Cookie") for answer in answers] == [None] * 4


def test_a_change_of_the_number_leaves_no_verification_in_the_cookie(client, sender, number):
    """Only which one was given up, to show its number in the form once more."""
    begin(client, sender, number)
    client.post("/cancel")

    assert client.get_cookie(PLAIN).value.startswith("~~")
    assert client.get("/verify/status").status_code == 404


def test_a_change_after_the_end_takes_the_cookie_away(make_app, sender, number):
    client = make_app(PUBLIC_URL=HTTPS).test_client()
    client.post("/request", data={"phone": number}, base_url=HTTPS)
    client.post("/verify", data={"token": typed_token(sender)}, base_url=HTTPS)

    cookie = set_by(client.post("/cancel", base_url=HTTPS))

    assert (cookie.key, cookie.value, cookie["max-age"]) == (HOST, "", "0")
    assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")


def test_with_https_the_plain_cookie_is_not_believed(make_app, client, sender, number):
    """A neighbour on another subdomain can set that one."""
    begin(client, sender, number)
    https = make_app(PUBLIC_URL=HTTPS).test_client()
    https.set_cookie(PLAIN, client.get_cookie(PLAIN).value)

    assert https.get("/verify").location == "/"


# -- A cookie that is not ours


@pytest.fixture
def genuine(client, sender, number):
    begin(client, sender, number)
    return client.get_cookie(PLAIN).value


def altered(value, part, position):
    """Return the cookie with one character changed: of the id (0), the time (1) or the signature (2)."""
    parts = value.split(".")
    letter = parts[part][position]
    parts[part] = parts[part][:position] + ("A" if letter != "A" else "B") + parts[part][position + 1 :]
    return ".".join(parts)


FORGED = {
    "empty": lambda value: "",
    "only-the-id": lambda value: value.split(".")[0],
    "without-signature": lambda value: value.rpartition(".")[0],
    "without-time": lambda value: ".".join(value.split(".")[::2]),
    "twice": lambda value: value + value,
    "another-id": lambda value: altered(value, 0, 0),
    "another-number": lambda value: altered(value, 0, 25),
    "another-key": lambda value: altered(value, 0, 61),
    "another-time": lambda value: altered(value, 1, 3),
    "another-signature": lambda value: altered(value, 2, 0),
    "nul": lambda value: value + "\x00",
    "quotes": lambda value: f'"{value}.."',
    "not-ascii": lambda value: f"é{value}",
    "of-somebody-elses-secret": lambda value: signed(b"somebody else's secret", value.split(".")[0]),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_cookie_that_is_not_ours_is_no_cookie(client, sender, genuine, forge):
    client.set_cookie(PLAIN, forge(genuine))

    page, try_, again = client.get("/verify"), client.post("/verify", data={"token": "4E1AC0"}), client.post("/resend")

    assert [(answer.status_code, answer.location) for answer in (page, try_, again)] == [(303, "/")] * 3
    assert client.get("/verify/status").status_code == 404


@pytest.mark.parametrize(("at", "status"), [(None, 200), (1, 303)], ids=["now", "an-hour-old"])
def test_the_control_is_a_cookie_that_is_ours(client, keyring, genuine, at, status):
    """What the forgeries are made of would have been believed, while it is fresh."""
    client.set_cookie(PLAIN, signed(keyring.seals("cookie")[0], genuine.split(".")[0], at=at))

    assert client.get("/verify").status_code == status


@given(st.text(max_size=200))
def test_any_cookie_at_all_is_no_cookie(client, value):
    client.set_cookie(PLAIN, value)

    assert client.get("/verify").status_code == 303


# -- A change of SECRET_KEY


@pytest.mark.parametrize("fallbacks", [(OLD,), ()], ids=["with the fallback", "without it"])
def test_a_change_of_the_secret_logs_nobody_out_and_without_the_old_one_a_replica_serves_nobody(
    make_app, sender, number, fallbacks
):
    """It cannot open the keyring of the others then: whoever comes by it comes back to another one."""
    before = make_app(SECRET_KEY=OLD, SECRET_KEY_FALLBACKS=()).test_client()
    token = begin(before, sender, number)
    after = make_app(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=fallbacks).test_client()
    after.set_cookie(PLAIN, before.get_cookie(PLAIN).value)

    assert check(after, token).status_code == 200 if fallbacks else after.get("/verify").status_code == 503
    if not fallbacks:
        assert "does not open" in after.get("/readyz").get_json()["faults"][0]


def test_a_generation_more_logs_nobody_out(make_app, keys, sender, number):
    """`textproof keys rotate`: the replicas learn of it when they meet what they cannot open."""
    client, other = make_app().test_client(), make_app().test_client()
    begin(client, sender, number)
    other.get("/verify")
    keys.rotate()
    begin(client, sender, number)
    other.set_cookie(PLAIN, client.get_cookie(PLAIN).value)

    assert other.get("/verify").status_code == 200
