"""An application in Flask that has phone numbers confirmed: by OpenID Connect, with Authlib, and by the API.

    pip install flask authlib requests
    textproof keys add shop --redirect-uri http://127.0.0.1:5000/callback
    VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… flask --app examples/flask_app run

OpenID Connect: `/login` sends the browser to Textproof's pages, and `/callback` takes it back.
API: `/own` is a form of our own, and this backend calls Textproof.
"""

import os
import secrets

import requests
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, request, session, url_for

TEXTPROOF = os.environ["VERIFY_URL"]
KEY = os.environ["VERIFY_KEY"]

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY") or secrets.token_hex()
textproof = OAuth(app).register(
    "textproof",
    server_metadata_url=f"{TEXTPROOF}/.well-known/openid-configuration",
    client_id="shop",
    client_secret=KEY,
    client_kwargs={"scope": "openid phone", "code_challenge_method": "S256"},
)

PAGE = (
    '<!doctype html><form method="post" action="{action}"><input name="{field}" placeholder="{field}">'
    "<button>Go</button></form>"
)


# -- OpenID Connect


@app.get("/")
def index():
    return f'<!doctype html><a href="{url_for("login")}">Confirm your number</a>'


@app.get("/login")
def login():
    return textproof.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    try:
        claims = textproof.authorize_access_token()["userinfo"]  # checked: state, signature, issuer, audience, nonce
    except Exception:  # noqa: BLE001 - of Authlib, its signatures or its HTTP: whatever it is, nobody was confirmed
        return "Please start again.", 400
    return f"Confirmed: {claims['phone_number']}"


# -- API


def call(path, body, name=None):
    """Call the API. `name` makes it safe to call again."""
    headers = {"Authorization": f"Bearer {KEY}"} | ({"Idempotency-Key": name} if name else {})
    answer = requests.post(f"{TEXTPROOF}{path}", json=body, headers=headers, timeout=10)
    return answer.status_code, answer.json()


@app.get("/own")
def own():
    return PAGE.format(action=url_for("start"), field="phone")


@app.post("/start")
def start():
    status, said = call("/v1/verifications", {"to": request.form["phone"]}, secrets.token_hex())
    if status != 201:
        return said["detail"], 400  # written for the person
    session["verification"] = said["id"]
    return PAGE.format(action=url_for("check"), field="token")


@app.post("/check")
def check():
    if "verification" not in session:
        return redirect(url_for("own"))
    status, said = call(f"/v1/verifications/{session['verification']}/check", {"token": request.form["token"]})
    if status == 200:
        return f"Confirmed: {said['to']}"
    return said["detail"] + PAGE.format(action=url_for("check"), field="token"), 422
