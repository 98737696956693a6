"""Starts never take all threads of a worker: a check finds one, however many people ask for codes.

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
from .problems import API
from .security import is_from_elsewhere
from .speech import COOKIE

AT_ONCE = 8  # starts, of 32 threads; ours: as many as may wait for the carrier, and twice what the balancer sends
STARTS = re.compile(r"/request|/resend|/v1/verifications(?:/[^/]+/resend)?").fullmatch
CHOICE = re.compile(rf"(?:^|; ?){COOKIE}=([A-Za-z-]{{1,35}})(?=;|$)").search
NOTHING = "/-"  # an address that has no route
REFUSED = "textproof.refused"  # of a request of our own: the error that it is answered with
BUSY, ELSEWHERE = SendingHeld(Hold.NO_PLACE, RETRY_SECONDS), Forbidden()

Answer = tuple[str, list[tuple[str, str]], bytes]


def guard(app: Flask, count: Callable[[], None]) -> None:
    """Answer 503 to starts and resends beyond `AT_ONCE` at the same time, in this process; `count` is called then.

    Those that come from another site are refused here as well, as everywhere else.
    """
    free = threading.Semaphore(AT_ONCE)
    serve = app.wsgi_app

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

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "POST" or not STARTS(path):
            return serve(environ, start_response)
        if not path.startswith(API) and is_from_elsewhere(environ):
            status, headers, body = answer_to(environ, ELSEWHERE)
        elif free.acquire(blocking=False):
            try:
                return serve(environ, start_response)
            finally:
                free.release()
        else:
            count()
            status, headers, body = answer_to(environ, BUSY)
            _close(start_response)
        start_response(status, list(headers))
        return [body]

    app.wsgi_app = guarded  # type: ignore[method-assign]  # as Flask's manual has it


def _close(start_response: StartResponse) -> None:
    """Let gunicorn close the connection after the answer: of new ones it takes one at a time, after all it has."""
    getattr(getattr(start_response, "__self__", None), "force_close", int)()
