"""An application in Django, in one file, that has phone numbers confirmed by OpenID Connect, with Authlib.

pip install django authlib requests
textproof keys add shop --redirect-uri http://127.0.0.1:5000/callback
VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… python examples/django_app.py runserver 127.0.0.1:5000
"""

import os
import secrets
import sys

from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse, HttpResponseBadRequest
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
textproof = OAuth().register(
    "textproof",
    server_metadata_url=f"{os.environ['VERIFY_URL']}/.well-known/openid-configuration",
    client_id="shop",
    client_secret=os.environ["VERIFY_KEY"],
    client_kwargs={"scope": "openid phone", "code_challenge_method": "S256"},
)


def index(request):  # noqa: ARG001
    return HttpResponse('<!doctype html><a href="/login">Confirm your number</a>')


def login(request):
    return textproof.authorize_redirect(request, request.build_absolute_uri("/callback"))


def callback(request):
    try:
        token = textproof.authorize_access_token(request)  # checked: state, signature, issuer, audience, nonce
    except Exception:  # noqa: BLE001 - of Authlib, its signatures or its HTTP: whatever it is, nobody was confirmed
        return HttpResponseBadRequest("Please start again.")
    return HttpResponse(f"Confirmed: {token['userinfo']['phone_number']}", content_type="text/plain")


urlpatterns = [path("", index), path("login", login), path("callback", callback)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
