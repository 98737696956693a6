"""The same crowd at two stores: the naive one lets it through, ours does not. This proves that the crowd pushes."""

from collections import Counter

import pytest

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.envelope import Keys
from service.verification.ports import Verdict
from tests.races.naive import NaiveStore
from tests.store.attempts import Attempt
from tests.support.http import burst

pytestmark = pytest.mark.slow

AT_ONCE = 32
CALLS = 500
ROUNDS = 5


@pytest.fixture
def client(shared_store):
    with connect(shared_store.url) as opened:
        yield opened


@pytest.fixture
def naive(client, policy):
    return NaiveStore(client, policy.max_checks)


@pytest.fixture
def ours(client, policy, clock, numbers):
    store = RedisStore(client, policy)
    keyring = Keys(store.keyring, [], prefix="tp")()

    def begin():
        one = Attempt(store, keyring, clock, next(numbers))
        assert one.start().verdict is Verdict.DONE
        return one

    return begin


def test_read_compare_write_accepts_one_token_more_than_once(naive):
    naive.start("naive", "A1B2C3")

    outcomes = Counter(burst(CALLS, lambda _: naive.check("naive", "A1B2C3"), AT_ONCE))

    assert outcomes["accepted"] > 1


def test_read_compare_write_compares_more_than_it_may(naive, policy):
    naive.start("naive", "A1B2C3")

    outcomes = Counter(burst(CALLS, lambda _: naive.check("naive", "000000"), AT_ONCE))

    assert outcomes["rejected"] > policy.max_checks
    assert outcomes["rejected"] + outcomes["locked"] == CALLS


def test_ours_accepts_one_token_once(ours):
    rounds = []
    for _ in range(ROUNDS):
        one = ours()
        rounds.append(Counter(burst(CALLS, lambda _: one.check().verdict, AT_ONCE)))  # noqa: B023

    assert rounds == [{Verdict.DONE: 1, Verdict.APPROVED: CALLS - 1}] * ROUNDS


def test_ours_compares_as_many_as_it_may(ours, policy):
    one = ours()

    outcomes = Counter(burst(CALLS, lambda _: one.check(one.wrong).verdict, AT_ONCE))

    assert outcomes == {Verdict.REJECTED: policy.max_checks, Verdict.LOCKED: CALLS - policy.max_checks}
