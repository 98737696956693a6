"""An application in Django, in one file, whose people sign in with their number, with mozilla-django-oidc.

pip install django mozilla-django-oidc
textproof keys add shop --redirect-uri http://127.0.0.1:5000/oidc/callback/
export VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_…
python examples/django_mozilla_app.py migrate
python examples/django_mozilla_app.py runserver 127.0.0.1:5000
"""

import os
import secrets
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import include, path

TEXTPROOF = os.environ["VERIFY_URL"]

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", "db.sqlite3")}},
    AUTHENTICATION_BACKENDS=[f"{__name__}.PhoneBackend"],
    OIDC_OP_AUTHORIZATION_ENDPOINT=f"{TEXTPROOF}/authorize",
    OIDC_OP_TOKEN_ENDPOINT=f"{TEXTPROOF}/token",
    OIDC_OP_USER_ENDPOINT=f"{TEXTPROOF}/userinfo",
    OIDC_OP_JWKS_ENDPOINT=f"{TEXTPROOF}/.well-known/jwks.json",
    OIDC_RP_CLIENT_ID="shop",
    OIDC_RP_CLIENT_SECRET=os.environ["VERIFY_KEY"],
    OIDC_RP_SIGN_ALGO=os.environ.get("VERIFY_ALG", "RS256"),  # unless told, it takes HS256
    OIDC_RP_SCOPES="openid phone",
    OIDC_USE_PKCE=True,
    LOGIN_REDIRECT_URL="/",
)
django.setup()

from mozilla_django_oidc.auth import OIDCAuthenticationBackend  # noqa: E402 - it wants the settings


class PhoneBackend(OIDCAuthenticationBackend):
    """A person is their number: there is no e-mail address."""

    def verify_claims(self, claims):
        return claims.get("phone_number_verified") is True

    def filter_users_by_claims(self, claims):
        return self.UserModel.objects.filter(username=claims["phone_number"])

    def create_user(self, claims):
        return self.UserModel.objects.create_user(claims["phone_number"])


def index(request):
    if request.user.is_authenticated:
        return HttpResponse(f"Confirmed: {request.user.username}", content_type="text/plain")
    return HttpResponse('<!doctype html><a href="/oidc/authenticate/">Confirm your number</a>')


urlpatterns = [path("", index), path("oidc/", include("mozilla_django_oidc.urls"))]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
