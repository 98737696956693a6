"""Locale: which language an answer is in.

What somebody chose with the switch counts most, then the locale that the application named, then what their
browser asks for, then the first of `LANGUAGES`. Programs are always answered in English: there, words may be quoted.
"""

import functools
from contextvars import ContextVar
from typing import Any

from flask import Flask, Response, current_app, g, request
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from ..languages import ENGLISH, Language, Languages
from .links import url_for

COOKIE = "lang"
CHOICE = "lang"  # of the query; nothing else is ever in one
KEPT_SECONDS = 31_536_000  # a year; ours: nobody should have to choose again
SWITCHES = 256  # ours: the pages in all languages, and as many requests of applications
TEXTS = 2048  # ours: all that are in the templates, in all languages, and as many of an operator's own
HEADERS = 256  # ours: so many ways to say which languages one reads are remembered
PROGRAMS = ("/v1/", "/webhooks/", "/static/", "/livez", "/readyz", "/metrics", "/.well-known/", "/par", "/token")

_current: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def install(app: Flask, languages: Languages, *, secure: bool) -> None:
    """Have every page in one of `languages`, and with a switch where there are several."""
    app.extensions["languages"] = languages

    @functools.lru_cache(maxsize=HEADERS)
    def asked(header: str) -> Language:
        accepted = parse_accept_header(header, LanguageAccept)
        return languages.of(accepted.best_match([one.tag for one in languages.offered]) or "")

    app.extensions["asked"] = asked

    @app.before_request
    def choose() -> None:
        if request.path.startswith(PROGRAMS):
            _current.set(ENGLISH)
            return
        said = request.args.get(CHOICE) if request.query_string else None
        chosen = languages.pick(said or "") or languages.pick(request.cookies.get(COOKIE, ""))
        if chosen:
            g.chosen = chosen
        _current.set(chosen or asked(request.headers.get("Accept-Language", "")))

    @app.after_request
    def remember(response: Response) -> Response:
        if request.query_string and CHOICE in request.args and (chosen := g.get("chosen")):
            response.set_cookie(
                COOKIE, chosen.tag, max_age=KEPT_SECONDS, secure=secure, httponly=True, samesite="Lax", path="/"
            )
        return response

    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension brings it
        lambda text: language().gettext(text),
        lambda one, many, count: language().ngettext(one, many, count),
        newstyle=True,
    )
    app.jinja_env.globals.update(language=language, offered=languages.offered, here=here, _=_in_page)

    @functools.lru_cache(maxsize=SWITCHES)
    def switch(address: str, current: Language) -> Markup:
        return Markup(app.jinja_env.get_template("switch.html").render(address=address, current=current))  # noqa: S704 - it escapes

    app.jinja_env.globals["switch"] = lambda address: switch(address, language())


def language() -> Language:
    """Return the language of the answer that is being made."""
    return _current.get()


def suggest(locale: str) -> None:
    """Answer in the language of a locale, unless it is not offered or the person chose another."""
    if locale and "chosen" not in g:
        languages: Languages = current_app.extensions["languages"]
        _current.set(languages.pick(locale) or language())


def _in_page(text: str, **variables: Any) -> Markup:  # noqa: ANN401 - whatever the words speak of
    """Return what Jinja's own `_` returns; it makes each text anew each time."""
    return _worded(language(), text) % variables if variables else _worded_whole(language(), text)


@functools.lru_cache(maxsize=TEXTS)
def _worded(current: Language, text: str) -> Markup:
    return Markup(current.gettext(text))  # noqa: S704 - of our own catalogues, which are trusted as the templates are


@functools.lru_cache(maxsize=TEXTS)
def _worded_whole(current: Language, text: str) -> Markup:
    return _worded(current, text) % {}


def gettext(text: str) -> str:
    """Return `text` in the language of the answer."""
    return language().gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the form of a text that goes with `count` things, in the language of the answer."""
    return language().ngettext(one, many, count)


def here(begin: str = "") -> str:
    """Return where this page is found again by GET; "" when its own address without a query is that.

    `begin` is the address of the form, where it is one that an application sent somebody to.
    """
    if begin:
        return begin
    if request.method in ("GET", "HEAD"):
        return ""
    if request.endpoint in ("pages.check", "pages.resend"):
        return url_for("pages.verify")
    return url_for("pages.index")
