"""The client address, as far as it can be trusted."""

import logging
import re

from flask import Request

from ..verification.caller import UNKNOWN, Caller, read_address

log = logging.getLogger("textproof")

FORWARDED_FOR, FORWARDED = "X-Forwarded-For", "Forwarded"
SHAPE_MAX = 64  # characters of what could not be read; ours: the longest address with its port has 53
QUOTED = r'"(?:[^"\\]|\\.)*"'
WHOLE = re.compile(rf'(?:[^"]|{QUOTED})*')
ELEMENTS, PAIRS = (re.compile(rf'(?:[^{mark}"]|{QUOTED})+') for mark in ",;")
ADVICE = {
    "missing": "Fewer addresses came than TRUSTED_PROXIES says. Have each proxy add X-Forwarded-For, or lower it.",
    "hidden": "A proxy hides who calls. Have it write addresses, or everybody behind it is counted as one caller.",
    "unreadable": "That is no address. Correct what the proxy writes, or everybody behind it is counted as one caller.",
}
BEHIND = (
    "A private address says for whom it asks, and TRUSTED_PROXIES = 0, so everybody behind it is counted as one "
    "caller. If it is a proxy of yours, set TRUSTED_PROXIES to how many there are."
)


class Callers:
    """Finds out who asks; says in the log, once for each reason, when that cannot be found out."""

    def __init__(self, proxies: int) -> None:
        """Take how many proxies of ours a request comes through."""
        self._proxies = proxies
        self._said: set[str] = set()

    def of(self, request: Request) -> Caller:
        """Return who asks.

        Each proxy of ours appends the address it was called from, so the caller stands that many places from the end.
        What stands before it was written by the caller, and is not read.
        """
        if self._proxies == 0:
            self._look_for_a_proxy(request)
            return Caller.at(request.remote_addr or "")
        hops = forwarded(request)
        hop = hops[-self._proxies] if len(hops) >= self._proxies else ""
        caller = Caller.at(hop)
        if caller.address == UNKNOWN:
            is_name = hop.lower().strip('"').startswith((UNKNOWN, "_"))
            why = "missing" if not hop else "hidden" if is_name else "unreadable"
            self._say("caller_unknown", why, do=ADVICE[why], shape=_shape(hop), proxies=self._proxies)
        return caller

    def _look_for_a_proxy(self, request: Request) -> None:
        peer = read_address(request.remote_addr or "")  # none on a Unix socket, which is as near as can be
        if (peer is None or not peer.is_global) and forwarded(request):
            self._say("proxy_not_trusted", "private", do=BEHIND)

    def _say(self, event: str, why: str, **facts: object) -> None:
        if why not in self._said:
            self._said.add(why)
            log.warning(event, extra={"why": why, **facts})


def forwarded(request: Request) -> list[str]:
    """Return the addresses that proxies wrote, the nearest one last.

    WSGI has joined the lines of a header already, with commas. Empty places are left out, as RFC 9110, 5.6.1 wants it.
    `Forwarded` counts where there is no `X-Forwarded-For`: nobody of ours writes both.
    """
    if FORWARDED_FOR in request.headers:
        return [hop for hop in map(_trimmed, request.headers[FORWARDED_FOR].split(",")) if hop]
    header = request.headers.get(FORWARDED, "")
    if not WHOLE.fullmatch(header):
        return ['"']  # a quote that is never closed, which the caller may have begun: none of it is certain
    return [_for(element) for element in ELEMENTS.findall(header) if _trimmed(element)]


def _for(element: str) -> str:
    """Return for whom an element of `Forwarded` speaks."""
    pairs = (pair.partition("=") for pair in PAIRS.findall(element))
    named = [_trimmed(value) for name, _, value in pairs if _trimmed(name).lower() == "for"]
    return re.sub(r"\\(.)", r"\1", named[0]) if len(named) == 1 else UNKNOWN


def _trimmed(text: str) -> str:
    return text.strip(" \t")


def _shape(hop: str) -> str:
    """Return what an address looks like, for a log that has no addresses: `999.999.999.9:aaaa`."""
    return re.sub("[0-9]", "9", re.sub("[A-Za-z]", "a", hop[:SHAPE_MAX]))
