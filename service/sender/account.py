"""Questions about the account at Telnyx, for `textproof doctor`. Nothing is sent or changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import httpx
import telnyx

from .deadline import DeadlineTransport, deadline
from .error_codes import CODES, KEY, error_in, meaning_of
from .telnyx import ANSWER_SECONDS, CONNECT_SECONDS, KEEP_SECONDS

UNAUTHORIZED, TOO_MANY = 401, 429


class Unanswered(Exception):
    """A question was not answered; the text says what to do, and what Telnyx said."""


class Missing(Unanswered):
    """There is nothing at the address that was asked."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A messaging profile, as far as it can stop our messages, or let others send them."""

    is_enabled: bool
    destinations: frozenset[str]
    """ISO 3166 regions that it may text; `*` is all."""
    spend_limit: str | None
    """USD that it may spend a day; None when it may spend everything."""
    has_pool: bool
    alpha_sender: str
    webhook_version: str
    is_redacted: bool
    """Whether Telnyx forgets texts and numbers."""


class TelnyxAccount:
    """Asks Telnyx; each method may raise Unanswered, within ANSWER_SECONDS."""

    def __init__(self, *, api_key: str, base_url: str) -> None:
        """Take what `TelnyxSender` takes, and load what the questions need. Opens no connection."""
        self._client = telnyx.Telnyx(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            http_client=telnyx.DefaultHttpxClient(
                transport=DeadlineTransport(connections=1, keep_seconds=KEEP_SECONDS)
            ),
        )
        self._profiles = self._client.messaging_profiles
        self._numbers = self._client.phone_numbers.messaging
        self._balance = self._client.balance

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def greet(self) -> None:
        """Return when Telnyx accepts the key."""
        with _answered():
            list(self._profiles.list(page_size=1).data)

    def funds(self) -> tuple[Decimal, str]:
        """Return what can be spent, credit included, and in which currency."""
        with _answered():
            data = self._balance.retrieve().data
            return Decimal(data.available_credit or data.balance), str(data.currency)

    def profile_of(self, number: str) -> str | None:
        """Return the id of the messaging profile of a number, "" when it has none; None when it is not ours."""
        with _answered():
            found = self._numbers.list(filter_phone_number=number, page_size=20).data
            ours = [one for one in found if one.phone_number == number]
            return (ours[0].messaging_profile_id or "") if ours else None

    def profile(self, id_: str) -> Profile | None:
        """Return a messaging profile, or None when there is none with this id."""
        try:
            with _answered():
                data = self._profiles.retrieve(id_).data
                return Profile(
                    is_enabled=data.enabled is not False,
                    destinations=frozenset(data.whitelisted_destinations or ()),
                    spend_limit=data.daily_spend_limit if data.daily_spend_limit_enabled else None,
                    has_pool=data.number_pool_settings is not None,
                    alpha_sender=data.alpha_sender or "",
                    webhook_version=str(data.webhook_api_version),
                    is_redacted=data.redaction_enabled is True,
                )
        except Missing:
            return None

    def public_key(self) -> str:
        """Return the key that webhooks are signed with; "" when Telnyx does not tell."""
        try:
            with _answered():  # in Telnyx's API, but not in its SDK
                return str(self._client.get("/public_key", cast_to=object)["data"]["public"])
        except Missing:
            return ""


@contextmanager
def _answered() -> Iterator[None]:
    try:
        with deadline(ANSWER_SECONDS):
            yield
    except telnyx.NotFoundError as error:
        raise Missing("Check TELNYX_BASE_URL: this is not Telnyx's API.") from error
    except telnyx.APIStatusError as error:
        raise Unanswered(_why(error)) from error
    except telnyx.APIConnectionError as error:
        cause = type(error.__cause__).__name__
        raise Unanswered(f"Telnyx does not answer ({cause}). Check the network, and TELNYX_BASE_URL.") from error
    except (telnyx.TelnyxError, ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
        # An answer without the parts that it should have; the SDK checks none.
        raise Unanswered(f"Telnyx's answer cannot be read ({type(error).__name__}). Check TELNYX_BASE_URL.") from error


def _why(error: telnyx.APIStatusError) -> str:
    """Return what to do about a refusal. Its detail is not shown: it may name a number."""
    code, words = error_in(error.body)
    if error.status_code == UNAUTHORIZED:
        do = KEY.operator
    elif code in CODES and error.status_code != TOO_MANY:
        do = meaning_of(code, words).operator
    else:
        do = "Try again later, or see Telnyx's status page."
    return f"{do} (Telnyx answers {' '.join(filter(None, [str(error.status_code), code]))}.)"
