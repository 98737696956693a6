"""The keyring: ids, tokens and digests are opaque, bound to their purpose, and good beyond a new generation."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.verification.errors import UnknownVerification
from service.verification.keyring import GENERATIONS, ID, LINES, Keyring
from service.verification.phone import PhoneNumber
from service.verification.token import Token, TokenFormat

ONE = PhoneNumber("+12025550143", "US")
OTHER = PhoneNumber("+12025550144", "US")
LONGEST = PhoneNumber("+999999999999999", "ZZ")
HEX = TokenFormat("hex", 6)
V4 = {"address": "192.0.2.7"}
V6 = {"address": "2001:db8:1:2::/64", "network": "2001:db8:1::/48"}
RING = Keyring.make()
A = RING.new_handle(ONE).id
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def ring():
    return Keyring.make()


# -- Ids


@pytest.mark.parametrize(("caller", "length"), [({}, 63), (V4, 63), (V6, 72)], ids=["nobody", "IPv4", "IPv6"])
@pytest.mark.parametrize("number", [ONE, LONGEST], ids=["usual", "longest"])
def test_an_id_opens_to_all_that_it_carries(ring, number, caller, length):
    handle = ring.new_handle(number, **caller)

    opened = ring.opened(handle.id)

    assert opened == handle
    assert (opened.number.e164, opened.number.known_region) == (number.e164, number.known_region)
    assert len(handle.id) == length
    assert [bool(opened.address), bool(opened.network)] == [bool(caller), "network" in caller]


@pytest.mark.parametrize("caller", [{}, V4, V6], ids=["nobody", "IPv4", "IPv6"])
def test_an_id_that_shares_a_token_carries_the_other_s_seed(ring, caller):
    first = ring.new_handle(ONE, **V4)
    second = ring.sharing(ring.new_handle(ONE, **caller), first.seed)

    opened = ring.opened(second.id)

    assert opened == second
    assert ID.fullmatch(second.id)
    assert ring.token(opened, HEX).reveal() == ring.token(first, HEX).reveal()
    assert second.random != first.random
    assert first.random not in second.id


@pytest.mark.parametrize("shares", [False, True])
def test_the_same_request_gets_the_same_id(ring, shares):
    """From the memo that the store keeps of it, which tells no number."""
    first = ring.new_handle(ONE, **V6)
    given_out = ring.sharing(first, ring.new_handle(ONE).seed) if shares else first

    recalled = ring.recalled(ONE, first.memo)

    assert (ring.sharing(recalled, given_out.shares) if shares else recalled) == given_out


def test_an_id_has_96_random_bits_and_never_comes_twice(ring):
    """Base64 carries six bits a character."""
    handles = [ring.new_handle(ONE) for _ in range(10_000)]

    assert len({handle.random for handle in handles}) == len({handle.id for handle in handles}) == 10_000
    assert {len(handle.random) * 6 for handle in handles} == {96}


@given(st.integers(0, len(A) - 1), st.sampled_from(LETTERS))
def test_an_id_that_was_changed_is_unknown(place, letter):
    changed = A[:place] + letter + A[place + 1 :]

    if changed != A:
        with pytest.raises(UnknownVerification):
            RING.opened(changed)


@given(st.text() | st.text(LETTERS + "=+/\n\0é", min_size=60, max_size=92) | st.integers(60, 94).map("A".__mul__))
def test_any_text_is_unknown(text):
    """No other error, whatever comes, and be it of another installation."""
    for id_ in (text, A + text[:3], text[:3] + A, Keyring.make().new_handle(ONE).id):
        if id_ != A:
            with pytest.raises(UnknownVerification):
                RING.opened(id_)


# -- Tokens and digests


def test_the_token_of_a_verification_is_always_the_same_and_in_no_name(ring):
    handle = ring.new_handle(ONE)

    token = ring.token(handle, HEX).reveal()

    assert Keyring.of(ring.contents).token(handle, HEX).reveal() == token
    assert not any(token in name for name in (handle.id, ring.token_digest(handle, Token(token))))


def test_a_token_has_another_digest_in_every_verification(ring):
    """What is written in Redis for one verification opens no other, even when the characters are the same."""
    handles = [ring.new_handle(number) for number in (ONE, ONE, OTHER)]

    assert len({ring.token_digest(handle, Token("4E1AC0")) for handle in handles}) == 3


def test_a_digest_of_one_purpose_means_nothing_in_another(ring):
    """Otherwise whoever may ask for the one could make the other."""
    text = ONE.e164
    made = [
        ring.number_digest(text),
        ring.request_digest(text, ""),
        ring.subject_digest("address", text),
        ring.subject_digest("source", text),
        ring.sealed_label(text),
        ring.token_digest(ring.new_handle(ONE), Token(text)),
    ]

    assert not any(one.startswith(other[:10]) for one, other in itertools.permutations(made, 2))


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "bc"), ("ab", "c")), (("1:a", ""), ("a", "")), (("a", ""), ("a", "4E1AC0")), (("a", "b"), ("b", "a"))],
    ids=["moved-border", "a-count-inside", "no-content", "swapped"],
)
def test_requests_that_differ_have_different_names(ring, one, other):
    assert ring.request_digest("subject", *one) == ring.request_digest("subject", *one)
    assert ring.request_digest("subject", *one) != ring.request_digest("subject", *other)
    assert ring.request_digest("subject", *one) != ring.request_digest("another", *one)


def test_a_line_tells_who_is_a_neighbour_and_no_digits(ring):
    """The offset is the range's own; only that of one range is known to who knows one of its numbers."""
    ranges = [f"+1202{exchange}" for exchange in range(200, 400)]
    lines = [[ring.range_digest(PhoneNumber(f"{range_}{line}"))[1] for line in (9998, 9999)] for range_ in ranges]

    assert all((first + 1) % LINES == second for first, second in lines)
    assert all(0 <= line < LINES for pair in lines for line in pair)
    assert len({first for first, _ in lines}) > 150
    assert ring.range_digest(ONE) != ring.range_digest(OTHER)
    assert ring.range_digest(ONE)[0] == ring.range_digest(OTHER)[0]


def test_a_label_is_read_by_who_has_the_keyring_only(ring):
    sealed = ring.sealed_label(ONE.range)

    assert ring.opened_label(sealed) == ONE.range
    assert ring.sealed_label(ONE.range) == sealed
    assert ONE.range[1:] not in sealed
    assert [Keyring.make().opened_label(sealed), ring.opened_label("a friend"), ring.opened_label("é")] == ["?"] * 3


# -- Generations


def test_a_new_generation_opens_what_the_old_one_closed_and_closes_anew(ring):
    old = ring.new_handle(ONE, **V6)
    rotated = ring.rotated()
    new = rotated.new_handle(ONE)

    assert rotated.opened(old.id) == old
    assert rotated.token(old, HEX).reveal() == ring.token(old, HEX).reveal()
    assert rotated.recalled(ONE, old.memo) == old
    assert rotated.seals("cookie")[1:] == ring.seals("cookie")
    assert new.generation != old.generation
    for step in (lambda: ring.opened(new.id), lambda: ring.token(new, HEX)):
        with pytest.raises(UnknownVerification):
            step()


def test_a_new_generation_changes_no_name_in_the_store(ring):
    """Or blocks, opt-outs and the hundred wrong checks in a row would be forgotten."""
    handle = ring.new_handle(ONE, **V6)

    def names(keyring):
        return [
            keyring.number_digest(ONE.e164),
            keyring.subject_digest("source", "192.0.2.7"),
            keyring.range_digest(ONE),
            keyring.token_digest(handle, Token("4E1AC0")),
            keyring.request_digest(ONE.e164, "form-1"),
            keyring.sealed_label(ONE.range),
            keyring.derive("sub"),
            keyring.new_handle(ONE, **V6).address,
            keyring.new_handle(ONE, **V6).network,
        ]

    assert names(ring.rotated()) == names(ring)
    assert all(one != other for one, other in zip(names(Keyring.make()), names(ring), strict=True))


def test_generations_are_told_apart_and_the_oldest_goes(ring):
    """By one byte in an id: two with the same would be taken for each other."""
    for _ in range(100):
        before, ring = ring, ring.rotated()
        marks = [generation.mark for generation in ring.generations]
        assert len(set(marks)) == len(marks) <= GENERATIONS
        assert ring.seals("cookie")[1:] == before.seals("cookie")[: GENERATIONS - 1]


def test_a_keyring_is_before_those_that_were_made_of_it(ring):
    once, other = ring.rotated(), ring.rotated()

    assert ring.is_before(once)
    assert ring.is_before(once.rotated())
    assert not any(one.is_before(two) for one, two in [(ring, ring), (once, ring), (once, other), (other, once)])
    assert not ring.is_before(Keyring.make())


def test_the_id_of_a_keyring_is_that_of_its_contents(ring):
    assert Keyring.of(ring.contents).id == ring.id
    assert len({ring.id, ring.rotated().id, ring.rotated().id, Keyring.make().id}) == 4
