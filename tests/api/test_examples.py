"""The examples of `docs/integration.md` do what they say, against a running service.

Flask and curl always. Django, FastAPI and Express need what the service does not: `make examples` fetches that, and
runs all of them.
"""

import os
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from service.clients import ClientKeys
from service.store.connect import connect
from service.store.redis import RedisStore
from tests.support.http import Browser, fields
from tests.support.processes import Child, free_port, wait_until
from tests.support.servers import StoreServer
from tests.support.service import ROOT, ServiceProcess

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "examples"
PYTHON = [sys.executable, "-m"]


# How each is run; `{port}` is its port.
COMMANDS = {"flask": [*PYTHON, "flask", "--app", "examples/flask_app", "run", "--port", "{port}"]}
if os.environ.get("EXAMPLES"):
    COMMANDS |= {
        "django": [sys.executable, "examples/django_app.py", "runserver", "--noreload", "127.0.0.1:{port}"],
        "fastapi": [*PYTHON, "uvicorn", "--app-dir", "examples", "--port", "{port}", "fastapi_app:app"],
        "express": ["node", "examples/express/app.mjs"],
    }


@pytest.fixture(scope="module")
def server():
    with StoreServer() as server:
        yield server


@pytest.fixture(scope="module")
def textproof(server):
    settings = {"TEXTPROOF_REDIS_URL": server.url, "TEXTPROOF_SENDER": "demo", "TEXTPROOF_LIMITS_MODE": "observe"}
    with ServiceProcess(settings) as replica:
        yield replica


@pytest.fixture
def add(server, policy):
    def add(*redirect_uris):
        keys = ClientKeys(RedisStore(connect(server.url), policy))
        return keys.add("shop", redirect_uris=redirect_uris, now=time.time())

    return add


@pytest.fixture
def example(textproof, add, tmp_path):
    """Runs one of them, and returns where it is."""
    started = []

    def run(name):
        port = free_port()
        environ = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "PORT": str(port),
            "VERIFY_URL": textproof.url,
            "VERIFY_KEY": add(f"http://127.0.0.1:{port}/phone"),
            "SECRET_KEY": "x" * 40,
        }
        command = [word.format(port=port) for word in COMMANDS[name]]
        child = Child(command, output=tmp_path / "log", cwd=ROOT, env=environ)
        started.append(child)
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url), what=f"{name} answers", every=0.1)
        return url

    yield run

    for child in started:
        child.kill()


def _answers(url):
    try:
        with Browser(url, timeout=2) as browser:
            return browser.get("/").status == 200
    except OSError:
        return False


def _code(textproof, number):
    with Browser(textproof.url) as browser:
        return next(one["text"].split()[0] for one in browser.get("/demo/messages").json() if one["to"] == number)


def _submit(browser, page, action, **typed):
    return browser.post(action, fields(page.text) | typed)


def _walk(textproof, url, number):
    """Confirm a number at the example; return the browser that it knows, and the way back."""
    shop, verify = Browser(url), Browser(textproof.url)
    out = _submit(shop, shop.get("/"), "/confirm", phone=number)
    assert out.status in {302, 303}, out.text
    assert out.headers["Location"].startswith(textproof.url)
    form = verify.get(urlsplit(out.headers["Location"]).path)
    asked = _submit(verify, form, "/request")
    assert asked.status == 303, asked.text
    done = _submit(verify, verify.get("/verify"), "/verify", token=_code(textproof, number))
    assert done.status == 303, done.text
    back = urlsplit(done.headers["Location"])
    return shop, f"{back.path}?{back.query}"


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_confirms_a_number_once(name, example, textproof, numbers):
    number = next(numbers)
    shop, back = _walk(textproof, example(name), number)

    first, again = shop.get(back), shop.get(back)

    assert (first.status, first.text) == (200, f"Confirmed: {number}")
    assert again.status == 400


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_takes_no_way_back_that_it_did_not_begin(name, example, textproof, numbers):
    """Neither in another browser (an attacker sends a link), nor with another result."""
    url = example(name)
    _, back = _walk(textproof, url, next(numbers))
    other, own = _walk(textproof, url, next(numbers))
    result = back.partition("result=")[2].partition("&")[0]
    swapped = own.replace(own.partition("result=")[2].partition("&")[0], result)

    with Browser(url) as stranger:
        assert stranger.get(back).status == 400
    assert other.get(swapped).status == 400


def test_the_flask_example_confirms_a_number_with_a_form_of_its_own(example, textproof, numbers):
    number = next(numbers)
    with Browser(example("flask")) as shop:
        shop.post("/start", {"phone": number})
        wrong = shop.post("/check", {"token": "000000"})
        right = shop.post("/check", {"token": _code(textproof, number)})

    assert wrong.status == 422
    assert (right.status, right.text) == (200, f"Confirmed: {number}")


def test_the_curl_example_says_right_or_wrong_by_its_exit_code(textproof, add, numbers):
    number = next(numbers)
    environ = os.environ | {"VERIFY_URL": textproof.url, "VERIFY_KEY": add()}

    def curl(*words):
        return subprocess.run(
            ["sh", "examples/curl.sh", *words], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
        )

    id_ = curl("start", number).stdout.strip()
    code = _code(textproof, number)

    assert curl("show", id_).returncode == 0
    assert curl("resend", id_).returncode != 0  # too soon
    assert curl("check", id_, "000000" if code != "000000" else "111111").returncode != 0
    assert curl("check", id_, code).returncode == 0
    assert curl("check", id_, code).returncode != 0
    assert curl("cancel", id_).returncode != 0


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_readable_by_python(path):
    compile(path.read_text(), path, "exec")
