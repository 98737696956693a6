"""Load shedding: starts never take all threads of a worker, so a check always finds one.

It stands before everything else, since who comes in a flood must cost next to nothing. What it answers is made once for
each language.
"""

import functools
import re
import threading
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, request
from werkzeug.exceptions import Forbidden
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ..languages import Language, Languages
from ..verification.errors import Hold, SendingHeld
from ..verification.outbox import RETRY_SECONDS
from ..verification.verifier import Verifier
from .locale import COOKIE
from .problems import API
from .security import is_from_elsewhere

AT_ONCE = 4  # starts; ours: as many as the balancer sends at once. The more there are, the less is left for checks
STARTS = re.compile(r"/request|/resend|/v1/verifications(?:/[^/]+/resend)?").fullmatch
CHOICE = re.compile(rf"(?:^|; ?){COOKIE}=([A-Za-z-]{{1,35}})(?=;|$)").search
NOTHING = "/-"  # an address that has no route
REFUSED = "textproof.refused"  # of a request of our own: the error that it is answered with
BUSY, ELSEWHERE = SendingHeld(Hold.NO_PLACE, RETRY_SECONDS), Forbidden()

Answer = tuple[str, list[tuple[str, str]], bytes]


class Starts:
    """Those that are under way in this process."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        """Take how many of them only wait for the carrier."""
        self._waiting = waiting
        self._under_way = 0
        self._lock = threading.Lock()

    def begin(self) -> bool:
        """Add one, if there is room for it."""
        with self._lock:
            has_room = self._under_way - self._waiting() < AT_ONCE
            self._under_way += has_room
            return has_room

    def end(self) -> None:
        """Take away one."""
        with self._lock:
            self._under_way -= 1


def install(app: Flask, verifier: Verifier, count: Callable[[], None]) -> None:
    """Answer 503 to starts and resends beyond `AT_ONCE` at the same time, in this process.

    Those that come from another site are refused here as well, as everywhere else.

    Args:
        app: The service.
        verifier: Knows how many of those under way only wait for the carrier, which takes nothing from checks, and has
            the turn of the others.
        count: Called for each 503.
    """
    serve, starts = app.wsgi_app, Starts(verifier.waiting)

    @app.before_request
    def refuse() -> None:
        if error := request.environ.get(REFUSED):
            raise error

    @functools.cache
    def answer(error: Exception, path: str, language: str) -> Answer:
        headers = [("Cookie", f"{COOKIE}={language}")]
        asked = EnvironBuilder(path, method="POST", headers=headers, environ_overrides={REFUSED: error}).get_environ()
        body, status, told = run_wsgi_app(serve, asked)
        return status, [(name, value) for name, value in told if name != "X-Request-Id"], b"".join(body)

    def answer_to(environ: WSGIEnvironment, error: Exception) -> Answer:
        if environ["PATH_INFO"].startswith(API):
            return answer(error, API, "")
        choice = CHOICE(environ.get("HTTP_COOKIE", ""))
        languages: Languages = app.extensions["languages"]
        asked: Language = app.extensions["asked"](environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        return answer(error, NOTHING, ((choice and languages.pick(choice[1])) or asked).tag)

    def limited(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "POST" or not STARTS(path):
            return serve(environ, start_response)
        if not path.startswith(API) and is_from_elsewhere(environ):
            status, headers, body = answer_to(environ, ELSEWHERE)
        elif starts.begin():
            try:
                with verifier.turn.taken():
                    return serve(environ, start_response)
            finally:
                starts.end()
        else:
            count()
            status, headers, body = answer_to(environ, BUSY)
        start_response(status, list(headers))
        return [body]

    app.wsgi_app = limited  # type: ignore[method-assign]  # as Flask's manual has it
