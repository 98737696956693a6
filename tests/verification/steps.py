"""What the tests of the four verbs do again and again."""

import re

import pytest

from service.verification.errors import TokenRejected
from service.verification.verifier import Verification, Verifier
from tests.fakes import RecordingSender, typed_token, wrong


def begin(verifier: Verifier, sender: RecordingSender, number: str) -> tuple[Verification, str]:
    """Start, and return the verification and the token that was sent."""
    verification = verifier.start(number)
    return verification, typed_token(sender)


def fail_checks(verifier: Verifier, verification: Verification, token: str, times: int) -> None:
    """Type a wrong token so many times; each is told to be wrong."""
    for _ in range(times):
        with pytest.raises(TokenRejected):
            verifier.check(verification.id, wrong(token))


def burn(verifier: Verifier, sender: RecordingSender, number: str, verifications: int) -> None:
    """Spend all checks of so many new verifications of a number."""
    for _ in range(verifications):
        fail_checks(verifier, *begin(verifier, sender, number), times=verifier.policy.max_checks)


def promised_seconds(text: str) -> int:
    """Return how long a message says that its token lives."""
    promise = re.search(r"expires in (\d+) (second|minute)", text)
    assert promise is not None, text
    return int(promise[1]) * {"second": 1, "minute": 60}[promise[2]]
