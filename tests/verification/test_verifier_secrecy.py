"""Secrets: changed in mid-flow without dropping anybody, and never written down."""

import logging

import pytest

from service.verification.errors import MalformedToken, SendRefused, TokenRejected, UnknownVerification
from service.verification.keys import Keyring
from service.verification.ports import Status
from tests.fakes import typed_token, wrong
from tests.verification.steps import begin

OLD = b"the secret that was set when the service was young"
NEW = b"the secret that an operator sets after a year or so"


# -- A change of SECRET_KEY


def test_a_change_of_the_secret_drops_nobody(make_verifier, sender, clock, number):
    """The id names the key that made it; `SECRET_KEY_FALLBACKS` still holds it."""
    started, token = begin(make_verifier(keyring=Keyring([OLD])), sender, number)
    changed = make_verifier(keyring=Keyring([NEW, OLD]))
    clock.advance(30)

    changed.resend(started.id)

    assert typed_token(sender) == token
    assert changed.check(started.id, token).status is Status.APPROVED


def test_replicas_that_have_not_changed_yet_still_work(make_verifier, sender, number):
    """In a rolling restart the fallback can be set everywhere before the new secret is used."""
    started, token = begin(make_verifier(keyring=Keyring([NEW, OLD])), sender, number)

    assert make_verifier(keyring=Keyring([OLD, NEW])).check(started.id, token).status is Status.APPROVED


def test_without_the_fallback_the_verification_is_unknown(make_verifier, sender, number):
    started, token = begin(make_verifier(keyring=Keyring([OLD])), sender, number)
    forgetful = make_verifier(keyring=Keyring([NEW]))

    for verb in (forgetful.show, forgetful.cancel, forgetful.resend, lambda id_: forgetful.check(id_, token)):
        with pytest.raises(UnknownVerification):
            verb(started.id)


# -- What is written down


def test_no_log_record_holds_a_token_or_a_number(verifier, sender, clock, number, caplog):
    """Records as they are made, before any formatter could mask them, at the most talkative level."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="textproof")

    started, token = begin(verifier, sender, number)
    typed = wrong(token)
    for attempt in (typed, "nonsense"):
        with pytest.raises((TokenRejected, MalformedToken)):
            verifier.check(started.id, attempt)
    clock.advance(30)
    sender.lose()
    verifier.resend(started.id)
    clock.advance(60)
    sender.refuse()
    with pytest.raises(SendRefused):
        verifier.resend(started.id)
    verifier.check(started.id, token)
    verifier.cancel(verifier.start(number).id)

    written = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert len(written) >= 6
    for secret in (token, typed, "nonsense", number, number[1:], number[2:], number[-7:]):
        assert [line for line in written if secret in line] == []


def test_what_is_remembered_holds_no_token_and_its_names_no_number(verifier, redis, sender, number):
    """On real servers: `tests/store`."""
    started, token = begin(verifier, sender, number)
    with pytest.raises(TokenRejected):
        verifier.check(started.id, wrong(token), nonce="click")

    names = [name.decode() for name in redis.scan_iter()]
    values = [str(redis.hgetall(name)) for name in names if redis.type(name) == b"hash"]
    assert values
    assert token not in f"{names}{values}"
    assert number[-7:] not in str(names)
