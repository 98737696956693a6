"""Where a request comes from, as far as it can be trusted."""

from flask import Request

from ..verification.caller import Caller


def caller_of(request: Request, *, proxies: int) -> Caller:
    """Return who asks.

    Each of our own `proxies` appends the address it was called from to `X-Forwarded-For`, so the caller stands that
    many places from the end. What stands before it was written by whoever called, and is not looked at.
    """
    if proxies == 0:
        return Caller.at(request.remote_addr or "")
    # WSGI has joined the lines of a header already, with commas.
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    return Caller.at(hops[-proxies] if len(hops) >= proxies else "")
