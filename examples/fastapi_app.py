"""An application in FastAPI that sends people to Textproof's pages and takes them back.

    pip install fastapi uvicorn httpx itsdangerous python-multipart
    textproof keys add shop --return-url http://127.0.0.1:5000/phone
    VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… uvicorn --app-dir examples --port 5000 fastapi_app:app

It lets Textproof check the result, so it needs no library for signatures.
"""

import os
import secrets
from typing import Annotated

import httpx
from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

textproof = httpx.AsyncClient(
    base_url=os.environ["VERIFY_URL"], headers={"Authorization": f"Bearer {os.environ['VERIFY_KEY']}"}, timeout=10
)
app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=os.environ.get("SECRET_KEY") or secrets.token_hex())


@app.get("/", response_class=HTMLResponse)
async def index():
    return (
        '<!doctype html><form method="post" action="/confirm"><input name="phone" placeholder="phone">'
        "<button>Go</button></form>"
    )


@app.post("/confirm")
async def confirm(request: Request, phone: Annotated[str, Form()]):
    """Open a session, and remember in ours what must come back."""
    request.session["state"], request.session["nonce"] = secrets.token_urlsafe(), secrets.token_urlsafe()
    asked = {
        "return_url": str(request.url_for("phone")),
        "state": request.session["state"],
        "nonce": request.session["nonce"],
        "to": phone,
    }
    answer = await textproof.post("/v1/sessions", json=asked)
    if answer.status_code != 201:
        raise HTTPException(400, answer.json()["detail"])
    return RedirectResponse(answer.json()["url"], 303)


@app.get("/phone")
async def phone(request: Request, state: str = "", result: str = "-"):
    """Take the browser back. Who has no `state` of ours did not start here; each is good once."""
    ours, nonce = request.session.pop("state", ""), request.session.pop("nonce", "")
    if not ours or not secrets.compare_digest(ours.encode(), state.encode()):
        raise HTTPException(400, "Please start again.")
    answer = await textproof.post("/v1/results/redeem", json={"result": result})
    if answer.status_code != 200 or answer.json()["nonce"] != nonce:
        raise HTTPException(400, "That took too long. Please start again.")
    return PlainTextResponse(f"Confirmed: {answer.json()['sub']}")
