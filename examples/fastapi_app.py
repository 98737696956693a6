"""An application in FastAPI that has phone numbers confirmed by OpenID Connect, with Authlib.

pip install fastapi uvicorn authlib httpx itsdangerous
textproof keys add shop --redirect-uri http://127.0.0.1:5000/callback
VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… uvicorn --app-dir examples --port 5000 fastapi_app:app
"""

import os
import secrets

from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.middleware.sessions import SessionMiddleware

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=os.environ.get("SECRET_KEY") or secrets.token_hex())
textproof = OAuth().register(
    "textproof",
    server_metadata_url=f"{os.environ['VERIFY_URL']}/.well-known/openid-configuration",
    client_id="shop",
    client_secret=os.environ["VERIFY_KEY"],
    client_kwargs={"scope": "openid phone", "code_challenge_method": "S256"},
)


@app.get("/")
async def index():
    return HTMLResponse('<!doctype html><a href="/login">Confirm your number</a>')


@app.get("/login")
async def login(request: Request):
    return await textproof.authorize_redirect(request, str(request.url_for("callback")))


@app.get("/callback")
async def callback(request: Request):
    try:
        token = await textproof.authorize_access_token(request)  # checked: state, signature, issuer, audience, nonce
    except Exception:  # noqa: BLE001 - of Authlib, its signatures or its HTTP: whatever it is, nobody was confirmed
        return PlainTextResponse("Please start again.", 400)
    return PlainTextResponse(f"Confirmed: {token['userinfo']['phone_number']}")
