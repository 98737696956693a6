"""`textproof doctor` looks at the keyring, and leaves it as it is."""

from contextlib import closing

import pytest

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.envelope import Keys
from tests.doctor.conftest import SECRET

OTHER = "a_secret_of_somebody_else_which_is_long_enough"


@pytest.fixture
def seal(redis, policy):
    """Make the keyring under these secrets, as a replica does."""

    def sealed(*secrets: str) -> None:
        with closing(connect(redis.url)) as client:
            Keys(RedisStore(client, policy).keyring, secrets, prefix="tp")()

    return sealed


def test_there_is_none_and_it_makes_none(doctor, redis):
    assert "Redis has no keyring yet: the first replica makes it" in doctor().lines("ok")
    assert "{tp}:keyring" not in redis.ask("KEYS", "*")


def test_it_opens(doctor, seal):
    seal(SECRET)

    assert "SECRET_KEY opens the keyring in Redis" in doctor().lines("ok")


def test_it_is_sealed_under_another_secret(doctor, seal, redis):
    seal(OTHER)
    before = redis.ask("HKEYS", "{tp}:keyring"), redis.ask("HGET", "{tp}:keyring", "id")

    [fix] = doctor().fixes

    assert fix.startswith("SECRET_KEY does not open the keyring in Redis")
    assert "textproof keys discard" in fix
    assert (redis.ask("HKEYS", "{tp}:keyring"), redis.ask("HGET", "{tp}:keyring", "id")) == before


def test_it_lies_open_though_a_secret_is_set(doctor, seal):
    seal()

    [fix] = doctor().fixes

    assert "lies open" in fix
    assert "textproof keys reseal" in fix


def test_other_secrets_open_it_too(doctor, seal):
    seal(SECRET, OTHER)

    [note] = [line for line in doctor().lines("note") if "keyring" in line]

    assert "(1)" in note
    assert "textproof keys reseal" in note


def test_it_is_that_of_the_installation(doctor, seal):
    seal(OTHER)

    assert doctor(KEY_PREFIX="other").fixes == []
