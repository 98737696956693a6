"""Ids and digests: opaque, bound to their purpose, and good beyond a change of keys."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.verification.errors import UnknownVerification
from service.verification.keys import Handle, Key, Keyring
from service.verification.token import Token, TokenFormat

ONE = "+12025550143"
OTHER = "+12025550144"
SECRET = b"one secret, of the length that is asked for"
NEWER = b"another secret, set a year after the first one"
HEX = TokenFormat("hex", 6)
ID_FORM = re.compile("[A-Za-z0-9_-]{64}")
ID = Keyring([SECRET]).new_handle(ONE).id


@pytest.fixture
def ring():
    return Keyring([SECRET])


# -- Ids


def test_an_id_can_be_taken_apart_again(ring):
    handle = ring.new_handle(ONE)

    assert Handle.parse(handle.id) == handle


def test_an_id_has_128_random_bits_and_never_comes_twice(ring):
    """ASVS 5.0, 7.2.3. Base64 carries six bits a character."""
    handles = [ring.new_handle(ONE) for _ in range(10_000)]

    assert len({handle.random for handle in handles}) == 10_000
    assert {len(handle.random) * 6 // 128 for handle in handles} == {1}


def test_an_id_can_stand_in_a_cookie_and_a_path_as_it_is(ring):
    assert all(character.isalnum() or character in "-_" for character in ring.new_handle(ONE).id)


def test_an_id_says_nothing_of_its_number(ring):
    handle = ring.new_handle(ONE)

    assert ONE[-4:] not in handle.number
    assert handle.number != ring.new_handle(OTHER).number
    assert handle.number != Keyring([NEWER]).new_handle(ONE).number


def test_all_ids_of_a_number_share_its_digest(ring):
    """Redis keeps everything of a number in one slot, and its budgets under one name."""
    assert ring.new_handle(ONE).number == ring.new_handle(ONE).number == ring.current.number_digest(ONE)


@pytest.mark.parametrize(
    "id_",
    [
        "",
        "x",
        ID[:-1],
        ID + "A",
        ID + "\n",
        "\n" + ID,
        ID[:-1] + "=",
        ID[:-1] + "é",
        ID[:20] + "{}" + ID[22:],
        ID[:5] + "\x00" + ID[6:],
    ],
    ids=[
        "empty",
        "one-letter",
        "one-short",
        "one-long",
        "newline-behind",
        "newline-before",
        "padding",
        "accent",
        "braces",
        "nul",
    ],
)
def test_what_cannot_be_an_id_is_unknown(id_):
    """Ids become names in Redis: nothing but our own alphabet may get there."""
    with pytest.raises(UnknownVerification):
        Handle.parse(id_)


@given(st.text() | st.text("ABCabc012-_:{}", min_size=40, max_size=44))
def test_any_text_is_an_id_or_unknown(text):
    try:
        handle = Handle.parse(text)
    except UnknownVerification:
        return

    assert handle.random + handle.number + handle.key_id == text


# -- Ids of verifications that share a token


def shared(ring, number=ONE):
    """Return a handle that shares the token of another one, and that one."""
    first = ring.new_handle(number)
    return ring.new_handle(number).sharing(first.random), first


def test_an_id_that_shares_a_token_does_not_show_whose(ring):
    """Else it would hold all but nothing of the other's id: the rest of it is the number's, and the same."""
    handle, first = shared(ring)

    told = ring.sealed(handle)

    assert first.random in handle.id
    assert first.random not in told
    assert told.startswith(handle.id[:42])
    assert ID_FORM.fullmatch(told)


def test_a_sealed_id_opens_to_the_same_token(ring):
    handle, first = shared(ring)

    opened = ring.opened(ring.sealed(handle))

    assert opened == handle
    assert ring.current.token(opened, HEX).reveal() == ring.current.token(first, HEX).reveal()


def test_no_two_ids_are_sealed_alike(ring):
    """Two that share one token: else they would tell it of each other."""
    first = ring.new_handle(ONE)

    told = [ring.sealed(ring.new_handle(ONE).sharing(first.random))[42:] for _ in range(1000)]

    assert len(set(told)) == 1000


def test_a_sealed_part_is_good_for_its_own_id_only(ring):
    """Whoever makes up the sealed part, or moves it to another id, gets the token of nothing."""
    handle, first = shared(ring)
    told = ring.sealed(handle)
    other = ring.new_handle(ONE)

    assert ring.opened(other.id + told[42:]).shares != first.random
    assert ring.opened(other.id + first.random).shares != first.random


def test_an_id_that_shares_nothing_is_told_as_it_is(ring):
    handle = ring.new_handle(ONE)

    assert ring.sealed(handle) == handle.id
    assert ring.opened(handle.id) == handle


def test_a_sealed_id_outlives_a_change_of_keys(ring):
    handle, _ = shared(ring)

    assert Keyring([NEWER, SECRET]).opened(ring.sealed(handle)) == handle


@pytest.mark.parametrize(
    "id_",
    ["", "x", ID[:-1], ID + "A" * 21, ID + "A" * 21 + "=", ID + "A" * 23],
    ids=["empty", "one-letter", "one-short", "part-short", "padding", "part-long"],
)
def test_what_cannot_be_an_id_is_not_opened(ring, id_):
    with pytest.raises(UnknownVerification):
        ring.opened(id_)


def test_an_id_of_a_key_that_is_gone_is_not_opened(ring):
    with pytest.raises(UnknownVerification):
        Keyring([NEWER]).opened(ring.new_handle(ONE).id)


# -- Digests


def test_each_purpose_has_a_key_of_its_own():
    key = Key(SECRET)

    assert (
        len(
            {
                key.derive(purpose)
                for purpose in ("number", "token", "token digest", "nonce", "cookie", "demo", "id seal")
            }
        )
        == 7
    )
    assert len(key.derive("cookie")) == 32


def test_each_secret_has_keys_of_its_own():
    assert Key(SECRET).derive("cookie") != Key(NEWER).derive("cookie")
    assert Key(SECRET).id != Key(NEWER).id


def test_a_digest_of_one_purpose_means_nothing_in_another(ring):
    """Otherwise whoever may ask for the one could make the other."""
    key, handle = ring.current, ring.new_handle(ONE)

    made = [
        key.number_digest(handle.id),
        key.token_digest(handle, Token("")),
        key.request_digest(handle, ""),
        key.start_digest(handle.id, ""),
    ]

    assert not any(one.startswith(other[:11]) for one, other in itertools.permutations(made, 2))


def test_a_token_has_another_digest_in_every_verification(ring):
    """What is written in Redis for one verification opens no other, even when the characters are the same."""
    handles = [ring.new_handle(number) for number in (ONE, ONE, OTHER)]

    digests = {ring.current.token_digest(handle, Token("4E1AC0")) for handle in handles}

    assert len(digests) == 3


def test_a_token_never_opens_another_verification(ring):
    """10,000 random pairs, by what Redis compares."""
    key = ring.current
    for index in range(10_000):
        mine, other = ring.new_handle(ONE), ring.new_handle(ONE if index % 2 else OTHER)
        stolen, right = key.token(mine, HEX), key.token(other, HEX)

        opens = key.token_digest(other, stolen) == key.token_digest(other, right)

        assert opens is (stolen.reveal() == right.reveal())
        assert key.token_digest(mine, stolen) != key.token_digest(other, stolen)


def test_the_token_of_a_verification_is_always_the_same(ring):
    handle = ring.new_handle(ONE)

    assert ring.current.token(handle, HEX).reveal() == Key(SECRET).token(handle, HEX).reveal()


def test_the_digest_of_a_token_does_not_hold_it(ring):
    handle = ring.new_handle(ONE)
    token = ring.current.token(handle, HEX)

    assert token.reveal() not in handle.id
    assert token.reveal() not in ring.current.token_digest(handle, token)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "bc"), ("ab", "c")), (("1:a", ""), ("a", "")), (("a", ""), ("a", "4E1AC0")), (("a", "b"), ("b", "a"))],
    ids=["moved-border", "a-count-inside", "no-content", "swapped"],
)
def test_requests_that_differ_have_different_names(ring, one, other):
    handle = ring.new_handle(ONE)

    assert ring.current.request_digest(handle, *one) != ring.current.request_digest(handle, *other)


def test_the_same_nonce_for_another_number_is_another_request(ring):
    assert ring.current.start_digest(ONE, "nonce") != ring.current.start_digest(OTHER, "nonce")
    assert ring.current.start_digest(ONE, "nonce") == ring.current.start_digest(ONE, "nonce")


# -- A change of keys


def test_a_new_key_still_opens_what_the_old_one_closed(ring):
    handle = ring.new_handle(ONE)

    changed = Keyring([NEWER, SECRET])

    assert changed.of(handle).id == ring.current.id


def test_a_new_key_makes_what_comes_next():
    changed = Keyring([NEWER, SECRET])

    assert changed.new_handle(ONE).key_id == Key(NEWER).id


def test_a_key_that_is_gone_opens_nothing(ring):
    with pytest.raises(UnknownVerification):
        Keyring([NEWER]).of(ring.new_handle(ONE))
