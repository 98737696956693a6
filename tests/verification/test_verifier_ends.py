"""How a verification ends, and what each verb then says of it. What ended stays so, and nothing is sent for it."""

import pytest

from service.verification.errors import AlreadyApproved, UnknownVerification, VerificationLocked
from service.verification.phone import PhoneNumber
from service.verification.ports import Status
from tests.verification.steps import begin, fail_checks

ENDINGS = {  # how: its status, what check and resend raise, and what cancel does
    "approved": (Status.APPROVED, AlreadyApproved, AlreadyApproved),
    "locked": (Status.LOCKED, VerificationLocked, VerificationLocked),
    "canceled": (Status.CANCELED, UnknownVerification, None),
    "expired": (Status.EXPIRED, UnknownVerification, UnknownVerification),
    "never begun": (None, UnknownVerification, UnknownVerification),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_has_ended_stays_so_whatever_is_asked(verifier, sender, keyring, clock, number, ending):  # noqa: PLR0917
    status, refusal, of_cancel = ENDINGS[ending]
    started, token = begin(verifier, sender, number)
    id_ = started.id
    match ending:
        case "approved":
            verifier.check(id_, token)
        case "locked":
            fail_checks(verifier, started, token, times=5)
        case "canceled":
            assert verifier.cancel(id_).status is Status.CANCELED
        case "expired":
            clock.advance(600)
        case "never begun":
            id_ = keyring.new_handle(PhoneNumber(number, "US")).id
    clock.advance(30)

    for verb in (lambda: verifier.check(id_, token), lambda: verifier.resend(id_)):
        with pytest.raises(refusal):
            verb()
    if of_cancel:
        with pytest.raises(of_cancel):
            verifier.cancel(id_)
    else:
        assert verifier.cancel(id_) == verifier.show(id_), "again it is answered the same"
    if status:
        stands = verifier.show(id_)
        assert (stands.status, stands.expires_in, stands.next_send_in) == (status, 0, None)
        assert (stands.sends_left, stands.checks_left) == (0, 0)
    assert len(sender.messages) == 1


@pytest.mark.parametrize("id_", ["", "nonsense", "../../etc/passwd", "{x}:v:y", "x" * 63], ids=ascii)
def test_an_id_that_was_never_given_is_unknown(verifier, id_):
    for verb in (verifier.show, verifier.resend, verifier.cancel, lambda id_: verifier.check(id_, "4E1AC0")):
        with pytest.raises(UnknownVerification):
            verb(id_)
