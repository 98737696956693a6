"""An application in Flask that has phone numbers confirmed, through both doors.

    pip install flask pyjwt[crypto]
    textproof keys add shop --return-url http://127.0.0.1:5000/phone
    VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… flask --app examples/flask_app run

Hosted: `/` sends the browser to Textproof's pages, and `/phone` takes it back.
API: `/own` is a form of our own, and this backend calls Textproof.
"""

import json
import os
import secrets
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jwt
from flask import Flask, redirect, request, session, url_for

TEXTPROOF = os.environ["VERIFY_URL"]
KEY = os.environ["VERIFY_KEY"]
CLIENT = "shop"  # as the key was made for
PUBLISHED = jwt.PyJWKClient(f"{TEXTPROOF}/.well-known/jwks.json")

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY") or secrets.token_hex()

PAGE = (
    '<!doctype html><form method="post" action="{action}"><input name="{field}" placeholder="{field}">'
    "<button>Go</button></form>"
)


def textproof(path, body, name=None):
    """Call the API, and return the status and what it says. `name` makes it safe to call again."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    if name:
        headers["Idempotency-Key"] = name
    try:
        with urlopen(Request(f"{TEXTPROOF}{path}", json.dumps(body).encode(), headers), timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as problem:
        return problem.code, json.load(problem)


# -- Hosted


@app.get("/")
def index():
    return PAGE.format(action=url_for("confirm"), field="phone")


@app.post("/confirm")
def confirm():
    """Open a session, and remember in ours what must come back."""
    session["state"], session["nonce"] = secrets.token_urlsafe(), secrets.token_urlsafe()
    asked = {
        "return_url": url_for("phone", _external=True),
        "state": session["state"],
        "nonce": session["nonce"],
        "to": request.form["phone"],
    }
    status, said = textproof("/v1/sessions", asked)
    return redirect(said["url"], 303) if status == 201 else (said["detail"], 400)


@app.get("/phone")
def phone():
    """Take the browser back. Who has no `state` of ours did not start here; each is good once."""
    state, nonce = session.pop("state", ""), session.pop("nonce", "")
    if not state or not secrets.compare_digest(state.encode(), request.args.get("state", "").encode()):
        return "Please start again.", 400
    result = request.args.get("result", "")
    try:
        key = PUBLISHED.get_signing_key_from_jwt(result)
        claims = jwt.decode(result, key, algorithms=["ES256"], audience=CLIENT, leeway=5)
    except jwt.PyJWTError:
        return "That took too long. Please start again.", 400
    if claims["nonce"] != nonce:
        return "Please start again.", 400
    return f"Confirmed: {claims['sub']}"


# -- API


@app.get("/own")
def own():
    return PAGE.format(action=url_for("start"), field="phone")


@app.post("/start")
def start():
    status, said = textproof("/v1/verifications", {"to": request.form["phone"]}, secrets.token_hex())
    if status != 201:
        return said["detail"], 400  # written for the person
    session["verification"] = said["id"]
    return PAGE.format(action=url_for("check"), field="token")


@app.post("/check")
def check():
    status, said = textproof(f"/v1/verifications/{session['verification']}/check", {"token": request.form["token"]})
    if status == 200:
        return f"Confirmed: {said['to']}"
    return said["detail"] + PAGE.format(action=url_for("check"), field="token"), 422
