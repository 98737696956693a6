"""Every language has every string, says the same with the same facts in it, and is what machines read."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from service.languages import NAMES, PLACE, RIGHT_TO_LEFT, Languages, language

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [tag for tag in NAMES if tag != "en"]
FACT = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
EXTRACT = ["extract", "--mapping", "pyproject.toml", "--keyword", "marked", "--no-location"]


def catalogue(tag):
    with (PLACE / tag / "LC_MESSAGES" / "textproof.po").open("rb") as file:
        return read_po(file)


def words(messages):
    return {message.id: message for message in messages if message.id}


@pytest.fixture(scope="module")
def in_the_code(tmp_path_factory):
    """What the code and the templates say, as `make languages` finds it."""
    found = tmp_path_factory.mktemp("words") / "textproof.pot"
    pybabel = [sys.executable, "-m", "babel.messages.frontend"]
    subprocess.run([*pybabel, "--quiet", *EXTRACT, "--output-file", found, "."], cwd=ROOT, check=True)
    with found.open("rb") as file:
        return words(read_po(file))


def test_there_is_a_catalogue_for_every_language_and_no_other():
    assert {path.parts[-3] for path in PLACE.glob("*/LC_MESSAGES/textproof.po")} == set(OTHERS)


@pytest.mark.parametrize("tag", OTHERS)
def test_every_language_has_every_string_and_no_other(tag, in_the_code):
    """`make languages` brings in what is new; somebody has to translate it."""
    have = words(catalogue(tag))

    assert set(have) == set(in_the_code)
    assert [message.id for message in have.values() if message.fuzzy or not _all(message)] == []


@pytest.mark.parametrize("tag", OTHERS)
def test_every_string_has_the_facts_of_the_english_one(tag):
    """In "one minute" and its like, the number may be a word; of ten it may not."""
    plural = [message.id for message in words(catalogue(tag)).values() if isinstance(message.id, tuple)]
    wrong = [many for one, many in plural if not FACT.search(language(tag).ngettext(one, many, 10))]
    for message in words(catalogue(tag)).values():
        one, *many = message.id if isinstance(message.id, tuple) else (message.id,)
        facts = set(FACT.findall(one))
        wrong += [form for form in _forms(message) if (facts != set(FACT.findall(form))) and not many]
        wrong += [form for form in _forms(message) if not set(FACT.findall(form)) <= facts]

    assert wrong == []


@pytest.mark.parametrize("tag", OTHERS)
def test_machines_read_what_people_wrote(tag):
    """`make languages` compiles the catalogues."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(tag))

    assert (PLACE / tag / "LC_MESSAGES" / "textproof.mo").read_bytes() == compiled.getvalue()


def test_a_duration_that_a_script_counts_stands_alone_in_arabic():
    """Browsers count in the nominative: "دقيقتان", never after "بعد", which the words for two of the server go with."""
    counted = [message.string for message in words(catalogue("ar")).values() if "{time}" in message.id]

    assert counted
    assert [text for text in counted if not text.endswith(": {time}")] == []


@pytest.mark.parametrize("tag", sorted(RIGHT_TO_LEFT))
def test_what_runs_from_right_to_left_is_in_its_own_script(tag):
    """A string that was forgotten would be Latin letters from end to end."""
    kept = {"START", "A", "F"}
    latin = {
        form
        for message in words(catalogue(tag)).values()
        for form in _forms(message)
        if set(re.findall("[A-Za-z]+", FACT.sub("", form))) - kept
    }

    assert latin == set()


@pytest.mark.parametrize(
    ("locale", "tag"),
    [("es", "es"), ("es-MX", "es"), ("ES_mx", "es"), ("ar-EG", "ar"), ("pt-BR", None), ("", None), ("english", None)],
    ids=str,
)
def test_a_locale_leads_to_its_language(locale, tag):
    found = Languages().pick(locale)

    assert (found and found.tag) == tag
    assert Languages(["de", "fr"]).of("ja").tag == "de"


def _forms(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


def _all(message):
    return all(_forms(message))
