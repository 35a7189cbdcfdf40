"""The language of the page: the browser's at first, then the one that was chosen, on every page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import serving
from tests.ui.app_parts import app_of, comparison

pytestmark = pytest.mark.browser


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    app, journal = app_of(tmp_path, [comparison(0)])
    with serving(app) as address:
        yield address
    journal.close()


@pytest.mark.parametrize(
    ("locale", "start", "pages"),
    [
        ("ru-RU", "Начать", ["Оценка", "Раунды", "Смесь", "Пожелания", "Команда", "Чат", "Справка"]),
        ("zh-CN", "开始", ["标注", "轮次", "配比", "意图", "团队", "对话", "帮助"]),
    ],
)
def test_the_browsers_language_is_spoken_and_another_can_be_chosen(
    chromium: Browser,
    url: str,
    locale: str,
    start: str,
    pages: list[str],
):
    context = chromium.new_context(locale=locale, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{url}/login")
    expect(page.locator("button")).to_have_text(start)
    page.fill("input[name=name]", "anna")
    page.click("button")
    names = page.locator(".nav-holder a")
    expect(names).to_have_text(pages)
    assert page.evaluate("document.documentElement.lang")[:2] == locale[:2]
    assert page.locator(".fl-card").bounding_box()["width"] > 340
    page.select_option(".fl-language", "en")
    expect(names).to_have_text(["Label", "Rounds", "Soup", "Intent", "Team", "Chat", "Help"])
    page.goto(f"{url}/help")
    expect(page.locator("#fl-help h1")).to_have_text("How it works")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.clear_cookies(name="feedback_loop_language")
    page.reload()
    expect(page.locator("#fl-help h1")).to_have_text("How it works")
    context.close()


def test_texts_have_plurals_numbers_and_places(chromium: Browser, url: str):
    context = chromium.new_context(locale="ru-RU")
    page = context.new_page()
    page.goto(f"{url}/login")
    page.evaluate(
        """window.feedbackLoopWords.words.pairs =
           { one: "{n} пара из {all}", few: "{n} пары из {all}", many: "{n} пар из {all}", other: "{n} пары из {all}" };
           window.feedbackLoopWords.words.share = "{who}: {part:percent} <b>"; """
    )
    said = [page.evaluate("n => window.feedbackLoop.t('pairs', { n, all: 12345 })", n) for n in (1, 3, 5, 21, 1.5)]
    assert [s.split(" из")[0] for s in said] == ["1 пара", "3 пары", "5 пар", "21 пара", "1,5 пары"]
    assert said[0].split("из ")[1].replace("\xa0", " ") == "12 345"
    share = page.evaluate("window.feedbackLoop.t('share', { who: '{part}', part: 0.42 })")
    assert share.replace("\xa0", " ") == "{part}: 42 % <b>"
    assert page.evaluate("window.feedbackLoop.t('no.such.text')") == "no.such.text"
    context.close()
