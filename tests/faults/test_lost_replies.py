"""A network that loses the answers of scripts that were carried out: nothing else is lost, and nothing counts twice."""

import dataclasses
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from hashlib import sha1
from typing import Any

import pytest

from service.store.connect import connect
from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.errors import Delivery, Limit, StoreUnavailable
from service.verification.limits import Charge
from service.verification.policy import Window
from service.verification.ports import Verdict
from tests.store.attempts import Attempt, fresh
from tests.support.http import burst

pytestmark = pytest.mark.slow

DROP = 0.2
AT_ONCE = 8
PEOPLE = 200


def surely(step):
    """Repeat a step, the very same, until it is answered: what a caller does who was told 503."""
    while True:
        try:
            return step()
        except StoreUnavailable:
            time.sleep(0.02)  # three in a row, and the breaker holds everybody for half a second


@pytest.fixture
def rules(policy):
    """Nobody has to wait between two sends."""
    return dataclasses.replace(policy, resend_waits=(timedelta(0),))


@pytest.fixture
def client(lossy, ends):
    return ends.enter_context(closing(connect(lossy.url)))


@pytest.fixture
def keyring(client, rules, keyring_of):
    return keyring_of(RedisStore(client, rules))


@pytest.fixture
def make_attempt(client, rules, keyring, clock, numbers):
    store = RedisStore(client, rules)
    return lambda number=None, *, on=store, **facts: Attempt(on, keyring, clock, number or next(numbers), **facts)


def go_through(one: Attempt) -> list[tuple[Verdict, int, int]]:
    """Do everything once, each step repeated until it is answered; tell what the answers were."""
    names = [fresh() for _ in range(6)]
    answers = [
        surely(lambda: one.start(names[0])),
        surely(lambda: one.check(one.wrong, names[1])),
        surely(lambda: one.resend(names[2], "caller")),
        surely(lambda: one.check(one.wrong, names[3])),
        surely(lambda: one.report(Delivery.SENT)),
        surely(lambda: one.check(nonce=names[4])),
        surely(lambda: one.check(nonce=names[5])),
        surely(one.show),
    ]
    return [(answer.verdict, answer.record.checks, answer.record.sends) for answer in answers if answer.record]


def test_no_token_is_lost_none_is_accepted_twice_and_no_check_counts_twice(lossy, make_attempt):
    people = [make_attempt() for _ in range(PEOPLE)]
    lossy.drop = DROP

    stories = burst(PEOPLE, lambda place: go_through(people[place]), AT_ONCE)

    assert lossy.dropped > 0.15 * (lossy.passed + lossy.dropped)
    assert lossy.passed >= PEOPLE * 8
    accepted = {(Verdict.DONE, 2, 2), (Verdict.REPEATED, 2, 2)}  # the second, where the answer to the first was lost
    expected = [
        {(Verdict.DONE, 0, 1)},
        {(Verdict.REJECTED, 1, 1)},
        {(Verdict.DONE, 1, 2)},
        {(Verdict.REJECTED, 2, 2)},
        {(Verdict.DONE, 2, 2)},
        accepted,
        {(Verdict.APPROVED, 2, 2)},
        {(Verdict.DONE, 2, 2)},
    ]
    assert [story for story in stories if isinstance(story, Exception)] == []
    for step, allowed in enumerate(expected):
        assert {story[step] for story in stories if isinstance(story, list)} <= allowed


def test_a_number_is_charged_once_for_each_send_and_each_check(lossy, make_attempt, rules):
    """What counts in the end, read without losses."""
    people = [make_attempt() for _ in range(60)]
    lossy.drop = DROP
    names = [fresh() for _ in range(5)]

    def wear_out(place):
        one = people[place]
        surely(lambda: one.start(names[0]))
        for name in names[1:3]:
            surely(lambda: one.resend(name, "caller"))  # noqa: B023
        for name in names:
            surely(lambda: one.check(one.wrong, name))  # noqa: B023

    burst(len(people), wear_out, AT_ONCE)
    lossy.drop = 0

    for one in people:
        more = [make_attempt(one.number) for _ in range(3)]
        assert [other.start().verdict for other in more] == [Verdict.DONE] * 2 + [Verdict.LIMITED]
        assert one.record.checks == rules.max_checks
        more[0].miss(5)
        more[1].miss(4)
        assert more[1].check().verdict is Verdict.DONE  # the fifteenth


def test_many_devices_with_one_token_and_one_of_them_gets_in(lossy, make_attempt):
    """Each repeats its own request until it is answered."""
    lossy.drop = DROP
    for _ in range(15):
        one = make_attempt()
        surely(one.start)
        names = [fresh() for _ in range(10)]

        answers = burst(10, lambda place: surely(lambda: one.check(nonce=names[place])).verdict, AT_ONCE)  # noqa: B023

        told = Counter(answers)
        assert told[Verdict.DONE] + told[Verdict.REPEATED] == 1
        assert told[Verdict.APPROVED] == 9


def test_what_many_numbers_share_is_spent_and_given_back_once(lossy, make_attempt):
    """A start whose answer was lost is one start, of everybody, a network and a country; and so is an approval."""
    charge = Charge(Limit.SENDS_IN_ALL, "all", (Window(10_000, timedelta(hours=1)),), enforced=True)
    people = [make_attempt(caller=Caller.at(f"192.0.{place}.2"), charges=(charge,)) for place in range(PEOPLE)]
    networks = [f"{{tp}}:u:{one.subjects.network}" for one in people]
    name = fresh()
    with closing(connect(lossy.url)) as look:
        lossy.drop = DROP
        burst(PEOPLE, lambda place: surely(people[place].start), AT_ONCE)
        lossy.drop = 0
        assert look.llen("{tp}:l:sends_in_all:all") == PEOPLE
        assert {look.llen(network) for network in networks} == {1}
        assert _counted(look, b"s") == PEOPLE

        lossy.drop = DROP
        burst(PEOPLE, lambda place: surely(lambda: people[place].check(nonce=name)), AT_ONCE)
        lossy.drop = 0
        assert not look.exists(*networks)
        assert _counted(look, b"a") == PEOPLE


def _counted(look, kind: bytes) -> int:
    """Return how many starts (s) or approvals (a) a country had."""
    found: Any = look.hgetall("{tp}:h:country:US")
    return sum(int(many) for name, many in found.items() if name.startswith(kind))


def test_a_trial_whose_answers_are_lost_makes_the_pause_longer_once(lossy, client, rules, keyring):
    store = RedisStore(client, rules).verifications
    store.pause(keyring=keyring.id, now=0, is_trial=False)

    lossy.drop = 1
    with pytest.raises(StoreUnavailable):
        store.pause(keyring=keyring.id, now=60_000, is_trial=True)
    lossy.drop = 0
    store.pause(keyring=keyring.id, now=60_000, is_trial=True)

    assert lossy.dropped > 1, "the client asks again by itself"
    assert client.hget("{tp}:p", "n") == b"2"


# -- Controls: without what the product does, the same losses do harm.


def test_a_caller_who_names_each_try_anew_is_counted_twice(lossy, make_attempt):
    people = [make_attempt() for _ in range(100)]
    for one in people:
        one.start()
    lossy.drop = 0.5

    burst(len(people), lambda place: surely(lambda: people[place].check(people[place].wrong)), AT_ONCE)
    lossy.drop = 0

    assert sum(one.record.checks for one in people) > len(people)


class Forgetful(RedisStore):
    """Ours, but a check does not remember which requests it has answered."""

    def __init__(self, client, policy):
        super().__init__(client, policy)
        scripts = self.verifications._scripts
        memory = "local before = redis.call('HGET', RECORD, NONCE)"
        source = scripts._sources["check"]
        assert memory in source
        scripts._sources["check"] = source.replace(memory, "local before = nil")
        scripts._digests["check"] = sha1(scripts._sources["check"].encode()).hexdigest()  # noqa: S324


def test_a_store_that_remembers_no_requests_counts_twice_and_loses_tokens(lossy, client, rules, make_attempt):
    store = Forgetful(client, rules)
    people = [make_attempt(on=store) for _ in range(100)]
    for one in people:
        one.start()
    lossy.drop = DROP
    name = fresh()

    def go(place):
        one = people[place]
        surely(lambda: one.check(one.wrong, name))
        return surely(lambda: one.check(nonce=name)).verdict

    told = Counter(burst(len(people), go, AT_ONCE))
    lossy.drop = 0

    assert told[Verdict.APPROVED] > 0, "the token was spent, and nobody was told"
    assert sum(one.record.checks for one in people) > len(people)
