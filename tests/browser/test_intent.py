"""The Intent page by keys and on a phone: wishes with evidence, one taken in other words, one dismissed, words answered."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import serving
from tests.browser_fixture import log_in
from tests.ui.app_parts import app_of
from tests.ui.intent_parts import recording

pytestmark = pytest.mark.browser
CALLS: list[tuple[str, ...]] = []


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    CALLS.clear()
    app, journal = app_of(tmp_path, [], intent=recording(CALLS))
    with closing(journal), serving(app) as address:
        yield address


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/intent-{name}.png", full_page=True)


def test_wishes_are_read_taken_in_other_words_and_dismissed(page: Page, url: str):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 900})
    log_in(page, url)
    page.goto(f"{url}/intent")
    emoji = page.locator("[data-key='emoji.no']")
    expect(emoji.locator("h3")).to_have_text("Use no emoji.")
    expect(emoji).to_contain_text("44 of 52 choices between answers that differ in it went this way.")
    expect(emoji).to_contain_text("Where the answers are alike in all else that was found: 12 of 13.")
    expect(emoji).to_contain_text("5 of 5 rewritten answers that change it do so. By chance: 1 in 5,000 or less.")
    words = page.locator("[data-key='max_words']")
    expect(words).to_contain_text("Any number from 12 to 16")
    expect(words).not_to_contain_text("alike")
    expect(page.locator("[data-part='perhaps'] [data-key='caveat.no']")).to_contain_text("No program can check")
    expect(page.locator("[data-part='quoted'] blockquote").first).to_have_text("Too long![U+202E]")
    expect(page.locator("[data-part='brief'] [data-verdict='against']")).to_contain_text("choices go against it")
    emoji.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(emoji.locator(".fl-answer").first).to_contain_text("<b>Wipe</b> it.")
    shot(page, "1280")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing is cut off at the side"
    shot(page, "390-dark")

    line = emoji.locator("textarea")
    assert line.input_value() == "Use no emoji. [check: emoji=false]"
    line.fill("No emoji at all. [check: emoji=false]")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#fl-intent-said")).to_contain_text("In the brief now: No emoji at all.")
    expect(emoji).to_have_count(0)
    words = page.locator("[data-key='comment:too long']")
    words.get_by_role("button", name="Put it into the brief").click()
    expect(words.locator("textarea")).to_be_focused()
    page.locator("[data-key='caveat.no']").get_by_role("button", name="Dismiss").click()
    expect(page.locator("[data-part='perhaps']")).to_have_count(0)
    assert [call[:2] for call in CALLS] == [("accept", "emoji.no"), ("dismiss", "caveat.no")]
    assert errors == []
