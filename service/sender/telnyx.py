"""The Telnyx sender. Beside `account.py`, the only file that imports the SDK.

Three answers are kept apart: taken, refused (nothing was sent), and uncertain (it may have been).
A message is posted once: nothing here or in the SDK tries again.
"""

import logging
from collections.abc import Callable
from typing import Any

import httpx
import telnyx

from ..verification.errors import Delivery, SendRefused, SendUncertain
from ..verification.message import Message, is_one_segment, septets
from ..verification.ports import Accepted
from .deadline import DeadlineTransport, deadline
from .error_codes import error_in, facts_of, meaning_of
from .receipts import message_id_of

log = logging.getLogger("textproof.telnyx")

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
WHOLE_SECONDS = 6.0  # for all of a send, however slowly the answer drips
KEEP_SECONDS = 30.0
# Before these, not a byte of the request was written.
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class TelnyxSender:
    """Implements `Sender` with Telnyx's SDK; safe to share between threads."""

    def __init__(
        self,
        *,
        api_key: str,
        from_number: str,
        profile: str,
        base_url: str,
        connections: int,
        webhook_url: Callable[[str], str] | None = None,
    ) -> None:
        """Build the client, and touch what it would load with the first message. Opens no connection.

        Args:
            api_key: From Telnyx's portal.
            from_number: A number or a name that sends; "" for one of the profile's pool.
            profile: The messaging profile's id; "" for the number's own.
            base_url: Of Telnyx's API, with its version.
            connections: As many as there are sends at once: all are kept, because httpcore 1.0.9 may close one
                that is in use when it has to choose (its issue 1110).
            webhook_url: Gives the address for receipts of a verification; None when there is none.
        """
        transport = DeadlineTransport(connections=connections, keep_seconds=KEEP_SECONDS)
        self._client = telnyx.Telnyx(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            http_client=telnyx.DefaultHttpxClient(transport=transport, follow_redirects=False),
        )
        self._messages = self._client.messages
        given = {"from_": from_number, "messaging_profile_id": profile}
        self._sender: dict[str, Any] = {name: value for name, value in given.items() if value}
        self._webhook_url = webhook_url

    def send(self, message: Message) -> Accepted:
        """See `Sender`."""
        length = septets(message.text)
        if not is_one_segment(message.text):
            log.error("text_too_long", extra={"septets": length})
            raise SendRefused(Delivery.FAILED)
        options = {"webhook_url": self._webhook_url(message.id)} if self._webhook_url else {}
        try:
            with deadline(WHOLE_SECONDS):
                reply = self._messages.send(
                    to=message.to.e164,
                    text=message.text,
                    encoding="ucs2" if length is None else "gsm7",
                    idempotency_key=message.key,
                    **self._sender,
                    **options,
                )
        except telnyx.APIStatusError as error:
            raise _no(error) from None
        except telnyx.APIConnectionError as error:
            cause = type(error.__cause__).__name__
            if isinstance(error.__cause__, NOTHING_SENT):
                log.error("telnyx_unreachable", extra={"cause": cause})
                raise SendRefused(Delivery.FAILED) from None
            raise _unreadable(cause) from None
        except (telnyx.TelnyxError, ValueError, RecursionError) as error:
            raise _unreadable(type(error).__name__) from None
        data = getattr(reply, "data", None)
        id_ = getattr(data, "id", None)
        if not id_:
            raise _unreadable("no message id")
        return Accepted(_whole(getattr(data, "wait_seconds", None)), message_id_of(id_))


def _no(error: telnyx.APIStatusError) -> SendRefused | SendUncertain:
    """Return what an error answer says. Its detail is not logged: it may name the number."""
    code, words = error_in(error.body)
    meaning = meaning_of(code, words, status=error.status_code)
    facts = {"status": error.status_code} | facts_of(code, meaning)
    if meaning.uncertain:
        log.error("telnyx_uncertain", extra=facts)
        return SendUncertain()
    log.log(logging.ERROR if meaning.operator else logging.INFO, "telnyx_refused", extra=facts)
    retry_after = _whole(error.response.headers.get("retry-after")) or None
    return SendRefused(meaning.delivery, pause=meaning.pause, retry_after=retry_after, code=code)


def _unreadable(cause: str) -> SendUncertain:
    log.error("telnyx_uncertain", extra={"cause": cause})
    return SendUncertain()


def _whole(seconds: object) -> int:
    """Return seconds as Telnyx gives them, as a number or as text; 0 for anything else."""
    try:
        return max(0, round(float(seconds)))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0
