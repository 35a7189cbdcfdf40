"""All languages say the same things, and the pages say nothing that no language has."""

import json
import re
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from tests.ui.app_parts import app_of
from ui.languages import COOKIE, LANGUAGES, language_of

UI = Path(__file__).parents[2] / "ui"
PLURALS = {"en": {"one", "other"}, "ru": {"one", "few", "many", "other"}, "zh": {"other"}}
"""Plural categories of whole numbers, and of fractions (CLDR)."""


def texts(language: str) -> dict:
    return json.loads((UI / "words" / f"{language}.json").read_text(encoding="utf-8"))


def places(text) -> set[str]:
    forms = [text] if isinstance(text, str) else text.values()
    return {place for form in forms for place in re.findall(r"\{(\w+(?::\w+)?)\}", form)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_exactly_the_texts_of_english_with_the_same_places(language: str):
    said, english = texts(language), texts("en")
    assert set(said) == set(english)
    assert {k: places(v) for k, v in said.items()} == {k: places(v) for k, v in english.items()}
    assert all(text for text in said.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plural_has_the_forms_of_its_language_and_a_number_to_choose_by(language: str):
    for key, text in texts(language).items():
        if isinstance(text, dict):
            assert set(text) == PLURALS[language], key
            assert "n" in places(text), key


@pytest.mark.parametrize("script", sorted((UI / "static").rglob("*.js")), ids=lambda p: p.name)
def test_what_a_page_says_is_in_the_texts(script: Path):
    source, known = re.sub(r"(?m)^\s*//.*$", "", script.read_text(encoding="utf-8")), texts("en")
    said = re.findall(r"""\b(?:t|parts)\(\s*(["'`])((?:(?!\1).)*?)(\1|\$\{)""", source)
    for _, key, end in said:
        assert any(k.startswith(key) for k in known) if end == "${" else key in known, (script.name, key)


def test_every_language_has_its_help_with_the_same_keys():
    keys = {
        lang: re.findall(r"^\| (`.*?`) \|", (UI / "help" / f"{lang}.md").read_text(), re.MULTILINE)
        for lang in LANGUAGES
    }
    assert len(keys["en"]) >= 6
    assert keys["ru"] == keys["zh"] == keys["en"]


@pytest.mark.parametrize(
    ("cookie", "accepted", "spoken"),
    [
        ("", "", "en"),
        ("", "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("", "de-DE,de;q=0.9,zh-TW;q=0.5,en;q=0.3", "zh"),
        ("", "en;q=0.2, ru;q=0.7", "ru"),
        ("", "ru;q=0, fr", "en"),
        ("", "ru;q=often", "en"),
        ("zh", "ru", "zh"),
        ("../../secret", "ru", "ru"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_first_that_the_browser_asks_for(cookie: str, accepted: str, spoken: str):
    headers = [(b"accept-language", accepted.encode()), (b"cookie", f"{COOKIE}={cookie}".encode())]
    assert language_of(Request({"type": "http", "headers": headers})) == spoken


def test_the_log_in_speaks_before_anybody_is_known(tmp_path: Path):
    client = TestClient(app_of(tmp_path, [])[0], headers={"Accept-Language": "ru"})
    page = client.get("/login").text
    assert '<html lang="ru" dir="ltr">' in page
    assert "Ваше имя" in page
    assert client.get("/page/language.js").text.isascii()
    assert (
        "Справка" in json.loads(client.get("/page/language.js").text.split("= ", 1)[1].rstrip(";\n"))["words"].values()
    )
    assert "<h1>Как это устроено</h1>" in client.get("/page/help.html").text
