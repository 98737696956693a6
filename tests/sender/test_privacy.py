"""What is logged of a send: never the number, the text or the key, however talkative the logs are."""

import logging
from contextlib import suppress

import pytest

from service.verification.errors import SendRefused, SendUncertain
from tests.sender.journal import production_logs
from tests.support.telnyx import ERRORS, FAULTS, TelnyxError

TOKEN = "CA9A27"  # a canary
NUMBER = "+12025559876"  # another
TALKATIVE = ("", "textproof", "telnyx", "telnyx._base_client", "httpx", "httpcore", "httpcore.http11", "asyncio")
# hang and drip say nothing that the others do not, and take their time.
OUTCOMES = ["accepted", *ERRORS, *(name for name in FAULTS if name not in ("hang", "drip"))]


def _talk() -> None:
    """Turn on every log there is, as an operator in need does."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG)


def _send(carrier, message) -> None:
    with suppress(SendRefused, SendUncertain):
        carrier.send(message(to=NUMBER, token=TOKEN))


def test_no_record_of_ours_holds_the_number_the_text_or_the_key(carrier, telnyx, message, journal):
    """The record itself, before the formatter masks anything: other handlers would see it too."""
    for outcome in OUTCOMES:
        telnyx.answer(outcome, seconds=0.05)
        _send(carrier, message)

    facts = journal.facts()
    assert TOKEN not in facts
    assert NUMBER[1:] not in facts
    assert telnyx.api_key not in facts


def test_nothing_leaks_with_every_log_turned_on(carrier, telnyx, message):
    with production_logs(debug=True) as journal:
        _talk()
        for outcome in OUTCOMES:
            telnyx.answer(outcome, seconds=0.05)
            _send(carrier, message)

    assert len(journal.lines()) >= len(OUTCOMES) - 2
    assert TOKEN not in journal.text
    assert NUMBER[1:] not in journal.text
    assert telnyx.api_key not in journal.text


def test_an_error_that_quotes_us_does_not_get_into_the_log(carrier, telnyx, message, journal):
    """Telnyx may put anything into an answer, and a proxy on the way as well."""
    one = message(to=NUMBER, token=TOKEN)
    telnyx.answer(TelnyxError(400, f"40310 {one.text}", f"Invalid {NUMBER}", f"Bad: {one.text}"))

    with pytest.raises(SendRefused):
        carrier.send(one)

    assert TOKEN not in journal.text
    assert NUMBER[1:] not in journal.text


def test_errors_of_a_send_show_neither_number_nor_text(carrier, telnyx, message):
    telnyx.answer("40300-stop")

    with pytest.raises(SendRefused) as refusal:
        carrier.send(message(to=NUMBER, token=TOKEN))

    shown = f"{refusal.value!r} {refusal.value} {refusal.value.__cause__} {vars(refusal.value)}"
    assert "+1312" not in shown
    assert refusal.value.__suppress_context__, "the SDK's error names both numbers: its traceback is not shown"
