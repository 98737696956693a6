"""What an operator may change of the pages, and that none of it loosens anything."""

import re

import pytest

from service.colours import contrast, lightened, mix
from service.web.branding import GROUND, PAPER, TEMPLATES, Branding
from tests.web.steps import ask, begin, check

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><path d="M0 0h120v40H0z"/></svg>'
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x50\0\0\0\x28\x08\6\0\0\0"
COLOURS = ["#000000", "#0000ff", "#b00020", "#6200ee", "#757575", "#006a4e", "#c2185b"]  # each 4.5 or more on white


# -- Logo and colour


def test_a_logo_is_served_from_here_and_takes_its_place_before_it_comes(make_app, tmp_path):
    """Three times as wide as high, as it says itself: nothing moves when it arrives."""
    (tmp_path / "acme.SVG").write_text(SVG)
    client = make_app(LOGO=str(tmp_path / "acme.SVG")).test_client()

    page = client.get("/").text

    [(address, width)] = re.findall(r'<header><img src="(/static/logo\.svg\?v=\w+)" alt="" width="(\d+)"', page)
    assert width == "84"
    assert client.get(address).text == SVG
    assert client.get(address).mimetype == "image/svg+xml"
    assert f'<link rel="icon" href="{address}">' in page


def test_a_png_says_how_wide_it_is(make_app, tmp_path):
    (tmp_path / "acme.png").write_bytes(PNG)

    assert Branding(logo=str(tmp_path / "acme.png")).logo_width == 56


@pytest.mark.parametrize(
    "content", ["<svg/>", '<svg viewBox="0 0 0 0"/>', '<svg viewBox="0 0 1.2.3 4"/>', ""], ids=ascii
)
def test_a_picture_that_does_not_say_is_taken_for_a_square(tmp_path, content):
    (tmp_path / "acme.svg").write_text(content)

    assert Branding(logo=str(tmp_path / "acme.svg")).logo_width == 28


def test_a_colour_becomes_part_of_the_sheet_and_of_the_icon_and_is_another_address(make_app):
    """Otherwise browsers would keep the old one for a year."""
    client = make_app(ACCENT_COLOR="#b00020").test_client()

    page = client.get("/").text
    [sheet] = re.findall(r'href="(/static/style\.css\?v=\w+)"', page)

    assert "--accent: #b00020" in client.get(sheet).text
    assert b"#b00020" in client.get("/static/icon.svg").data
    assert "b00020" not in page
    assert sheet not in make_app().test_client().get("/").text


@pytest.mark.parametrize("colour", COLOURS)
def test_every_accent_that_is_taken_can_be_read_in_light_and_dark(colour):
    """Text on a button, under the pointer, and as a link: WCAG 2.2, 1.4.3."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+)", part)) for part in Branding(accent=colour).styles().split("@media")
    )

    assert min(contrast(light[name], "#ffffff") for name in ("accent", "strong")) >= 4.5
    assert contrast(light["strong"], light["tint"]) >= 4.5
    assert contrast("#17211f", light["tint"]) >= 7
    assert min(contrast(dark[name], dark["on-accent"]) for name in ("accent", "strong")) >= 4.5
    assert min(contrast(dark["accent"], ground) for ground in (PAPER, GROUND, dark["tint"])) >= 4.5
    assert min(contrast(colour, dark["tint"]) for colour in (dark["strong"], "#eef3f1")) >= 4.5


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#abcdef", "#abcdef", 1)]
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert round(contrast(one, other), 2) == round(contrast(other, one), 2) == ratio


def test_colours_are_mixed_by_their_share():
    assert [mix("#000000", "#ffffff", share) for share in (0, 0.5, 1)] == ["#000000", "#808080", "#ffffff"]
    assert lightened("#ffffff", until=22, on="#ffffff") == "#ffffff"
    assert lightened("#777777", until=4, on="#000000") == "#777777"


# -- Links


def test_links_are_there_where_they_are_set(make_app):
    links = {
        "SUPPORT_URL": "mailto:help@example.com",
        "TERMS_URL": "https://example.com/terms?a=1&b=2",
        "PRIVACY_URL": "https://example.com/privacy",
    }
    page = make_app(**links).test_client().get("/").text
    plain = make_app().test_client().get("/").text

    assert '<a href="mailto:help@example.com">Help</a>' in page
    assert '<a href="https://example.com/terms?a=1&amp;b=2">Terms</a>' in page
    assert '<a href="https://example.com/privacy">Privacy</a>' in page
    assert not any(word in plain for word in (">Help<", ">Terms<", ">Privacy<"))


@pytest.mark.parametrize(
    ("regions", "is_dear"), [(["US"], True), (["GB", "CA"], True), (["GB", "DE"], False)], ids=["us", "ca", "elsewhere"]
)
def test_whoever_pays_for_messages_is_told_before(make_app, regions, is_dear):
    page = make_app(ALLOWED_REGIONS=regions).test_client().get("/").text

    assert ("Message and data rates may apply." in page) == is_dear


# -- Templates


def test_a_template_of_the_operator_goes_before_ours_and_can_build_on_it(make_app, tmp_path):
    (tmp_path / "verify_success.html").write_text(
        '{% extends "textproof/verify_success.html" %}{% block main %}{{ super() }}<p>Welcome to Acme</p>{% endblock %}'
    )
    client = make_app(TEMPLATES=str(tmp_path)).test_client()

    page = client.application.jinja_env.get_template("verify_success.html")
    with client.application.test_request_context("/"):
        shown = page.render()

    assert "Welcome to Acme" in shown
    assert "Your number is confirmed" in shown
    assert "What is your mobile number?" in client.get("/").text


BROKEN = {
    "a mistake of syntax": ({"verify.html": "line\n{% if %}\n"}, "verify.html, line 2: Expected an expression"),
    "what all build on": (
        {"base.html": "{% block main %}{% endblock %}\n{{ nobody.knows }}"},
        "base.html, line 2: 'nobody' is undefined",
    ),
    "a name that nobody has": (
        {"verify.html": "\n{{ verification.id | upper }}\n{{ verification.nothing.of_it }}"},
        "verify.html, line 3: ",
    ),
    "an unknown filter": ({"index.html": "{{ brand | shout }}"}, "index.html, line 1: No filter named 'shout'"),
    "a part that is not there": ({"index.html": '{% include "mine.html" %}'}, "there is no template mine.html"),
    "an address of nothing": ({"index.html": "{{ url_for('pages.start') }}"}, "index.html, line 1: Could not build"),
    "no text": ({"index.html": b"\xff\xfe"}, "index.html: 'utf-8'"),
    "in a folder": ({"parts/mine.html": "{% end %}"}, "parts/mine.html, line 1: "),
    "only of the docs": ({"docs.html": "{{ chapters.nothing.of_it }}"}, "docs.html, line 1: "),
}


@pytest.mark.parametrize(("files", "words"), BROKEN.values(), ids=BROKEN)
def test_a_template_that_is_broken_stops_the_start_with_its_place_and_why(make_app, tmp_path, files, words):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(SystemExit) as stopped:
        make_app(TEMPLATES=str(tmp_path))

    assert words in str(stopped.value)
    assert str(stopped.value).count("has a template that cannot be shown") == 1


def test_our_own_templates_can_be_shown_with_what_others_are_tried_with(make_app, tmp_path):
    """Copied whole: each of them is somebody's."""
    for path in TEMPLATES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())

    make_app(TEMPLATES=str(tmp_path), ALLOWED_REGIONS=["US", "GB"])
    make_app(TEMPLATES=str(tmp_path), SENDER="demo", sender=None)
    make_app(TEMPLATES=str(tmp_path), PAGES="off")


# -- Country


@pytest.fixture
def abroad(make_app):
    return make_app(ALLOWED_REGIONS=["US", "GB", "DE"]).test_client()


def chosen(page):
    return re.findall(r'<option value="(\w+)"[^>]* selected', page.text)


def test_where_several_countries_are_allowed_a_plain_list_has_them_and_no_other(abroad, client, make_app):
    page = abroad.get("/")

    assert re.findall(r'<option value="(\w+)"', page.text) == ["DE", "GB", "US"]
    assert chosen(page) == ["US"]
    assert ">GB +44</option>" in page.text
    assert "<select" not in client.get("/").text, "where there is one"
    away = make_app(COUNTRY_CODE="+49", ALLOWED_REGIONS=["GB", "FR"]).test_client()
    assert chosen(away.get("/")) == ["FR"], "the home need not be allowed"


def test_a_number_is_dialled_in_the_country_that_was_chosen(abroad, sender):
    assert chosen(abroad.post("/request", data={"region": "GB", "phone": "07"})) == ["GB"], "still there"

    assert abroad.post("/request", data={"region": "GB", "phone": "07400 123456"}).status_code == 303
    assert sender.messages[-1].to.e164 == "+447400123456"


@pytest.mark.parametrize("region", ["FR", "XX", "", "<b>", "g" * 300], ids=repr)
def test_a_country_that_is_not_in_the_list_is_not_dialled(abroad, sender, number, region):
    assert abroad.post("/request", data={"region": region, "phone": number[2:]}).status_code == 303
    assert sender.messages[-1].to.e164 == number


# -- Wrong number


def test_a_number_that_is_to_be_changed_comes_back_to_the_form_of_this_browser_until_another_is_confirmed(
    client, sender, number, numbers
):
    begin(client, sender, number)
    client.post("/cancel")

    assert f'value="+1 {number[2:5]}-{number[5:8]}-{number[8:]}"' in client.get("/").text
    assert number not in client.get_cookie("textproof").value
    assert 'value=""' in client.application.test_client().get("/").text
    check(client, begin(client, sender, next(numbers)))
    assert 'value=""' in client.get("/").text


def test_only_the_store_knows_it_and_forgets_it(client, sender, redis, number):
    begin(client, sender, number)
    client.post("/cancel")
    redis.flushall()

    assert 'value=""' in client.get("/").text


def test_nobody_is_scolded(client, number):
    for _ in range(5):
        ask(client, number)

    assert "<h2>Wait before you try again</h2>" in ask(client, number).text
