"""The limits as shipped, with their sources in design and README."""

from datetime import timedelta

from service.verification.policy import CHECKS_IN_A_ROW, CHECKS_OF_NUMBER, SENDS_OF_NUMBER, Window


def test_a_number_is_texted_five_times_in_ten_minutes_and_ten_times_a_day():
    """Twilio Verify 60203; Signal's bucket."""
    assert set(SENDS_OF_NUMBER) == {Window(5, timedelta(minutes=10)), Window(10, timedelta(days=1))}


def test_a_number_has_fifteen_wrong_checks_a_day_and_a_hundred_in_a_row():
    """SP 800-63B-4, 3.2.2: at most 100. A year stands for good."""
    assert set(CHECKS_OF_NUMBER) == {Window(15, timedelta(days=1))}
    assert set(CHECKS_IN_A_ROW) == {Window(100, timedelta(days=365))}


def test_the_plain_policy_is_the_one_of_the_design(policy):
    assert policy.token_life == timedelta(seconds=600)
    assert (policy.max_checks, policy.max_sends) == (5, 5)
    assert [wait.total_seconds() for wait in policy.resend_waits] == [30, 60, 90, 120]
    assert (policy.token_format.alphabet, policy.token_format.length) == ("hex", 6)
    assert (policy.home_region, set(policy.allowed_regions)) == ("US", {"US"})
