"""Sends through Telnyx. The only file that knows the vendor.

Three answers are kept apart: taken, refused (nothing was sent), and uncertain (it may have been).
A message is posted once: nothing here or in the SDK tries again.
"""

import logging

import httpx
import telnyx

from ..verification.errors import SendRefused, SendUncertain
from ..verification.message import Message

log = logging.getLogger("textproof.telnyx")

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
CONNECTIONS = 32  # kept open as well: with fewer, httpcore 1.0.9 may close one that is in use (its issue 1110)
UNDECIDED = frozenset({408, 409})  # besides 5xx: the request may have been carried out


class TelnyxSender:
    """Implements `Sender` with Telnyx's SDK; safe to share between threads."""

    def __init__(self, *, api_key: str, from_number: str, base_url: str) -> None:
        """Build the client, and touch what it would load with the first message. Opens no connection."""
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=30)
        self._client = telnyx.Telnyx(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            http_client=telnyx.DefaultHttpxClient(limits=limits),
        )
        self._messages = self._client.messages
        self._from = from_number

    def send(self, message: Message) -> None:
        """See `Sender`."""
        try:
            reply = self._messages.send(
                to=message.to.e164, from_=self._from, text=message.text, idempotency_key=message.key
            )
        except telnyx.APIStatusError as error:
            raise _refusal(error) from None
        except telnyx.APIConnectionError as error:
            if isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
                log.error("telnyx_unreachable", extra={"cause": type(error.__cause__).__name__})
                raise SendRefused from None
            raise _uncertain(type(error.__cause__).__name__) from None
        except (telnyx.TelnyxError, ValueError) as error:
            raise _uncertain(type(error).__name__) from None
        if not getattr(getattr(reply, "data", None), "id", None):
            raise _uncertain("no message id")


def _refusal(error: telnyx.APIStatusError) -> SendRefused | SendUncertain:
    """Tell a definite no from an answer that leaves it open. The body is not logged: it may name the number."""
    code = _code(error.body)
    if error.status_code >= 500 or error.status_code in UNDECIDED:  # noqa: PLR2004 - HTTP's own border
        return _uncertain(f"status {error.status_code}", code)
    log.error("telnyx_refused", extra={"status": error.status_code, "code": code})
    return SendRefused()


def _uncertain(cause: str, code: str = "") -> SendUncertain:
    log.warning("telnyx_uncertain", extra={"cause": cause, "code": code})
    return SendUncertain()


def _code(body: object) -> str:
    """Return Telnyx's own error code (`40310`), or nothing when there is none to read."""
    try:
        return str(body["errors"][0]["code"])  # type: ignore[index]
    except (TypeError, KeyError, IndexError):
        return ""
