"""What the benchmark compares with renders the service's own pages: it breaks when they ask for something new."""

import pytest

from bench.performance import bare
from tests.support.servers import StoreServer

pytestmark = pytest.mark.slow
FORM = {"token": "A1B2C3", "nonce": "once"}
JSON = {"token": "A1B2C3", "to": "+12025550143"}


@pytest.fixture(scope="module")
def client():
    with StoreServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BARE_REDIS_URL", server.url)
        yield bare.create_app().test_client()


@pytest.mark.parametrize(
    ("path", "status"), [("/none/form", 200), ("/one/form", 200), ("/one/again", 422), ("/one/redirect", 303)]
)
def test_each_page_is_answered(client, path, status):
    assert client.post(path, data=FORM).status_code == status


@pytest.mark.parametrize("path", ["/none/json", "/one/json"])
def test_each_answer_is_given(client, path):
    assert client.post(path, json=JSON).status_code == 200
