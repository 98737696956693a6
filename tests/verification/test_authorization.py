"""Authorizations: requests travel sealed, a code answers one of them once, and what was pushed is good once."""

import re
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from service.verification.authorization import (
    Authorization,
    Authorizations,
    NoAuthorization,
    TooLong,
    challenge_of,
)
from tests.conftest import SECRET

BACK = "https://shop.example.com/phone"
VERIFIER = "a-verifier-of-43-characters-at-least-as-it-must-be"
NUMBER = "+12025550143"


@pytest.fixture
def authorizations(store, keys, clock):
    return Authorizations(store.notes, keys, clock=clock)


@pytest.fixture
def asked(clock):
    return another(clock)


def another(clock, **changes):
    usual: dict[str, Any] = {
        "client": "shop",
        "redirect_uri": BACK,
        "issuer": "https://verify.example.com",
        "ends": int(clock()) + 60,
    }
    usual |= {"id": secrets.token_urlsafe(32), "challenge": challenge_of(VERIFIER), "state": "state-1"}
    return Authorization(**usual | changes)


@pytest.fixture
def code(authorizations, asked):
    return authorizations.approve(asked, "first", NUMBER)


@pytest.fixture
def redeem(authorizations):
    """As the application does that the code is for."""

    def redeem(code, **changes):
        usual: dict[str, Any] = {"client": "shop", "redirect_uri": BACK, "verifier": VERIFIER}
        return authorizations.redeem(code, **usual | changes)

    return redeem


def refused(why):
    return pytest.raises(NoAuthorization, match=f"^{why}$")


# -- Requests


def test_a_request_comes_back_as_it_was_and_is_written_nowhere(authorizations, asked, redis, keys):
    keys()
    before = redis.keys("*")

    one, other = authorizations.sealed(asked), authorizations.sealed(asked)

    assert authorizations.opened(one) == authorizations.opened(other) == asked
    assert one != other
    assert re.fullmatch("[A-Za-z0-9_=-]+", one), "it can be in an address"
    assert redis.keys("*") == before


def test_what_was_sealed_elsewhere_or_for_something_else_opens_nothing(authorizations, asked):
    for sealed in ("", "x", authorizations.pushed({}), authorizations.sealed(asked)[:-9] + "AAAAAAAA="):
        with refused("unknown"):
            authorizations.opened(sealed)
    with refused("unknown"):
        authorizations.pulled(authorizations.sealed(asked))


def test_what_a_cookie_cannot_carry_is_not_sealed(authorizations, asked):
    assert len(authorizations.sealed(replace(asked, state="s" * 1500))) < 3500
    with pytest.raises(TooLong):
        authorizations.sealed(replace(asked, state="s" * 3000))
    with pytest.raises(TooLong):
        authorizations.pushed({"state": "s" * 3000})


@pytest.mark.parametrize(
    "path", ["", "?x", "/%7Ephone", "/a%2Fb%3Fc%23d", "/a/../b", "//a", "/%", "/%0d%0aX:y", "/a?x=%41&y=a+b%20c"]
)
def test_the_way_back_is_the_address_to_the_letter(clock, path):
    """Nothing on the way reads it and writes it anew."""
    back = f"https://shop.example.com{path}"

    answer = another(clock, redirect_uri=back).answer(code="c&d")

    assert answer.startswith(back + ("&" if "?" in path else "?"))
    assert parse_qsl(answer.removeprefix(back)[1:]) == [
        ("code", "c&d"),
        ("state", "state-1"),
        ("iss", "https://verify.example.com"),
    ]


def test_who_gives_up_goes_where_the_application_said_or_back_with_an_error(clock):
    assert another(clock, cancel_uri="https://shop.example.com/cart").way_out == "https://shop.example.com/cart"
    assert another(clock).way_out.startswith(f"{BACK}?error=access_denied&state=state-1&iss=")


# -- Codes


def test_the_first_number_that_is_confirmed_answers_a_request_and_always_with_the_same_code(
    authorizations, asked, clock
):
    assert not authorizations.is_answered(asked)

    code = authorizations.approve(asked, "first", NUMBER)

    assert authorizations.is_answered(asked)
    assert authorizations.approve(asked, "first", NUMBER) == authorizations.code(asked, "first") == code
    assert authorizations.approve(another(clock), "first", NUMBER) != code
    for again in (
        lambda: authorizations.approve(asked, "second", "+12025550199"),
        lambda: authorizations.code(asked, "2"),
    ):
        with refused("answered"):
            again()


REFUSED = {
    "another application": ({"client": "rival"}, "foreign"),
    "another address": ({"redirect_uri": f"{BACK}/"}, "redirect_uri"),
    "no verifier": ({"verifier": ""}, "verifier"),
    "a wrong verifier": ({"verifier": "A" * 43}, "verifier"),
    "the challenge itself": ({"verifier": challenge_of(VERIFIER)}, "verifier"),
    "a strange verifier": ({"verifier": "é\0"}, "verifier"),
}


@pytest.mark.parametrize(("changes", "why"), REFUSED.values(), ids=REFUSED)
def test_a_code_is_refused_to_all_others_and_stays_good(redeem, code, changes, why):
    with refused(why):
        redeem(code, **changes)

    assert redeem(code)


def test_a_verifier_for_a_request_without_a_challenge_is_refused(authorizations, redeem, clock):
    """An attacker may have taken the challenge out of the request (RFC 9700, 2.1.1)."""
    code = authorizations.approve(another(clock, challenge=""), "first", NUMBER)

    with refused("verifier"):
        redeem(code)
    assert redeem(code, verifier="")


def test_a_code_is_good_for_a_minute(authorizations, redeem, asked, code, clock, redis):  # noqa: PLR0917
    second = authorizations.approve(another(clock), "second", NUMBER)
    clock.advance(59)
    assert authorizations.code(asked, "first") == code
    assert redeem(code)
    clock.advance(1)
    before = len(redis.keys("*"))

    for late in (
        lambda: redeem(second),
        lambda: authorizations.code(asked, "first"),
        lambda: authorizations.approve(asked, "first", NUMBER),
    ):
        with refused("late"):
            late()
    assert len(redis.keys("*")) == before + 1, "that it was used, and no token"


@pytest.mark.parametrize("seconds", [0, 61])
def test_a_code_that_is_used_again_revokes_what_it_gave(authorizations, redeem, code, clock, seconds):
    """Late as well: two had it, and one of them is not the application (RFC 6749, 4.1.2)."""
    _, token = redeem(code)
    assert authorizations.access(token).number == NUMBER
    clock.advance(seconds)

    with refused("replayed"):
        redeem(code)
    with refused("unknown"):
        authorizations.access(token)


class Meanwhile:
    """Notes, with something else done before the step of this place."""

    def __init__(self, notes, place, step):
        self._notes = notes
        self._left = place
        self._step = step

    def __getattr__(self, verb):
        def call(*arguments, **facts):
            self._left -= 1
            if self._left == -1:
                self._step()
            return getattr(self._notes, verb)(*arguments, **facts)

        return call


@pytest.mark.parametrize("place", range(3))
def test_of_two_that_use_a_code_at_once_one_gets_a_token_and_none_keeps_it(  # noqa: PLR0917
    store, keys, clock, authorizations, redeem, code, place
):
    """In whatever order their steps come: whoever is second finds what to revoke."""
    given = []

    def take(one):
        with suppress(NoAuthorization):
            given.append(one.redeem(code, client="shop", redirect_uri=BACK, verifier=VERIFIER)[1])

    take(Authorizations(Meanwhile(store.notes, place, lambda: take(authorizations)), keys, clock=clock))

    (token,) = given
    with refused("unknown"):
        authorizations.access(token)


def test_an_access_token_is_good_for_five_minutes(authorizations, redeem, code, clock):
    grant, token = redeem(code)
    clock.advance(299)
    assert authorizations.access(token) == replace(grant, ends=grant.at + 300)
    clock.advance(1)

    with refused("late"):
        authorizations.access(token)
    for other in ("", "\0é", code):
        with refused("unknown"):
            authorizations.access(other)
    with refused("unknown"):
        redeem(token)


def test_codes_and_tokens_outlive_a_rotation_of_the_keyring(authorizations, asked, redeem, code, keys):
    keys.rotate()

    assert authorizations.code(asked, "first") == code
    assert authorizations.access(redeem(code)[1])


def test_neither_a_code_nor_what_it_stands_for_can_be_read_in_the_store(redeem, code, redis):
    _, token = redeem(code)

    held = b" ".join(name + (redis.get(name) if redis.type(name) == b"string" else b"") for name in redis.keys("*"))

    for fact in (NUMBER, BACK, "shop", "state-1", code, token):
        assert fact.encode() not in held
    assert {name for name in redis.keys("*") if redis.ttl(name) < 0} == {b"{tp}:keyring"}


# -- Pushed requests


def test_what_was_pushed_is_pulled_once(authorizations):
    pushed = authorizations.pushed({"client_id": "shop", "state": ""})

    assert authorizations.pulled(pushed) == {"client_id": "shop", "state": ""}
    with refused("replayed"):
        authorizations.pulled(pushed)


def test_what_was_pushed_is_good_for_ninety_seconds(authorizations, clock):
    first, second = authorizations.pushed({}), authorizations.pushed({})
    clock.advance(89)
    assert authorizations.pulled(first) == {}
    clock.advance(1)

    with refused("late"):
        authorizations.pulled(second)


# -- The name of a number


def test_a_number_has_one_name_for_each_application(authorizations):
    asked = (("shop", NUMBER), ("rival", NUMBER), ("shop", "+12025550199"))
    names = {authorizations.subject(*of) for of in asked * 2}

    assert len(names) == 3
    assert all(re.fullmatch(r"[\w-]{32}", name) for name in names)


def test_the_name_of_a_number_outlives_secrets_and_rotations_and_with_a_key_of_its_own_the_store(store, keys, clock):
    def name(*secrets, own=""):
        opened = type(keys)(store.keyring, secrets or [SECRET], prefix="tp")
        return Authorizations(store.notes, opened, clock=clock, subject_key=own).subject("shop", NUMBER)

    before, own = name(), name(own="k" * 40)
    type(keys)(store.keyring, [SECRET], prefix="tp").rotate()
    changed = name("n" * 40, SECRET)
    store.keyring.drop()

    assert changed == before != own
    assert name() != before
    assert name(own="k" * 40) == own
