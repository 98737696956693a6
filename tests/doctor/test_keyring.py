"""`textproof doctor` looks at the keyring, and leaves it as it is."""

from contextlib import closing

import pytest

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.envelope import Keys
from tests.doctor.conftest import SECRET

OTHER = "a_secret_of_somebody_else_which_is_long_enough"
STATES: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "it opens": ((SECRET,), "ok", ("SECRET_KEY opens the keyring in Redis",)),
    "another secret": ((OTHER,), "fix", ("SECRET_KEY does not open the keyring in Redis", "textproof keys discard")),
    "none": ((), "fix", ("lies open", "textproof keys reseal")),
    "others too": ((SECRET, OTHER), "note", ("(1)", "textproof keys reseal")),
}


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


@pytest.mark.parametrize(("secrets", "mark", "words"), STATES.values(), ids=STATES)
def test_a_keyring(doctor, seal, redis, secrets, mark, words):  # noqa: PLR0917
    seal(*secrets)
    before = redis.ask("HKEYS", "{tp}:keyring"), redis.ask("HGET", "{tp}:keyring", "id")

    [line] = [line for line in doctor().lines(mark) if "keyring" in line]

    assert all(word in line for word in words)
    assert (redis.ask("HKEYS", "{tp}:keyring"), redis.ask("HGET", "{tp}:keyring", "id")) == before


def test_it_is_that_of_the_installation(doctor, seal):
    seal(OTHER)

    assert doctor(KEY_PREFIX="other").fixes == []
