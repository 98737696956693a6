"""Secrets: changed in mid-flow without dropping anybody, and never written down."""

import logging

import pytest

from service.verification.caller import Caller
from service.verification.errors import MalformedToken, SendRefused, TokenRejected, UnknownVerification
from service.verification.keys import Handle, Keyring
from service.verification.ports import OptOut, Status
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


# -- What an id tells


def test_who_shares_a_token_is_not_told_whose(verifier, sender, number):
    """Neither at first nor when the same request comes again; and with what is told, all verbs work."""
    first, token = begin(verifier, sender, number)
    mine = Caller.at("192.0.2.7")

    told = [verifier.start(number, caller=mine, nonce="again") for _ in range(2)]

    assert [verification.is_shared for verification in told] == [True, True]
    assert told[0].id == told[1].id == verifier.show(told[0].id, caller=mine).id
    assert Handle.parse(first.id).random not in told[0].id
    assert verifier.check(told[0].id, token, caller=mine).status is Status.APPROVED


# -- What is written down


def test_the_log_of_an_opt_out_has_no_number(verifier, number, caplog):
    caplog.set_level(logging.DEBUG, logger="textproof")

    verifier.receive(OptOut(number, out=True))

    assert "opted_out" in caplog.text
    assert number[2:] not in repr([vars(record) for record in caplog.records])


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
