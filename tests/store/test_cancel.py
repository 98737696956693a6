"""cancel: ends a pending verification."""

from service.verification.ports import Status, Verdict


def test_a_canceled_verification_is_remembered_as_such(engine, begun):
    one = begun()

    answer = one.cancel()

    assert answer.verdict is Verdict.DONE
    assert answer.record == one.record
    assert answer.record.status is Status.CANCELED
    assert one.check().verdict is Verdict.GONE


def test_the_same_cancel_again_is_answered_the_same(engine, begun):
    one = begun()
    first = one.cancel()

    with engine.unchanged():
        assert one.cancel() == first


def test_an_approval_cannot_be_taken_back(engine, begun):
    one = begun()
    one.check()

    with engine.unchanged():
        assert one.cancel().verdict is Verdict.APPROVED


def test_a_lock_cannot_be_taken_back(engine, begun):
    one = begun()
    one.miss(5)

    with engine.unchanged():
        assert one.cancel().verdict is Verdict.LOCKED


def test_what_has_expired_stays_so(engine, begun, clock):
    one = begun()
    clock.advance(600)

    with engine.unchanged():
        answer = one.cancel()

    assert (answer.verdict, answer.record.status) == (Verdict.GONE, Status.EXPIRED)


def test_what_was_never_started_cannot_be_ended(engine, attempt):
    with engine.unchanged():
        answer = attempt().cancel()

    assert (answer.verdict, answer.record) == (Verdict.GONE, None)


def test_others_of_the_number_go_on(begun):
    first = begun()
    second = begun(first.number)
    first.cancel()

    assert second.check().verdict is Verdict.DONE
