"""The end, on real servers and by their own clocks: nothing is accepted, and nothing is left."""

import dataclasses
import time
from datetime import timedelta

import pytest

from service.store.redis import RedisStore
from service.verification.caller import Caller
from service.verification.policy import DAY, HOUR, Window
from service.verification.ports import Verdict
from tests.store.attempts import Attempt
from tests.store.engines import ONE_SERVER, engines
from tests.support.processes import wait_until

LIFE = timedelta(seconds=1)
WINDOW = (Window(50, timedelta(seconds=1.5)),)


@pytest.mark.slow
@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_after_its_life_nothing_is_accepted_and_after_the_longest_window_nothing_is_left(
    engine, policy, keyring, numbers
):
    rules = dataclasses.replace(
        policy,
        token_life=LIFE,
        resend_waits=(timedelta(0),),
        sends_of_number=WINDOW,
        checks_of_number=WINDOW,
        checks_in_a_row=WINDOW,
    )
    store = RedisStore(engine.client, rules)
    _pending, checked, resent, canceled = all_ = [
        Attempt(store, keyring, time.time, next(numbers), caller=Caller.at("192.0.2.7")) for _ in range(4)
    ]
    for one in all_:
        assert one.start("form-1").verdict is Verdict.DONE
    checked.miss(2)
    resent.resend()
    canceled.cancel()
    assert len(engine.names()) > 12

    wait_until(
        lambda: {one.show().verdict for one in all_} == {Verdict.GONE}, seconds=2, what="verifications of 1 s end"
    )

    for one in all_:
        assert one.check().verdict is Verdict.GONE
        assert one.resend().verdict is Verdict.GONE
        assert one.cancel().verdict is Verdict.GONE
    wait_until(lambda: not _counted(engine), seconds=3, what="every key ends that counts or opens something")
    # Who asked for a number is remembered for an hour; what came of messages, for a day, and the hour that it began in.
    most = {"n": HOUR, "g": HOUR + timedelta(minutes=2), "w": HOUR, "u": DAY, "l": DAY, "h": DAY + HOUR}
    most |= {"y": policy.trail, "d": 400 * DAY}  # what is told
    for name, life in engine.lives().items():
        assert 0 < life <= most[_kind(name)] / timedelta(milliseconds=1)


def _counted(engine) -> list[str]:
    return [name for name in engine.names() if _kind(name) in ("v", "t", "c")]


def _kind(name: str) -> str:
    return name.removeprefix("{tp}:")[0]


@pytest.mark.slow
@pytest.mark.parametrize("engine", engines(*ONE_SERVER), indirect=True)
def test_a_token_is_accepted_to_the_end_of_its_life(engine, policy, keyring, numbers):
    """By the clock of the server alone: the caller's stands still, long ago."""
    store = RedisStore(engine.client, dataclasses.replace(policy, token_life=LIFE))
    early, late = (Attempt(store, keyring, lambda: 0.0, next(numbers)) for _ in range(2))
    early.start()
    late.start()
    expires = late.record.expires

    def is_past(moment):
        record = late.show().record  # asked once: it may be gone the next time
        return record is None or record.now >= moment

    wait_until(lambda: is_past(expires - 300), seconds=3, what="0.7 s pass")
    accepted = early.check()
    wait_until(lambda: is_past(expires), seconds=3, what="1 s passes")

    assert accepted.verdict is Verdict.DONE
    assert late.check().verdict is Verdict.GONE
