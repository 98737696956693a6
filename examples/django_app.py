"""An application in Django, in one file, that sends people to Textproof's pages and takes them back.

    pip install django
    textproof keys add shop --return-url http://127.0.0.1:5000/phone
    VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… python examples/django_app.py runserver 127.0.0.1:5000

It lets Textproof check the result, so it needs no library for signatures.
"""

import json
import os
import secrets
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.crypto import constant_time_compare
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

TEXTPROOF = os.environ["VERIFY_URL"]
KEY = os.environ["VERIFY_KEY"]

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)


def textproof(path, body):
    """Call the API, and return the status and what it says."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    try:
        with urlopen(Request(f"{TEXTPROOF}{path}", json.dumps(body).encode(), headers), timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as problem:
        return problem.code, json.load(problem)


@require_GET
def index(request):
    return HttpResponse(
        format_html(
            '<!doctype html><form method="post" action="/confirm"><input type="hidden" name="csrfmiddlewaretoken" '
            'value="{}"><input name="phone" placeholder="phone"><button>Go</button></form>',
            get_token(request),
        )
    )


@require_POST
def confirm(request):
    """Open a session, and remember in ours what must come back."""
    request.session["state"], request.session["nonce"] = secrets.token_urlsafe(), secrets.token_urlsafe()
    asked = {
        "return_url": request.build_absolute_uri("/phone"),
        "state": request.session["state"],
        "nonce": request.session["nonce"],
        "to": request.POST["phone"],
    }
    status, said = textproof("/v1/sessions", asked)
    return HttpResponseRedirect(said["url"]) if status == 201 else HttpResponseBadRequest(said["detail"])


@require_GET
def phone(request):
    """Take the browser back. Who has no `state` of ours did not start here; each is good once."""
    state, nonce = request.session.pop("state", ""), request.session.pop("nonce", "")
    if not state or not constant_time_compare(state, request.GET.get("state", "")):
        return HttpResponseBadRequest("Please start again.")
    status, said = textproof("/v1/results/redeem", {"result": request.GET.get("result", "-")})
    if status != 200 or said["nonce"] != nonce:
        return HttpResponseBadRequest("That took too long. Please start again.")
    return HttpResponse(f"Confirmed: {said['sub']}")


urlpatterns = [path("", index), path("confirm", confirm), path("phone", phone)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
