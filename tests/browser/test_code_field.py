"""The fields as phones and password managers see them, and the line in the message that they look for."""

import pytest
from playwright.sync_api import expect

from tests.browser.bound_code import BoundCode, read
from tests.browser.places import HOST
from tests.browser.visitor import SMALL, new_number

CONFIRMED = "Your number is confirmed – Textproof"
WEB_OTP = """
window.OTPCredential ??= class {};
navigator.credentials.get = (options) => new Promise((give, refuse) => {
  window.asked = { transport: options.otp.transport, aborted: false };
  window.receive = (code) => give({ code });
  options.signal.addEventListener("abort", () => { asked.aborted = true; refuse(options.signal.reason); });
});
"""
PASTE = """(field, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text", text);
  const isLeft = field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  if (isLeft) field.value = text.slice(0, field.maxLength);
}"""


def attributes(field):
    return field.evaluate("field => Object.fromEntries([...field.attributes].map(one => [one.name, one.value]))")


def code_field(visitor):
    return visitor.page.get_by_label("Code", exact=True)


def test_a_code_with_letters_gets_the_keyboard_with_letters(visitor):
    visitor.begin()

    expected = {"type": "text", "inputmode": "text", "autocapitalize": "characters", "autocomplete": "one-time-code"}

    assert expected.items() <= attributes(code_field(visitor)).items()


def test_a_code_of_digits_gets_the_keyboard_with_digits(visitor):
    visitor.begin(at=visitor.places.hasty)

    expected = {"type": "text", "inputmode": "numeric", "autocomplete": "one-time-code"}

    assert expected.items() <= attributes(code_field(visitor)).items()


def test_nobody_corrects_a_code(visitor):
    visitor.begin()

    assert {"autocorrect": "off", "spellcheck": "false"}.items() <= attributes(code_field(visitor)).items()


def test_there_is_one_field_and_it_has_the_focus(visitor):
    visitor.begin()

    assert visitor.page.locator("input:not([type=hidden])").count() == 1
    expect(code_field(visitor)).to_be_focused()


@pytest.mark.parametrize("length", range(4, 11))
def test_a_line_is_under_the_place_of_each_character(visitor, length):
    """As many as TOKEN_LENGTH may say, all of them in view, and in one field."""
    visitor.page.set_viewport_size(SMALL)
    visitor.begin()
    code_field(visitor).fill("0" * length)
    code_field(visitor).evaluate("(field, length) => { field.dataset.length = length }", length)

    lines, hidden = code_field(visitor).evaluate("""(field) => {
      return [getComputedStyle(field).getPropertyValue("--length"), field.scrollWidth - field.clientWidth];
    }""")

    assert (lines, hidden) == (str(length), 0)


def test_a_phone_number_gets_the_keyboard_for_it(visitor):
    visitor.open("/")

    expected = {"type": "tel", "inputmode": "tel", "autocomplete": "tel", "name": "phone"}

    assert expected.items() <= attributes(visitor.page.get_by_label("Mobile number")).items()


def test_the_country_that_we_assume_has_its_name(visitor):
    visitor.open("/")

    expect(visitor.page.locator("#phone-hint")).to_contain_text("If you leave out the +, we’ll use +1 (United States).")


# -- Typing and pasting


@pytest.mark.parametrize(
    "spell",
    [str.lower, lambda code: f" {code[:3]}-{code[3:]} ", " ".join, lambda code: code.replace("0", "o")],
    ids=["lower-case", "hyphen", "spaces", "letter-o"],
)
def test_a_code_is_taken_however_it_is_spelt(visitor, spell):
    code = visitor.code(visitor.begin())

    visitor.type(spell(code))

    expect(visitor.page).to_have_title(CONFIRMED)


def test_whoever_pastes_the_whole_message_means_the_code(visitor):
    number = visitor.begin()
    message = visitor.messages(number)[0]

    code_field(visitor).evaluate(PASTE, message)

    expect(code_field(visitor)).to_have_value(visitor.code(number))


@pytest.mark.parametrize(
    "around",
    [
        "{} is your Textproof code.",
        "{}.",
        "Code: {}",
        "G-{}",
        "Ihr Code:\n{}\n",
        "\u2068{}\u2069 رمزك",
        "\u200b{} is it",
    ],
    ids=ascii,
)
def test_whoever_pastes_part_of_the_message_means_the_code_as_well(visitor, around):
    """However short it is: 30 characters fit into the field."""
    code = visitor.code(visitor.begin())

    code_field(visitor).evaluate(PASTE, around.format(code))

    expect(code_field(visitor)).to_have_value(code)


@pytest.mark.parametrize("pasted", ["12 34-5f", "1O34\u201034l", "１２３４５６", "١٢٣٤٥٦", "hello", "12345"])
def test_what_can_be_a_code_or_holds_none_stays_as_it_is(visitor, pasted):
    visitor.begin()

    code_field(visitor).evaluate(PASTE, pasted)

    expect(code_field(visitor)).to_have_value(pasted)


# -- WebOTP


@pytest.fixture
def phone(visitor):
    """Somebody whose browser can read messages."""
    visitor.page.add_init_script(WEB_OTP)
    return visitor


def test_the_phone_may_fill_in_the_code_and_goes_on(phone):
    number = phone.begin()
    assert phone.page.evaluate("asked.transport") == ["sms"]

    with phone.page.expect_navigation():
        phone.page.evaluate("receive", phone.code(number))

    expect(phone.page).to_have_title(CONFIRMED)


def test_the_phone_stops_looking_when_people_were_faster(phone):
    phone.begin()
    code_field(phone).fill("000000")
    phone.page.evaluate("addEventListener('submit', (event) => event.preventDefault())")

    phone.page.get_by_role("button", name="Confirm").click()

    assert phone.page.evaluate("asked.aborted")


# -- The message


def test_the_last_line_of_the_message_binds_the_code_to_us(visitor):
    number = new_number()
    visitor.open("/", at=visitor.places.real)
    visitor.ask(number)

    message = visitor.places.telnyx.texts_to(number)[0]

    assert read(message) == BoundCode(HOST, message.split()[0])


def test_without_a_public_address_no_line_pretends_to_bind(visitor):
    assert read(visitor.messages(visitor.begin())[0]) is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("747723 is your code.\n\n@example.com #747723", BoundCode("example.com", "747723")),
        ("@example.com #747723", BoundCode("example.com", "747723")),
        ("@example.com #747723 %shop.example", BoundCode("example.com", "747723", "shop.example")),
        ("@example.com #747723 %shop.example $future", BoundCode("example.com", "747723", "shop.example")),
        ("something @example.com #747723", None),
        ("#747723 %shop.example @example.com", None),
        ("@example.com code #747723", None),
        ("@example.com  #747723", None),
        ("@example.com #747723\n", None),
        ("@ #747723", None),
    ],
)
def test_the_reader_reads_as_the_specification_says(message, expected):
    """Its own examples, and what its algorithm makes of the rest."""
    assert read(message) == expected
