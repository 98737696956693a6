"""`textproof limits`: what it says it has done has an effect."""

import pytest

from service.limits import Limits, NotASubject
from service.verification.errors import Limited


@pytest.fixture
def limits(store, keyring, policy):
    return Limits(store, keyring, policy)


@pytest.mark.parametrize("what", ["+1415", "+1", "+1415555014", "+999123", "+49151"])
def test_a_range_that_would_close_nothing_is_refused(limits, what):
    with pytest.raises(NotASubject, match=r"would close nothing|of no country"):
        limits.block(what)

    assert next(iter(limits.show())) == "Nothing is closed."


def test_the_refusal_names_the_length_that_is_right(limits):
    with pytest.raises(NotASubject, match=r"\+1415 has 4 digits.* which has 7\."):
        limits.block("+1415")


def test_a_range_that_is_closed_gets_no_message(limits, verifier):
    assert limits.block("+1415770") == "range"

    with pytest.raises(Limited):
        verifier.start("+14157701234")
