"""`textproof doctor` where nothing is wrong: every line is `ok` or a `note`, and it exits with 0."""

import re
from collections.abc import Callable, Iterator

import pytest

from service.app import redis_store
from service.commands.keys import ClientKeys
from service.config import Settings
from tests.doctor.conftest import PUBLIC
from tests.store.engines import ONE_SERVER, binary_of, engines
from tests.support.servers import CALM_MS, ClusterServers, SentinelServers, StoreServer
from tests.support.telnyx import FakeTelnyx
from tests.support.telnyx.account import NUMBER, number_pool
from tests.support.telnyx.messages import PROFILE

LINE = re.compile(r"(ok   |fix  |note |skip ) \S.*")


@pytest.fixture(params=engines(*ONE_SERVER))
def engine(request) -> Iterator[StoreServer]:
    with StoreServer(binary_of(request.param), appendonly=True) as server:
        yield server


def test_all_is_well(doctor, engine):
    report = doctor(REDIS_URL=engine.url)

    assert report.exit_code == 0
    assert all(LINE.fullmatch(line) for line in report.output.splitlines())
    assert len(report.lines("ok")) == len(report.output.splitlines()) >= 17


def test_it_says_what_it_found(doctor, front):
    said = doctor().lines("ok")

    for claim in (
        "Telnyx accepts API_KEY",
        "the Telnyx account has 400.00 USD",
        "FROM_NUMBER +•••••••0100 belongs to a messaging profile",
        "the messaging profile may text US, as ALLOWED_REGIONS says",
        "the messaging profile may spend 50.00 USD a day",
        "TELNYX_PUBLIC_KEY is the account's",
        f"{PUBLIC}/v1/openapi.json answers",
        "the message is one segment, 102 of 160",
        "Redis writes to disk",
    ):
        assert claim in said
    assert front.asked == ["/v1/openapi.json"]


def test_it_says_which_configuration_it_read(doctor, tmp_path):
    said = doctor().error

    assert said.startswith(f"Settings: {tmp_path / 'config.cfg'} (named by TEXTPROOF_CONFIG); from the environment: ")
    assert "API_KEY, FROM_NUMBER" in said


def test_the_store_is_named_with_its_version(doctor, redis):
    version = redis.info("server")["valkey_version"]

    assert f"the store is Valkey {version}" in doctor().lines("ok")


def test_the_service_answers_as_the_doctor_expects(doctor, client):
    def fetch(url: str) -> tuple[int, bytes]:
        answer = client.get(url.removeprefix(PUBLIC))
        return answer.status_code, answer.data[:100]

    assert f"{PUBLIC}/v1/openapi.json answers" in doctor(fetch=fetch).lines("ok")


SENDERS: dict[str, tuple[dict, dict, str]] = {
    "a number and its profile": ({}, {"MESSAGING_PROFILE_ID": PROFILE}, "belongs to the messaging profile"),
    "a pool": (
        {"number_pool_settings": number_pool()},
        {"FROM_NUMBER": "", "MESSAGING_PROFILE_ID": PROFILE},
        "the messaging profile has a number pool",
    ),
    "a name": (
        {"alpha_sender": "Acme", "whitelisted_destinations": ["GB"]},
        {"FROM_NUMBER": "Acme", "MESSAGING_PROFILE_ID": PROFILE, "ALLOWED_REGIONS": "GB"},
        "FROM_NUMBER is the alphanumeric sender of the messaging profile",
    ),
    "several regions in any order": (
        {"whitelisted_destinations": ["MX", "US", "CA"]},
        {"ALLOWED_REGIONS": "CA,US,MX"},
        "as ALLOWED_REGIONS says",
    ),
}


@pytest.mark.parametrize(("profile", "settings", "words"), SENDERS.values(), ids=SENDERS)
def test_each_kind_of_sender(doctor, telnyx, profile, settings, words):
    telnyx.account.profiles[PROFILE] |= profile

    report = doctor(**settings)

    assert report.exit_code == 0
    assert words in report.output


def test_a_number_is_found_among_others(doctor, telnyx):
    telnyx.account.numbers = {f"+1202555{last:04}": None for last in range(1000, 1300)} | {NUMBER: PROFILE}

    assert doctor().exit_code == 0


def test_templates_that_can_be_shown(doctor, tmp_path):
    (tmp_path / "verify.html").write_text('{% extends "textproof/verify.html" %}')

    assert "the templates in TEMPLATES can be shown" in doctor(TEMPLATES=str(tmp_path)).lines("ok")


# -- Worth knowing, not wrong.


NOTES: dict[str, tuple[Callable[[FakeTelnyx, StoreServer], object], dict[str, str], str]] = {
    "little money": (
        lambda telnyx, _: telnyx.account.balance.update(available_credit="3.5"),
        {},
        "the Telnyx account is low: 3.50 USD",
    ),
    "readable texts, as for accounts that may not turn it on": (
        lambda telnyx, _: telnyx.account.profiles[PROFILE].pop("redaction_enabled"),
        {},
        "redaction",
    ),
    "a store that forgets in a restart": (
        lambda _, redis: redis.ask("CONFIG SET", "appendonly", "no"),
        {},
        "codes in hand are void and limits start anew",
    ),
    "a store that fills up": (
        lambda _, redis: redis.ask("CONFIG SET", "maxmemory", int(redis.info("memory")["used_memory"] / 0.8)),
        {},
        "maxmemory",
    ),
    "a weak token": (lambda *_: None, {"TOKEN_LENGTH": "4"}, "TOKEN_LENGTH"),
}


@pytest.mark.parametrize(("change", "settings", "words"), NOTES.values(), ids=NOTES)
def test_it_is_a_note(doctor, telnyx, redis, change, settings, words):  # noqa: PLR0917
    change(telnyx, redis)

    report = doctor(**settings)

    assert report.exit_code == 0
    [note] = report.lines("note")
    assert words in note


def test_a_key_that_telnyx_does_not_tell_is_to_be_compared(doctor, telnyx):
    telnyx.account.public_key = None

    report = doctor()

    assert report.exit_code == 0
    [skipped] = report.lines("skip")
    assert "TELNYX_PUBLIC_KEY" in skipped


def test_snapshots_are_persistence(doctor, redis):
    redis.ask("CONFIG SET", "appendonly", "no")
    redis.ask("CONFIG SET", "save", "3600 1")

    report = doctor()
    redis.ask("CONFIG SET", "save", "")

    assert report.lines("note") == []


def test_a_store_that_may_not_be_asked_for_its_settings(doctor, redis):
    """Rented ones forbid CONFIG; everything else is still asked."""
    redis.ask("CONFIG SET", "appendonly", "no")
    redis.ask("ACL SETUSER", "guest", "on", "nopass", "~*", "+@all", "-config")

    report = doctor(REDIS_URL=redis.url.replace("//", "//guest:any@"))
    redis.ask("ACL DELUSER", "guest")

    assert report.exit_code == 0
    [note] = report.lines("note")
    assert "does not say" in note


def test_names_of_people_that_end_with_the_store_are_a_note(doctor, redis):
    store = redis_store(Settings(REDIS_URL=redis.url))
    ClientKeys(store).add("shop", redirect_uris=("https://shop.example.com/callback",), now=1)

    [note] = doctor().lines("note")

    assert note.startswith("SUBJECT_KEY is not set")
    assert doctor(SUBJECT_KEY="k" * 40).lines("note") == []


# -- The demo.


def test_the_demo_has_notes_only(doctor):
    missing = dict.fromkeys(
        ("API_KEY", "FROM_NUMBER", "TELNYX_PUBLIC_KEY", "PUBLIC_URL", "SECRET_KEY", "REDIS_URL"), ""
    )

    report = doctor(SENDER="demo", **missing)

    assert report.exit_code == 0
    assert [note.partition(" ")[0] for note in report.lines("note")] == [
        "SECRET_KEY",
        "SENDER",
        "PUBLIC_URL",
        "REDIS_URL",
    ]


def test_the_demo_at_home(doctor, telnyx):
    telnyx.answer("10009")  # nobody asks

    report = doctor(SENDER="demo", PUBLIC_URL="http://localhost:8000", resolve=lambda _host: ["127.0.0.1", "::1"])

    assert report.exit_code == 0
    assert len(report.lines("note")) == 3
    assert "http://localhost:8000/v1/openapi.json answers" in report.lines("ok")


# -- Stores of several servers.


@pytest.mark.slow
def test_a_store_behind_sentinels(doctor):
    with SentinelServers(down_after_ms=CALM_MS) as group:
        report = doctor(REDIS_URL=group.url)

    assert report.exit_code == 0
    assert report.lines("skip") == []


@pytest.mark.slow
def test_each_server_of_a_cluster_is_asked(doctor):
    with ClusterServers(node_timeout_ms=CALM_MS) as group:
        group.primaries[1].ask("CONFIG SET", "maxmemory-policy", "allkeys-lru")

        report = doctor(REDIS_URL=group.url)

    assert report.exit_code == 1
    assert report.fixes == ["Redis may forget limits: maxmemory-policy is allkeys-lru, set it to noeviction"]
    assert report.lines("skip") == []
