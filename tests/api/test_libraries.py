"""Other people's client libraries, as the examples of `docs/integration.md` use them, do what those say.

Against three replicas behind the load balancer. They need what the service does not: `make examples` fetches that, and
runs this. Elsewhere conftest.py leaves it out: the suite needs nothing but Python, and skips nothing.
"""

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bench.fleet import Balancer
from service.store.clients import KNOWN_SECONDS
from tests.races.people import code_of
from tests.support.http import Browser, fields
from tests.support.processes import Child, free_port, wait_until
from tests.support.service import ROOT, service_group

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "examples"
PYTHON = [sys.executable, "-m"]
PAGE = {"Accept": "text/html"}  # as a person asks, who can be sent elsewhere; a program is told 401
MODULES = Path("/usr/lib/apache2/modules")
APACHE = """
ServerName 127.0.0.1
User www-data
Group www-data
Listen 127.0.0.1:{port}
PidFile {here}/pid
ErrorLog {here}/error
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
DocumentRoot {here}/site
Include {root}/examples/apache.conf
Header set X-Confirmed "Confirmed: %{{OIDC_CLAIM_phone_number}}e"
"""

CALLBACK = "/callback"
# How each is run, where it begins, and where people come back to. `{port}` is its port, `{here}` a folder of its own.
LIBRARIES = {
    "flask": ([*PYTHON, "flask", "--app", "examples/flask_app", "run", "--port", "{port}"], "/login", CALLBACK),
    "django": (
        [sys.executable, "examples/django_app.py", "runserver", "--noreload", "127.0.0.1:{port}"],
        "/login",
        CALLBACK,
    ),
    "mozilla-django-oidc": (
        ["sh", "-c", "{python} {app} migrate && exec {python} {app} runserver --noreload 127.0.0.1:{port}"],
        "/oidc/authenticate/",
        "/oidc/callback/",
    ),
    "fastapi": (
        [*PYTHON, "uvicorn", "--app-dir", "examples", "--port", "{port}", "fastapi_app:app"],
        "/login",
        CALLBACK,
    ),
    "openid-client": (["node", "examples/express/app.mjs"], "/login", CALLBACK),
    "oauth4webapi": (["node", "examples/express/oauth4webapi.mjs"], "/login", CALLBACK),
    "express-openid-connect": (["node", "examples/express/middleware.mjs"], "/", CALLBACK),
    "auth.js": (["node", "examples/express/authjs.mjs"], "/auth/signin", "/auth/callback/textproof"),
}
if (MODULES / "mod_auth_openidc.so").exists():  # Debian: apache2, libapache2-mod-auth-openidc
    LIBRARIES["apache"] = (["apache2", "-X", "-f", "{here}/apache.conf"], "/", CALLBACK)


@pytest.fixture(scope="module")
def textproof(server):
    settings = {"TEXTPROOF_REDIS_URL": server.url, "TEXTPROOF_SENDER": "demo", "TEXTPROOF_LIMITS_MODE": "observe"}
    with (
        service_group(3, TEXTPROOF_TRUSTED_PROXIES="1", **settings) as replicas,
        Balancer([replica.port for replica in replicas]) as balancer,
    ):
        yield balancer


@pytest.fixture
def example(textproof, add):
    """Runs one of them, and returns where it is."""
    started = []
    here = Path(tempfile.mkdtemp(prefix="textproof-example-"))  # Apache's user has to read it
    here.chmod(0o755)

    def run(name, algorithm="RS256"):
        port = free_port()
        command, _, back = LIBRARIES[name]
        url = f"http://127.0.0.1:{port}"
        environ = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "PORT": str(port),
            "VERIFY_URL": textproof.url,
            "VERIFY_KEY": add(
                "site" if name == "apache" else "shop", redirect_uris=(f"{url}{back}",), algorithm=algorithm
            ),
            "SITE_URL": url,
            "SECRET_KEY": "x" * 40,
            "DATABASE": str(here / "db.sqlite3"),
        }
        if algorithm != "RS256":
            environ["VERIFY_ALG"] = algorithm
        if name == "apache":
            (here / "site").mkdir(exist_ok=True)
            (here / "site/index.html").write_text("inside")
            text = APACHE.format(port=port, here=here, modules=MODULES, root=ROOT)
            (here / "apache.conf").write_text(text)
            environ["PATH"] += ":/usr/sbin"
        facts = {"port": port, "here": here, "python": sys.executable, "app": "examples/django_mozilla_app.py"}
        words = [word.format_map(facts) for word in command]
        child = Child(words, output=here / "log", cwd=ROOT, env=environ)
        started.append(child)
        time.sleep(KNOWN_SECONDS)  # then every replica knows the address
        wait_until(lambda: _answers(url), what=f"{name} answers", every=0.1)
        return url

    yield run

    for child in started:
        child.kill()
    shutil.rmtree(here)


def _answers(url):
    try:
        with Browser(url, timeout=5, headers=PAGE) as browser:
            return browser.get("/").status in {200, 302}
    except OSError:
        return False


def _path(address):
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _sent(shop, begin):
    """Begin as a person does: with some libraries there is a button first."""
    page = shop.get(begin)
    button = re.search('<form action="([^"]+)"', page.text) if page.status == 200 else None
    return shop.post(_path(button[1]), fields(page.text)) if button else page


def _walk(textproof, url, name, number):
    """Confirm a number for the example; return the browser that it knows, and the way back."""
    _, begin, back = LIBRARIES[name]
    shop, verify = Browser(url, headers=PAGE), Browser(textproof.url)
    out = _sent(shop, begin)
    assert out.status in {302, 303}, out.text
    assert out.headers["Location"].startswith(f"{textproof.url}/authorize?")
    page = verify.get(_path(verify.get(_path(out.headers["Location"])).headers["Location"]))
    asked = verify.post("/request", fields(page.text) | {"phone": number})
    assert asked.status == 303, asked.text
    form = fields(verify.get("/verify").text)
    done = verify.post("/verify", form | {"token": code_of(textproof, number)})
    assert done.status == 303, done.text
    assert done.headers["Location"].startswith(f"{url}{back}?code=")
    return shop, _path(done.headers["Location"])


def _seen(shop, back):
    """Go back to the example, and on to where it leads."""
    answer = shop.get(back)
    while answer.status in {302, 303}:
        answer = shop.get(_path(answer.headers["Location"]))
    return answer.status, answer.headers.get("X-Confirmed") or answer.text


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_an_example_confirms_a_number(name, algorithm, example, textproof, numbers):
    """By RS256, which almost every library takes unless told otherwise, and by ES256, which some have to be told of."""
    number = next(numbers)
    shop, back = _walk(textproof, example(name, algorithm), name, number)

    assert _seen(shop, back) == (200, f"Confirmed: {number}")


@pytest.mark.parametrize("name", LIBRARIES)
def test_an_example_takes_no_way_back_that_it_did_not_begin(name, example, textproof, numbers):
    """Neither in another browser (an attacker sends a link), nor with the code of another request."""
    url, begin = example(name), LIBRARIES[name][1]
    _, back = _walk(textproof, url, name, next(numbers))
    other, own = _walk(textproof, url, name, next(numbers))
    query = {name: values[0] for name, values in parse_qs(urlsplit(own).query).items()}
    swapped = query | {"code": parse_qs(urlsplit(back).query)["code"][0]}

    with Browser(url, headers=PAGE) as stranger:
        assert stranger.get(back).status >= 300
        assert _sent(stranger, begin).status in {302, 303}, "it has to begin as everybody does"
    answer = other.get(f"{urlsplit(own).path}?{urlencode(swapped)}")
    assert "Confirmed: +" not in answer.text + (answer.headers.get("X-Confirmed") or "")
    assert "Confirmed: +" not in other.get("/").text


def test_the_flask_example_confirms_a_number_with_a_form_of_its_own(example, textproof, numbers):
    number = next(numbers)
    with Browser(example("flask")) as shop:
        shop.post("/start", {"phone": number})
        wrong = shop.post("/check", {"token": "000000"})
        right = shop.post("/check", {"token": code_of(textproof, number)})

    assert wrong.status == 422
    assert (right.status, right.text) == (200, f"Confirmed: {number}")
