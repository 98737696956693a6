"""The keyring in an operator's hands: `textproof keys rotate`, `reseal` and `discard`, and what `/readyz` says."""

import json

import pytest
from click.testing import CliRunner

from service.__main__ import main
from service.verification.envelope import Keys
from service.verification.errors import WrongSecret
from tests.conftest import OLD_SECRET, SECRET
from tests.web.steps import begin, check

NEW_SECRET = "the secret that comes after it, as long as the others"
ODD = {"SECRET_KEY": "a secret that no other replica has, of this length", "SECRET_KEY_FALLBACKS": ()}


@pytest.fixture
def textproof(make_store, settings, monkeypatch):
    """The command, a process of its own each time: `textproof("rotate", SECRET_KEY=…)`."""

    def run(*words: str, group: str = "keys", **changes):
        changed = settings(**changes)
        monkeypatch.setattr("service.__main__.settings_or_say", lambda: changed)
        monkeypatch.setattr("service.__main__.redis_store", lambda settings: make_store(settings.policy))
        return CliRunner().invoke(main, [group, *words])

    return run


def opens(store, *secrets: str) -> bool:
    """Tell whether a fresh process with these secrets is ready to use the keyring."""
    try:
        return bool(Keys(store.keyring, secrets, prefix="tp").state())
    except WrongSecret:
        return False


def ready(app) -> tuple[int, list[str]]:
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.json.get("faults", [])


@pytest.fixture
def trusted(monkeypatch):
    """The store itself is to be trusted: fakeredis cannot say so."""
    monkeypatch.setattr("service.store.redis.RedisStore.ready", lambda _self: [])


# -- rotate


def test_a_rotation_loses_no_code_and_no_cookie(textproof, client, sender, number):
    token = begin(client, sender, number)

    said = textproof("rotate")

    assert (said.exit_code, "new generation" in said.output) == (0, True)
    assert check(client, token).status_code == 200


def test_a_rotation_shuts_out_no_secret_by_surprise(textproof, store, keys):
    """One that opens the keyring and is not set here is a replica that has not changed yet, or one to be removed."""
    before = keys().id

    said = textproof("rotate", SECRET_KEY_FALLBACKS=())

    assert said.exit_code == 1
    assert "SECRET_KEY_FALLBACKS" in said.output
    assert "textproof keys reseal" in said.output
    assert Keys(store.keyring, [SECRET], prefix="tp")().id == before


# -- A new SECRET_KEY


def test_a_new_secret_in_any_order_and_the_old_one_opens_until_it_is_resealed(textproof, store, keys):
    keyring = keys()
    assert Keys(store.keyring, [NEW_SECRET, SECRET], prefix="tp")().id == keyring.id
    assert Keys(store.keyring, [SECRET, OLD_SECRET], prefix="tp")().id == keyring.id
    assert opens(store, NEW_SECRET)
    assert opens(store, SECRET)

    said = textproof("reseal", SECRET_KEY=NEW_SECRET, SECRET_KEY_FALLBACKS=())

    assert (said.exit_code, said.output) == (0, "2 other secrets open the keyring no more.\n")
    assert opens(store, NEW_SECRET)
    assert not opens(store, SECRET)
    assert Keys(store.keyring, [NEW_SECRET], prefix="tp")().id == keyring.id


# -- A replica with another secret


@pytest.mark.parametrize("secret", [ODD, {"SECRET_KEY": "", "SECRET_KEY_FALLBACKS": ()}], ids=["another", "none"])
def test_a_replica_that_cannot_open_the_keyring_says_so_and_changes_nothing(  # noqa: PLR0917
    make_app, store, keys, trusted, redis, capsys, secret
):
    keys()
    before = redis.hgetall("{tp}:keyring")
    odd = make_app(store=store, **secret)

    status, [fault] = ready(odd)
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    assert status == 503
    assert fault.startswith("SECRET_KEY does not open the keyring in Redis")
    assert [line["faults"] for line in logged if line["event"] == "not_ready"] == [[fault]]
    assert odd.test_client().post("/request", data={"phone": "+12025550143"}).status_code == 503
    assert redis.hgetall("{tp}:keyring") == before


@pytest.mark.parametrize("words", [("keys", "rotate"), ("keys", "reseal"), ("limits",)], ids=" ".join)
def test_a_command_with_another_secret_says_so(textproof, keys, words):
    keys()
    group, *rest = words

    said = textproof(*rest, group=group, **ODD)

    assert said.exit_code == 1
    assert said.output.startswith("SECRET_KEY does not open the keyring in Redis")
