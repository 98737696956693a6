"""What breaks with the service: the comparison renders its pages, and recipes of attacks walk through them."""

from contextlib import ExitStack

import pytest

from bench import recipes
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


def test_a_recipe_is_played_over_http():
    with ExitStack() as ends:
        found = recipes.b5(ends)

    assert found.kept, found.now
    assert set(recipes.BEFORE) == {*(f"A{place}" for place in range(1, 11)), *(f"B{place}" for place in range(1, 8))}
