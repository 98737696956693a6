"""What can be said no to, as facts."""

import pytest

from service.verification import errors
from service.verification.errors import Limit, Limited, MalformedToken, TokenRejected, VerificationError


def every(error):
    return {error}.union(*(every(narrower) for narrower in error.__subclasses__()))


def test_the_tree_on_top_of_the_file_names_every_error():
    assert errors.__doc__ is not None

    assert {error.__name__ for error in every(VerificationError) if error.__name__ not in errors.__doc__} == set()


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (TokenRejected(2), {"checks_left": 2}),
        (MalformedToken(6, 5), {"length": 6, "got": 5}),
        (Limited(Limit.RESEND_WAIT, 30), {"limit": Limit.RESEND_WAIT, "retry_after": 30}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_carries_facts(error, facts):
    """Words are made of them elsewhere, in `web/problems.py`."""
    assert {name: getattr(error, name) for name in facts} == facts
