"""`PAGES`: who may use the pages."""

import pytest


def test_pages_that_are_off_are_not_there(make_app):
    client = make_app(PAGES="off").test_client()

    for path in ("/", "/verify", "/start?authorization=x"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "You cannot start here" in answer.text
        assert "<form" not in answer.text
        assert 'href="/"' not in answer.text
    assert client.get("/verify/status").status_code == 404


@pytest.mark.parametrize("pages", ["off", "applications"])
def test_whoever_comes_by_themselves_finds_no_form_and_can_have_nothing_sent(make_app, sender, number, pages):
    client = make_app(PAGES=pages).test_client()
    form = {"phone": number, "token": "123456"}

    assert client.get("/").status_code == 404
    assert client.post("/request", data=form | {"authorization": "invented"}).status_code == 404
    for path in ("/request", "/verify", "/resend", "/cancel"):
        if pages == "off" or path == "/request":
            assert client.post(path, data=form).status_code == 404
    assert sender.messages == []
