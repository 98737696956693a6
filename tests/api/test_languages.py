"""An application says which language its people speak."""

from service.languages import NAMES
from tests.api.application import RETURN_URL


def test_the_message_is_in_the_locale_of_the_verification(shop, sender, number):
    shop.start(number, locale="fr-CA")

    assert " est votre code " in sender.messages[-1].text


def test_a_locale_that_is_not_offered_is_as_good_as_none(shop, sender, number):
    shop.start(number, locale="pt-BR")

    assert " is your " in sender.messages[-1].text


def test_a_message_that_is_sent_again_stays_in_its_locale(shop, sender, clock, number):
    begun = shop.start(number, locale="de")
    clock.advance(30)

    assert shop.post(f"/v1/verifications/{begun['id']}/resend").status_code == 200
    assert [" ist Ihr Code " in message.text for message in sender.messages] == [True, True]


def test_a_problem_is_in_english_whatever_the_locale(shop):
    refused = shop.post("/v1/verifications", {"to": "12345", "locale": "es"}, **{"Accept-Language": "es"})

    assert refused.json["title"] == "Check the number"


def test_the_pages_of_a_session_are_in_its_locale(make_app, store, add_client, sender, number):
    """Until the person chooses another language."""
    app = make_app(store=store, SENDER="demo", LANGUAGES=tuple(NAMES))
    key = add_client("shop", return_urls=[RETURN_URL])
    person = app.test_client()
    opened = person.post(
        "/v1/sessions", json={"return_url": RETURN_URL, "locale": "ar"}, headers={"Authorization": f"Bearer {key}"}
    )
    way = f"/start/{opened.json['id']}"

    assert '<html lang="ar" dir="rtl">' in person.get(way, headers={"Accept-Language": "de"}).text
    again = person.post("/request", data={"phone": "12345", "session": opened.json["id"]})
    assert '<html lang="ar" dir="rtl">' in again.text
    assert f'href="{way}?lang=es"' in again.text
    assert '<html lang="es" dir="ltr">' in person.get(f"{way}?lang=es").text
    person.post("/request", data={"phone": number, "session": opened.json["id"]})
    assert " es tu codigo " in sender.messages[-1].text
