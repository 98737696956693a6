"""`PAGES`: who may use the pages."""

import pytest

PATHS = ["/", "/verify", "/verify/status", "/start/anything"]


@pytest.mark.parametrize("path", PATHS)
def test_pages_that_are_off_are_not_there(make_app, path):
    client = make_app(PAGES="off").test_client()

    answer = client.get(path)

    assert answer.status_code == 404
    if path != "/verify/status":
        assert "You cannot start here" in answer.text
        assert "<form" not in answer.text
        assert 'href="/"' not in answer.text


@pytest.mark.parametrize("path", ["/request", "/verify", "/resend", "/cancel"])
def test_nothing_can_be_posted_to_pages_that_are_off(make_app, sender, number, path):
    answer = make_app(PAGES="off").test_client().post(path, data={"phone": number, "token": "123456"})

    assert (answer.status_code, sender.messages) == (404, [])


@pytest.mark.parametrize("pages", ["off", "applications"])
def test_whoever_comes_by_themselves_finds_no_form_and_can_have_nothing_sent(make_app, sender, number, pages):
    client = make_app(PAGES=pages).test_client()

    assert client.get("/").status_code == 404
    assert client.post("/request", data={"phone": number}).status_code == 404
    assert client.post("/request", data={"phone": number, "session": "invented"}).status_code == 404
    assert sender.messages == []


def test_an_open_form_is_for_everybody(client):
    assert "<form" in client.get("/").text
