"""`textproof doctor` where one thing is wrong: one line says `fix`, and names it; it exits with 1."""

import re
import threading
import time

import pytest

from service.app import redis_store
from service.commands import doctor as product
from service.commands.keys import ClientKeys
from service.config import Settings
from service.web import health
from tests.doctor.conftest import PASSWORD
from tests.support.processes import free_port
from tests.support.proxy import DroppingProxy
from tests.support.telnyx.account import NUMBER, messaging_profile, number_pool
from tests.support.telnyx.messages import PROFILE

OTHER_PROFILE = "40017f1c-9a2b-4d6e-8a0f-3b1d2c4e5f60"
OTHER_KEY = "A" * 43 + "="
BUSY_SECONDS = 30  # ours: a hung part is given up after 5 s at most, and the rest takes what a busy machine takes


@pytest.fixture
def the_fix(doctor):
    """`the_fix(**changes)` returns the one thing that is to fix."""

    def run(**changes) -> str:
        report = doctor(**changes)
        assert report.exit_code == 1
        assert len(report.fixes) == 1, report.output
        return report.fixes[0]

    return run


def test_a_mistake_in_the_settings_comes_first(doctor):
    report = doctor(TOKEN_LENGTH="3", FROM_NUMBER="")

    assert report.exit_code == 1
    assert "2 settings need attention" in report.output + report.error
    assert report.lines("ok") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"FROM_NUMBER": "", "MESSAGING_PROFILE_ID": OTHER_PROFILE}, "MESSAGING_PROFILE_ID"),
        ({"FROM_NUMBER": "", "MESSAGING_PROFILE_ID": PROFILE}, "no number pool"),
        ({"TELNYX_PUBLIC_KEY": OTHER_KEY}, "TELNYX_PUBLIC_KEY is not the account's"),
        ({"TELNYX_PUBLIC_KEY": ""}, "TELNYX_PUBLIC_KEY is not set"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL is not set"),
        ({"PUBLIC_URL": "http://verify.example.com"}, "PUBLIC_URL is not https"),
    ],
    ids=str,
)
def test_a_setting(the_fix, changes, words):
    assert words in the_fix(**changes)


# -- Telnyx


def test_a_key_that_telnyx_does_not_accept(the_fix, telnyx):
    telnyx.api_key = "another"

    assert the_fix() == "Check API_KEY: Telnyx does not accept it. (Telnyx answers 401 10009.)"


def test_a_wrong_address_of_telnyx(the_fix, telnyx):
    assert "TELNYX_BASE_URL" in the_fix(TELNYX_BASE_URL=telnyx.base_url.replace("v2", "v3"))


def test_nobody_at_the_address_of_telnyx(the_fix):
    fix = the_fix(TELNYX_BASE_URL=f"http://127.0.0.1:{free_port()}/v2")

    assert fix == "Telnyx does not answer (ConnectError). Check the network, and TELNYX_BASE_URL."


@pytest.mark.parametrize("outcome", ["html", "garble", "null_data", "list", "bad_gateway"])
def test_a_telnyx_that_makes_no_sense(the_fix, telnyx, outcome):
    telnyx.answer(outcome)

    assert "Telnyx" in the_fix()


def test_a_blocked_account(the_fix, telnyx):
    telnyx.answer("20013")

    assert "the state of the Telnyx account" in the_fix()


def test_an_empty_account(the_fix, telnyx):
    telnyx.account.balance["available_credit"] = "-12.30"

    assert the_fix() == "the Telnyx account is empty (-12.30 USD): pay something in"


def test_a_balance_that_cannot_be_read(the_fix, telnyx):
    telnyx.account.balance = {}

    assert the_fix().startswith("the balance: ")


def test_a_number_of_somebody_else(the_fix, telnyx):
    telnyx.account.numbers = {}

    assert the_fix().startswith("FROM_NUMBER +•••••••0100 is no number of this Telnyx account")


def test_a_number_without_a_profile(the_fix, telnyx):
    telnyx.account.numbers[NUMBER] = None

    fix = the_fix()

    assert fix.startswith("FROM_NUMBER +•••••••0100 belongs to no messaging profile")
    assert "(Numbers, My Numbers)" in fix


def test_a_number_of_another_profile(the_fix, telnyx):
    telnyx.account.profiles[OTHER_PROFILE] = messaging_profile()

    assert "another messaging profile" in the_fix(MESSAGING_PROFILE_ID=OTHER_PROFILE)


PROFILES = {
    "disabled": ({"enabled": False}, "is disabled"),
    "every country": ({"whitelisted_destinations": ["*"]}, "every country, which is how pumping is paid for"),
    "no country": ({"whitelisted_destinations": None}, "lack US:"),
    "another country": ({"whitelisted_destinations": ["GB"]}, "lack US and have GB as well"),
    "too many countries": ({"whitelisted_destinations": ["US", *"ABCDEFG"]}, "have A, B, C, D, E and 2 more as well"),
    "no spend limit": ({"daily_spend_limit_enabled": False}, "has no daily spend limit"),
    "old webhooks": ({"webhook_api_version": "1"}, "webhooks of API version 1"),
}


@pytest.mark.parametrize(("change", "words"), PROFILES.values(), ids=PROFILES)
def test_a_profile(the_fix, telnyx, change, words):
    telnyx.account.profiles[PROFILE] |= change

    assert words in the_fix()


def test_a_name_that_the_profile_does_not_know(the_fix, telnyx):
    telnyx.account.profiles[PROFILE] |= {"alpha_sender": "Other", "whitelisted_destinations": ["GB"]}

    fix = the_fix(FROM_NUMBER="Acme", MESSAGING_PROFILE_ID=PROFILE, ALLOWED_REGIONS="GB")

    assert fix.startswith("FROM_NUMBER is not the alphanumeric sender")


def test_a_name_where_names_cannot_text(the_fix, telnyx):
    telnyx.account.profiles[PROFILE] |= {"alpha_sender": "Acme", "number_pool_settings": number_pool()}

    assert "cannot text US" in the_fix(FROM_NUMBER="Acme", MESSAGING_PROFILE_ID=PROFILE)


# -- The public address


def test_a_host_that_has_no_address(the_fix):
    def resolve(_host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    assert "verify.example.com has no address" in the_fix(resolve=resolve)


def test_a_host_with_an_impossible_name(the_fix):
    """The real name server is not even asked."""
    url = f"https://{'a' * 64}.com"

    assert "has no address (UnicodeError)" in the_fix(
        PUBLIC_URL=url, BRAND="B", LANGUAGES="en", resolve=product.resolve
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "fd00::7"])
def test_a_private_host(the_fix, address):
    assert "is a private address" in the_fix(resolve=lambda _host: [address])


def test_a_public_url_where_nobody_answers(the_fix, front):
    front.origin = f"http://127.0.0.1:{free_port()}"

    assert "/v1/openapi.json does not answer (ConnectionRefusedError)" in the_fix()


@pytest.mark.parametrize(("status", "body"), [(301, b""), (200, b"<h1>Welcome!</h1>")])
def test_a_public_url_where_somebody_else_answers(the_fix, front, status, body):
    front.status, front.body = status, body

    assert f"/v1/openapi.json answers {status}, not as Textproof does" in the_fix()


# -- Redis


def test_no_redis(the_fix):
    fix = the_fix(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert fix.startswith("Redis does not answer (ConnectionError): check REDIS_URL")


@pytest.mark.parametrize("kind", ["redis+sentinel", "redis+cluster"])
def test_no_group_of_redis(the_fix, kind):
    assert the_fix(REDIS_URL=f"{kind}://:{PASSWORD}@127.0.0.1:{free_port()}/").startswith("Redis does not answer")


def test_a_redis_that_is_no_cluster(the_fix, redis):
    assert the_fix(REDIS_URL=redis.url.replace("redis:", "redis+cluster:")).startswith("Redis does not answer")


def test_a_wrong_password(the_fix, redis):
    redis.ask("ACL SETUSER", "guest", "on", ">another", "~*", "+@all")

    fix = the_fix(REDIS_URL=redis.url.replace("//", f"//guest:{PASSWORD}@"))
    redis.ask("ACL DELUSER", "guest")

    assert "it does not accept the password in REDIS_URL" in fix


def test_a_redis_that_may_forget(the_fix, redis):
    redis.ask("CONFIG SET", "maxmemory-policy", "allkeys-lru")

    assert the_fix() == "Redis may forget limits: maxmemory-policy is allkeys-lru, set it to noeviction"


@pytest.fixture
def network(redis):
    with DroppingProxy(redis.port, drop=0) as between:
        yield between


@pytest.mark.slow
def test_a_redis_that_is_far_away(the_fix, network):
    network.delay = 0.25

    assert re.match(r"Redis (takes|answers) .* ms", the_fix(REDIS_URL=network.url))


def test_an_old_redis(the_fix, network):
    network.rewrite = {b"valkey_version": b"unknown_thing_", b"redis_version:7": b"redis_version:6"}

    assert "Redis 6.2.4 is too old" in the_fix(REDIS_URL=network.url)


def test_whatever_keeps_a_replica_from_being_ready(doctor, redis):
    """The same function answers `/readyz`."""
    redis.ask("CONFIG SET", "maxmemory-policy", "allkeys-lru")

    fixes = doctor(REPLICAS="3").fixes

    assert fixes == health.faults(redis_store(Settings(REDIS_URL=redis.url, REPLICAS=3)))
    assert "Redis has 0 replicas, and REPLICAS asks for 3" in fixes


def test_a_demo_by_chance_where_applications_have_keys(the_fix, redis):
    missing = dict.fromkeys(("API_KEY", "FROM_NUMBER", "TELNYX_PUBLIC_KEY", "PUBLIC_URL", "SECRET_KEY"), "")
    store = redis_store(Settings(REDIS_URL=redis.url))
    ClientKeys(store).add("shop", now=1)

    assert the_fix(SENDER=None, **missing).startswith("SENDER is not set, and keys of applications")


# -- Templates


def test_a_template_that_is_broken(the_fix, tmp_path):
    (tmp_path / "verify.html").write_text("{% if %}")

    fix = the_fix(TEMPLATES=str(tmp_path))

    assert fix.startswith("TEMPLATES has a template that cannot be shown: verify.html, line 1: Expected an expression")


# -- Time


def test_a_hung_redis_takes_two_seconds(the_fix, redis):
    redis.hang()
    begun = time.monotonic()
    try:
        fix = the_fix()
    finally:
        redis.resume()

    assert fix.startswith("Redis does not answer")
    assert time.monotonic() - begun < BUSY_SECONDS


def test_a_telnyx_that_drips_is_given_up(the_fix, telnyx, monkeypatch):
    monkeypatch.setattr("service.sender.account.ANSWER_SECONDS", 0.5)
    telnyx.answer("drip", seconds=0.3)  # all of it would take three minutes
    begun = time.monotonic()

    assert the_fix().startswith("Telnyx does not answer (ReadTimeout)")
    assert time.monotonic() - begun < BUSY_SECONDS


@pytest.mark.slow
def test_everything_hangs_and_everything_is_said(doctor, telnyx, redis):
    """One thing that is wrong hides none of the others, in a time that is the sum of theirs."""
    telnyx.answer("hang")
    redis.hang()
    begun = time.monotonic()
    try:
        report = doctor(PUBLIC_URL="", SECRET_KEY="")
    finally:
        redis.resume()

    assert report.exit_code == 1
    starts = ["SECRET_KEY", "Telnyx does not answer", "PUBLIC_URL is not set", "Redis does not answer"]
    assert [fix.startswith(start) for fix, start in zip(report.fixes, starts, strict=True)] == [True] * 4
    assert [line.partition(",")[0] for line in report.lines("skip")] == ["the balance", "how fast Redis is"]
    assert report.lines("ok") == ["the message is one segment, 73 of 160"]
    assert time.monotonic() - begun < BUSY_SECONDS


def test_a_name_server_that_hangs_is_given_up(the_fix, monkeypatch):
    monkeypatch.setattr(product, "WEB_SECONDS", 0.1)
    never = threading.Event()

    fix = the_fix(resolve=lambda _host: never.wait())
    never.set()

    assert "has no address (TimeoutError)" in fix
