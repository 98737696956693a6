"""Which language people read, on pages and in messages, and that programs read English."""

import re

import pytest

from service.languages import NAMES
from tests.web.steps import ask, begin, check, nonce_of, resend, title_of

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture
def client(make_app):
    """A browser, where every language is offered."""
    return make_app(LANGUAGES=tuple(NAMES)).test_client()


def spoken(page):
    """Return the language and the direction that a page says it has."""
    found = re.search('<html lang="(.*?)" dir="(.*?)">', page.text)
    assert found is not None
    return found[1], found[2]


# -- Who decides


def test_the_browser_is_asked_first(client):
    page = client.get("/", headers=GERMAN)

    assert spoken(page) == ("de", "ltr")
    assert "Wie lautet Ihre Mobilnummer?" in page.text


@pytest.mark.parametrize("header", ["", "ja,ko;q=0.8", "*", ";;;", "x" * 500], ids=repr)
def test_who_asks_for_none_of_them_reads_the_first(client, make_app, header):
    assert spoken(client.get("/", headers={"Accept-Language": header}))[0] == "en"
    only = make_app(LANGUAGES=("fr", "de")).test_client()
    assert spoken(only.get("/", headers={"Accept-Language": header}))[0] == "fr"


def test_the_switch_counts_more_than_the_browser_and_is_remembered(client):
    client.get("/?lang=es", headers=GERMAN)

    assert spoken(client.get("/", headers=GERMAN))[0] == "es"
    assert spoken(client.get("/nowhere", headers=GERMAN))[0] == "es"


def test_the_cookie_of_the_switch_is_for_this_site_and_no_script(make_app):
    client = make_app(PUBLIC_URL="https://verify.example.com").test_client()

    (cookie,) = client.get("/?lang=es").headers.getlist("Set-Cookie")

    assert cookie.startswith("lang=es;")
    assert all(words in cookie for words in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))


@pytest.mark.parametrize("wish", ["xx", "", "../..", "de\x00", "<script>", "e" * 3000], ids=repr)
def test_a_wish_for_nothing_changes_nothing(client, wish):
    page = client.get("/", query_string={"lang": wish}, headers=GERMAN)

    assert spoken(page)[0] == "de"
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize(("offered", "read", "links_to"), [(("en", "de"), "en", 2), (("de",), "de", 0)])
def test_a_language_that_is_not_offered_cannot_be_had(make_app, offered, read, links_to):
    """Where there is one language there is no switch either."""
    page = make_app(LANGUAGES=offered).test_client().get("/?lang=es")

    assert spoken(page) == (read, "ltr")
    assert links(page) == [f"?lang={tag}" for tag in offered][:links_to]


# -- The switch


def links(page):
    found = re.search('<nav class="languages".*?</nav>', page.text, re.DOTALL)
    return re.findall('href="(.*?)"', found[0]) if found else []


def test_every_page_has_a_link_to_every_language_by_its_own_name(client, sender, number):
    pages = [client.get("/"), client.get("/nowhere")]
    begin(client, sender, number)

    for page in (*pages, client.get("/verify")):
        assert links(page) == [f"?lang={tag}" for tag in NAMES]
        for tag, name in NAMES.items():
            assert f'lang="{tag}" hreflang="{tag}"' in page.text
            assert f">{name}</a>" in page.text
        assert page.text.count("aria-current") == 1


def test_a_form_that_came_back_has_links_to_where_it_is_found(client, sender, number):
    """Its own address is for POST only."""
    assert {link.split("?")[0] for link in links(ask(client, "12345"))} == {"/"}
    begin(client, sender, number)
    assert {link.split("?")[0] for link in links(check(client, "12345"))} == {"/verify"}
    assert {link.split("?")[0] for link in links(resend(client))} == {"/verify"}


def test_a_link_leads_to_no_other_host(client):
    """`//elsewhere.example` is an address too."""
    assert {link.split("?")[0] for link in links(client.get("//elsewhere.example/"))} == {""}


# -- What is said


@pytest.mark.parametrize("tag", NAMES)
def test_every_page_of_the_way_is_in_one_language(client, sender, clock, number, tag):
    """No English is left over, and nothing breaks: each page is what it is in English, in other words."""
    english, other = client, client.application.test_client()
    other.get(f"/?lang={tag}")
    assert title_of(ask(english, "12345")).startswith("Error: ")

    wrong_number = ask(other, "12345")
    token = begin(other, sender, number)
    pages = [wrong_number, other.get("/verify"), check(other, "12"), check(other, token), other.get("/nowhere")]

    assert {spoken(page)[0] for page in pages} == {tag}
    assert [page.status_code for page in pages] == [422, 200, 422, 200, 404]
    if tag != "en":
        assert not re.search(r"\b(the|your|that|again)\b", " ".join(_visible(page) for page in pages))


def test_words_are_in_the_plural_that_goes_with_the_number(client, sender, number):
    client.get("/?lang=ar")
    token = begin(client, sender, number)
    other = ("1" if token[0] == "0" else "0") + token[1:]

    told = [check(client, other).text for _ in range(4)]

    words = ["بقيت 4 محاولات.", "بقيت 3 محاولات.", "بقيت محاولتان.", "بقيت محاولة واحدة."]
    assert [word in page for word, page in zip(words, told, strict=True)] == [True] * 4


def test_arabic_runs_from_right_to_left_and_what_does_not_stays_so(client, sender, number):
    assert spoken(client.get("/?lang=ar")) == ("ar", "rtl")
    first = client.get("/").text
    begin(client, sender, number)
    second = client.get("/verify").text

    assert re.search(r'<input id="phone"[^>]* dir="ltr"', first)
    assert '<bdi dir="ltr" class="example">+1 201-555-0123</bdi>' in first
    assert re.search(r'<input id="token"[^>]* dir="ltr"', second)
    assert f'<bdi dir="ltr">+1 {number[2:5]}-{number[5:8]}-{number[8:]}</bdi>' in second


def test_what_is_not_understood_is_named_and_stands_alone_in_arabic(client, sender, number):
    """The digits of that keyboard are understood."""
    arabic = "".join("٠١٢٣٤٥٦٧٨٩"[int(digit)] for digit in "2025550143")
    client.get("/?lang=ar")

    assert "\u2068O\u2069" in ask(client, "2O25550143").text
    assert ask(client, arabic).status_code == 303
    assert "\u2068G\u2069" in check(client, "4E1ACG").text


def test_the_waiting_page_is_told_in_its_language(client, sender, number):
    client.get("/?lang=es")
    begin(client, sender, number)

    assert client.get("/verify/status").json["message"] == "Tu código está en camino. Puede tardar un minuto."


# -- Messages


@pytest.mark.parametrize(
    ("tag", "words"),
    [("en", "is your"), ("es", "es tu codigo"), ("fr", "est votre code"), ("de", "ist Ihr Code"), ("ar", "رمزك")],
)
def test_the_message_is_in_the_language_of_the_page(client, sender, number, tag, words):
    client.get(f"/?lang={tag}")

    ask(client, number)

    assert words in sender.messages[-1].text


def test_a_message_that_is_sent_again_is_in_the_same_language(client, sender, clock, number):
    """Whatever happened to the page since."""
    client.get("/?lang=fr")
    begin(client, sender, number)
    clock.advance(30)
    client.get("/?lang=de")

    resend(client)

    assert [" est votre code " in message.text for message in sender.messages] == [True, True]


def test_the_page_of_a_verification_stays_in_its_language(client, sender, number):
    """Without the switch, that is: here, the browser's wish changes under way."""
    phone = client.application.test_client()
    page = phone.get("/", headers=GERMAN)
    phone.post("/request", data={"phone": number, "nonce": nonce_of(page)}, headers=GERMAN)

    assert spoken(phone.get("/verify", headers={"Accept-Language": "fr"}))[0] == "de"
    assert spoken(phone.get("/verify?lang=es", headers={"Accept-Language": "fr"}))[0] == "es"


# -- Programs


def test_programs_are_answered_in_english(client):
    client.get("/?lang=es")

    refused = client.post("/v1/verifications", headers=GERMAN)
    unknown = client.get("/v1/nowhere", headers=GERMAN)

    assert refused.json["title"] == "That key is not valid"
    assert unknown.json["title"] == "No such address"


def _visible(page):
    body = re.sub(r"(?s)<script.*?</script>|<nav class=\"languages\".*?</nav>|<header>.*?</header>", "", page.text)
    return re.sub(r"<[^>]*>", " ", body.split("<body>")[1])
